//! The records that the matrix aims at: the same set in every school and bureau of the district, so that each id has
//! its counterpart elsewhere.

use anxiao::access::Role;
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{
    answers, checklists, documents, hazard_extensions, hazard_listings, hazard_progress_reports, hazard_referrals,
    hazard_rounds, hazard_suspensions, hazards, inspection_team, inspections, memberships, report_contacts, reports,
    sessions, users,
};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use anxiao::platform::ids::{SystemIds, built_in};
use anxiao::reports::Compartment;
use anxiao::reports::compartment::Contact;
use anxiao::reports::store::Row as Report;
use anxiao::reports::words::ReportKind;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};

use crate::support::district::{self, org, user};
use crate::support::{SEED, TestApp};

/// Where a request aims: an organisation of the district by its short name, or [`ABSENT`].
pub type Place = &'static str;
/// Nothing of this place exists.
pub const ABSENT: Place = "absent";
/// Every organisation.
pub const ORGS: &[Place] = &["a", "a.cluster", "a.s1", "a.s2", "a.agency", "b", "b.s1", ABSENT];
/// Those with hazards, inspections and sites.
pub const SCHOOLS: &[Place] = &["a.s1", "a.s2", "b.s1", ABSENT];
/// The bureaus.
pub const BUREAUS: &[Place] = &["a", "b", ABSENT];
/// Those with a person to look after.
pub const STAFFED: &[Place] = &["a", "a.cluster", "a.s1", "a.s2", "b", "b.s1", ABSENT];
/// Those with a checklist of their own.
pub const KEEPERS: &[Place] = &["a", "a.s1", "a.s2", "b", "b.s1", ABSENT];

/// Everybody who may be on a team, all of bureau `a`.
const TEAM: &[&str] = &[
    "inspector1",
    "leader",
    "office",
    "section.fire",
    "supervisor",
    "inspector2",
    "external1",
    "principal1",
    "officer1",
    "staff1",
    "principal2",
    "officer2",
];

/// The id of a record of a place.
pub fn of(noun: &str, place: Place) -> Id {
    built_in(&format!("matrix {noun} {place}"))
}

/// Nothing has this id.
pub fn nothing(number: usize) -> Id {
    built_in(&format!("matrix nothing {number}"))
}

/// The organisation of a place.
pub fn org_of(place: Place) -> Id {
    org(place)
}

/// The person of a place whom others look after.
pub fn person(place: Place) -> Id {
    user(&format!("p.{place}"))
}

/// The bureau of a place.
pub fn bureau(place: Place) -> Place {
    if place.starts_with('b') { "b" } else { "a" }
}

/// The principal of a school.
pub fn principal(place: Place) -> Id {
    user(match place {
        "a.s1" => "principal1",
        "a.s2" => "principal2",
        _ => "b.principal",
    })
}

/// Whether `place` is `home` or below it.
pub fn within(home: Place, place: Place) -> bool {
    home == place
        || (home.len() == 1 && place.len() > 1 && place.starts_with(&format!("{home}.")))
        || (home == "a.cluster" && place == "a.s1")
}

/// What `place` is to somebody at `home`.
pub fn relation(home: Place, place: Place) -> &'static str {
    match place {
        ABSENT => "absent",
        _ if home == place => "own",
        _ if within(home, place) => "below",
        _ if within(place, home) => "above",
        _ if bureau(home) == bureau(place) => "beside",
        _ => "other bureau",
    }
}

fn office(place: Place) -> &'static str {
    if bureau(place) == "b" { "b.office" } else { "office" }
}

/// An item of a checklist, in the domain of fire so that the section officer's membership covers it.
fn item(code: &str) -> Value {
    json!({"code": code, "title_zh": "检查项", "response": "pass_fail", "domain": "fire", "category": "fang"})
}

/// Puts the records into the database.
pub async fn build(app: &TestApp) -> Conn {
    let mut conn = app.connect();
    if conn.is_sqlite() {
        // What the test itself puts in place need not survive a power cut.
        conn.batch_execute("PRAGMA synchronous = OFF").unwrap();
    }
    let now = Timestamp::from(district::start_time() - TimeDelta::days(30));
    for (place, role) in [
        ("a", Role::Inspector),
        ("a.cluster", Role::Supervisor),
        ("a.s1", Role::SchoolStaff),
        ("a.s2", Role::SchoolStaff),
        ("b", Role::Inspector),
        ("b.s1", Role::SchoolStaff),
    ] {
        district::person(&mut conn, &format!("p.{place}"), role, place, None, now);
    }
    for place in KEEPERS.iter().copied().filter(|place| *place != ABSENT) {
        let body = json!({
            "id": of("checklist", place), "title": "专项检查", "org_id": org_of(place), "items": [item("m-1"), item("m-2")],
        });
        app.post(office(place), "/checklists", body).await.expect(201);
        set_checklist(&mut conn, place, "published");
    }
    for place in ["a", "b"] {
        let body = json!({"id": of("policy", place), "level": "general", "domain": "gas", "days": 3});
        app.post(office(place), "/deadline-policies", body).await.expect(201);
    }
    for place in SCHOOLS.iter().copied().filter(|place| *place != ABSENT) {
        let by = office(place);
        let at = org_of(place);
        let site = json!({"id": of("site", place), "kind": "building", "name": "教学楼"});
        app.post(by, &format!("/orgs/{at}/sites"), site).await.expect(201);
        let team =
            if bureau(place) == "b" { ["b.inspector", "b.leader"] } else { ["inspector1", "inspector2"] }.map(user);
        let inspection = json!({
            "id": of("inspection", place), "kind": "routine", "org_id": at, "team": team,
            "checklist_ids": [of("checklist", bureau(place))],
        });
        app.post(by, "/inspections", inspection).await.expect(201);
        for (noun, status) in [("hazard", "registered"), ("earlier hazard", "closed")] {
            app.post(by, "/hazards", hazard(of(noun, place), place, "referral")).await.expect(201);
            set_hazard(&mut conn, of(noun, place), place, status, "general");
        }
        set_report(&mut conn, place);
        let note = json!({"id": of("comment", place), "text": "已联系"});
        app.post(by, &format!("/hazards/{}/comments", of("hazard", place)), note).await.expect(201);
    }
    for place in SCHOOLS.iter().copied().filter(|place| *place != ABSENT) {
        let recusal = super::rows::draws::new_recusal(of("recusal", place), place);
        app.post(office(place), "/recusals", recusal).await.expect(201);
        if place != "a.s2" {
            let draw = super::rows::draws::new_draw(of("draw", bureau(place)), place);
            app.post(office(place), "/draws", draw).await.expect(201);
        }
        // A notice of the visit and one of its one hazard; each is withdrawn again, so that the other may be issued.
        let by = office(place);
        set_hazard(&mut conn, of("hazard", place), place, "issued", "general");
        set_inspection(&mut conn, place, "submitted", "");
        for (noun, about) in [("visit document", "inspections/"), ("document", "hazards/")] {
            let target = if noun == "document" { of("hazard", place) } else { of("inspection", place) };
            let body = json!({"id": of(noun, place), "type": "rectification_notice"});
            app.post(by, &format!("/{about}{target}/documents"), body).await.expect(201);
            diesel::update(documents::table.find(of(noun, place)))
                .set(documents::voided_at.eq(Some(now)))
                .execute(&mut conn)
                .unwrap();
        }
        set_hazard(&mut conn, of("hazard", place), place, "registered", "general");
        set_inspection(&mut conn, place, "planned", "");
    }
    crate::evidence::keep(app).await;
    conn
}

/// A good report.
pub fn hazard(id: Id, place: Place, source: &str) -> Value {
    json!({
        "id": id, "org_id": org_of(place), "category": "fang", "domain": "fire", "title": "出口上锁",
        "description": "铁链锁闭", "source": source,
    })
}

/// Puts a checklist into a state.
pub fn set_checklist(conn: &mut Conn, place: Place, status: &str) {
    diesel::update(checklists::table.find(of("checklist", place)))
        .set(checklists::status.eq(status))
        .execute(conn)
        .unwrap();
}

/// Puts a hazard into a state. Staff reported it and the team of bureau `a` found it, wherever it is: that opens it to
/// nobody outside the own reach.
pub fn set_hazard(conn: &mut Conn, id: Id, place: Place, status: &str, level: &str) {
    let now = Timestamp::from(district::start_time());
    diesel::delete(hazard_rounds::table.filter(hazard_rounds::hazard_id.eq(id))).execute(conn).unwrap();
    diesel::update(hazards::table.find(id))
        .set((
            (hazards::status.eq(status), hazards::level.eq(level), hazards::proposed_level.eq("general")),
            (hazards::reported_by.eq(user("staff1")), hazards::inspection_id.eq(of("inspection", place))),
            (hazards::responsible_user_id.eq(user("staff1")), hazards::bureau_side.eq(true)),
            (hazards::rectifiers.eq(Doc(json!([]))), hazards::recheckers.eq(Doc(json!([])))),
            (hazards::round.eq(1), hazards::basis.eq("条款"), hazards::due_at.eq(now + TimeDelta::days(7))),
            (hazards::closed_at.eq(None::<Timestamp>), hazards::closed_by.eq(None::<Id>)),
            (
                hazards::closed_kind.eq(None::<String>),
                hazards::issued_at.eq(now),
                hazards::issued_by.eq(user("leader")),
            ),
        ))
        .execute(conn)
        .unwrap();
    if status.starts_with("awaiting") && place != ABSENT {
        let none = || Doc(json!([]));
        diesel::insert_into(hazard_rounds::table)
            .values((
                (hazard_rounds::hazard_id.eq(id), hazard_rounds::round.eq(1), hazard_rounds::reported_at.eq(now)),
                (hazard_rounds::evidence_ids.eq(none()), hazard_rounds::recheckers.eq(none())),
                hazard_rounds::recheck_evidence_ids.eq(none()),
            ))
            .execute(conn)
            .unwrap();
    }
    if status == "closed" {
        diesel::update(hazards::table.find(id))
            .set((hazards::closed_at.eq(now), hazards::closed_kind.eq("rechecked")))
            .execute(conn)
            .unwrap();
    }
}

/// A hint and a public report of a place, waiting; staff reported the hint.
pub fn set_report(conn: &mut Conn, place: Place) {
    if place == ABSENT {
        return;
    }
    let now = Timestamp::from(district::start_time());
    for (noun, kind) in [("report", ReportKind::Hint), ("public report", ReportKind::Public)] {
        let id = of(noun, place);
        diesel::delete(report_contacts::table.find(id)).execute(conn).unwrap();
        diesel::delete(reports::table.find(id)).execute(conn).unwrap();
        let row = Report {
            category: Some("fang".into()),
            domain: Some("fire".into()),
            title: Some("出口上锁".into()),
            reported_by: (kind == ReportKind::Hint).then(|| user("staff1")),
            has_contact: kind == ReportKind::Public,
            ..Report::waiting(id, kind, (org(bureau(place)), org_of(place)), "铁链锁闭", now)
        };
        diesel::insert_into(reports::table).values(&row).execute(conn).unwrap();
        if kind == ReportKind::Public {
            let contact = Contact { phone: Some("13800000000".into()), ..Contact::default() };
            let sealed = Compartment::from_seeds(&[SEED]).seal(id, &contact, &SystemIds).unwrap();
            diesel::insert_into(report_contacts::table)
                .values((
                    report_contacts::report_id.eq(id),
                    report_contacts::key_id.eq(sealed.key_id),
                    report_contacts::nonce.eq(sealed.nonce),
                    report_contacts::sealed.eq(sealed.bytes),
                ))
                .execute(conn)
                .unwrap();
        }
    }
}

/// Puts an inspection into a state, everybody on its team, `but` not.
pub fn set_inspection(conn: &mut Conn, place: Place, status: &str, but: &str) {
    let id = of("inspection", place);
    diesel::update(inspections::table.find(id))
        .set((
            inspections::status.eq(status),
            inspections::acknowledgement.eq(None::<Doc>),
            inspections::lead_id.eq(user("inspector1")),
        ))
        .execute(conn)
        .unwrap();
    diesel::update(answers::table.filter(answers::inspection_id.eq(id)))
        .set((answers::result.eq("pass"), answers::hazard_id.eq(None::<Id>)))
        .execute(conn)
        .unwrap();
    let team: Vec<Id> = inspection_team::table
        .filter(inspection_team::inspection_id.eq(id))
        .order(inspection_team::position)
        .select(inspection_team::user_id)
        .load(conn)
        .unwrap();
    let wanted: Vec<Id> = TEAM.iter().filter(|name| **name != but).map(|name| user(name)).collect();
    if team == wanted {
        return;
    }
    diesel::delete(inspection_team::table.filter(inspection_team::inspection_id.eq(id))).execute(conn).unwrap();
    let exists: i64 = inspections::table.filter(inspections::id.eq(id)).count().get_result(conn).unwrap();
    for (position, name) in (0..).zip(TEAM).filter(|(_, name)| exists == 1 && **name != but) {
        diesel::insert_into(inspection_team::table)
            .values((
                inspection_team::inspection_id.eq(id),
                inspection_team::user_id.eq(user(name)),
                inspection_team::position.eq(position),
            ))
            .execute(conn)
            .unwrap();
    }
}

/// The person of a place as in the beginning: open, with one membership.
pub fn set_person(conn: &mut Conn, place: Place) {
    let (id, kept) = (person(place), membership(place));
    diesel::delete(memberships::table.filter(memberships::user_id.eq(id)).filter(memberships::id.ne(kept)))
        .execute(conn)
        .unwrap();
    diesel::update(memberships::table.find(kept))
        .set(memberships::ended_at.eq(None::<Timestamp>))
        .execute(conn)
        .unwrap();
    diesel::update(users::table.find(id)).set(users::disabled_at.eq(None::<Timestamp>)).execute(conn).unwrap();
}

/// The membership of the person of a place.
pub fn membership(place: Place) -> Id {
    built_in(&format!("test membership p.{place}"))
}

/// A session of somebody that the test may end.
pub fn spare_session(conn: &mut Conn, name: &str) -> Id {
    let id = of("session", "a");
    let id = built_in(&format!("{id} {name}"));
    let now = Timestamp::from(district::start_time());
    diesel::delete(sessions::table.find(id)).execute(conn).unwrap();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::user_id.eq(user(name)),
            sessions::created_at.eq(now),
            sessions::last_used_at.eq(now),
            sessions::expires_at.eq(now + TimeDelta::days(1)),
        ))
        .execute(conn)
        .unwrap();
    id
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// The version of a record; 1 where there is none.
pub fn version(conn: &mut Conn, table: &str, id: Id) -> i64 {
    let literal = if conn.is_sqlite() { format!("X'{}'", id.0.simple()) } else { format!("'{id}'") };
    let found =
        diesel::sql_query(format!("SELECT version FROM {table} WHERE id = {literal}")).load::<Version>(conn).unwrap();
    found.first().map_or(1, |row| row.version)
}

/// What accompanies a hazard: one row of each, see [`set_measures`].
pub const MEASURES: &[&str] = &["extension", "listing", "progress", "suspension", "referral"];

/// Gives the hazard of a place one row of each measure, all of them ended but those that are `open`.
pub fn set_measures(conn: &mut Conn, place: Place, open: &[&str]) {
    let hazard = of("hazard", place);
    diesel::delete(hazard_progress_reports::table.filter(hazard_progress_reports::hazard_id.eq(hazard)))
        .execute(conn)
        .unwrap();
    diesel::delete(hazard_extensions::table.filter(hazard_extensions::hazard_id.eq(hazard))).execute(conn).unwrap();
    diesel::delete(hazard_listings::table.filter(hazard_listings::hazard_id.eq(hazard))).execute(conn).unwrap();
    diesel::delete(hazard_suspensions::table.filter(hazard_suspensions::hazard_id.eq(hazard))).execute(conn).unwrap();
    diesel::delete(hazard_referrals::table.filter(hazard_referrals::hazard_id.eq(hazard))).execute(conn).unwrap();
    let is = |noun: &str| open.contains(&noun);
    let marks = json!({
        "extension_pending": is("extension"), "listed": is("listing"), "suspended": is("suspension"),
        "awaiting_reply": i32::from(is("referral")),
    });
    let found = diesel::update(hazards::table.find(hazard)).set(hazards::marks.eq(Doc(marks))).execute(conn).unwrap();
    if found == 0 {
        return;
    }
    let (now, by, at, over) = (Timestamp::from(district::start_time()), user("officer1"), org_of(place), bureau(place));
    macro_rules! put {
        ($table:ident, $noun:literal, $($column:ident = $value:expr),+) => {
            diesel::insert_into($table::table)
                .values((
                    ($table::id.eq(of($noun, place)), $table::version.eq(1_i64), $table::created_at.eq(now)),
                    ($table::updated_at.eq(now), $table::created_by.eq(by), $table::bureau_id.eq(org_of(over))),
                    ($table::org_id.eq(at), $table::hazard_id.eq(hazard)),
                    ($($table::$column.eq($value),)+),
                ))
                .execute(conn)
                .unwrap()
        };
    }
    let ended = |noun: &str| (!is(noun)).then_some(now);
    put!(
        hazard_extensions,
        "extension",
        serial = 1,
        reason = "采购",
        interim_controls = "看守",
        due_at = now + TimeDelta::days(30),
        due_before = now + TimeDelta::days(7),
        decide_by = now,
        status = if is("extension") { "pending" } else { "refused" }
    );
    put!(
        hazard_listings,
        "listing",
        authority = "county",
        number = format!("{place}〔2026〕1号"),
        demand = "整改",
        listed_at = now,
        delisted_at = ended("listing")
    );
    put!(hazard_progress_reports, "progress", progress = "进场", percent = 10, evidence_ids = Doc(json!([])));
    put!(
        hazard_suspensions,
        "suspension",
        scope = "三楼",
        reason = "危险",
        since = now,
        lifted_at = ended("suspension")
    );
    put!(
        hazard_referrals,
        "referral",
        authority = "fire",
        authority_name = "消防",
        matter = "处理",
        referred_at = now,
        reply_due_at = now,
        replied_at = ended("referral")
    );
}
