//! What accompanies a hazard: more time, supervised listing, stop of use, referral.

use anxiao::access::Permission as P;
use serde_json::json;

use crate::matrix::row::{Case, Row, get, row, send};
use crate::matrix::world::{SCHOOLS, of, set_hazard, set_measures};

const LATER: &str = "2026-03-20T12:00:00+08:00";

/// A hazard of this status and level, of whose measures these stand.
fn at(case: &mut Case<'_>, (status, level): (&str, &str), open: &[&str], rest: &str) -> String {
    let hazard = of("hazard", case.place);
    set_hazard(case.conn, hazard, case.place, status, level);
    set_measures(case.conn, case.place, open);
    format!("/hazards/{hazard}{rest}")
}

const GENERAL: (&str, &str) = ("rectifying", "general");
const MAJOR: (&str, &str) = ("rectifying", "major");
const CLOSED: (&str, &str) = ("closed", "major");

fn made(case: &Case<'_>, noun: &str) -> anxiao::platform::db::types::Id {
    of(&format!("{noun} {}", case.number), case.place)
}

fn list(operation: &'static str, ask: fn(&mut Case<'_>) -> crate::matrix::row::Ask) -> Row {
    row(operation, &[P::HazardRead], ask).at(SCHOOLS).limits_met()
}

pub fn rows() -> Vec<Row> {
    vec![
        list("GET /hazards/{id}/extensions", |case| get(at(case, GENERAL, &[], "/extensions"))),
        list("GET /hazards/{id}/listings", |case| get(at(case, MAJOR, &[], "/listings"))),
        list("GET /hazards/{id}/progress-reports", |case| get(at(case, MAJOR, &[], "/progress-reports"))),
        list("GET /hazards/{id}/suspensions", |case| get(at(case, MAJOR, &[], "/suspensions"))),
        list("GET /hazards/{id}/referrals", |case| get(at(case, MAJOR, &[], "/referrals"))),
        row("POST /hazards/{id}/extensions", &[P::HazardRespond], |case| {
            let body = json!({
                "id": made(case, "extension"), "reason": "采购", "interim_controls": "看守", "due_at": LATER,
            });
            send(at(case, GENERAL, &[], "/extensions"), body)
        })
        .at(SCHOOLS)
        .by("officer1"),
        row("POST /hazards/{id}/extensions/{eid}/decision", &[P::HazardExtend, P::HazardApprove], |case| {
            let rest = format!("/extensions/{}/decision", of("extension", case.place));
            send(at(case, GENERAL, &["extension"], &rest), json!({"approve": true, "opinion": "同意"}))
        })
        .at(SCHOOLS),
        row("POST /hazards/{id}/listing", &[P::HazardApprove], |case| {
            let body = json!({"id": made(case, "listing"), "authority": "county", "demand": "限期整改"});
            send(at(case, MAJOR, &[], "/listing"), body)
        })
        .at(SCHOOLS)
        .by("leader"),
        row("POST /hazards/{id}/delisting", &[P::HazardApprove], |case| {
            send(at(case, CLOSED, &["listing"], "/delisting"), json!({"opinion": "验收合格"}))
        })
        .at(SCHOOLS)
        .by("leader"),
        row("POST /hazards/{id}/progress-reports", &[P::HazardRectify, P::HazardRespond], |case| {
            let body = json!({
                "id": made(case, "progress"), "progress": "进场", "percent": 30,
                "evidence_ids": [of("evidence", case.place)],
            });
            send(at(case, MAJOR, &[], "/progress-reports"), body)
        })
        .at(SCHOOLS)
        .by("officer1")
        .limits_met(),
        row("POST /hazards/{id}/suspension", &[P::HazardRefer], |case| {
            let body = json!({"id": made(case, "suspension"), "scope": "三楼", "reason": "危险"});
            send(at(case, MAJOR, &[], "/suspension"), body)
        })
        .at(SCHOOLS),
        row("POST /hazards/{id}/suspension/lift", &[P::HazardApprove], |case| {
            send(at(case, CLOSED, &["suspension"], "/suspension/lift"), json!({"opinion": "恢复使用"}))
        })
        .at(SCHOOLS)
        .by("leader"),
        row("POST /hazards/{id}/referrals", &[P::HazardRefer], |case| {
            let body = json!({
                "id": made(case, "referral"), "authority": "fire", "authority_name": "消防大队", "matter": "请处理",
            });
            send(at(case, GENERAL, &[], "/referrals"), body)
        })
        .at(SCHOOLS),
        row("POST /hazards/{id}/referrals/{rid}/reply", &[P::HazardRefer], |case| {
            let rest = format!("/referrals/{}/reply", of("referral", case.place));
            send(at(case, GENERAL, &["referral"], &rest), json!({"reply": "已处理"}))
        })
        .at(SCHOOLS),
    ]
}
