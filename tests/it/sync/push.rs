//! Handing in.

use anxiao::platform::journal::epoch;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Phone, begun, good_answers, id, plan, problem, stands, words};
use crate::support::district::{org, start_time, user};
use crate::support::{Engine, TestApp};

fn report() -> Value {
    json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口上锁", "description": "铁链锁闭",
        "source": "referral",
    })
}

/// A whole visit as operations: planned, begun, every item answered, handed in, each naming what it needs.
async fn whole_visit(app: &TestApp, phone: &mut Phone, visit: &str) -> Vec<Value> {
    let model = app.post("office", "/inspections", plan()).await.expect(201).id();
    let answers = good_answers(app, &model, "fang-003").await;
    let mut ops = vec![phone.op("inspection.create", visit, plan(), json!({}))];
    let created = ops[0]["op_id"].clone();
    ops.push(phone.op("inspection.check_in", visit, json!({}), json!({"needs": [created]})));
    let begun = ops[1]["op_id"].clone();
    let mut ids = Vec::new();
    for answer in answers {
        let op = phone.op("inspection.answer", visit, answer, json!({"needs": [begun], "base_version": 1}));
        ids.push(op["op_id"].clone());
        ops.push(op);
    }
    ops.push(phone.op("inspection.submit", visit, json!({"conclusion": "一处不合格"}), json!({"needs": ids})));
    ops
}

async fn outcome(app: &TestApp, visit: &str) -> Value {
    let row = app.get("office", &format!("/inspections/{visit}")).await.expect(200).body;
    let found = app.get("office", &format!("/hazards?inspection_id={visit}")).await.expect(200).rows();
    json!([row["status"], row["progress"], found.len(), found[0]["title"], found[0]["status"]])
}

both_engines! {
    async fn a_whole_visit_is_handed_in_at_once_and_again_without_effect(app) {
        let mut phone = Phone::new("office", "phone-1");
        let visit = id("whole visit").to_string();
        let mut plan_of_two = plan();
        plan_of_two["team"] = json!([user("office"), user("inspector1")]);
        let ops = whole_visit(app, &mut phone, &visit).await;
        let mut ops = ops;
        ops[0]["set"] = plan_of_two;
        let first = phone.push(app, &ops).await;
        assert!(words(&first).iter().all(|word| word == "applied"), "{}", first.text);
        assert_eq!(first.body["acked_seq"], ops.len());
        assert!(first.body["device_credential"].as_str().is_some_and(|text| text.starts_with("dev1.")));
        assert_eq!(outcome(app, &visit).await[0], "submitted");
        let before = outcome(app, &visit).await;
        // The answer was lost: the same again.
        let again = phone.push(app, &ops).await;
        assert!(words(&again).iter().all(|word| word == "duplicate"), "{}", again.text);
        assert_eq!(again.body["receipt"], first.body["receipt"]);
        for (one, other) in first.body["results"].as_array().unwrap().iter().zip(again.body["results"].as_array().unwrap()) {
            let mut other = other.clone();
            let was = other.as_object_mut().unwrap().remove("was").unwrap();
            other["status"] = was;
            assert_eq!(one, &other);
        }
        assert_eq!(outcome(app, &visit).await, before);
    }

    async fn json_by_its_form_alone_is_kept_for_people_and_never_left_out(app) {
        let phone = Phone::new("inspector1", "garbled");
        let deep = format!("{}1{}", "[".repeat(3000), "]".repeat(3000));
        let sets = [r#"{"text":"\ud800"}"#, r#"{"n":1e999}"#, deep.as_str(), r#"{"\u0000":"x"}"#, r#"{"text":"a\u0000b"}"#];
        let ops: Vec<String> = sets.iter().enumerate().map(|(place, set)| {
            let (seq, op) = (place + 1, id(&format!("garbled {place}")));
            format!(r#"{{"seq":{seq},"op_id":"{op}","kind":"comment.add","id":"{op}","set":{set}}}"#)
        }).collect();
        let body = format!(r#"{{"device_id":"garbled","schema":1,"ops":[{}]}}"#, ops.join(","));
        for word in ["quarantined", "duplicate"] {
            let request = app.request(phone.who, Method::POST, "/sync/push").header("content-type", "application/json");
            let answer = app.send(request.body(body.clone())).await.expect(200);
            assert_eq!(words(&answer), [word; 5], "{}", answer.text);
            assert_eq!(answer.body["acked_seq"], 5);
            assert_eq!((problem(&answer, 0), problem(&answer, 3)), ("malformed_body", "validation_failed"));
        }
        let kept = app.get("inspector1", "/sync/quarantine").await.expect(200).rows();
        assert_eq!(kept.len(), 5);
        assert!(kept.iter().any(|row| row["op"].as_str().is_some_and(|text| text.contains("1e999"))));
        let at = kept.iter().find(|row| row["seq"] == 2).unwrap()["id"].as_str().unwrap().to_owned();
        app.post("inspector1", &format!("/sync/quarantine/{at}/accept"), json!({})).await.expect(400);
    }

    async fn the_same_operation_twice_in_one_request_is_a_duplicate_of_itself(app) {
        let mut phone = Phone::new("inspector1", "stutter");
        let op = phone.op("hazard.report", id("stuttered"), report(), json!({}));
        let answer = phone.push(app, &[op.clone(), op.clone()]).await;
        assert_eq!(words(&answer), ["applied", "duplicate"], "{}", answer.text);
        assert_eq!(answer.body["results"][1]["was"], "applied");
        assert_eq!(words(&phone.push(app, &[op.clone(), op]).await), ["duplicate", "duplicate"]);
    }

    async fn what_can_never_be_done_waits_for_nothing_and_names_the_field_at_fault(app) {
        let mut phone = Phone::new("inspector1", "hopeless");
        let mut wrong = report();
        wrong["title"] = json!("");
        let ops = [
            phone.op("nobody.knows", id("x"), json!({}), json!({"needs": [id("never")]})),
            phone.op("hazard.report", id("untitled"), wrong, json!({})),
        ];
        let answer = phone.push(app, &ops).await;
        assert_eq!(words(&answer), ["quarantined", "quarantined"], "{}", answer.text);
        assert_eq!(answer.body["results"][1]["problem"]["errors"][0]["pointer"], "/set/title");
    }

    async fn a_word_for_a_group_binds_one_request_alone(app) {
        let mut phone = Phone::new("inspector1", "same word");
        let late = id("late hazard");
        let waits = phone.op("hazard.report", id("first"), report(), json!({"group": "g", "needs": [late]}));
        assert_eq!(words(&phone.push(app, &[waits.clone()]).await), ["held"]);
        let never = phone.op("hazard.report", id("second"), report(), json!({"group": "g", "needs": [id("never")]}));
        assert_eq!(words(&phone.push(app, &[never]).await), ["held"]);
        let needed = phone.op("hazard.report", late, report(), json!({}));
        assert_eq!(words(&phone.push(app, &[needed]).await), ["applied"]);
        let again = phone.push(app, &[waits]).await;
        assert_eq!(again.body["results"][0]["was"], "applied", "{}", again.text);
    }

    async fn any_order_comes_to_the_same(app) {
        let mut results = Vec::new();
        for (turn, name) in ["order-1", "order-2", "order-3"].into_iter().enumerate() {
            let mut phone = Phone::new("office", name);
            let visit = id(name).to_string();
            let mut ops = whole_visit(app, &mut phone, &visit).await;
            ops[0]["set"]["team"] = json!([user("office"), user("inspector1")]);
            match turn {
                0 => {}
                1 => ops.reverse(),
                _ => {
                    // Every third first, then the others backwards.
                    let (some, mut rest): (Vec<_>, Vec<_>) = ops.into_iter().enumerate().partition(|(n, _)| n % 3 == 2);
                    rest.reverse();
                    ops = some.into_iter().chain(rest).map(|(_, op)| op).collect();
                }
            }
            let mut held = 0;
            for some in ops.chunks(5) {
                held += words(&phone.push(app, some).await).iter().filter(|word| *word == "held").count();
            }
            assert_eq!(held > 0, turn > 0, "{name}");
            let last = phone.push(app, &ops).await;
            let was = |result: &Value| result["was"].as_str().unwrap().to_owned();
            let words: Vec<String> = last.body["results"].as_array().unwrap().iter().map(was).collect();
            assert!(words.iter().all(|word| word == "applied"), "{name}: {}", last.text);
            assert_eq!(last.body["acked_seq"], ops.len());
            results.push(outcome(app, &visit).await);
        }
        assert!(results.iter().all(|one| *one == results[0]), "{results:?}");
        assert_eq!(results[0][0], "submitted");
    }

    async fn two_phones_on_one_item_are_merged_or_kept_both(app) {
        let visit = begun(app).await;
        let (mut one, mut two) = (Phone::new("inspector1", "one"), Phone::new("inspector2", "two"));
        let seen = json!({"base_version": 1});
        let fail = one.op("inspection.answer", &visit, json!({"item_code": "fang-001", "result": "fail"}), seen.clone());
        assert_eq!(words(&one.push(app, &[fail]).await), ["applied"]);
        let note = two.op("inspection.answer", &visit, json!({"item_code": "fang-001", "result": "fail", "note": "堆物"}), seen.clone());
        let merged = two.push(app, &[note]).await;
        assert_eq!(words(&merged), ["merged"], "{}", merged.text);
        assert_eq!(merged.body["results"][0]["row"]["note"], "堆物");
        let pass = two.op("inspection.answer", &visit, json!({"item_code": "fang-001", "result": "pass"}), seen);
        let clash = two.push(app, &[pass]).await;
        assert_eq!(words(&clash), ["conflict"], "{}", clash.text);
        assert_eq!(clash.body["results"][0]["row"]["result"], "fail");
        let row = stands(app, &visit, "fang-001").await;
        assert_eq!((&row["result"], &row["note"]), (&json!("fail"), &json!("堆物")));
        let at = clash.body["results"][0]["conflict_id"].as_str().unwrap().to_owned();
        let conflicts = app.get("inspector2", "/sync/conflicts?status=open").await.expect(200).rows();
        assert_eq!(conflicts[0]["fields"], json!([{"field": "result", "server": "fail", "device": "pass"}]));
        // The lead resolves it for the phone; the answer stays the work of whoever gave it.
        let resolved = app.post("inspector1", &format!("/sync/conflicts/{at}/resolve"), json!({"keep": "device"})).await.expect(200);
        assert_eq!(resolved.body["decision"]["by"], json!(user("inspector1")));
        let row = stands(app, &visit, "fang-001").await;
        assert_eq!((&row["result"], &row["answered_by"]), (&json!("pass"), &json!(user("inspector2"))));
        app.post("inspector1", &format!("/sync/conflicts/{at}/resolve"), json!({"keep": "server"})).await.expect(409);
        assert!(app.get("officer1", "/sync/conflicts").await.expect(200).rows().is_empty());
    }

    async fn one_bad_operation_never_stops_another(app) {
        let mut phone = Phone::new("office", "batch");
        let mut ops: Vec<Value> = (0..200).map(|n| {
            phone.op("hazard.report", id(&format!("batch hazard {n}")), report(), json!({}))
        }).collect();
        ops[17]["kind"] = json!("record.create");
        ops[90]["set"]["category"] = json!("weather");
        ops[150]["set"]["org_id"] = json!(org("b.s1"));
        for turn in 0..2 {
            let answer = phone.push(app, &ops).await;
            let done = if turn == 0 { "applied" } else { "duplicate" };
            let words = words(&answer);
            let bad = |n: usize| [17, 90, 150].contains(&n);
            for (n, word) in words.iter().enumerate() {
                let right = if turn == 1 { "duplicate" } else if bad(n) { "quarantined" } else { done };
                assert_eq!(word, right, "{n}: {}", answer.body["results"][n]);
            }
            assert_eq!([17, 90, 150].map(|n| problem(&answer, n)), ["unknown_kind", "validation_failed", "not_found"]);
            assert_eq!(answer.body["results"][90]["problem"]["errors"][0]["pointer"], "/set/category");
        }
        let count = app.get("office", "/hazards?count=true&limit=1").await.expect(200).body["page"]["count"].clone();
        assert_eq!(count, 197);
        let kept = app.get("office", "/sync/quarantine?count=true").await.expect(200);
        assert_eq!(kept.body["page"]["count"], 3);
        assert_eq!(app.get("leader", "/sync/quarantine").await.expect(200).rows().len(), 3);
        assert!(app.get("b.office", "/sync/quarantine").await.expect(200).rows().is_empty());
        // What is kept is whole.
        let kind = |row: &Value| row["op"]["kind"].as_str().unwrap().to_owned();
        assert!(kept.rows().iter().any(|row| kind(row) == "record.create" && row["op"]["set"] == ops[17]["set"]));
    }

    async fn what_is_wrong_with_a_request_is_said_before_anything_is_stored(app) {
        let mut phone = Phone::new("office", "bad");
        let op = phone.op("hazard.report", id("bad hazard"), report(), json!({}));
        let many: Vec<Value> = (0..501).map(|_| op.clone()).collect();
        let body = |ops: &[Value]| json!({"device_id": "bad", "ops": ops});
        assert_eq!(app.post("office", "/sync/push", body(&many)).await.expect(413).code(), "body_too_large");
        let long = json!({"device_id": "bad", "ops": [], "sent_at": "x".repeat(1 << 20)});
        assert_eq!(app.post("office", "/sync/push", long).await.expect(413).code(), "body_too_large");
        let nameless = app.post("office", "/sync/push", body(&[op.clone(), json!({"kind": "x"})])).await.expect(422);
        assert_eq!(nameless.faults(), [("/ops/1/op_id".into(), "required".into()), ("/ops/1/seq".to_owned(), "required".to_owned())]);
        app.post("office", "/sync/push", json!({"device_id": "bad"})).await.expect(400);
        app.post("office", "/sync/push", json!({"device_id": "bad", "ops": [], "more": 1})).await.expect(400);
        app.post("office", "/sync/push", json!({"device_id": " ", "ops": []})).await.expect(422);
        app.post("sysadmin", "/sync/push", body(&[])).await.expect(403);
        app.post("", "/sync/push", body(&[])).await.expect(401);
        assert!(app.get("office", "/hazards").await.expect(200).rows().is_empty());
        assert!(app.get("office", "/sync/devices").await.expect(200).rows().is_empty());
        // Control characters and a schema of tomorrow are the operation's own fault; yesterday's is understood.
        let mut odd = op.clone();
        odd["set"]["title"] = json!("\u{0}");
        assert_eq!(problem(&phone.push(app, &[odd]).await, 0), "validation_failed");
        let mut new = phone.op("hazard.report", id("new hazard"), report(), json!({}));
        let tomorrow = json!({"device_id": "bad", "schema": 9, "ops": [new.clone()]});
        assert_eq!(problem(&app.post("office", "/sync/push", tomorrow).await.expect(200), 0), "schema_too_new");
        new = phone.op("hazard.report", id("old hazard"), json!({}), json!({"data": report()}));
        new.as_object_mut().unwrap().remove("set");
        let yesterday = json!({"device_id": "bad", "schema": 0, "ops": [new]});
        assert_eq!(words(&app.post("office", "/sync/push", yesterday).await.expect(200)), ["applied"]);
    }

    async fn an_operations_id_means_one_body(app) {
        let mut phone = Phone::new("office", "twice");
        let op = phone.op("hazard.report", id("first"), report(), json!({}));
        let mut other = op.clone();
        other["set"]["title"] = json!("另一处");
        other["id"] = json!(id("second"));
        let answer = phone.push(app, &[op.clone(), other.clone(), op.clone()]).await;
        assert_eq!(words(&answer)[1], "quarantined");
        assert_eq!(problem(&answer, 1), "op_reused");
        assert_eq!(words(&phone.push(app, &[other, op]).await), ["duplicate", "duplicate"]);
        assert_eq!(app.get("office", "/hazards").await.expect(200).rows().len(), 1);
        // A phone set up anew from another's backup brings nothing twice.
        let mut clone = Phone::new("office", "clone");
        let mut same = clone.op("hazard.report", id("first"), report(), json!({}));
        same["op_id"] = json!(id("twice 1"));
        assert_eq!(words(&clone.push(app, &[same]).await), ["duplicate"]);
    }

    async fn a_group_is_done_whole_or_not_at_all(app) {
        let mut phone = Phone::new("office", "group");
        let group = json!({"group": "g"});
        let good = phone.op("hazard.report", id("group 1"), report(), group.clone());
        let mut bad = phone.op("hazard.report", id("group 2"), report(), group.clone());
        bad["set"]["title"] = json!("");
        let lone = phone.op("hazard.report", id("group 3"), report(), json!({}));
        let answer = phone.push(app, &[good, bad, lone]).await;
        assert_eq!(words(&answer), ["quarantined", "quarantined", "applied"]);
        assert_eq!((problem(&answer, 0), problem(&answer, 1)), ("group_refused", "validation_failed"));
        assert_eq!(app.get("office", "/hazards").await.expect(200).rows().len(), 1);
        let again = json!({"group": "h"});
        let one = phone.op("hazard.report", id("group 4"), report(), again.clone());
        let two = phone.op("comment.add", id("remark"), json!({"hazard_id": id("group 4"), "text": "见图"}), again);
        assert_eq!(words(&phone.push(app, &[one, two]).await), ["applied", "applied"]);
    }

    async fn what_waits_is_done_when_it_comes_by_a_request(app) {
        let mut phone = Phone::new("inspector1", "waiting");
        let visit = id("late visit").to_string();
        let arrive = phone.op("inspection.check_in", &visit, json!({}), json!({"needs": [visit]}));
        let answer = phone.push(app, std::slice::from_ref(&arrive)).await;
        assert_eq!(words(&answer), ["held"]);
        assert_eq!(answer.body["results"][0]["waiting_for"], json!([visit]));
        let devices = app.get("office", "/sync/devices").await.expect(200).rows();
        assert_eq!((&devices[0]["held"], &devices[0]["holding"][0]["waiting_for"]), (&json!(1), &json!([visit])));
        let mut body = plan();
        body["id"] = json!(visit);
        app.post("office", "/inspections", body).await.expect(201);
        for _ in 0..100 {
            if app.get("office", &format!("/inspections/{visit}")).await.body["status"] == "in_progress" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let row = app.get("office", &format!("/inspections/{visit}")).await.body;
        assert_eq!((&row["status"], &row["started_by"]), (&json!("in_progress"), &json!(user("inspector1"))));
        assert_eq!(phone.push(app, &[arrive]).await.body["results"][0]["was"], "applied");
        assert_eq!(app.get("office", "/sync/devices").await.expect(200).rows()[0]["held"], 0);
    }

    async fn after_a_restore_phones_offer_again(app) {
        let mut phone = Phone::new("office", "restored");
        let op = phone.op("hazard.report", id("restored"), report(), json!({}));
        let first = phone.push(app, std::slice::from_ref(&op)).await;
        let old = first.body["epoch"].clone();
        let cursor = phone.pull(app, Value::Null).await.expect(200).body["cursor"].clone();
        let mut conn = app.connect();
        let at = anxiao::platform::db::types::Timestamp::from(start_time());
        let new = epoch::begin(&mut conn, anxiao::platform::ids::built_in("new epoch"), at, "restored").unwrap();
        let mut body = phone.body(std::slice::from_ref(&op));
        body["epoch"] = old;
        let refused = app.post("office", "/sync/push", body.clone()).await.expect(409);
        assert_eq!((refused.code(), &refused.body["current"]["epoch"]), ("epoch_changed", &json!(new.id)));
        assert_eq!(phone.pull(app, cursor).await.expect(409).code(), "epoch_changed");
        body["epoch"] = json!(new.id);
        assert_eq!(words(&app.post("office", "/sync/push", body).await.expect(200)), ["duplicate"]);
        assert_eq!(app.get("office", "/hazards").await.expect(200).rows().len(), 1);
    }

    async fn clocks_are_evidence_and_never_order(app) {
        let visit = begun(app).await;
        let mut phone = Phone::new("inspector1", "wrong clock");
        // Two days ahead.
        let ahead = "2026-03-04T10:00:00+08:00";
        let mut ops = vec![phone.op("inspection.answer", &visit, json!({"item_code": "fang-001", "result": "pass"}), json!({"occurred_at": ahead}))];
        let mut found = Phone::new("office", "wrong clock too");
        let mut body = phone.body(&ops);
        body["sent_at"] = json!(ahead);
        assert_eq!(words(&app.post("inspector1", "/sync/push", body).await.expect(200)), ["applied"]);
        let row = stands(app, &visit, "fang-001").await;
        assert_eq!(row["answered_at"].as_str().unwrap()[..10], *"2026-03-02");
        assert_eq!(row["device_time"].as_str().unwrap()[..10], *"2026-03-04");
        ops = vec![found.op("hazard.report", id("ahead"), report(), json!({"occurred_at": ahead}))];
        let mut body = found.body(&ops);
        body["sent_at"] = json!("2026-03-04T11:00:00+08:00");
        assert_eq!(words(&app.post("office", "/sync/push", body).await.expect(200)), ["applied"]);
        let hazard = app.get("office", &format!("/hazards/{}", id("ahead"))).await.expect(200).body;
        assert_eq!(hazard["found_at"], "2026-03-02T01:00:00.000000Z");
        let devices = app.get("office", "/sync/devices").await.expect(200).rows();
        let skews: Vec<&Value> = devices.iter().map(|row| &row["clock_skew_s"]).collect();
        assert!(skews.contains(&&json!(172_800)) && skews.contains(&&json!(176_400)), "{skews:?}");
    }

    async fn a_visit_takes_few_statements(app) {
        let visit = begun(app).await;
        let answers = good_answers(app, &visit, "fang-003").await;
        let mut phone = Phone::new("inspector1", "thrifty");
        let count = answers.len();
        let mut ops: Vec<Value> =
            answers.into_iter().map(|answer| phone.op("inspection.answer", &visit, answer, json!({"base_version": 1}))).collect();
        app.get("inspector1", "/me").await.expect(200);
        app.take_statements();
        let request = app.request("inspector1", Method::POST, "/sync/push").json(&phone.body(&ops));
        app.send(request).await.expect(200);
        let many = app.take_statements();
        // Beside one for each answer, and on SQLite one for each row of the ledger.
        let each = if app.engine == Engine::Sqlite { 2 } else { 1 };
        let beside = many.len() - each * count;
        assert!(beside <= 32, "{count} answers took {} statements:\n{}", many.len(), many.join("\n"));
        ops = vec![phone.op("inspection.submit", &visit, json!({}), json!({}))];
        let submitted = phone.push(app, &ops).await;
        assert_eq!(words(&submitted), ["applied"], "{}", submitted.text);
        let again = app.take_statements().len();
        assert!(again <= 70, "handing in took {again} statements");
    }
}
