//! The row of a hazard, and what moves on it.

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::hazards::marks::Marks;
use crate::hazards::rules::Facts;
use crate::hazards::status::{ClosedKind, Level, Remedy, Source, Status};
use crate::platform::db::schema::{hazard_rounds, hazards};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::statistics::counters::{Contribution, Figures};

/// One hazard as it is stored; see the table for what each column means.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = hazards)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Row {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Option<Id>,
    #[serde(skip)]
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub site_id: Option<Id>,
    pub number: String,
    pub status: Status,
    pub level: Level,
    pub proposed_level: Level,
    pub level_decided_by: Option<Id>,
    pub category: String,
    pub domain: String,
    pub title: String,
    pub description: String,
    pub basis: Option<String>,
    pub requirement: Option<String>,
    pub source: Source,
    pub escalate: bool,
    pub found_at: Timestamp,
    pub registered_at: Timestamp,
    pub reported_by: Id,
    pub inspection_id: Option<Id>,
    pub item_code: Option<String>,
    pub evidence_ids: Doc,
    pub responsible_org_id: Id,
    pub responsible_user_id: Option<Id>,
    pub leader_user_id: Option<Id>,
    pub lead_section: Option<String>,
    pub remedy: Option<Remedy>,
    pub bureau_side: bool,
    pub issued_at: Option<Timestamp>,
    pub issued_by: Option<Id>,
    pub acknowledged_at: Option<Timestamp>,
    pub acknowledged_by: Option<Id>,
    pub due_at: Option<Timestamp>,
    pub due_on: Option<NaiveDate>,
    pub original_due_at: Option<Timestamp>,
    pub plan_due_at: Option<Timestamp>,
    pub policy_id: Option<Id>,
    pub calendar_provisional: bool,
    pub plan: Option<Doc>,
    pub plan_filed_at: Option<Timestamp>,
    pub round: i32,
    pub returns: i32,
    pub submissions: i32,
    pub rectifiers: Doc,
    pub reported_done_at: Option<Timestamp>,
    pub reported_done_by: Option<Id>,
    pub recheck_due_at: Option<Timestamp>,
    pub recheckers: Doc,
    pub passed_at: Option<Timestamp>,
    pub approved_by: Option<Id>,
    pub closed_at: Option<Timestamp>,
    pub closed_by: Option<Id>,
    pub closed_kind: Option<ClosedKind>,
    pub void_reason: Option<String>,
    pub reopened: i32,
    pub recurrence_of: Option<Id>,
    pub marks: Doc,
    pub proposed_recurrence_of: Option<Id>,
}

impl Row {
    /// What a decision needs to know.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts {
            status: self.status,
            level: self.level,
            proposed_level: self.proposed_level,
            level_decided: self.level_decided_by.is_some(),
            source: self.source,
            bureau_side: self.bureau_side,
            has_basis: self.basis.is_some(),
            has_plan: self.plan.is_some(),
            responsible_user_id: self.responsible_user_id.map(|id| id.0),
            rectifiers: self.rectifiers.read(),
            recheckers: self.recheckers.read(),
            round: self.round,
            due_at: self.due_at.map(Timestamp::utc),
            marks: self.marks(),
        }
    }

    /// What accompanies it beside its state.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.marks.read()
    }
}

impl Row {
    /// What it adds to the counters, in the bureau's zone. A void hazard adds nothing.
    #[must_use]
    pub fn contribution(&self, zone: Tz) -> Contribution {
        let month = |at: Timestamp| at.utc().with_timezone(&zone).format("%Y-%m").to_string();
        let closed = self.status == Status::Closed;
        let within =
            |due: Option<Timestamp>| closed && due.zip(self.reported_done_at).is_some_and(|(due, done)| done <= due);
        let duration = self.closed_at.filter(|_| closed).map_or(0, |at| (at - self.registered_at).num_seconds());
        let figures = Figures {
            found: 1,
            closed: i64::from(closed),
            on_spot: i64::from(closed && self.closed_kind == Some(ClosedKind::OnSpot)),
            self_found: i64::from(self.source.is_schools_own()),
            on_time: i64::from(within(self.due_at)),
            original_on_time: i64::from(within(self.original_due_at)),
            submissions: i64::from(self.submissions),
            returns: i64::from(self.returns),
            duration_s: duration,
        };
        Contribution {
            bureau_id: self.bureau_id,
            org_id: self.org_id,
            month: month(self.registered_at),
            due_month: self.due_at.map(month).unwrap_or_default(),
            category: self.category.clone(),
            domain: self.domain.clone(),
            level: self.level.as_str().to_owned(),
            figures: if self.status == Status::Void { Figures::default() } else { figures },
        }
    }
}

/// The columns that a change of fields or of state may touch. Columns that indexes of immutable things stand on are
/// left out, so that a change rewrites no more of them than it must.
#[derive(AsChangeset)]
#[diesel(table_name = hazards, treat_none_as_null = true)]
pub(super) struct Moved<'a> {
    version: i64,
    updated_at: Timestamp,
    site_id: Option<Id>,
    status: Status,
    level: Level,
    level_decided_by: Option<Id>,
    title: &'a str,
    description: &'a str,
    basis: Option<&'a str>,
    requirement: Option<&'a str>,
    evidence_ids: &'a Doc,
    responsible_org_id: Id,
    responsible_user_id: Option<Id>,
    leader_user_id: Option<Id>,
    lead_section: Option<&'a str>,
    remedy: Option<Remedy>,
    bureau_side: bool,
    issued_at: Option<Timestamp>,
    issued_by: Option<Id>,
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<Id>,
    due_at: Option<Timestamp>,
    due_on: Option<NaiveDate>,
    original_due_at: Option<Timestamp>,
    plan_due_at: Option<Timestamp>,
    policy_id: Option<Id>,
    calendar_provisional: bool,
    plan: Option<&'a Doc>,
    plan_filed_at: Option<Timestamp>,
    round: i32,
    returns: i32,
    submissions: i32,
    rectifiers: &'a Doc,
    reported_done_at: Option<Timestamp>,
    reported_done_by: Option<Id>,
    recheck_due_at: Option<Timestamp>,
    recheckers: &'a Doc,
    passed_at: Option<Timestamp>,
    approved_by: Option<Id>,
    closed_at: Option<Timestamp>,
    closed_by: Option<Id>,
    closed_kind: Option<ClosedKind>,
    void_reason: Option<&'a str>,
    reopened: i32,
    recurrence_of: Option<Id>,
    marks: &'a Doc,
    proposed_recurrence_of: Option<Id>,
}

impl<'a> From<&'a Row> for Moved<'a> {
    fn from(row: &'a Row) -> Self {
        Self {
            version: row.version,
            updated_at: row.updated_at,
            site_id: row.site_id,
            status: row.status,
            level: row.level,
            level_decided_by: row.level_decided_by,
            title: &row.title,
            description: &row.description,
            basis: row.basis.as_deref(),
            requirement: row.requirement.as_deref(),
            evidence_ids: &row.evidence_ids,
            responsible_org_id: row.responsible_org_id,
            responsible_user_id: row.responsible_user_id,
            leader_user_id: row.leader_user_id,
            lead_section: row.lead_section.as_deref(),
            remedy: row.remedy,
            bureau_side: row.bureau_side,
            issued_at: row.issued_at,
            issued_by: row.issued_by,
            acknowledged_at: row.acknowledged_at,
            acknowledged_by: row.acknowledged_by,
            due_at: row.due_at,
            due_on: row.due_on,
            original_due_at: row.original_due_at,
            plan_due_at: row.plan_due_at,
            policy_id: row.policy_id,
            calendar_provisional: row.calendar_provisional,
            plan: row.plan.as_ref(),
            plan_filed_at: row.plan_filed_at,
            round: row.round,
            returns: row.returns,
            submissions: row.submissions,
            rectifiers: &row.rectifiers,
            reported_done_at: row.reported_done_at,
            reported_done_by: row.reported_done_by,
            recheck_due_at: row.recheck_due_at,
            recheckers: &row.recheckers,
            passed_at: row.passed_at,
            approved_by: row.approved_by,
            closed_at: row.closed_at,
            closed_by: row.closed_by,
            closed_kind: row.closed_kind,
            void_reason: row.void_reason.as_deref(),
            reopened: row.reopened,
            recurrence_of: row.recurrence_of,
            marks: &row.marks,
            proposed_recurrence_of: row.proposed_recurrence_of,
        }
    }
}

/// One round of rectifying and rechecking, as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = hazard_rounds)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Round {
    pub hazard_id: Id,
    pub round: i32,
    pub due_at: Option<Timestamp>,
    pub measures_taken: Option<String>,
    pub cost_fen: Option<i64>,
    pub evidence_ids: Doc,
    pub signed_off_by: Option<Id>,
    pub reported_by: Option<Id>,
    pub reported_at: Option<Timestamp>,
    pub outcome: Option<String>,
    pub opinion: Option<String>,
    pub recheckers: Doc,
    pub on_site: Option<bool>,
    pub recheck_evidence_ids: Doc,
    pub rechecked_by: Option<Id>,
    pub rechecked_at: Option<Timestamp>,
    pub approval_opinion: Option<String>,
    pub approved_by: Option<Id>,
    pub approved_at: Option<Timestamp>,
}

/// Ids as a document.
pub(super) fn ids(ids: &[Uuid]) -> Doc {
    Doc::of(&ids)
}
