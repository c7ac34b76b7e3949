//! One transition for many hazards: an outcome for each, one commit, the same rules as a single call.

use anxiao::platform::db::types::Id;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, user};

async fn report(app: &TestApp, who: &str, school: &str, source: &str, level: &str) -> String {
    let body = json!({
        "org_id": org(school), "category": "fang", "domain": "fire", "title": "出口上锁", "description": "铁链锁闭",
        "source": source, "level": level,
    });
    app.post(who, "/hazards", body).await.expect(201).id()
}

fn statuses(answer: &Value) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect()
}

both_engines! {
    async fn each_id_has_its_own_outcome_in_the_order_given(app) {
        let general = report(app, "office", "a.s1", "complaint", "general").await;
        let other = report(app, "office", "a.s2", "complaint", "general").await;
        let own = report(app, "officer1", "a.s1", "self_check", "general").await;
        let gone = report(app, "office", "a.s1", "complaint", "general").await;
        app.post("office", &format!("/hazards/{gone}/transitions"), json!({"action": "void", "reason": "误报"})).await.expect(200);
        let theirs = report(app, "b.office", "b.s1", "complaint", "general").await;
        let absent = "0195e1a4-0000-7000-8000-000000000000";
        let ids = json!([own, gone, theirs, general, absent, other]);
        let issue = json!({"action": "issue", "level": "general", "requirement": "立即打开"});
        let answer = app.post("office", "/hazards/bulk", json!({"ids": ids, "transition": issue})).await.expect(200).body;
        assert_eq!(statuses(&answer), ["applied", "refused", "not_found", "applied", "not_found", "applied"]);
        for (at, id) in ids.as_array().unwrap().iter().enumerate() {
            assert_eq!(&answer["results"][at]["id"], id);
        }
        let refused = &answer["results"][1]["problem"];
        assert_eq!((&refused["code"], &refused["status"]), (&json!("transition_not_allowed"), &json!(409)));
        assert_eq!(refused["errors"][0]["code"], "wrong_state");
        assert_eq!(refused["allowed_actions"], json!([]));
        assert_eq!(answer["results"][2], json!({"id": theirs, "status": "not_found"}));
        let moved = &answer["results"][3]["hazard"];
        assert_eq!((&moved["status"], &moved["version"], &moved["due_on"]), (&json!("issued"), &json!(2), &json!("2026-03-09")));
        for id in [&own, &general, &other] {
            let history = app.get("office", &format!("/hazards/{id}/history")).await.expect(200).rows();
            assert_eq!((history.len(), &history[1]["action"], &history[1]["actor"]), (2, &json!("issue"), &json!(user("office"))));
        }
        assert_eq!(app.get("office", &format!("/hazards/{gone}")).await.expect(200).body["status"], "void");
    }

    async fn what_one_refuses_does_not_undo_the_others(app) {
        let major = report(app, "office", "a.s1", "complaint", "major").await;
        let general = report(app, "office", "a.s1", "complaint", "general").await;
        let act = async |ids: Value, transition: Value| {
            app.post("officer1", "/hazards/bulk", json!({"ids": ids, "transition": transition})).await.expect(200).body
        };
        for (id, level) in [(&major, "major"), (&general, "general")] {
            let body = json!({"action": "issue", "level": level, "basis": "判定指南第三条"});
            app.post("office", &format!("/hazards/{id}/transitions"), body).await.expect(200);
        }
        let both = json!([major, general]);
        assert_eq!(statuses(&act(both.clone(), json!({"action": "acknowledge"})).await), ["applied", "applied"]);
        let done = act(both.clone(), json!({"action": "report_done", "measures_taken": "已拆除", "evidence_ids": []})).await;
        assert_eq!(statuses(&done), ["refused", "applied"]);
        assert_eq!(done["results"][0]["problem"]["errors"][0]["code"], "plan_missing");
        // A person of another school is absent for this one, whichever hazard it is named for.
        let strange = act(both, json!({"action": "assign", "responsible_user_id": user("officer2")})).await;
        assert_eq!(statuses(&strange), ["refused", "refused"]);
        assert_eq!(strange["results"][0]["problem"]["code"], "not_found");
    }

    async fn a_bad_call_is_refused_whole(app) {
        let id = report(app, "office", "a.s1", "complaint", "general").await;
        let call = async |who: &str, body: Value| app.post(who, "/hazards/bulk", body).await;
        let issue = json!({"action": "issue", "level": "general"});
        call("", json!({})).await.expect(401);
        call("auditadmin", json!({"ids": [id], "transition": issue})).await.expect(403);
        call("principal1", json!({"ids": [id], "transition": {"action": "approve", "opinion": "x"}})).await.expect(403);
        call("office", json!({"ids": [id], "transition": issue, "why": 1})).await.expect(400);
        call("office", json!({"ids": "all", "transition": issue})).await.expect(400);
        let faults = call("office", json!({"ids": [id, id], "transition": issue})).await.expect(422).faults();
        assert_eq!(faults, [("/ids/1".to_owned(), "repeated".to_owned())]);
        let many: Vec<Id> = (0..201).map(|n| user(&format!("nobody {n}"))).collect();
        assert_eq!(call("office", json!({"ids": many, "transition": issue})).await.expect(422).faults()[0].1, "too_many");
        call("office", json!({"ids": [], "transition": issue})).await.expect(422);
        let late = json!({"action": "reopen", "due_at": "2020-01-01T00:00:00Z", "opinion": "x"});
        let faults = call("office", json!({"ids": [id], "transition": late})).await.expect(422).faults();
        let told: Vec<&str> = faults.iter().map(|one| one.0.as_str()).collect();
        assert_eq!(told, ["/transition/due_at", "/transition/opinion", "/transition/reason"]);
        assert_eq!(app.get("office", &format!("/hazards/{id}")).await.expect(200).body["version"], 1);
    }

    async fn a_repeat_is_answered_from_memory(app) {
        let ids = [report(app, "office", "a.s1", "complaint", "general").await, report(app, "office", "a.s2", "complaint", "general").await];
        let body = json!({"ids": ids, "transition": {"action": "issue", "level": "general"}});
        let send = || app.send(app.request("office", Method::POST, "/hazards/bulk").header("idempotency-key", "fifty").json(&body));
        let first = send().await.expect(200);
        let second = send().await.expect(200);
        assert_eq!((&first.body, second.header("idempotency-replayed")), (&second.body, "true"));
        assert_eq!(statuses(&second.body), ["applied", "applied"]);
        let other = json!({"ids": [ids[0]], "transition": {"action": "issue", "level": "general"}});
        let reused = app.request("office", Method::POST, "/hazards/bulk").header("idempotency-key", "fifty").json(&other);
        assert_eq!(app.send(reused).await.expect(422).code(), "idempotency_key_reused");
    }

    async fn two_officers_who_tick_the_same_rows_move_each_once(app) {
        let mut ids = Vec::new();
        for _ in 0..12 {
            ids.push(report(app, "office", "a.s1", "complaint", "general").await);
        }
        let backwards: Vec<String> = ids.iter().rev().cloned().collect();
        let issue = json!({"action": "issue", "level": "general"});
        let (one, two) = futures_util::future::join(
            app.post("office", "/hazards/bulk", json!({"ids": ids, "transition": issue})),
            app.post("section.fire", "/hazards/bulk", json!({"ids": backwards, "transition": issue})),
        )
        .await;
        let (one, two) = (one.expect(200).body, two.expect(200).body);
        let applied = |answer: &Value| statuses(answer).iter().filter(|one| **one == "applied").count();
        assert_eq!(applied(&one) + applied(&two), 12);
    }
}
