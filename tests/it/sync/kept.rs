//! What could not be done and is kept for people.

use serde_json::{Value, json};

use super::{Phone, begun, good_answers, id, plan, problem, receipt, stands, words};
use crate::support::district::{org, user};

both_engines! {
    async fn what_was_allowed_then_and_is_not_now_is_kept_with_that_fact(app) {
        let visit = begun(app).await;
        let mut phone = Phone::new("inspector2", "moved away");
        let op = phone.op(
            "inspection.answer", &visit, json!({"item_code": "fang-002", "result": "fail", "note": "灭火器过期"}),
            json!({"occurred_at": "2026-03-02T09:59:00+08:00", "base_version": 1}),
        );
        // The same person becomes an inspector elsewhere: the old membership ends.
        let person = app.get("office", &format!("/users/{}", user("inspector2"))).await.expect(200).body;
        let membership = person["memberships"][0]["id"].as_str().unwrap().to_owned();
        let staff = json!({"org_id": org("a.s2"), "role": "school_staff"});
        app.post("office", &format!("/users/{}/memberships", user("inspector2")), staff).await.expect(201);
        app.delete("office", &format!("/users/{}/memberships/{membership}", user("inspector2"))).await.expect(204);
        let answer = phone.push(app, &[op]).await;
        assert_eq!(words(&answer), ["quarantined"], "{}", answer.text);
        assert_eq!(answer.body["results"][0]["allowed_then"], true);
        assert_eq!(stands(app, &visit, "fang-002").await["result"], Value::Null);
        let kept = answer.body["results"][0]["quarantine_id"].as_str().unwrap().to_owned();
        // Somebody of another bureau, or of a school, sees nothing of it.
        for who in ["b.office", "officer1"] {
            app.post(who, &format!("/sync/quarantine/{kept}/accept"), json!({})).await.expect(404);
        }
        // Who leads the visit hears of it, where its author might have done it then.
        let led = app.get("inspector1", "/sync/quarantine").await.expect(200).rows();
        assert_eq!((led.len(), &led[0]["inspection_id"], &led[0]["user_id"]), (1, &json!(visit), &json!(user("inspector2"))));
        let own = app.get("inspector2", "/sync/quarantine").await.expect(200).rows();
        assert_eq!((own.len(), &own[0]["allowed_then"]), (1, &json!(true)));
        // Its author may not: the right is the accepter's.
        app.post("inspector2", &format!("/sync/quarantine/{kept}/accept"), json!({})).await.expect(404);
        let done = app.post("office", &format!("/sync/quarantine/{kept}/accept"), json!({"reason": "当时在组"})).await.expect(200);
        assert_eq!(done.body["decision"]["by"], json!(user("office")));
        assert_eq!((&done.body["status"], &done.body["user_id"]), (&json!("accepted"), &json!(user("inspector2"))));
        let row = stands(app, &visit, "fang-002").await;
        assert_eq!((&row["result"], &row["answered_by"]), (&json!("fail"), &json!(user("inspector2"))));
        app.post("office", &format!("/sync/quarantine/{kept}/dismiss"), json!({"reason": "x"})).await.expect(409);
        assert!(app.get("office", "/sync/quarantine?status=open").await.expect(200).rows().is_empty());
        assert_eq!(app.get("office", "/sync/quarantine?status=accepted").await.expect(200).rows().len(), 1);
    }

    async fn whoever_has_gone_over_to_the_school_is_not_told_what_was_allowed_then(app) {
        let mut hidden = plan();
        hidden["kind"] = json!("unannounced");
        hidden["announced"] = json!(false);
        let visit = app.post("office", "/inspections", hidden).await.expect(201).id();
        let person = app.get("office", &format!("/users/{}", user("inspector2"))).await.expect(200).body;
        let membership = person["memberships"][0]["id"].as_str().unwrap().to_owned();
        let staff = json!({"org_id": org("a.s1"), "role": "school_staff"});
        app.post("office", &format!("/users/{}/memberships", user("inspector2")), staff).await.expect(201);
        app.delete("office", &format!("/users/{}/memberships/{membership}", user("inspector2"))).await.expect(204);
        let mut phone = Phone::new("inspector2", "changed sides");
        let more = json!({"occurred_at": "2026-03-02T09:59:00+08:00"});
        let ops = [
            phone.op("inspection.check_in", &visit, json!({}), more.clone()),
            phone.op("inspection.check_in", id("no such visit"), json!({}), more),
        ];
        let answer = phone.push(app, &ops).await;
        let [mut one, mut other] = [0_usize, 1].map(|place| answer.body["results"][place].clone());
        for result in [&mut one, &mut other] {
            for name in ["seq", "op_id", "quarantine_id"] {
                result.as_object_mut().unwrap().remove(name);
            }
        }
        assert_eq!(one, other, "a visit that is still hidden differs from none");
        let rows = app.get("inspector2", "/sync/quarantine").await.expect(200).rows();
        assert!(rows.iter().all(|row| row["inspection_id"].is_null() && row["org_id"] == rows[0]["org_id"]), "{rows:?}");
    }

    async fn a_disabled_persons_phone_hands_in_and_reads_nothing(app) {
        let visit = begun(app).await;
        let mut phone = Phone::new("inspector2", "left behind");
        let first = phone.pull(app, Value::Null).await.expect(200);
        assert!(first.body["device_credential"].is_null());
        let named = json!({"device_id": phone.name});
        let credential = app.post("inspector2", "/sync/pull", named.clone()).await.expect(200).body["device_credential"].clone();
        let credential = credential.as_str().unwrap().to_owned();
        // An answer that was lost costs nothing.
        assert_eq!(app.post("inspector2", "/sync/pull", named).await.expect(200).body["device_credential"], credential);
        let op = phone.op("inspection.answer", &visit, json!({"item_code": "fang-001", "result": "fail"}), json!({}));
        app.post("sysadmin", &format!("/users/{}/disable", user("inspector2")), json!({})).await.expect(200);
        app.post("inspector2", "/sync/push", phone.body(std::slice::from_ref(&op))).await.expect(401);
        let hand_in = |credential: &str, scheme: &str, body: Value| {
            let request = app.request("", reqwest::Method::POST, "/sync/hand-in");
            app.send(request.header("authorization", format!("{scheme} {credential}")).json(&body))
        };
        for turn in 0..2 {
            let answer = hand_in(&credential, "Device", phone.body(std::slice::from_ref(&op))).await.expect(200);
            receipt(app, &answer, phone.name, std::slice::from_ref(&op)).await;
            assert_eq!(words(&answer), [if turn == 0 { "quarantined" } else { "duplicate" }]);
            assert_eq!(problem(&answer, 0), "account_disabled");
            assert!(answer.body["results"][0]["row"].is_null());
        }
        assert_eq!(stands(app, &visit, "fang-001").await["result"], Value::Null);
        hand_in(&credential, "Bearer", phone.body(&[])).await.expect(401);
        hand_in(&format!("{credential}x"), "Device", phone.body(&[])).await.expect(401);
        hand_in("dev1.x.y", "Device", json!("not even read")).await.expect(401);
        hand_in(&credential, "Device", json!({"device_id": "another", "ops": []})).await.expect(422);
        for path in ["/sync/pull", "/sync/push"] {
            let request = app.request("", reqwest::Method::POST, path);
            let request = request.header("authorization", format!("Device {credential}"));
            app.send(request.json(&json!({"device_id": "x", "ops": []}))).await.expect(401);
        }
        let led = app.get("inspector1", "/sync/quarantine").await.expect(200).rows();
        assert_eq!((led.len(), &led[0]["inspection_id"]), (1, &json!(visit)), "the lead of its visit sees it");
        let kept = app.get("office", "/sync/quarantine").await.expect(200).rows();
        let at = kept[0]["id"].as_str().unwrap();
        app.post("office", &format!("/sync/quarantine/{at}/accept"), json!({})).await.expect(200);
        let row = stands(app, &visit, "fang-001").await;
        assert_eq!((&row["result"], &row["answered_by"]), (&json!("fail"), &json!(user("inspector2"))));
    }

    async fn nobody_approves_by_anothers_name_what_the_own_recheck_bars(app) {
        let more = json!({"org_id": org("a"), "role": "inspector"});
        app.post("sysadmin", &format!("/users/{}/memberships", user("leader")), more).await.expect(201);
        let found = json!({
            "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口上锁", "description": "铁链锁闭",
            "source": "special", "level": "major",
        });
        let hazard = app.post("inspector1", "/hazards", found).await.expect(201).id();
        let plan = json!({
            "action": "file_plan", "measures": "更换推杠锁", "responsible_user_id": user("staff1"),
            "leader_user_id": user("principal1"), "budget_fen": 1, "due_at": "2026-04-10T10:00:00Z", "contingency": "专人值守",
        });
        let both = json!([user("inspector1"), user("leader")]);
        for (who, step) in [
            ("section.fire", json!({"action": "issue", "level": "major", "basis": "判定指南第三条（一）8"})),
            ("officer1", json!({"action": "acknowledge"})),
            ("officer1", plan),
            ("staff1", json!({"action": "report_done", "measures_taken": "已更换", "evidence_ids": []})),
            ("leader", json!({"action": "pass", "opinion": "已到位", "recheckers": both, "on_site": true})),
        ] {
            app.post(who, &format!("/hazards/{hazard}/transitions"), step).await.expect(200);
        }
        let approval = json!({"action": "approve", "opinion": "同意销号"});
        app.post("leader", &format!("/hazards/{hazard}/transitions"), approval.clone()).await.expect(409);
        let mut phone = Phone::new("inspector2", "a helping hand");
        let op = phone.op("hazard.transition", &hazard, approval, json!({}));
        let answer = phone.push(app, &[op]).await;
        assert_eq!(words(&answer), ["quarantined"], "{}", answer.text);
        let kept = answer.body["results"][0]["quarantine_id"].as_str().unwrap().to_owned();
        let refused = app.post("leader", &format!("/sync/quarantine/{kept}/accept"), json!({})).await.expect(409);
        assert_eq!(refused.faults()[0].1, "same_person", "{}", refused.text);
        assert_eq!(app.get("office", &format!("/hazards/{hazard}")).await.expect(200).body["status"], "awaiting_approval");
        assert_eq!(app.get("leader", "/sync/quarantine?status=open").await.expect(200).rows().len(), 1);
    }

    async fn without_a_sign_in_not_even_an_earlier_answer_is_read_again(app) {
        let visit = begun(app).await;
        let mut phone = Phone::new("inspector2", "found in a taxi");
        let named = app.post("inspector2", "/sync/pull", json!({"device_id": phone.name})).await.expect(200).body;
        let credential = named["device_credential"].as_str().unwrap().to_owned();
        let note = json!({"item_code": "fang-001", "note": "一"});
        let before = json!({"answers": [{"item_code": "fang-001", "result": "fail", "note": "甲"}]});
        app.put("inspector1", &format!("/inspections/{visit}/answers"), before).await.expect(200);
        let clash = phone.op("inspection.answer", &visit, note, json!({"base_version": 1}));
        let told = phone.push(app, std::slice::from_ref(&clash)).await;
        assert_eq!((words(&told)[0].as_str(), &told.body["results"][0]["row"]["note"]), ("conflict", &json!("甲")));
        let request = app.request("", reqwest::Method::POST, "/sync/hand-in");
        let request = request.header("authorization", format!("Device {credential}"));
        let answer = app.send(request.json(&phone.body(&[clash]))).await.expect(200);
        assert_eq!((words(&answer)[0].as_str(), answer.text.contains("甲")), ("duplicate", false), "{}", answer.text);
    }

    async fn what_comes_too_late_is_a_conflict_with_both_kept(app) {
        let visit = begun(app).await;
        let answers = good_answers(app, &visit, "").await;
        app.put("inspector1", &format!("/inspections/{visit}/answers"), json!({"answers": answers})).await.expect(200);
        app.post("inspector1", &format!("/inspections/{visit}/submit"), json!({})).await.expect(200);
        let mut phone = Phone::new("inspector2", "too late");
        let late = phone.op("inspection.answer", &visit, json!({"item_code": "fang-001", "note": "补记"}), json!({"base_version": 2}));
        let again = phone.op("inspection.submit", &visit, json!({}), json!({"base_version": 2}));
        let answer = phone.push(app, &[late, again]).await;
        assert_eq!(words(&answer), ["conflict", "conflict"], "{}", answer.text);
        let rows = app.get("inspector1", "/sync/conflicts?status=open&count=true").await.expect(200);
        assert_eq!(rows.body["page"]["count"], 2, "the lead sees them");
        let at = rows.rows()[0]["id"].as_str().unwrap().to_owned();
        app.post("office", &format!("/sync/conflicts/{at}/resolve"), json!({"keep": "device"})).await.expect(409);
        let kept = json!({"keep": "server", "reason": "已提交"});
        app.post("office", &format!("/sync/conflicts/{at}/resolve"), kept).await.expect(200);
        app.get("inspector1", "/sync/conflicts?status=resolved").await.expect(200);
    }

    async fn whose_it_is_may_let_it_be(app) {
        let mut phone = Phone::new("inspector1", "mistaken");
        let visit = app.post("office", "/inspections", plan()).await.expect(201).id();
        let op = phone.op("comment.add", id("a remark"), json!({"hazard_id": visit, "text": "x"}), json!({}));
        let answer = phone.push(app, &[op]).await;
        assert_eq!((words(&answer)[0].as_str(), problem(&answer, 0)), ("quarantined", "not_found"));
        let at = answer.body["results"][0]["quarantine_id"].as_str().unwrap().to_owned();
        app.post("inspector1", &format!("/sync/quarantine/{at}/dismiss"), json!({})).await.expect(422);
        app.post("inspector2", &format!("/sync/quarantine/{at}/dismiss"), json!({"reason": "误报"})).await.expect(404);
        let row = app.post("inspector1", &format!("/sync/quarantine/{at}/dismiss"), json!({"reason": "误报"})).await.expect(200);
        assert_eq!((&row.body["status"], &row.body["decision"]["reason"]), (&json!("dismissed"), &json!("误报")));
    }
}
