//! Hints, suggestions and public reports.

use anxiao::access::{Permission as P, Role};
use serde_json::json;

use crate::matrix::row::{Case, Expect, Row, get, row, send};
use crate::matrix::world::{ABSENT, ORGS, Place, SCHOOLS, of, org_of, set_report, within};

/// A school's own staff sees what it sent, an inspector sends nothing here.
fn sees(role: Role, home: Place, place: Place) -> bool {
    within(home, place) && !matches!(role, Role::Inspector | Role::ExternalInspector)
}

/// Where somebody may point something out: the own school, or one whose inspection was given.
fn sends(role: Role, home: Place, place: Place) -> bool {
    within(home, place) && (role != Role::ExternalInspector || place.contains(".s"))
}

fn hint(case: &mut Case<'_>, rest: &str) -> String {
    set_report(case.conn, case.place);
    format!("/reports/{}{rest}", of("report", case.place))
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /reports", &[P::ReportTriage, P::HazardReport], |case| {
            get(format!("/reports?org_id={}", org_of(case.place)))
        })
        .at(ORGS)
        .seen(sends)
        .limits_met(),
        row("POST /reports", &[P::HazardReport], |case| {
            let mut body = json!({
                "id": of(&format!("report {}", case.number), case.place), "org_id": org_of(case.place),
                "title": "插座发热", "description": "有焦味", "domain": "fire",
                "evidence_ids": [of("evidence", case.place)],
            });
            if case.place.contains(".s") {
                body["site_id"] = json!(of("site", case.place));
            }
            send("/reports".into(), body)
        })
        .at(ORGS)
        .seen(sends)
        .limits_met()
        .by("staff1")
        .but(|role, home, place| {
            // Who may report hazards does that instead: 422.
            let hints = matches!(role, Role::SchoolStaff | Role::ExternalInspector);
            (!hints && place != ABSENT && within(home, place)).then_some(Expect::Judged)
        }),
        row("GET /reports/{id}", &[P::ReportTriage, P::HazardReport], |case| get(hint(case, "")))
            .at(SCHOOLS)
            .seen(sees)
            .limits_met(),
        row("GET /reports/{id}/history", &[P::ReportTriage], |case| get(hint(case, "/history")))
            .at(SCHOOLS)
            .limits_met(),
        row("POST /reports/{id}/triage", &[P::ReportTriage], |case| {
            let body = json!({"outcome": "accept", "level": "general", "site_id": of("site", case.place)});
            send(hint(case, "/triage"), body)
        })
        .at(SCHOOLS)
        .limits_met(),
        row("POST /reports/{id}/triage", &[P::ReportTriage], |case| {
            let body = json!({"outcome": "duplicate", "duplicate_of": of("hazard", case.place)});
            send(hint(case, "/triage"), body)
        })
        .at(SCHOOLS)
        .limits_met(),
        row("POST /reports/{id}/contact", &[P::ReporterReveal, P::ReportTriage], |case| {
            set_report(case.conn, case.place);
            send(format!("/reports/{}/contact", of("public report", case.place)), json!({"reason": "核实位置"}))
        })
        .at(SCHOOLS)
        .but(|role, _, _| {
            let sealed = [Role::SectionOfficer, Role::Supervisor, Role::Principal, Role::SchoolSafetyOfficer];
            sealed.contains(&role).then_some(Expect::Sealed)
        }),
    ]
}
