//! The tables, as both migration trees make them; a test compares this file with both engines.
#![expect(missing_docs, reason = "the columns are explained in the migrations")]

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    orgs (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Nullable<Id>,
        body_hash -> Nullable<Binary>,
        kind -> Text,
        parent_id -> Nullable<Id>,
        bureau_id -> Id,
        name -> Text,
        region_code -> Nullable<Text>,
        time_zone -> Text,
        school_kind -> Nullable<Text>,
        identifier -> Nullable<Text>,
        features -> Doc,
        students -> Nullable<Integer>,
        staff -> Nullable<Integer>,
        max_floor -> Nullable<Integer>,
        address -> Nullable<Text>,
        lat -> Nullable<Double>,
        lng -> Nullable<Double>,
        datum -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    org_closure (ancestor_id, descendant_id) {
        ancestor_id -> Id,
        descendant_id -> Id,
        depth -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    sites (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Nullable<Id>,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        parent_id -> Nullable<Id>,
        kind -> Text,
        name -> Text,
        code -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    users (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Nullable<Id>,
        body_hash -> Nullable<Binary>,
        username -> Text,
        display_name -> Text,
        phone -> Nullable<Text>,
        password_hash -> Text,
        must_change_password -> Bool,
        demo -> Bool,
        disabled_at -> Nullable<Utc>,
        rights_version -> BigInt,
        failed_logins -> Integer,
        locked_until -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    memberships (id) {
        id -> Id,
        created_at -> Utc,
        created_by -> Nullable<Id>,
        user_id -> Id,
        bureau_id -> Id,
        org_id -> Id,
        role -> Text,
        domains -> Nullable<Doc>,
        valid_from -> Utc,
        valid_to -> Nullable<Utc>,
        ended_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    sessions (id) {
        id -> Id,
        user_id -> Id,
        device_id -> Nullable<Text>,
        device_name -> Nullable<Text>,
        created_at -> Utc,
        last_used_at -> Utc,
        expires_at -> Utc,
        ended_at -> Nullable<Utc>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> Id,
        created_at -> Utc,
        expires_at -> Utc,
        spent_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    events (seq) {
        seq -> BigInt,
        tx -> BigInt,
        epoch -> Integer,
        stream -> Text,
        bureau_id -> Nullable<Id>,
        org_id -> Nullable<Id>,
        entity -> Text,
        entity_id -> Id,
        action -> Text,
        actor -> Nullable<Id>,
        device -> Nullable<Text>,
        at -> Utc,
        payload -> Text,
        content_hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    idempotency_keys (user_id, method, path, key) {
        user_id -> Id,
        method -> Text,
        path -> Text,
        key -> Text,
        body_hash -> Binary,
        status -> Integer,
        reply -> Text,
        created_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    serials (bureau_id, series, year) {
        bureau_id -> Id,
        series -> Text,
        year -> Integer,
        last -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    category_overrides (bureau_id, code) {
        bureau_id -> Id,
        code -> Text,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        name_zh -> Nullable<Text>,
        name_en -> Nullable<Text>,
        definition_zh -> Nullable<Text>,
        position -> Nullable<Integer>,
        active -> Nullable<Bool>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    checklists (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Nullable<Id>,
        body_hash -> Nullable<Binary>,
        bureau_id -> Nullable<Id>,
        org_id -> Nullable<Id>,
        lineage_id -> Id,
        revision -> Integer,
        title -> Text,
        status -> Text,
        published_at -> Nullable<Utc>,
        retired_at -> Nullable<Utc>,
        sections -> Doc,
        scoring -> Nullable<Doc>,
        adds_to -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    checklist_items (checklist_id, code) {
        checklist_id -> Id,
        position -> Integer,
        code -> Text,
        category -> Text,
        domain -> Text,
        item -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    deadline_policies (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Nullable<Id>,
        body_hash -> Nullable<Binary>,
        bureau_id -> Nullable<Id>,
        level -> Text,
        domain -> Nullable<Text>,
        source -> Nullable<Text>,
        remedy -> Nullable<Text>,
        days -> Integer,
        day_kind -> Text,
        active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    calendar_years (bureau_id, year) {
        bureau_id -> Id,
        year -> Integer,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        days -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    inspections (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Nullable<Id>,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        kind -> Text,
        title -> Text,
        announced -> Bool,
        status -> Text,
        planned_on -> Nullable<Date>,
        lead_id -> Id,
        started_at -> Nullable<Utc>,
        started_by -> Nullable<Id>,
        start_location -> Nullable<Doc>,
        start_device_time -> Nullable<Utc>,
        submitted_at -> Nullable<Utc>,
        submitted_by -> Nullable<Id>,
        conclusion -> Nullable<Text>,
        signatures -> Nullable<Doc>,
        acknowledgement -> Nullable<Doc>,
        confirmed_at -> Nullable<Utc>,
        confirmed_by -> Nullable<Id>,
        voided_at -> Nullable<Utc>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
        start_skew_s -> Nullable<BigInt>,
        start_distance_m -> Nullable<Double>,
        revision -> Integer,
        objection_reply -> Nullable<Doc>,
        score -> Nullable<Doc>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    inspection_checklists (inspection_id, checklist_id) {
        inspection_id -> Id,
        checklist_id -> Id,
        position -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    inspection_team (inspection_id, user_id) {
        inspection_id -> Id,
        user_id -> Id,
        position -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    answers (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        bureau_id -> Id,
        org_id -> Id,
        inspection_id -> Id,
        checklist_id -> Id,
        item_code -> Text,
        position -> Integer,
        category -> Text,
        domain -> Text,
        result -> Nullable<Text>,
        value -> Nullable<Doc>,
        note -> Nullable<Text>,
        reason -> Nullable<Text>,
        site_id -> Nullable<Id>,
        severity -> Nullable<Text>,
        on_the_spot -> Bool,
        evidence_ids -> Doc,
        before_evidence_ids -> Doc,
        after_evidence_ids -> Doc,
        measures_taken -> Nullable<Text>,
        fixed_by -> Nullable<Id>,
        answered_by -> Nullable<Id>,
        answered_at -> Nullable<Utc>,
        device_time -> Nullable<Utc>,
        hazard_id -> Nullable<Id>,
        photos_received -> Integer,
        evidence_gaps -> Integer,
        touched -> Nullable<Doc>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazards (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Nullable<Id>,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        site_id -> Nullable<Id>,
        number -> Text,
        status -> Text,
        level -> Text,
        proposed_level -> Text,
        level_decided_by -> Nullable<Id>,
        category -> Text,
        domain -> Text,
        title -> Text,
        description -> Text,
        basis -> Nullable<Text>,
        requirement -> Nullable<Text>,
        source -> Text,
        escalate -> Bool,
        found_at -> Utc,
        registered_at -> Utc,
        reported_by -> Id,
        inspection_id -> Nullable<Id>,
        item_code -> Nullable<Text>,
        evidence_ids -> Doc,
        responsible_org_id -> Id,
        responsible_user_id -> Nullable<Id>,
        leader_user_id -> Nullable<Id>,
        lead_section -> Nullable<Text>,
        remedy -> Nullable<Text>,
        bureau_side -> Bool,
        issued_at -> Nullable<Utc>,
        issued_by -> Nullable<Id>,
        acknowledged_at -> Nullable<Utc>,
        acknowledged_by -> Nullable<Id>,
        due_at -> Nullable<Utc>,
        due_on -> Nullable<Date>,
        original_due_at -> Nullable<Utc>,
        plan_due_at -> Nullable<Utc>,
        policy_id -> Nullable<Id>,
        calendar_provisional -> Bool,
        plan -> Nullable<Doc>,
        plan_filed_at -> Nullable<Utc>,
        round -> Integer,
        returns -> Integer,
        submissions -> Integer,
        rectifiers -> Doc,
        reported_done_at -> Nullable<Utc>,
        reported_done_by -> Nullable<Id>,
        recheck_due_at -> Nullable<Utc>,
        recheckers -> Doc,
        passed_at -> Nullable<Utc>,
        approved_by -> Nullable<Id>,
        closed_at -> Nullable<Utc>,
        closed_by -> Nullable<Id>,
        closed_kind -> Nullable<Text>,
        void_reason -> Nullable<Text>,
        reopened -> Integer,
        recurrence_of -> Nullable<Id>,
        marks -> Doc,
        proposed_recurrence_of -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_rounds (hazard_id, round) {
        hazard_id -> Id,
        round -> Integer,
        due_at -> Nullable<Utc>,
        measures_taken -> Nullable<Text>,
        cost_fen -> Nullable<BigInt>,
        evidence_ids -> Doc,
        signed_off_by -> Nullable<Id>,
        reported_by -> Nullable<Id>,
        reported_at -> Nullable<Utc>,
        outcome -> Nullable<Text>,
        opinion -> Nullable<Text>,
        recheckers -> Doc,
        on_site -> Nullable<Bool>,
        recheck_evidence_ids -> Doc,
        rechecked_by -> Nullable<Id>,
        rechecked_at -> Nullable<Utc>,
        approval_opinion -> Nullable<Text>,
        approved_by -> Nullable<Id>,
        approved_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    comments (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        hazard_id -> Id,
        text -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_counters (scope_id, rollup, month, due_month, category, domain, level) {
        bureau_id -> Id,
        scope_id -> Id,
        rollup -> Text,
        month -> Text,
        due_month -> Text,
        category -> Text,
        domain -> Text,
        level -> Text,
        found -> BigInt,
        closed -> BigInt,
        on_spot -> BigInt,
        self_found -> BigInt,
        on_time -> BigInt,
        original_on_time -> BigInt,
        submissions -> BigInt,
        returns -> BigInt,
        duration_s -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_people (hazard_id, user_id, part) {
        hazard_id -> Id,
        user_id -> Id,
        part -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_extensions (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        hazard_id -> Id,
        serial -> Integer,
        reason -> Text,
        interim_controls -> Text,
        due_at -> Utc,
        due_before -> Utc,
        status -> Text,
        decide_by -> Utc,
        decided_by -> Nullable<Id>,
        decided_at -> Nullable<Utc>,
        opinion -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_listings (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        hazard_id -> Id,
        authority -> Text,
        number -> Text,
        demand -> Text,
        listed_at -> Utc,
        delisted_at -> Nullable<Utc>,
        delisted_by -> Nullable<Id>,
        opinion -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_progress_reports (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        hazard_id -> Id,
        listing_id -> Nullable<Id>,
        progress -> Text,
        percent -> Integer,
        difficulties -> Nullable<Text>,
        evidence_ids -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_suspensions (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        hazard_id -> Id,
        scope -> Text,
        reason -> Text,
        since -> Utc,
        lifted_at -> Nullable<Utc>,
        lifted_by -> Nullable<Id>,
        opinion -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_referrals (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        hazard_id -> Id,
        authority -> Text,
        authority_name -> Text,
        matter -> Text,
        referred_at -> Utc,
        reply_due_at -> Utc,
        replied_at -> Nullable<Utc>,
        reply -> Nullable<Text>,
        reply_recorded_by -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    notices (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        bureau_id -> Nullable<Id>,
        org_id -> Nullable<Id>,
        kind -> Text,
        entity -> Text,
        entity_id -> Id,
        colour -> Nullable<Text>,
        due_at -> Nullable<Utc>,
        dedupe -> Text,
        payload -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    notice_recipients (notice_id, user_id) {
        notice_id -> Id,
        user_id -> Id,
        created_at -> Utc,
        read_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    leases (name) {
        name -> Text,
        holder -> Id,
        until -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    monthly_reports (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        month -> Text,
        nothing_found -> Bool,
        note -> Nullable<Text>,
        stated_spent_fen -> Nullable<BigInt>,
        spent_fen -> BigInt,
        late -> Bool,
        corrected_late -> Bool,
        submitted_at -> Utc,
        submitted_by -> Id,
        figures -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    aggregate_entries (report_id, domain) {
        report_id -> Id,
        bureau_id -> Id,
        org_id -> Id,
        month -> Text,
        domain -> Text,
        found -> BigInt,
        rectified -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    month_unlocks (org_id, month) {
        org_id -> Id,
        month -> Text,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        bureau_id -> Id,
        unlocked_by -> Id,
        until_at -> Utc,
        reason -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    month_policies (bureau_id) {
        bureau_id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        grace_days -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    reports (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        kind -> Text,
        status -> Text,
        category -> Nullable<Text>,
        domain -> Nullable<Text>,
        title -> Nullable<Text>,
        description -> Text,
        site_id -> Nullable<Id>,
        level -> Nullable<Text>,
        basis -> Nullable<Text>,
        found_at -> Utc,
        reported_by -> Nullable<Id>,
        inspection_id -> Nullable<Id>,
        item_code -> Nullable<Text>,
        evidence_ids -> Doc,
        tracking_hash -> Nullable<Binary>,
        has_contact -> Bool,
        reviewed_at -> Nullable<Utc>,
        triaged_by -> Nullable<Id>,
        triaged_at -> Nullable<Utc>,
        reason -> Nullable<Text>,
        transferred_to -> Nullable<Text>,
        hazard_id -> Nullable<Id>,
        duplicate_of -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    report_contacts (report_id) {
        report_id -> Id,
        key_id -> Text,
        nonce -> Binary,
        sealed -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    recusals (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        inspector_id -> Id,
        relation -> Text,
        note -> Nullable<Text>,
        until -> Nullable<Date>,
        ended_at -> Nullable<Utc>,
        ended_by -> Nullable<Id>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    recusal_overrides (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        recusal_id -> Id,
        inspection_id -> Nullable<Id>,
        until -> Nullable<Date>,
        reason -> Text,
        approved_at -> Nullable<Utc>,
        approved_by -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    draws (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        number -> Text,
        year -> Integer,
        title -> Text,
        reason -> Nullable<Text>,
        repeats -> Nullable<Id>,
        status -> Text,
        seeding -> Text,
        pool -> Doc,
        pool_sha256 -> Text,
        schools_sha256 -> Text,
        entropy -> Nullable<Doc>,
        drawn_at -> Nullable<Utc>,
        drawn_by -> Nullable<Id>,
        result_sha256 -> Nullable<Text>,
        published_at -> Nullable<Utc>,
        published_by -> Nullable<Id>,
        statement -> Nullable<Text>,
        voided_at -> Nullable<Utc>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    draw_commitments (draw_id, position) {
        draw_id -> Id,
        position -> Integer,
        official -> Id,
        committed_at -> Utc,
        commitment -> Text,
        revealed_at -> Nullable<Utc>,
        seed -> Nullable<Text>,
        salt -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    draw_results (draw_id, position) {
        draw_id -> Id,
        position -> Integer,
        stratum -> Text,
        org_id -> Id,
        team -> Doc,
        inspection_id -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    plans (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        title -> Text,
        announced -> Bool,
        campaign -> Bool,
        recurring -> Bool,
        status -> Text,
        checklist_ids -> Doc,
        asked -> Doc,
        from_on -> Date,
        to_on -> Nullable<Date>,
        activated_at -> Nullable<Utc>,
        activated_by -> Nullable<Id>,
        ended_at -> Nullable<Utc>,
        ended_by -> Nullable<Id>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    plan_schools (plan_id, org_id) {
        plan_id -> Id,
        org_id -> Id,
        bureau_id -> Id,
        position -> Integer,
        team -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    plan_domains (plan_id, domain) {
        plan_id -> Id,
        domain -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    plan_schedules (plan_id, from_on) {
        plan_id -> Id,
        from_on -> Date,
        recurrence -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    plan_pauses (plan_id, from_at) {
        plan_id -> Id,
        from_at -> Utc,
        to_at -> Nullable<Utc>,
        reason -> Text,
        resume_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    plan_kinds (plan_id, kind) {
        plan_id -> Id,
        kind -> Text,
        position -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    plan_inspections (plan_id, org_id, occurrence_on, kind) {
        plan_id -> Id,
        org_id -> Id,
        occurrence_on -> Date,
        kind -> Text,
        created_at -> Utc,
        inspection_id -> Nullable<Id>,
        failure -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    patrol_scans (id) {
        id -> Id,
        created_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        inspection_id -> Id,
        site_id -> Id,
        device_time -> Nullable<Utc>,
        skew_s -> Nullable<BigInt>,
        location -> Nullable<Doc>,
        distance_m -> Nullable<Double>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    documents (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        kind -> Text,
        number -> Text,
        year -> Integer,
        serial -> BigInt,
        inspection_id -> Nullable<Id>,
        hazard_id -> Nullable<Id>,
        supersedes -> Nullable<Id>,
        content -> Text,
        content_sha256 -> Text,
        voided_at -> Nullable<Utc>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    document_hazards (document_id, hazard_id) {
        document_id -> Id,
        hazard_id -> Id,
        round -> Integer,
        position -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    document_domains (document_id, domain) {
        document_id -> Id,
        domain -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    document_codes (bureau_id) {
        bureau_id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        code -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    inspection_versions (inspection_id, number) {
        inspection_id -> Id,
        number -> Integer,
        superseded_at -> Utc,
        record -> Doc,
        answers -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    inspection_amendments (id) {
        id -> Id,
        created_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        inspection_id -> Id,
        number -> Integer,
        reason -> Text,
        difference -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    hazard_observations (inspection_id, hazard_id) {
        inspection_id -> Id,
        hazard_id -> Id,
        observed -> Text,
        note -> Nullable<Text>,
        observed_by -> Id,
        observed_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    signing_delegations (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        body_hash -> Nullable<Binary>,
        bureau_id -> Id,
        org_id -> Id,
        user_id -> Id,
        valid_from -> Date,
        valid_to -> Date,
        note -> Nullable<Text>,
        revoked_at -> Nullable<Utc>,
        revoked_by -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    evidence (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        bureau_id -> Id,
        org_id -> Id,
        by_school -> Bool,
        inspection_id -> Nullable<Id>,
        item_code -> Nullable<Text>,
        hazard_id -> Nullable<Id>,
        round -> Nullable<Integer>,
        role -> Nullable<Text>,
        sha256 -> Binary,
        bytes -> BigInt,
        media_type -> Text,
        captured_at -> Nullable<Utc>,
        device_time -> Nullable<Utc>,
        clock_skew_s -> Nullable<BigInt>,
        location -> Nullable<Doc>,
        received_at -> Nullable<Utc>,
        received_by -> Nullable<Id>,
        content_type -> Nullable<Text>,
        width -> Nullable<Integer>,
        height -> Nullable<Integer>,
        picture -> Nullable<Binary>,
        reuse -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    evidence_policies (bureau_id) {
        bureau_id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        gaps -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    journal_epochs (number) {
        number -> Integer,
        id -> Id,
        started_at -> Utc,
        reason -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    sync_devices (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        user_id -> Id,
        bureau_id -> Id,
        org_id -> Id,
        device_id -> Text,
        credential_hash -> Binary,
        last_seen_at -> Utc,
        acked_seq -> BigInt,
        skew_s -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    sync_ops (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        user_id -> Id,
        device_id -> Id,
        bureau_id -> Id,
        org_id -> Id,
        inspection_id -> Nullable<Id>,
        record_id -> Nullable<Id>,
        op_id -> Id,
        reused -> Bool,
        seq -> BigInt,
        kind -> Text,
        schema_no -> Integer,
        group_key -> Nullable<Text>,
        body -> Text,
        body_hash -> Binary,
        needs -> Doc,
        occurred_at -> Nullable<Utc>,
        skew_s -> Nullable<BigInt>,
        status -> Text,
        result -> Doc,
        allowed_then -> Nullable<Bool>,
        decision -> Nullable<Text>,
        decided_at -> Nullable<Utc>,
        decided_by -> Nullable<Id>,
        decision_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    reader_views (id) {
        id -> Id,
        user_id -> Id,
        epoch_id -> Id,
        created_at -> Utc,
        last_mark -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    reader_marks (view_id, mark) {
        view_id -> Id,
        mark -> BigInt,
        state -> Doc,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    reader_holdings (view_id, collection, record_id) {
        view_id -> Id,
        collection -> Text,
        record_id -> Id,
        version -> BigInt,
        told -> BigInt,
        given -> BigInt,
        taken -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    look_back_policies (bureau_id) {
        bureau_id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        share_percent -> Integer,
        min_days -> Integer,
        max_days -> Integer,
        all_majors -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    look_backs (id) {
        id -> Id,
        version -> BigInt,
        created_at -> Utc,
        updated_at -> Utc,
        created_by -> Id,
        bureau_id -> Id,
        announced -> Bool,
        sample -> Nullable<Doc>,
        seed -> Nullable<Text>,
        pool -> Doc,
        pool_sha256 -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    look_back_hazards (inspection_id, hazard_id) {
        inspection_id -> Id,
        hazard_id -> Id,
        look_back_id -> Id,
        position -> Integer,
        domain -> Text,
        level -> Text,
        closed_at -> Utc,
        outcome -> Nullable<Text>,
        note -> Nullable<Text>,
        due_at -> Nullable<Utc>,
        judged_by -> Nullable<Id>,
        judged_at -> Nullable<Utc>,
        reopened -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::{Doc, Id, Utc};

    uploads (id) {
        id -> Id,
        created_at -> Utc,
        updated_at -> Utc,
        expires_at -> Utc,
        evidence_id -> Id,
        user_id -> Id,
        bureau_id -> Id,
        length -> BigInt,
        received -> BigInt,
        done -> Bool,
        metadata -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::platform::db::types::sql::Id;

    arrivals (user_id, day) {
        user_id -> Id,
        day -> Integer,
        files -> BigInt,
        bytes -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    orgs,
    org_closure,
    sites,
    users,
    memberships,
    sessions,
    refresh_tokens,
    events,
    idempotency_keys,
    serials,
    category_overrides,
    checklists,
    checklist_items,
    deadline_policies,
    calendar_years,
    inspections,
    inspection_checklists,
    inspection_team,
    answers,
    hazards,
    hazard_rounds,
    comments,
    hazard_counters,
    hazard_people,
    hazard_extensions,
    hazard_listings,
    hazard_progress_reports,
    hazard_suspensions,
    hazard_referrals,
    notices,
    notice_recipients,
    leases,
    monthly_reports,
    aggregate_entries,
    month_unlocks,
    month_policies,
    reports,
    report_contacts,
    recusals,
    recusal_overrides,
    draws,
    draw_commitments,
    draw_results,
    plans,
    plan_schools,
    plan_domains,
    plan_schedules,
    plan_pauses,
    plan_inspections,
    plan_kinds,
    patrol_scans,
    documents,
    document_hazards,
    document_domains,
    document_codes,
    inspection_versions,
    inspection_amendments,
    hazard_observations,
    signing_delegations,
    evidence,
    evidence_policies,
    journal_epochs,
    sync_devices,
    sync_ops,
    reader_views,
    reader_marks,
    reader_holdings,
    look_back_policies,
    look_backs,
    look_back_hazards,
    uploads,
    arrivals,
);
