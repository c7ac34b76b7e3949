//! After the visit: amendments and their versions, acknowledgement of a version, objections, delegated signing, findings
//! that wait for somebody's word; and the open hazards at the visit.

use anxiao::catalogue::builtin;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

/// The claim of a photo.
const PHOTO: &str = "0195e0c0-0000-7000-8000-0000000000a1";

async fn started(app: &TestApp, kind: &str, by: &str, team: &[&str]) -> String {
    let people: Vec<_> = team.iter().map(|name| user(name)).collect();
    let list = builtin::checklist_id("fang", 1).to_string();
    let body = json!({"kind": kind, "org_id": org("a.s1"), "checklist_ids": [list], "team": people});
    let id = app.post(by, "/inspections", body).await.expect(201).id();
    app.post(team[0], &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
    let rows = app.get(team[0], &format!("/inspections/{id}/answers")).await.expect(200).rows();
    let pass = |row: &Value| {
        let (code, item) = (&row["item_code"], &row["item"]);
        match item["response"].as_str().unwrap() {
            "number" => json!({"item_code": code, "value": item["min"].as_f64().or(item["max"].as_f64())}),
            "choice" => json!({"item_code": code, "value": "none"}),
            "text" => json!({"item_code": code, "value": "好"}),
            _ => json!({"item_code": code, "result": "pass"}),
        }
    };
    let answers: Vec<Value> = rows.iter().map(pass).collect();
    app.put(team[0], &format!("/inspections/{id}/answers"), json!({"answers": answers})).await.expect(200);
    id
}

/// Handed in with `fang-003` failed: its answer is the inspection's.
async fn submitted(app: &TestApp) -> (String, String) {
    let id = started(app, "routine", "office", &["inspector1", "inspector2"]).await;
    let fail = json!({"result": "fail", "note": "堆物", "evidence_ids": [PHOTO]});
    app.put("inspector1", &format!("/inspections/{id}/answers/fang-003"), fail).await.expect(200);
    let end =
        app.post("inspector1", &format!("/inspections/{id}/submit"), json!({"conclusion": "一处"})).await.expect(200);
    assert_eq!(end.body["inspection"]["revision"], 1);
    let hazard = end.body["hazards"][0]["id"].as_str().unwrap().to_owned();
    (id, hazard)
}

async fn amend(app: &TestApp, who: &str, id: &str, body: Value) -> Answer {
    let version = app.get(who, &format!("/inspections/{id}")).await.expect(200).body["version"].clone();
    let request = app.request(who, Method::POST, &format!("/inspections/{id}/amendments"));
    app.send(request.header("if-match", format!("\"{version}\"")).json(&body)).await
}

/// How many notices of this kind somebody has.
async fn notices(app: &TestApp, who: &str, kind: &str) -> usize {
    app.get(who, &format!("/notices?kind={kind}")).await.expect(200).rows().len()
}

fn answer(code: &str, result: &str) -> Value {
    let mut answer = json!({"item_code": code, "result": result, "note": "更正"});
    if result == "fail" {
        answer["evidence_ids"] = json!([PHOTO]);
    }
    json!({"reason": "抄录有误", "answers": [answer]})
}

both_engines! {
    async fn an_amendment_is_a_new_version_and_the_old_one_stays_readable(app) {
        let (id, hazard) = submitted(app).await;
        let at = format!("/inspections/{id}");
        app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "signed", "revision": 1})).await.expect(201);
        app.post("office", &format!("{at}/confirm"), json!({})).await.expect(200);
        app.post("inspector1", &format!("{at}/amendments"), answer("fang-003", "pass")).await.expect(428);
        assert_eq!(amend(app, "office", &id, answer("fang-003", "pass")).await.expect(409).faults(), [(String::new(), "not_on_team".into())]);
        let nothing = amend(app, "inspector1", &id, json!({"reason": "x", "conclusion": "一处"})).await.expect(422);
        assert_eq!(nothing.faults(), [("/answers".into(), "nothing_changed".into())]);
        let spot = json!({"reason": "x", "answers": [{"item_code": "fang-002", "result": "fail", "on_the_spot": true}]});
        assert_eq!(amend(app, "inspector1", &id, spot).await.expect(422).faults()[0], ("/answers/0/on_the_spot".into(), "not_in_an_amendment".into()));
        let done = amend(app, "inspector2", &id, answer("fang-003", "pass")).await.expect(201);
        let inspection = &done.body["inspection"];
        assert_eq!((inspection["status"].as_str(), inspection["revision"].as_i64()), (Some("submitted"), Some(2)));
        assert!(inspection["acknowledgement"].is_null() && inspection["confirmed_at"].is_null());
        let change = &done.body["amendment"]["answers"][0];
        assert_eq!((change["hazard"].as_str(), change["from"]["result"].as_str(), change["to"]["result"].as_str()), (Some("voided"), Some("fail"), Some("pass")));
        // Nobody had issued it: void with the amendment as its reason.
        let void = app.get("office", &format!("/hazards/{hazard}")).await.expect(200);
        assert_eq!(void.body["status"], "void");
        let old = app.get("principal1", &format!("{at}/versions/1")).await.expect(200);
        let row = old.body["answers"].as_array().unwrap().iter().find(|row| row["item_code"] == "fang-003").unwrap().clone();
        assert_eq!((row["result"].as_str(), row["note"].as_str()), (Some("fail"), Some("堆物")));
        assert_eq!((old.body["acknowledgement"]["outcome"].as_str(), old.body["current"].as_bool()), (Some("signed"), Some(false)));
        assert_eq!(old.body["confirmed_by"], json!(user("office")));
        let new = app.get("principal1", &format!("{at}/versions/2")).await.expect(200);
        assert_eq!((new.body["reason"].as_str(), new.body["current"].as_bool()), (Some("抄录有误"), Some(true)));
        // Each version has the score of its own answers.
        let score = |version: &Answer| version.body["score"]["bureau"]["score"].as_f64().unwrap();
        assert!(score(&old) < score(&new), "{} {}", old.body["score"], new.body["score"]);
        app.get("principal1", &format!("{at}/versions/3")).await.expect(404);
        app.get("principal2", &format!("{at}/versions/1")).await.expect(404);
        // The school signs what it has read, and the new version anew.
        let stale = app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "signed", "revision": 1})).await.expect(409);
        assert_eq!(stale.faults(), [(String::new(), "other_version".into())]);
        let signed = app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "signed"})).await.expect(201);
        assert_eq!(signed.body["acknowledgement"]["revision"], 2);
        assert_eq!(app.get("office", &format!("{at}/amendments")).await.expect(200).rows().len(), 1);
        assert_eq!(app.post("leader", &format!("{at}/confirm"), json!({})).await.expect(200).body["status"], "confirmed");
    }

    async fn a_new_finding_registers_once_and_an_issued_hazard_is_never_undone(app) {
        let (id, hazard) = submitted(app).await;
        let at = format!("/hazards/{hazard}");
        app.post("office", &format!("{at}/transitions"), json!({"action": "issue", "level": "general"})).await.expect(200);
        let done = amend(app, "inspector1", &id, answer("fang-003", "pass")).await.expect(201);
        assert_eq!(done.body["amendment"]["answers"][0]["hazard"], "marked");
        let marked = app.get("office", &at).await.expect(200);
        assert_eq!((marked.body["status"].as_str(), marked.body["marks"]["finding_withdrawn"].as_bool()), (Some("issued"), Some(true)));
        for who in ["principal1", "officer1", "office", "section.fire"] {
            assert_eq!(notices(app, who, "finding_withdrawn").await, 1, "{who}");
        }
        // Found again after all: the same hazard, no second one.
        let again = amend(app, "inspector1", &id, answer("fang-003", "fail")).await.expect(201);
        assert_eq!((again.body["amendment"]["answers"][0]["hazard"].as_str(), again.body["hazards"].as_array().unwrap().len()), (Some("kept"), 0));
        assert_eq!(app.get("office", &at).await.expect(200).body["marks"]["finding_withdrawn"], false);
        assert_eq!((notices(app, "principal1", "finding_restored").await, notices(app, "inspector2", "finding_restored").await), (1, 0));
        let other = amend(app, "inspector1", &id, answer("fang-001", "fail")).await.expect(201);
        assert_eq!(other.body["hazards"].as_array().unwrap().len(), 1);
        let mut twice = answer("fang-001", "fail");
        twice["answers"][0]["note"] = json!("再更正");
        assert_eq!(amend(app, "inspector1", &id, twice).await.expect(201).body["hazards"], json!([]));
        let found = app.get("office", &format!("/hazards?inspection_id={id}")).await.expect(200).rows();
        assert_eq!(found.len(), 2);
        // The history of the hazard gives its row again.
        let mut replayed = serde_json::Map::new();
        for entry in app.get("office", &format!("{at}/history")).await.expect(200).rows() {
            replayed.extend(entry["payload"]["set"].as_object().unwrap().clone());
        }
        assert_eq!(replayed["marks"]["finding_withdrawn"], false);
        // Two amendments of the same version: the second is told.
        let version = app.get("inspector1", &format!("/inspections/{id}")).await.body["version"].clone();
        for status in [201, 412] {
            let request = app.request("inspector1", Method::POST, &format!("/inspections/{id}/amendments"));
            let body = answer(if status == 201 { "fang-003" } else { "fang-001" }, "pass");
            app.send(request.header("if-match", format!("\"{version}\"")).json(&body)).await.expect(status);
        }
    }

    async fn an_objection_is_answered_before_anybody_confirms(app) {
        let (id, _) = submitted(app).await;
        let at = format!("/inspections/{id}");
        let objection = json!({"outcome": "objected", "statement": "该处已清理"});
        app.post("principal1", &format!("{at}/acknowledgement"), objection.clone()).await.expect(201);
        assert_eq!(app.post("office", &format!("{at}/confirm"), json!({})).await.expect(409).faults(), [(String::new(), "objection_open".into())]);
        app.post("principal1", &format!("{at}/objection-reply"), json!({"decision": "upheld", "reason": "x"})).await.expect(403);
        let reply = app.post("office", &format!("{at}/objection-reply"), json!({"decision": "upheld", "reason": "属实"})).await.expect(200);
        assert_eq!(reply.body["objection_reply"]["decision"], "upheld");
        assert_eq!(app.post("office", &format!("{at}/confirm"), json!({})).await.expect(409).faults(), [(String::new(), "amendment_due".into())]);
        amend(app, "inspector1", &id, answer("fang-003", "pass")).await.expect(201);
        let old = app.get("principal1", &format!("{at}/versions/1")).await.expect(200);
        assert_eq!(old.body["objection_reply"]["reason"], "属实");
        app.post("principal1", &format!("{at}/acknowledgement"), objection).await.expect(201);
        app.post("office", &format!("{at}/objection-reply"), json!({"decision": "dismissed", "reason": "不属实"})).await.expect(200);
        app.post("office", &format!("{at}/confirm"), json!({})).await.expect(200);
    }

    async fn that_a_refusal_was_recorded_does_not_take_the_schools_word(app) {
        let (id, _) = submitted(app).await;
        let at = format!("/inspections/{id}/acknowledgement");
        let refusal = json!({"outcome": "refused", "reason": "校长不在场", "witness": "王某"});
        app.post("inspector1", &at, refusal.clone()).await.expect(201);
        let twice = app.post("inspector1", &at, refusal).await.expect(409);
        assert_eq!(twice.faults(), [(String::new(), "already_acknowledged".into())]);
        let objection = json!({"outcome": "objected", "statement": "当天已到场，无人出示记录"});
        let objected = app.post("principal1", &at, objection.clone()).await.expect(201);
        let kept = &objected.body["acknowledgement"];
        assert_eq!((&kept["outcome"], &kept["earlier"]["outcome"], &kept["earlier"]["witness"]), (&json!("objected"), &json!("refused"), &json!("王某")));
        app.post("principal1", &at, objection).await.expect(409);
        assert_eq!(app.post("office", &format!("/inspections/{id}/confirm"), json!({})).await.expect(409).faults()[0].1, "objection_open");
    }

    async fn the_safety_officer_signs_only_by_a_delegation_in_force(app) {
        let (id, _) = submitted(app).await;
        let at = format!("/inspections/{id}/acknowledgement");
        let school = format!("/orgs/{}/signing-delegations", org("a.s1"));
        let sign = json!({"outcome": "signed"});
        app.post("officer1", &at, sign.clone()).await.expect(409);
        let day = |who: &str, from: &str, until: &str| json!({"user_id": user(who), "from": from, "until": until});
        app.post("officer1", &school, day("officer1", "2026-03-01", "2026-03-31")).await.expect(403);
        app.post("principal2", &school, day("officer1", "2026-03-01", "2026-03-31")).await.expect(404);
        app.post("principal1", &school, day("officer2", "2026-03-01", "2026-03-31")).await.expect(404);
        assert_eq!(app.post("principal1", &school, day("staff1", "2026-03-01", "2026-03-31")).await.expect(422).faults()[0].1, "not_eligible");
        assert_eq!(app.post("principal1", &school, day("officer1", "2026-02-01", "2026-03-01")).await.expect(422).faults()[0].1, "in_the_past");
        app.post("principal1", &school, day("officer1", "2026-03-10", "2026-03-31")).await.expect(201);
        app.post("officer1", &at, sign.clone()).await.expect(409);
        let given = app.post("principal1", &school, day("officer1", "2026-03-01", "2026-03-31")).await.expect(201).id();
        app.post("officer1", &format!("/signing-delegations/{given}/revoke"), json!({})).await.expect(403);
        app.post("principal2", &format!("/signing-delegations/{given}/revoke"), json!({})).await.expect(404);
        app.post("principal1", &format!("/signing-delegations/{given}/revoke"), json!({})).await.expect(200);
        app.post("principal1", &format!("/signing-delegations/{given}/revoke"), json!({})).await.expect(409);
        app.post("officer1", &at, sign.clone()).await.expect(409);
        let given = app.post("principal1", &school, day("officer1", "2026-03-01", "2026-03-31")).await.expect(201).id();
        let signed = app.post("officer1", &at, sign).await.expect(201);
        assert_eq!(signed.body["acknowledgement"]["delegation_id"], given);
        assert_eq!(app.get("office", &school).await.expect(200).rows().len(), 3);
        app.get("principal2", &school).await.expect(404);
    }

    async fn what_staff_find_on_patrol_waits_for_the_school(app) {
        let id = started(app, "patrol", "staff1", &["staff1"]).await;
        let at = format!("/inspections/{id}");
        for code in ["fang-001", "fang-003"] {
            app.put("staff1", &format!("{at}/answers/{code}"), json!({"result": "fail", "note": "见照片", "evidence_ids": [PHOTO]})).await.expect(200);
        }
        let end = app.post("staff1", &format!("{at}/submit"), json!({})).await.expect(200);
        assert_eq!((end.body["hazards"].as_array().unwrap().len(), end.body["suggestions"].as_array().unwrap().len()), (0, 2));
        let waiting = app.get("officer1", &format!("{at}/findings")).await.expect(200).rows();
        assert_eq!((waiting.len(), waiting[0]["status"].as_str()), (2, Some("waiting")));
        app.post("staff1", &format!("{at}/findings"), json!({"accept_rest": true})).await.expect(403);
        let bare = json!({"decisions": [{"report_id": waiting[0]["id"], "accept": false}]});
        app.post("officer1", &format!("{at}/findings"), bare).await.expect(422);
        let body = json!({"decisions": [{"report_id": waiting[0]["id"], "accept": false, "reason": "当天已处理"}], "accept_rest": true});
        app.post("principal2", &format!("{at}/findings"), body.clone()).await.expect(404);
        let done = app.post("officer1", &format!("{at}/findings"), body.clone()).await.expect(200);
        let hazards = done.body["hazards"].as_array().unwrap();
        assert_eq!((hazards.len(), hazards[0]["source"].as_str()), (1, Some("patrol")));
        app.post("officer1", &format!("{at}/findings"), body).await.expect(409);
    }

    async fn who_put_it_right_on_the_spot_does_not_accept_it_as_put_right(app) {
        let id = started(app, "patrol", "staff1", &["staff1"]).await;
        let at = format!("/inspections/{id}");
        let fixed = json!({
            "result": "fail", "note": "见照片", "on_the_spot": true, "measures_taken": "当场清理", "fixed_by": user("officer1"),
            "before_evidence_ids": [PHOTO], "after_evidence_ids": ["0195e0c0-0000-7000-8000-0000000000a2"],
        });
        app.put("staff1", &format!("{at}/answers/fang-003"), fixed).await.expect(200);
        let end = app.post("staff1", &format!("{at}/submit"), json!({})).await.expect(200);
        let finding = end.body["suggestions"][0]["id"].clone();
        let rest = app.post("officer1", &format!("{at}/findings"), json!({"accept_rest": true})).await.expect(200);
        assert_eq!(rest.body["hazards"], json!([]));
        let named = json!({"decisions": [{"report_id": finding, "accept": true}]});
        assert_eq!(app.post("officer1", &format!("{at}/findings"), named.clone()).await.expect(409).faults(), [(String::new(), "fixed_it".into())]);
        let done = app.post("principal1", &format!("{at}/findings"), named).await.expect(200);
        assert_eq!((&done.body["hazards"][0]["status"], &done.body["hazards"][0]["closed_kind"]), (&json!("closed"), &json!("on_spot")), "{}", done.body["hazards"][0]);
    }

    async fn confirming_accepts_what_an_external_inspector_suggested_but_for_what_it_rejects(app) {
        let id = started(app, "third_party", "office", &["external1", "inspector1"]).await;
        let at = format!("/inspections/{id}");
        for code in ["fang-001", "fang-003"] {
            app.put("external1", &format!("{at}/answers/{code}"), json!({"result": "fail", "note": "见照片", "evidence_ids": [PHOTO]})).await.expect(200);
        }
        app.post("external1", &format!("{at}/submit"), json!({})).await.expect(200);
        assert_eq!(app.get("office", "/hazards?source=third_party").await.expect(200).rows().len(), 0);
        assert_eq!(app.get("principal1", &format!("{at}/findings")).await.expect(200).rows().len(), 0);
        let waiting = app.get("office", &format!("{at}/findings")).await.expect(200).rows();
        let reject = json!({"findings": [{"report_id": waiting[0]["id"], "accept": false, "reason": "不成立"}]});
        app.post("office", &format!("{at}/confirm"), reject).await.expect(200);
        let found = app.get("principal1", &format!("/hazards?inspection_id={id}")).await.expect(200).rows();
        assert_eq!((found.len(), found[0]["item_code"].clone()), (1, waiting[1]["item_code"].clone()));
    }

    async fn a_finding_is_taken_back_or_accepted_whichever_comes_first(app) {
        for _ in 0..3 {
            let id = started(app, "third_party", "office", &["external1", "inspector1"]).await;
            let at = format!("/inspections/{id}");
            let fail = json!({"result": "fail", "note": "见照片", "evidence_ids": [PHOTO]});
            app.put("external1", &format!("{at}/answers/fang-003"), fail).await.expect(200);
            let end = app.post("external1", &format!("{at}/submit"), json!({})).await.expect(200);
            let report = end.body["suggestions"][0]["id"].as_str().unwrap().to_owned();
            let triage = format!("/reports/{report}/triage");
            let accept = json!({"outcome": "accept"});
            let (amended, judged) = tokio::join!(amend(app, "inspector1", &id, answer("fang-003", "pass")), app.post("office", &triage, accept));
            amended.expect(201);
            let stands = app.get("office", &format!("/reports/{report}")).await.expect(200).body["status"].clone();
            assert_eq!((judged.status, stands.as_str()), if judged.status == 200 { (200, Some("accepted")) } else { (409, Some("out_of_scope")) });
            let found = app.get("office", &format!("/hazards?inspection_id={id}")).await.expect(200).rows();
            assert!(found.iter().all(|hazard| hazard["status"] == "void") && found.len() == usize::from(judged.status == 200), "{found:?}");
        }
    }

    async fn open_hazards_are_checked_off_and_closed_by_nobody_for_that(app) {
        let (_, hazard) = submitted(app).await;
        let id = started(app, "routine", "office", &["inspector2", "external1"]).await;
        let at = format!("/inspections/{id}/open-hazards");
        let offered = app.get("external1", &at).await.expect(200).rows();
        assert_eq!((offered.len(), offered[0]["hazard_id"].as_str()), (1, Some(hazard.as_str())));
        let seen = json!({"observed": "looks_fixed", "note": "已清理"});
        let noted = app.put("external1", &format!("{at}/{hazard}"), seen.clone()).await.expect(200);
        assert_eq!(noted.body["observed_by"], json!(user("external1")));
        app.put("external1", &format!("{at}/{hazard}"), seen.clone()).await.expect(200);
        app.put("office", &format!("{at}/{hazard}"), seen.clone()).await.expect(409);
        app.put("external1", &format!("{at}/{}", org("a.s1")), seen.clone()).await.expect(404);
        app.put("external1", &format!("{at}/{hazard}"), json!({"observed": "gone"})).await.expect(422);
        let record = app.get("office", &format!("/hazards/{hazard}")).await.expect(200);
        assert_eq!(record.body["status"], "registered");
        let history = app.get("principal1", &format!("/hazards/{hazard}/history")).await.expect(200).rows();
        let actions: Vec<&str> = history.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["register", "observed"]);
        app.post("inspector2", &format!("/inspections/{id}/submit"), json!({})).await.expect(200);
        let late = app.put("external1", &format!("{at}/{hazard}"), json!({"observed": "not_seen"})).await.expect(409);
        assert_eq!(late.faults(), [(String::new(), "wrong_state".into())]);
    }
}
