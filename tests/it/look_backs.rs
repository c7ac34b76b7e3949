//! Look-backs over HTTP: what is drawn, who goes, what a failure does, and what a school must not see.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, user};

/// A hazard of a school from report to closing: put right by the safety officer, rechecked by the first inspector, a
/// major one approved by the leader.
async fn closed(app: &TestApp, school: &str, level: &str) -> String {
    let body = json!({
        "org_id": org(school), "category": "fang", "domain": "fire", "title": "出口上锁", "description": "铁链锁闭",
        "source": "referral",
    });
    let id = app.post("office", "/hazards", body).await.expect(201).id();
    let act = async |who: &str, body: Value| {
        app.post(who, &format!("/hazards/{id}/transitions"), body).await.expect(200);
    };
    let (officer, principal) = if school == "a.s1" { ("officer1", "principal1") } else { ("officer2", "principal2") };
    act("office", json!({"action": "issue", "level": level, "basis": "判定标准第3条"})).await;
    act(officer, json!({"action": "acknowledge"})).await;
    if level == "major" {
        let plan = json!({
            "action": "file_plan", "measures": "更换", "responsible_user_id": user(officer), "leader_user_id": user(principal), "budget_fen": 1,
            "due_at": "2026-03-20T12:00:00+08:00", "contingency": "专人值守",
        });
        act(officer, plan).await;
    }
    act(officer, json!({"action": "report_done", "measures_taken": "已换", "evidence_ids": [], "signed_off_by": user(principal)})).await;
    let other = if school == "a.s1" { "supervisor" } else { "section.fire" };
    let recheckers = json!([user("inspector1"), user(other)]);
    act("inspector1", json!({"action": "pass", "opinion": "已到位", "recheckers": recheckers, "on_site": true})).await;
    if level == "major" {
        act("leader", json!({"action": "approve", "opinion": "同意销号"})).await;
    }
    id
}

fn asked() -> Value {
    json!({"inspectors": {"pool": [user("inspector1"), user("inspector2"), user("office")], "per_school": 2}})
}

fn with(mut base: Value, name: &str, value: Value) -> Value {
    base[name] = value;
    base
}

/// The look-back of one hazard of the first school, under way.
async fn visiting(app: &TestApp, hazard: &str) -> String {
    let body = with(asked(), "hazard_ids", json!([hazard]));
    let made = app.post("office", "/look-backs", body).await.expect(201);
    let visit = made.body["rows"][0]["inspection_id"].as_str().unwrap().to_owned();
    app.post("inspector2", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
    visit
}

both_engines! {
    async fn a_share_of_what_was_closed_some_time_ago_is_drawn_each_closing_once(app) {
        let mut ids = Vec::new();
        for n in 0..6 {
            ids.push(closed(app, if n < 4 { "a.s1" } else { "a.s2" }, "general").await);
        }
        // Too fresh.
        let faults = app.post("office", "/look-backs", asked()).await.expect(422).faults();
        assert_eq!(faults, [("/sample".to_owned(), "empty_pool".to_owned())]);
        app.clock.advance(TimeDelta::days(40));
        let policy = app.get("office", "/look-back-policy").await.expect(200).body;
        assert_eq!((&policy["share_percent"], &policy["min_days"], &policy["max_days"]), (&json!(20), &json!(30), &json!(90)));
        let half = with(asked(), "sample", json!({"share_percent": 50}));
        let made = app.post("office", "/look-backs", half.clone()).await.expect(201);
        assert_eq!(made.header("location"), format!("/api/v1/look-backs/{}", made.id()));
        assert_eq!((&made.body["pool_size"], &made.body["hazards"], &made.body["held"]), (&json!(6), &json!(3), &json!(0)));
        let rows = made.body["rows"].as_array().unwrap().clone();
        assert!(rows.iter().all(|row| ids.contains(&row["hazard_id"].as_str().unwrap().to_owned())));
        let schools: std::collections::BTreeSet<&str> = rows.iter().map(|row| row["org_id"].as_str().unwrap()).collect();
        let visits: std::collections::BTreeSet<&str> = rows.iter().map(|row| row["inspection_id"].as_str().unwrap()).collect();
        assert_eq!(schools.len(), visits.len(), "one visit for each school");
        // The seed and the pool tell the same draw again.
        let pool: Vec<anxiao::look_backs::rules::Candidate> = made.body["pool"].as_array().unwrap().iter().map(|id| {
            anxiao::look_backs::rules::Candidate { id: id.as_str().unwrap().parse().unwrap(), level: anxiao::hazards::status::Level::General }
        }).collect();
        let bytes = |name: &str| anxiao::draws::algorithm::unhex(made.body[name].as_str().unwrap()).unwrap();
        let again = anxiao::look_backs::rules::choose(&pool, 50, true, &bytes("seed"), &bytes("pool_sha256"));
        let mut again: Vec<String> = again.iter().map(|one| one.id.to_string()).collect();
        let mut drawn: Vec<String> = rows.iter().map(|row| row["hazard_id"].as_str().unwrap().to_owned()).collect();
        again.sort();
        drawn.sort();
        assert_eq!(again, drawn);
        // What is being looked back at is not drawn a second time; a void visit makes room.
        let rest = app.post("office", "/look-backs", with(asked(), "sample", json!({"share_percent": 100}))).await.expect(201);
        assert_eq!((&rest.body["pool_size"], &rest.body["hazards"]), (&json!(3), &json!(3)));
        app.post("office", "/look-backs", half.clone()).await.expect(422);
        let visit = rest.body["rows"][0]["inspection_id"].as_str().unwrap();
        app.post("office", &format!("/inspections/{visit}/void"), json!({"reason": "改期"})).await.expect(200);
        let list = app.get("leader", "/look-backs?count=true&drawn=true").await.expect(200);
        assert_eq!((list.rows().len(), &list.body["page"]["count"]), (2, &json!(2)));
        assert!(app.post("office", "/look-backs", half).await.expect(201).body["pool_size"].as_i64().unwrap() >= 1);
        // Long ago.
        app.clock.advance(TimeDelta::days(60));
        app.post("office", "/look-backs", asked()).await.expect(422);
    }

    async fn a_failed_look_back_opens_the_hazard_again_and_a_held_one_does_not(app) {
        let (bad, good) = (closed(app, "a.s1", "general").await, closed(app, "a.s1", "major").await);
        let body = with(asked(), "hazard_ids", json!([bad, good]));
        let made = app.post("office", "/look-backs", body).await.expect(201);
        assert_eq!((&made.body["seed"], &made.body["pool_sha256"]), (&Value::Null, &Value::Null));
        let visit = made.body["rows"][0]["inspection_id"].as_str().unwrap();
        let at = format!("/inspections/{visit}");
        // Who rechecked stays at home.
        let seen = app.get("office", &at).await.expect(200).body;
        assert_eq!((&seen["kind"], &seen["team"]), (&json!("look_back"), &json!([user("inspector2"), user("office")])));
        let early = json!({"outcome": "held"});
        app.put("inspector2", &format!("{at}/look-backs/{bad}"), early.clone()).await.expect(409);
        app.post("inspector2", &format!("{at}/check-in"), json!({})).await.expect(200);
        let faults = app.post("inspector2", &format!("{at}/submit"), json!({})).await.expect(422).faults();
        let missing = |id: &str| (format!("/look_backs/{id}"), "outcome_missing".to_owned());
        let mut wanted = [missing(&bad), missing(&good)];
        wanted.sort();
        assert_eq!(faults, wanted);
        let faults = app.put("inspector2", &format!("{at}/look-backs/{bad}"), json!({"outcome": "failed"})).await.expect(422).faults();
        assert_eq!(faults, [("/note".to_owned(), "required".to_owned())]);
        app.put("inspector1", &format!("{at}/look-backs/{bad}"), early.clone()).await.expect(404);
        app.put("principal1", &format!("{at}/look-backs/{bad}"), early).await.expect(409);
        app.put("inspector2", &format!("{at}/look-backs/{bad}"), json!({"outcome": "failed", "note": "出口又上锁"})).await.expect(200);
        // The team was chosen so that nobody judges the own work.
        let team = json!({"team": [user("inspector1"), user("inspector2")]});
        let version = app.get("office", &at).await.expect(200).body["version"].as_i64().unwrap();
        assert!(matches!(app.patch("office", &at, version, team).await.status, 409));
        // The other outcome comes with the visit, as from a phone.
        let handed = json!({"look_backs": [{"hazard_id": good, "outcome": "held"}]});
        let done = app.post("inspector2", &format!("{at}/submit"), handed).await.expect(200);
        assert_eq!(done.body["reopened"], json!([bad]));
        let hazard = app.get("principal1", &format!("/hazards/{bad}")).await.expect(200).body;
        assert_eq!((&hazard["status"], &hazard["round"]), (&json!("rectifying"), &json!(2)));
        assert!(hazard["due_at"].is_string());
        assert_eq!(app.get("office", &format!("/hazards/{good}")).await.expect(200).body["status"], "closed");
        let story = app.get("principal1", &format!("/hazards/{bad}/history")).await.expect(200).rows();
        let last = story.last().unwrap();
        assert_eq!((&last["action"], &last["payload"]["reason"], &last["payload"]["inspection_id"]), (&json!("reopen"), &json!("出口又上锁"), &json!(visit)));
        let record = app.get("office", &format!("/look-backs/{}", made.id())).await.expect(200).body;
        assert_eq!((&record["held"], &record["failed"]), (&json!(1), &json!(1)));
        let seen = app.get("principal1", &format!("{at}/look-backs")).await.expect(200).rows();
        assert_eq!((&seen[0]["outcome"], &seen[0]["reopened"], &seen[1]["outcome"]), (&json!("failed"), &json!(true), &json!("held")));
        // That closing has been looked back at, and the other hazard is open.
        let again = with(asked(), "hazard_ids", json!([good, bad]));
        let faults = app.post("office", "/look-backs", again).await.expect(422).faults();
        assert_eq!(faults, [("/hazard_ids/0".to_owned(), "already_looked_at".to_owned()), ("/hazard_ids/1".to_owned(), "not_closed".to_owned())]);
    }

    async fn nobody_judges_the_own_work_and_two_go(app) {
        let hazard = closed(app, "a.s1", "general").await;
        let named = with(asked(), "hazard_ids", json!([hazard]));
        let few = json!({"pool": [user("inspector1"), user("supervisor"), user("inspector2")], "per_school": 2});
        let faults = app.post("office", "/look-backs", with(named.clone(), "inspectors", few)).await.expect(422).faults();
        assert_eq!(faults, [("/inspectors/pool".to_owned(), "too_few_people".to_owned())]);
        let alone = json!({"pool": [user("inspector2")], "per_school": 1});
        let faults = app.post("office", "/look-backs", with(named.clone(), "inspectors", alone)).await.expect(422).faults();
        assert_eq!(faults, [("/inspectors/per_school".to_owned(), "team_too_small".to_owned())]);
        let both = with(named.clone(), "sample", json!({}));
        assert_eq!(app.post("office", "/look-backs", both).await.expect(422).faults()[0].1, "named_or_drawn");
        let backwards = with(asked(), "sample", json!({"min_days": 9, "max_days": 8}));
        assert_eq!(app.post("office", "/look-backs", backwards).await.expect(422).faults()[0].0, "/sample/max_days");
        app.post("office", "/look-backs", with(asked(), "hazard_ids", json!([org("a.s1")]))).await.expect(404);
        for who in ["inspector1", "principal1", "supervisor", "section.fire", "leader"] {
            app.post(who, "/look-backs", named.clone()).await.expect(403);
        }
        // The same request sent again is the same look-back.
        let once = |key: &str| app.request("office", Method::POST, "/look-backs").header("idempotency-key", key).json(&named);
        let first = app.send(once("k-1")).await.expect(201);
        assert_eq!(app.send(once("k-1")).await.expect(201).id(), first.id());
        app.send(once("k-2")).await.expect(422);
    }

    async fn the_school_learns_of_a_look_back_when_the_team_stands_at_its_door(app) {
        let hazard = closed(app, "a.s1", "general").await;
        let before = app.get("principal1", &format!("/hazards/{hazard}")).await.expect(200).text;
        let made = app.post("office", "/look-backs", with(asked(), "hazard_ids", json!([hazard]))).await.expect(201);
        let visit = made.body["rows"][0]["inspection_id"].as_str().unwrap();
        assert_eq!(&visit[14..15], "4", "an id that tells when it was made");
        for who in ["principal1", "officer1", "staff1"] {
            assert!(matches!(app.get(who, &format!("/inspections/{visit}/look-backs")).await.status, 403 | 404));
            app.get(who, "/look-backs").await.expect(403);
            app.get(who, "/look-back-policy").await.expect(403);
        }
        assert_eq!(app.get("principal1", &format!("/hazards/{hazard}")).await.expect(200).text, before);
        assert_eq!(app.get("principal1", "/inspections?count=true").await.expect(200).body["page"]["count"], 0);
        app.post("inspector2", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
        assert_eq!(app.get("principal1", &format!("/inspections/{visit}/look-backs")).await.expect(200).rows().len(), 1);
    }

    async fn what_was_opened_and_closed_again_meanwhile_is_another_closing(app) {
        let hazard = closed(app, "a.s1", "general").await;
        let visit = visiting(app, &hazard).await;
        let reopen = json!({"action": "reopen", "reason": "群众反映", "due_at": "2026-03-20T12:00:00+08:00"});
        app.post("leader", &format!("/hazards/{hazard}/transitions"), reopen).await.expect(200);
        let version = app.get("office", &format!("/hazards/{hazard}")).await.expect(200).body["version"].clone();
        let handed = json!({"look_backs": [{"hazard_id": hazard, "outcome": "failed", "note": "出口又上锁"}]});
        let done = app.post("inspector2", &format!("/inspections/{visit}/submit"), handed).await.expect(200);
        assert_eq!(done.body["reopened"], json!([]));
        let after = app.get("office", &format!("/hazards/{hazard}")).await.expect(200).body;
        assert_eq!((&after["version"], &after["round"]), (&version, &json!(2)));
    }

    async fn a_policy_is_kept_by_its_version(app) {
        let put = json!({"share_percent": 30, "min_days": 10, "max_days": 60, "all_majors": false});
        let first = app.send(app.request("office", Method::PUT, "/look-back-policy").json(&put)).await.expect(200);
        assert_eq!((&first.body["version"], &first.body["share_percent"]), (&json!(1), &json!(30)));
        app.send(app.request("leader", Method::PUT, "/look-back-policy").json(&put)).await.expect(428);
        let stale = app.request("leader", Method::PUT, "/look-back-policy").header("if-match", "\"7\"").json(&put);
        app.send(stale).await.expect(412);
        let wrong = json!({"share_percent": 0, "min_days": 10, "max_days": 5, "all_majors": false});
        let wrong = app.request("leader", Method::PUT, "/look-back-policy").header("if-match", "\"1\"").json(&wrong);
        let faults = app.send(wrong).await.expect(422).faults();
        assert_eq!(faults.iter().map(|fault| fault.0.as_str()).collect::<Vec<_>>(), ["/max_days", "/share_percent"]);
    }
}
