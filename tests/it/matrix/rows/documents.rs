//! Documents, and with what their numbers begin.

use anxiao::access::{Permission as P, Role};
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{document_domains, document_hazards, documents};
use anxiao::platform::db::types::{Id, Timestamp};
use diesel::prelude::*;
use serde_json::json;

use crate::matrix::row::{Expect, Row, get, row, send};
use crate::matrix::world::{ABSENT, ORGS, Place, SCHOOLS, of, org_of, set_hazard, set_inspection, within};
use crate::support::district::start_time;

/// Leaves of the documents of a place only the two that were there in the beginning, the one named of them standing.
fn set_documents(conn: &mut Conn, place: Place, standing: &str) {
    let kept = [of("document", place), of("visit document", place)];
    let others: Vec<Id> = documents::table
        .filter(documents::org_id.eq(org_of(place)))
        .filter(documents::id.ne_all(kept))
        .select(documents::id)
        .load(conn)
        .unwrap();
    let (table, by) = (document_hazards::table, document_hazards::document_id.eq_any(&others));
    diesel::delete(table.filter(by)).execute(conn).unwrap();
    let (table, by) = (document_domains::table, document_domains::document_id.eq_any(&others));
    diesel::delete(table.filter(by)).execute(conn).unwrap();
    // A later one names an earlier one.
    diesel::update(documents::table.filter(documents::id.eq_any(&others)))
        .set(documents::supersedes.eq(None::<Id>))
        .execute(conn)
        .unwrap();
    diesel::delete(documents::table.filter(documents::id.eq_any(&others))).execute(conn).unwrap();
    for (id, noun) in kept.into_iter().zip(["document", "visit document"]) {
        let voided_at = (noun != standing).then(|| Timestamp::from(start_time()));
        diesel::update(documents::table.find(id)).set(documents::voided_at.eq(voided_at)).execute(conn).unwrap();
    }
    set_hazard(conn, of("hazard", place), place, "issued", "general");
    set_inspection(conn, place, "submitted", "");
}

/// Whose word may take the place of another's.
fn replaces(who: &str) -> bool {
    ["office", "b.office", "leader", "section.fire"].contains(&who)
}

fn document(place: Place, rest: &str) -> String {
    format!("/documents/{}{rest}", of("document", place))
}

/// An external inspector issues no notice; a record of it would be the lead's.
fn no_external(role: Role, home: Place, place: Place) -> Option<Expect> {
    (role == Role::ExternalInspector && place != ABSENT && within(home, place)).then_some(Expect::Beyond)
}

/// What the office issued is the bureau's to withdraw.
fn not_their_own(role: Role, home: Place, place: Place) -> Option<Expect> {
    let beyond = matches!(role, Role::Supervisor | Role::Inspector | Role::ExternalInspector);
    (beyond && place != ABSENT && within(home, place)).then_some(Expect::Beyond)
}

/// Everybody but whoever sees by the own team alone: the notice of one hazard is nobody's visit.
fn not_by_team(role: Role, home: Place, place: Place) -> bool {
    !matches!(role, Role::Inspector | Role::ExternalInspector) && within(home, place)
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /documents", &[P::DocumentRead], |case| get(format!("/documents?org_id={}", org_of(case.place))))
            .at(ORGS)
            .limits_met(),
        row("GET /documents/{id}", &[P::DocumentRead], |case| {
            set_documents(case.conn, case.place, "document");
            get(document(case.place, ""))
        })
        .at(SCHOOLS)
        .seen(not_by_team)
        .limits_met(),
        row("GET /documents/{id}/print", &[P::DocumentRead], |case| {
            set_documents(case.conn, case.place, "document");
            get(document(case.place, "/print"))
        })
        .at(SCHOOLS)
        .seen(not_by_team)
        .limits_met(),
        row("POST /documents/{id}/void", &[P::DocumentVoid], |case| {
            set_documents(case.conn, case.place, "visit document");
            let at = format!("/documents/{}/void", of("visit document", case.place));
            send(at, json!({"reason": "名称有误"}))
        })
        .at(SCHOOLS)
        .but(not_their_own),
        row("POST /hazards/{id}/documents", &[P::DocumentIssue], |case| {
            set_documents(case.conn, case.place, "document");
            let id = of(&format!("document {}", case.number), case.place);
            let mut body = json!({"id": id, "type": "rectification_notice"});
            if replaces(case.who) {
                body["supersedes"] = json!(of("document", case.place));
            }
            send(format!("/hazards/{}/documents", of("hazard", case.place)), body)
        })
        .at(SCHOOLS)
        .but(no_external),
        row("POST /inspections/{id}/documents", &[P::DocumentIssue], |case| {
            set_documents(case.conn, case.place, "visit document");
            let id = of(&format!("document {}", case.number), case.place);
            let hazards = [of("hazard", case.place)];
            let mut body = json!({"id": id, "type": "rectification_notice", "hazard_ids": hazards});
            if replaces(case.who) {
                body["supersedes"] = json!(of("visit document", case.place));
            }
            send(format!("/inspections/{}/documents", of("inspection", case.place)), body)
        })
        .at(SCHOOLS)
        .but(no_external),
        row("GET /document-code", &[P::PolicyRead], |_| get("/document-code".into())),
        row("PUT /document-code", &[P::PolicyManage], |_| send("/document-code".into(), json!({"code": "某教安"}))),
    ]
}
