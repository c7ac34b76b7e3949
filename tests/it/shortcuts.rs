//! Short ways round the loop that somebody would try: each is closed, and told.

use serde_json::{Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

const ABSENT: &str = "0195e1a4-0000-7000-8000-000000000000";

async fn found(app: &TestApp, who: &str, source: &str) -> String {
    let body = json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "三楼东侧安全出口上锁",
        "description": "午休时段铁链锁闭，无法从内部打开。", "source": source
    });
    app.post(who, "/hazards", body).await.expect(201).id()
}

async fn act(app: &TestApp, who: &str, id: &str, action: &str, mut more: Value) -> Answer {
    more["action"] = json!(action);
    app.post(who, &format!("/hazards/{id}/transitions"), more).await
}

/// The rules that stood in the way.
#[track_caller]
fn refused(answer: Answer) -> Vec<String> {
    answer.expect(409).faults().into_iter().map(|(_, code)| code).collect()
}

fn general() -> Value {
    json!({"level": "general"})
}

fn due(at: &str) -> Value {
    json!({"due_at": at, "reason": "另定期限"})
}

fn plan(due_at: &str) -> Value {
    json!({
        "measures": "更换推杠锁", "responsible_user_id": user("officer1"), "leader_user_id": user("principal1"),
        "budget_fen": 120_000, "due_at": due_at, "contingency": "专人值守"
    })
}

fn done() -> Value {
    json!({"measures_taken": "已更换", "evidence_ids": []})
}

fn passed(people: &[&str]) -> Value {
    let people: Vec<_> = people.iter().map(|who| user(who)).collect();
    json!({"opinion": "已整改", "recheckers": people, "on_site": true})
}

both_engines! {
    async fn a_plan_does_not_put_off_a_deadline_that_the_bureau_ordered(app) {
        let ordered = json!({"level": "major", "basis": "判定指南第三条", "due_at": "2026-03-20T10:00:00Z"});
        for (promised, in_force) in [("2027-03-20T10:00:00Z", "2026-03-20T10:00:00.000000Z"), ("2026-03-10T10:00:00Z", "2026-03-10T10:00:00.000000Z")] {
            let id = found(app, "inspector1", "routine").await;
            act(app, "office", &id, "issue", ordered.clone()).await.expect(200);
            let planned = act(app, "officer1", &id, "file_plan", plan(promised)).await.expect(200).body;
            assert_eq!((&planned["due_at"], &planned["original_due_at"]), (&json!(in_force), &json!("2026-03-20T10:00:00.000000Z")));
        }
    }

    async fn a_deadline_given_before_the_order_binds_no_bureau(app) {
        let id = found(app, "officer1", "self_check").await;
        act(app, "officer1", &id, "reassign_due", due("2099-01-01T00:00:00Z")).await.expect(200);
        let issued = act(app, "office", &id, "issue", general()).await.expect(200).body;
        assert_eq!((&issued["due_at"], &issued["original_due_at"]), (&json!("2026-03-09T15:59:59.999999Z"), &json!("2026-03-09T15:59:59.999999Z")));

        let id = found(app, "office", "routine").await;
        act(app, "office", &id, "reassign_due", due("2026-03-20T10:00:00Z")).await.expect(200);
        let issued = act(app, "office", &id, "issue", general()).await.expect(200).body;
        assert_eq!(issued["due_at"], "2026-03-20T10:00:00.000000Z", "the bureau's own word holds");
    }

    async fn a_school_does_not_shake_off_its_first_deadline_by_refusing_its_own_order(app) {
        let id = found(app, "officer1", "self_check").await;
        act(app, "officer1", &id, "issue", general()).await.expect(200);
        act(app, "officer1", &id, "reject_assignment", json!({"reason": "误"})).await.expect(200);
        let again = act(app, "officer1", &id, "issue", json!({"level": "general", "due_at": "2026-09-01T00:00:00Z"})).await.expect(200).body;
        assert_eq!((&again["due_at"], &again["original_due_at"]), (&json!("2026-09-01T00:00:00.000000Z"), &json!("2026-03-09T15:59:59.999999Z")));
    }

    async fn a_school_does_not_undo_what_the_bureau_ordered_by_refusing_it_first(app) {
        for (who, order, more) in [
            ("office", "issue", general()),
            ("supervisor", "issue", general()),
            ("office", "reassign_due", due("2026-03-20T10:00:00Z")),
            ("office", "assign", json!({"responsible_user_id": user("staff1")})),
        ] {
            let id = found(app, "officer1", "self_check").await;
            if order != "issue" {
                act(app, "officer1", &id, "issue", general()).await.expect(200);
            }
            act(app, who, &id, order, more).await.expect(200);
            let back = act(app, "officer1", &id, "reject_assignment", json!({"reason": "误"})).await.expect(200).body;
            assert!(!back["allowed_actions"].as_array().unwrap().contains(&json!("void")), "{who} {order}");
            for school in ["officer1", "principal1"] {
                assert_eq!(refused(act(app, school, &id, "void", json!({"reason": "误报"})).await), ["needs_bureau"], "{who} {order}");
            }
            act(app, "office", &id, "void", json!({"reason": "误报"})).await.expect(200);
        }
        // Its own word it may still take back.
        let id = found(app, "officer1", "self_check").await;
        act(app, "officer1", &id, "issue", general()).await.expect(200);
        act(app, "officer1", &id, "assign", json!({"responsible_user_id": user("staff1")})).await.expect(200);
        act(app, "officer1", &id, "reject_assignment", json!({"reason": "误"})).await.expect(200);
        act(app, "principal1", &id, "void", json!({"reason": "误报"})).await.expect(200);
    }

    async fn a_late_report_is_not_made_timely_by_a_school_that_moves_the_deadline_afterwards(app) {
        let id = found(app, "officer1", "self_check").await;
        act(app, "officer1", &id, "issue", general()).await.expect(200);
        act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
        app.clock.advance(chrono::TimeDelta::days(20));
        let reported = act(app, "officer1", &id, "report_done", done()).await.expect(200).body;
        assert!(!reported["allowed_actions"].as_array().unwrap().contains(&json!("reassign_due")));
        assert_eq!(refused(act(app, "principal1", &id, "reassign_due", due("2026-09-01T00:00:00Z")).await), ["needs_bureau"]);
        act(app, "office", &id, "reassign_due", due("2026-09-01T00:00:00Z")).await.expect(200);
    }

    async fn who_hands_the_work_on_has_put_it_right_as_well(app) {
        let id = found(app, "principal1", "self_check").await;
        act(app, "principal1", &id, "issue", general()).await.expect(200);
        // Before it is signed for nobody is at work yet.
        act(app, "principal1", &id, "assign", json!({"responsible_user_id": user("principal1")})).await.expect(200);
        act(app, "principal1", &id, "assign", json!({"responsible_user_id": user("officer1")})).await.expect(200);
        act(app, "principal1", &id, "acknowledge", json!({})).await.expect(200);
        act(app, "officer1", &id, "assign", json!({"responsible_user_id": user("staff1")})).await.expect(200);
        act(app, "staff1", &id, "report_done", done()).await.expect(200);
        assert_eq!(refused(act(app, "officer1", &id, "pass", passed(&["officer1"])).await), ["same_person"]);
        assert_eq!(act(app, "principal1", &id, "pass", passed(&["principal1"])).await.expect(200).body["status"], "closed");
    }

    async fn what_a_school_closed_wrongly_the_bureau_closes(app) {
        let id = found(app, "officer1", "self_check").await;
        act(app, "officer1", &id, "issue", general()).await.expect(200);
        act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        act(app, "principal1", &id, "pass", passed(&["principal1"])).await.expect(200);
        act(app, "supervisor", &id, "reopen", due("2026-03-20T10:00:00Z")).await.expect(200);
        assert_eq!(refused(act(app, "principal1", &id, "reassign_due", due("2099-01-01T00:00:00Z")).await), ["needs_bureau"]);
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        assert_eq!(refused(act(app, "principal1", &id, "pass", passed(&["principal1"])).await), ["needs_bureau"]);
        assert_eq!(act(app, "supervisor", &id, "pass", passed(&["supervisor"])).await.expect(200).body["status"], "closed");
    }

    async fn no_progress_is_owed_of_the_time_a_major_was_closed(app) {
        let id = found(app, "inspector1", "routine").await;
        act(app, "office", &id, "issue", json!({"level": "major", "basis": "判定指南第三条"})).await.expect(200);
        act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
        let planned = act(app, "officer1", &id, "file_plan", plan("2026-03-20T10:00:00Z")).await.expect(200).body;
        assert_eq!(planned["next_progress_due"], "2026-03-31T15:59:59.999999Z");
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        act(app, "inspector1", &id, "pass", passed(&["inspector1", "inspector2"])).await.expect(200);
        act(app, "leader", &id, "approve", json!({"opinion": "同意销号"})).await.expect(200);
        app.clock.advance(chrono::TimeDelta::days(150));
        let again = act(app, "office", &id, "reopen", due("2026-12-20T10:00:00Z")).await.expect(200).body;
        assert_eq!((&again["next_progress_due"], &again["progress_overdue"]), (&json!("2026-09-30T15:59:59.999999Z"), &json!(false)));
    }

    async fn an_id_in_a_body_tells_a_school_nothing_of_other_schools(app) {
        let id = found(app, "officer1", "self_check").await;
        let to = |org: Value| json!({"level": "general", "responsible_org_id": org});
        let absent = act(app, "officer1", &id, "issue", to(json!(ABSENT))).await.expect(404).code().to_owned();
        assert_eq!(act(app, "officer1", &id, "issue", to(json!(org("a.s2")))).await.expect(404).code(), absent);
        assert_eq!(act(app, "office", &id, "issue", to(json!(org("a.s2")))).await.expect(422).faults()[0].1, "not_responsible");

        act(app, "officer1", &id, "issue", general()).await.expect(200);
        act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        act(app, "principal1", &id, "pass", passed(&["principal1", "officer2"])).await.expect(404);
        assert_eq!(refused(act(app, "principal1", &id, "pass", passed(&["principal1", "staff1"])).await), ["not_a_rechecker"]);
        assert_eq!(act(app, "principal1", &id, "pass", passed(&["principal1", "inspector1"])).await.expect(200).body["status"], "closed");
    }
}
