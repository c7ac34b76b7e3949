//! Hazards, and every action of `/transitions`.

use anxiao::access::{Permission as P, Role};
use serde_json::{Value, json};

use crate::matrix::row::{Ask, Case, Expect, Row, get, row, send};
use crate::matrix::world::{
    ABSENT, ORGS, SCHOOLS, hazard, of, org_of, person, principal, set_hazard, set_person, version, within,
};
use crate::support::district::user;

const LATER: &str = "2026-03-20T12:00:00+08:00";

fn at(case: &mut Case<'_>, status: &str, rest: &str) -> String {
    let level = if status == "awaiting_approval" { "major" } else { "general" };
    set_hazard(case.conn, of("hazard", case.place), case.place, status, level);
    format!("/hazards/{}{rest}", of("hazard", case.place))
}

fn act(case: &mut Case<'_>, status: &str, body: Value) -> Ask {
    send(at(case, status, "/transitions"), body)
}

const fn transition(action: &'static str, any_of: &'static [P], ask: fn(&mut Case<'_>) -> Ask) -> Row {
    row("POST /hazards/{id}/transitions", any_of, ask).action(action).at(SCHOOLS)
}

/// Any of these opens the moving of hazards.
const MOVES: &[P] = &[
    P::HazardIssue,
    P::HazardRespond,
    P::HazardRectify,
    P::HazardRecheck,
    P::HazardReopen,
    P::HazardApprove,
    P::HazardVoid,
];

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /hazards", &[P::HazardRead], |case| get(format!("/hazards?org_id={}", org_of(case.place))))
            .at(ORGS)
            .limits_met(),
        row("POST /hazards", &[P::HazardReport], |case| {
            let own = matches!(case.who, "principal1" | "officer1");
            let id = of(&format!("hazard {}", case.number), case.place);
            let mut body = hazard(id, case.place, if own { "self_check" } else { "referral" });
            body["evidence_ids"] = json!([of("evidence", case.place)]);
            if case.place.contains(".s") {
                body["site_id"] = json!(of("site", case.place));
                body["recurrence_of"] = json!(of("earlier hazard", case.place));
            }
            send("/hazards".into(), body)
        })
        .at(ORGS)
        .but(|role, home, place| match role {
            // Suggestions and hints are not taken here.
            Role::ExternalInspector | Role::SchoolStaff => Some(Expect::Never),
            _ => (within(home, place) && !place.contains(".s")).then_some(Expect::Judged),
        }),
        row("GET /hazards/{id}", &[P::HazardRead], |case| get(at(case, "issued", ""))).at(SCHOOLS).limits_met(),
        row("PATCH /hazards/{id}", &[P::HazardEdit], |case| {
            let path = at(case, "registered", "");
            let version = version(case.conn, "hazards", of("hazard", case.place));
            let body = json!({
                "title": format!("出口{}", case.number), "site_id": of("site", case.place),
                "evidence_ids": [of("evidence", case.place)], "recurrence_of": of("earlier hazard", case.place),
            });
            Ask { version: Some(version), ..send(path, body) }
        })
        .at(SCHOOLS)
        .limits_met()
        .but(|role, home, place| {
            // Found by the bureau: not the school's own finding.
            (role.is_school_side() && place != ABSENT && within(home, place)).then_some(Expect::Beyond)
        }),
        row("POST /hazards/bulk", MOVES, |case| {
            at(case, "registered", "");
            let transition = json!({"action": "issue", "level": "general"});
            send("/hazards/bulk".into(), json!({"ids": [of("hazard", case.place)], "transition": transition}))
        })
        .at(SCHOOLS)
        // Each id has an outcome of its own; staff never issue.
        .but(|role, _, _| Some(if role == Role::SchoolStaff { Expect::Never } else { Expect::Done })),
        row("GET /hazards/{id}/history", &[P::HazardRead], |case| get(at(case, "issued", "/history")))
            .at(SCHOOLS)
            .limits_met(),
        row("GET /hazards/{id}/comments", &[P::HazardRead], |case| get(at(case, "issued", "/comments")))
            .at(SCHOOLS)
            .limits_met(),
        row("POST /hazards/{id}/comments", &[P::HazardComment], |case| {
            let id = of(&format!("comment {}", case.number), case.place);
            send(at(case, "issued", "/comments"), json!({"id": id, "text": "已联系"}))
        })
        .at(SCHOOLS)
        .limits_met(),
    ]
}

/// Every action.
pub fn transitions() -> Vec<Row> {
    vec![
        transition("issue", &[P::HazardIssue], |case| {
            let body = json!({"action": "issue", "level": "general", "responsible_org_id": org_of(case.place)});
            act(case, "registered", body)
        }),
        transition("assign", &[P::HazardIssue, P::HazardRespond], |case| {
            set_person(case.conn, case.place);
            let body = json!({"action": "assign", "responsible_user_id": person(case.place)});
            act(case, "issued", body)
        }),
        transition("reject_assignment", &[P::HazardRespond], |case| {
            act(case, "issued", json!({"action": "reject_assignment", "reason": "不属本校"}))
        })
        .by("principal1"),
        transition("acknowledge", &[P::HazardRespond], |case| act(case, "issued", json!({"action": "acknowledge"})))
            .by("officer1"),
        transition("file_plan", &[P::HazardRectify], |case| {
            set_person(case.conn, case.place);
            let body = json!({
                "action": "file_plan", "measures": "拆除", "contingency": "专人看守", "budget_fen": 0, "due_at": LATER,
                "responsible_user_id": person(case.place), "leader_user_id": principal(case.place),
            });
            act(case, "issued", body)
        })
        .by("officer1")
        .limits_met(),
        transition("report_done", &[P::HazardRectify], |case| {
            let body = json!({
                "action": "report_done", "measures_taken": "已拆除", "evidence_ids": [of("evidence", case.place)],
                "signed_off_by": principal(case.place),
            });
            act(case, "rectifying", body)
        })
        .by("officer1")
        .limits_met(),
        transition("pass", &[P::HazardRecheck], |case| {
            let body = json!({
                "action": "pass", "opinion": "已整改", "recheckers": [user(case.who)], "on_site": true,
                "evidence_ids": [of("evidence", case.place)],
            });
            act(case, "awaiting_recheck", body)
        }),
        transition("return", &[P::HazardRecheck, P::HazardApprove], |case| {
            act(case, "awaiting_recheck", json!({"action": "return", "reason": "未到位", "due_at": LATER}))
        })
        // Approving is another state's right to return.
        .but(|role, home, place| {
            (role == Role::BureauLeader && place != ABSENT && within(home, place)).then_some(Expect::Judged)
        }),
        transition("approve", &[P::HazardApprove], |case| {
            act(case, "awaiting_approval", json!({"action": "approve", "opinion": "同意"}))
        })
        .by("leader"),
        transition("regrade", &[P::HazardIssue], |case| {
            act(case, "issued", json!({"action": "regrade", "level": "major", "reason": "危及生命"}))
        }),
        transition("reassign_due", &[P::HazardIssue], |case| {
            act(case, "issued", json!({"action": "reassign_due", "reason": "天气", "due_at": LATER}))
        }),
        transition("void", &[P::HazardVoid], |case| {
            act(case, "registered", json!({"action": "void", "reason": "重复登记"}))
        }),
        transition("reopen", &[P::HazardReopen], |case| {
            act(case, "closed", json!({"action": "reopen", "reason": "复发", "due_at": LATER}))
        }),
    ]
}
