//! Surprise visits over HTTP: who plans them, with whom, and what their school learns when.

use anxiao::access::Role;
use anxiao::catalogue::builtin;
use anxiao::platform::db::schema::{events, memberships, orgs};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::ids::built_in;
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{self, org, user};

/// A UUIDv4 and a UUIDv7 that nothing has yet.
const V4: &str = "6f1c0a52-9d3e-4b7a-8c11-2f4d5e6a7b80";
const V7: &str = "0195e0c0-0000-7000-8000-0000000000a1";

fn visit(kind: &str, school: &str, team: &[&str]) -> Value {
    let team: Vec<_> = team.iter().map(|name| user(name)).collect();
    let fang = builtin::checklist_id("fang", 1);
    json!({"kind": kind, "org_id": org(school), "checklist_ids": [fang], "team": team, "announced": false})
}

async fn hidden(app: &TestApp) -> String {
    app.post("office", "/inspections", visit("unannounced", "a.s1", &["inspector1", "inspector2"]))
        .await
        .expect(201)
        .id()
}

/// A further membership of somebody of the district, from an instant on.
pub fn also(app: &TestApp, name: &str, role: Role, place: &str, from: Timestamp) {
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(built_in(&format!("test membership {name} {place}"))),
            memberships::created_at.eq(from),
            memberships::user_id.eq(user(name)),
            memberships::bureau_id.eq(org("a")),
            memberships::org_id.eq(org(place)),
            memberships::role.eq(role),
            memberships::valid_from.eq(from),
        ))
        .execute(&mut app.connect())
        .unwrap();
}

fn actions(history: &[Value]) -> Vec<&str> {
    history.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

/// Every operation with the id of an inspection, with a good body.
async fn every_way(app: &TestApp, who: &str, id: &str) -> Vec<(u16, String)> {
    let at = format!("/inspections/{id}");
    let mut all = Vec::new();
    for path in [at.clone(), format!("{at}/answers"), format!("{at}/history")] {
        all.push(app.get(who, &path).await);
    }
    all.push(app.get(who, &format!("/answers?inspection_id={id}&count=true")).await);
    all.push(app.get(who, &format!("/hazards?inspection_id={id}&count=true")).await);
    all.push(app.patch(who, &at, 1, json!({"title": "x"})).await);
    all.push(app.send(app.request(who, reqwest::Method::PATCH, &at).json(&json!({"title": "x"}))).await);
    for (rest, body) in [
        ("check-in", json!({})),
        ("submit", json!({})),
        ("acknowledgement", json!({"outcome": "signed"})),
        ("void", json!({"reason": "x"})),
        ("confirm", json!({})),
    ] {
        all.push(app.post(who, &format!("{at}/{rest}"), body).await);
    }
    all.push(app.put(who, &format!("{at}/answers"), json!({"answers": []})).await);
    all.push(app.put(who, &format!("{at}/answers/fang-001"), json!({"result": "pass"})).await);
    let mut own = visit("self_check", "a.s1", &["officer1"]);
    own["id"] = json!(id);
    own.as_object_mut().unwrap().remove("announced");
    all.push(app.post(who, "/inspections", own.clone()).await);
    own["kind"] = json!("routine");
    all.push(app.post(who, "/inspections", own).await);
    // Nothing but the instance of a problem may differ, and it is the request's own.
    all.into_iter()
        .map(|answer| {
            let mut body = answer.body.clone();
            if let Some(body) = body.as_object_mut() {
                body.remove("instance");
            }
            (answer.status, body.to_string().replace(id, "ID"))
        })
        .collect()
}

both_engines! {
    async fn who_plans_what_in_secret(app) {
        let two: &[&str] = &["inspector1", "inspector2"];
        let cases: &[(&str, &str, &str, &[&str], u16)] = &[
            ("leader", "unannounced", "a.s1", two, 201),
            ("leader", "special", "a.s1", two, 403),
            ("leader", "random", "a.s1", two, 403),
            ("office", "random", "a.s1", two, 201),
            ("office", "special", "a.s1", two, 201),
            ("office", "look_back", "a.s1", two, 201),
            ("office", "third_party", "a.s1", &["inspector1", "external1"], 201),
            ("office", "unannounced", "a.s1", two, 201),
            ("supervisor", "supervision", "a.s1", &["supervisor", "inspector1"], 201),
            ("supervisor", "unannounced", "a.s2", two, 404),
            ("inspector1", "special", "a.s2", two, 201),
            ("inspector1", "special", "a.s2", &["inspector2", "external1"], 403),
            ("office", "routine", "a.s1", two, 422),
            ("office", "joint", "a.s1", two, 422),
            ("office", "peer", "a.s1", two, 422),
            ("office", "patrol", "a.s1", &["staff1"], 422),
            ("principal1", "self_check", "a.s1", &["officer1"], 422),
            ("principal1", "unannounced", "a.s1", two, 403),
            ("external1", "third_party", "a.s1", &["external1", "inspector1"], 403),
            ("b.office", "unannounced", "a.s1", two, 404),
        ];
        for (who, kind, school, team, status) in cases {
            let answer = app.post(who, "/inspections", visit(kind, school, team)).await;
            assert_eq!(answer.status, *status, "{who} {kind} {school} {team:?}: {}", answer.text);
            if *status == 201 {
                assert_eq!((answer.body["announced"].clone(), answer.id().as_bytes()[14]), (json!(false), b'4'), "{}", answer.text);
            }
        }
        let mut open = visit("unannounced", "a.s1", two);
        open["announced"] = json!(true);
        let refused = app.post("office", "/inspections", open.clone()).await.expect(422);
        assert_eq!(refused.faults(), [("/announced".into(), "not_for_this_kind".into())]);
        open.as_object_mut().unwrap().remove("announced");
        assert_eq!(app.post("leader", "/inspections", open).await.expect(201).body["announced"], false);
        let mut said = visit("special", "a.s1", two);
        said.as_object_mut().unwrap().remove("announced");
        assert_eq!(app.post("office", "/inspections", said).await.expect(201).body["announced"], true);
    }

    async fn nobody_of_the_bureau_goes_alone(app) {
        let alone = [("/team".into(), "team_too_small".into())];
        for kind in ["unannounced", "special", "random", "supervision", "look_back", "third_party", "routine", "joint", "peer"] {
            let mut body = visit(kind, "a.s1", &["inspector1"]);
            if matches!(kind, "routine" | "joint" | "peer") {
                body["announced"] = json!(true);
            }
            assert_eq!(app.post("office", "/inspections", body).await.expect(422).faults(), alone, "{kind}");
        }
        let id = hidden(app).await;
        let edit = json!({"team": [user("inspector2")]});
        assert_eq!(app.patch("office", &format!("/inspections/{id}"), 1, edit).await.expect(422).faults(), alone);
        let mut own = visit("patrol", "a.s1", &["staff1"]);
        own["announced"] = json!(true);
        app.post("staff1", "/inspections", own).await.expect(201);
    }

    async fn the_id_of_a_hidden_one_tells_no_hour(app) {
        let mut body = visit("unannounced", "a.s1", &["inspector1", "inspector2"]);
        body["id"] = json!(V7);
        let refused = app.post("office", "/inspections", body.clone()).await.expect(422);
        assert_eq!(refused.faults(), [("/id".into(), "not_uuid_v4".into())]);
        body["id"] = json!(V4);
        assert_eq!(app.post("office", "/inspections", body.clone()).await.expect(201).id(), V4);
        app.post("office", "/inspections", body).await.expect(200);
        // The same form of id is closed to schools, taken or free.
        for id in [V4, "6f1c0a52-9d3e-4b7a-8c11-2f4d5e6a7b81"] {
            let mut own = visit("self_check", "a.s1", &["officer1"]);
            (own["id"], own["announced"]) = (json!(id), json!(true));
            let refused = app.post("officer1", "/inspections", own).await.expect(422);
            assert_eq!(refused.faults(), [("/id".into(), "uuid_v4".into())]);
        }
        let rows = app.get("inspector1", &format!("/inspections/{V4}/answers")).await.expect(200).rows();
        assert!(rows.iter().all(|row| row["id"].as_str().unwrap().as_bytes()[14] == b'4'));
    }

    async fn whether_it_is_announced_is_settled_for_good(app) {
        let id = hidden(app).await;
        for announced in [true, false] {
            let refused = app.patch("office", &format!("/inspections/{id}"), 1, json!({"announced": announced})).await;
            assert_eq!((refused.status, refused.body["errors"][0]["pointer"].clone()), (400, json!("/announced")), "{}", refused.text);
        }
    }

    async fn before_check_in_the_true_id_is_as_good_as_any(app) {
        let id = hidden(app).await;
        let at = format!("/inspections/{id}");
        for who in ["principal1", "officer1", "staff1", "principal2"] {
            let (true_id, any) = (every_way(app, who, &id).await, every_way(app, who, V4).await);
            assert_eq!(true_id, any, "{who}");
            assert_eq!(app.get(who, "/inspections?count=true").await.expect(200).body["page"]["count"], 0, "{who}");
            assert_eq!(app.get(who, "/answers?count=true").await.expect(200).body["page"]["count"], 0, "{who}");
        }
        for who in ["office", "leader", "section.fire", "supervisor", "inspector1", "inspector2"] {
            app.get(who, &at).await.expect(200);
            assert_eq!(app.get(who, "/inspections?count=true").await.expect(200).body["page"]["count"], 1, "{who}");
        }
        app.get("external1", &at).await.expect(404);
        app.put("inspector1", &format!("{at}/answers/fang-001"), json!({"result": "pass"})).await.expect(409);
    }

    async fn at_check_in_the_school_sees_all_of_it_at_once(app) {
        let id = hidden(app).await;
        let at = format!("/inspections/{id}");
        let edit = json!({"title": "夜查", "planned_on": "2026-03-05", "team": [user("inspector2"), user("inspector1")]});
        app.patch("office", &at, 1, edit).await.expect(200);
        app.get("principal1", &at).await.expect(404);
        app.clock.set(district::start_time() + TimeDelta::hours(9));
        let arrived = app.post("inspector1", &format!("{at}/check-in"), json!({})).await.expect(200);
        let seen = app.get("principal1", &at).await.expect(200);
        let bureau = app.get("office", &at).await.expect(200);
        assert_eq!((seen.text.as_str(), seen.header("etag")), (bureau.text.as_str(), bureau.header("etag")));
        assert_eq!((seen.text, seen.body["title"].as_str()), (arrived.text, Some("夜查")));
        assert_eq!(app.get("officer1", "/inspections?count=true").await.expect(200).body["page"]["count"], 1);
        let answers = app.get("principal1", &format!("{at}/answers")).await.expect(200);
        assert_eq!(answers.text, app.get("office", &format!("{at}/answers")).await.expect(200).text);
        assert!(!app.get("principal1", &format!("/answers?inspection_id={id}")).await.expect(200).rows().is_empty());

        let all = app.get("office", &format!("{at}/history")).await.expect(200).rows();
        assert_eq!(actions(&all), ["created", "edited", "released", "checked_in"]);
        let told = app.get("principal1", &format!("{at}/history")).await.expect(200).rows();
        assert_eq!(told, all[2..]);
        // What went before is in the release, word for word.
        let before = told[0]["payload"]["before"].as_array().unwrap();
        for (told, kept) in before.iter().zip(&all) {
            for field in ["action", "at", "actor", "payload"] {
                assert_eq!(told[field], kept[field]);
            }
        }
        assert_eq!((before.len(), told[0]["at"].clone()), (2, told[1]["at"].clone()));
        let streams: Vec<(String, String)> = events::table
            .filter(events::entity_id.eq(id.parse::<Id>().unwrap()))
            .order(events::seq)
            .select((events::action, events::stream))
            .load(&mut app.connect())
            .unwrap();
        let words: Vec<&str> = streams.iter().map(|(_, stream)| stream.as_str()).collect();
        assert_eq!(words, ["bureau", "bureau", "open", "open"], "{streams:?}");

        // What follows is as with any other.
        app.post("inspector2", &format!("{at}/check-in"), json!({})).await.expect(409);
        app.post("office", &format!("{at}/void"), json!({"reason": "误建"})).await.expect(200);
        let told = app.get("principal1", &format!("{at}/history")).await.expect(200).rows();
        assert_eq!(actions(&told), ["released", "checked_in", "voided"]);
        assert_eq!(app.get("principal1", &at).await.expect(200).body["status"], "void");
    }

    async fn the_team_is_told_and_the_school_is_not(app) {
        let id = hidden(app).await;
        let edit = json!({"team": [user("inspector1"), user("supervisor")]});
        app.patch("office", &format!("/inspections/{id}"), 1, edit).await.expect(200);
        for (who, told) in [("inspector1", 1), ("supervisor", 1), ("inspector2", 0), ("principal1", 0), ("officer1", 0), ("leader", 0)] {
            let rows = app.get(who, "/notices").await.expect(200).rows();
            // Who has left the team no longer sees the inspection, nor the notice of it.
            assert_eq!(rows.len(), told, "{who}: {rows:?}");
            assert!(rows.iter().all(|row| row["kind"] == "inspection_assigned" && row["entity_id"] == id.as_str()), "{who}");
        }
    }

    async fn a_record_with_the_same_id_does_not_read_its_history(app) {
        let id = hidden(app).await;
        let hazard = json!({
            "id": id, "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口上锁",
            "description": "铁链锁闭", "source": "self_check",
        });
        app.post("officer1", "/hazards", hazard).await.expect(201);
        let history = app.get("officer1", &format!("/hazards/{id}/history")).await.expect(200).rows();
        assert_eq!(actions(&history), ["register"]);
        let history = app.get("office", &format!("/inspections/{id}/history")).await.expect(200).rows();
        assert_eq!(actions(&history), ["created"]);
    }

    async fn void_before_check_in_it_never_was(app) {
        let id = hidden(app).await;
        app.post("office", &format!("/inspections/{id}/void"), json!({"reason": "走漏风声"})).await.expect(200);
        assert_eq!(every_way(app, "principal1", &id).await, every_way(app, "principal1", V4).await);
        app.post("inspector1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(409);
        app.clock.set(district::start_time() + TimeDelta::days(300));
        app.get("principal1", &format!("/inspections/{id}")).await.expect(404);
        assert!(app.get("principal1", "/inspections?status=void").await.expect(200).rows().is_empty());
        let history = app.get("office", &format!("/inspections/{id}/history")).await.expect(200).rows();
        assert_eq!(actions(&history), ["created", "voided"]);
    }

    async fn who_is_also_of_the_school_never_sees_it_before(app) {
        let past = Timestamp::from(district::start_time() - TimeDelta::days(30));
        let soon = Timestamp::from(district::start_time() + TimeDelta::days(7));
        also(app, "inspector2", Role::SchoolSafetyOfficer, "a.s1", past);
        also(app, "section.fire", Role::SchoolStaff, "a.s1", soon);
        for insider in ["inspector2", "section.fire"] {
            let refused = app.post("office", "/inspections", visit("unannounced", "a.s1", &["inspector1", insider])).await.expect(422);
            assert_eq!(refused.faults(), [("/team/1".into(), "recused".into())]);
            app.post("office", "/inspections", visit("unannounced", "a.s2", &["inspector1", insider])).await.expect(201);
        }
        let id = app.post("office", "/inspections", visit("unannounced", "a.s1", &["inspector1", "supervisor"])).await.expect(201).id();
        let at = format!("/inspections/{id}");
        for insider in ["inspector2", "section.fire"] {
            assert_eq!(every_way(app, insider, &id).await, every_way(app, insider, V4).await, "{insider}");
            let rows = app.get(insider, "/inspections").await.expect(200).rows();
            assert!(rows.iter().all(|row| row["org_id"] != json!(org("a.s1"))), "{insider}");
            app.post(insider, "/inspections", visit("unannounced", "a.s1", &["inspector1", "supervisor"])).await.expect(403);
        }
        let edit = json!({"team": [user("inspector1"), user("inspector2")]});
        assert_eq!(app.patch("office", &at, 1, edit).await.expect(422).faults(), [("/team/1".into(), "recused".into())]);
        // Who comes to the school later loses sight of it, although on its team.
        app.get("supervisor", &at).await.expect(200);
        let made = app.post("supervisor", "/inspections", visit("supervision", "a.s1", &["supervisor", "inspector1"]));
        let made = made.await.expect(201).id();
        let staff = json!({"org_id": org("a.s1"), "role": "school_staff"});
        app.post("office", &format!("/users/{}/memberships", user("supervisor")), staff).await.expect(201);
        for id in [&id, &made] {
            app.get("supervisor", &format!("/inspections/{id}")).await.expect(404);
            app.post("supervisor", &format!("/inspections/{id}/check-in"), json!({})).await.expect(404);
        }
        app.post("inspector1", &format!("{at}/check-in"), json!({})).await.expect(200);
        for insider in ["inspector2", "section.fire", "supervisor"] {
            app.get(insider, &at).await.expect(200);
        }
    }

    async fn the_servers_clock_starts_it_and_the_place_is_noted(app) {
        let conn = &mut app.connect();
        diesel::update(orgs::table.find(org("a.s1")))
            .set((orgs::lat.eq(36.9), orgs::lng.eq(105.2), orgs::datum.eq("wgs84")))
            .execute(conn)
            .unwrap();
        let id = hidden(app).await;
        let at = format!("/inspections/{id}");
        // 2.5 km off, by a phone whose clock is two hours slow: noted, not refused.
        let arrival = json!({
            "location": {"lat": 36.9225, "lng": 105.2, "accuracy_m": 35.5, "datum": "wgs84"},
            "device_time": "2026-03-02T08:00:00+08:00",
        });
        let arrived = app.post("inspector2", &format!("{at}/check-in"), arrival).await.expect(200).body;
        assert_eq!(arrived["started_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), district::start_time());
        assert_eq!((arrived["clock_skew_s"].as_i64(), arrived["distance_m"].as_f64()), (Some(-7200), Some(2502.0)));
        assert_eq!((arrived["location"]["accuracy_m"].as_f64(), arrived["location"]["datum"].as_str()), (Some(35.5), Some("wgs84")));
        // A map's coordinates of the same place, in the other grid.
        let second = hidden(app).await;
        let arrival = json!({"location": {"lat": 36.900226, "lng": 105.203722, "datum": "gcj02"}});
        let arrived = app.post("inspector1", &format!("/inspections/{second}/check-in"), arrival).await.expect(200).body;
        assert!(arrived["distance_m"].as_f64().unwrap() <= 1.0, "{arrived}");
        assert_eq!(arrived["clock_skew_s"], Value::Null);
        // A school without a place, a device without one: nothing to compare.
        let third = app.post("office", "/inspections", visit("special", "a.s2", &["inspector1", "inspector2"])).await.expect(201).id();
        let arrived = app.post("inspector1", &format!("/inspections/{third}/check-in"), json!({"device_time": "2026-03-02T10:00:07+08:00"})).await.expect(200).body;
        assert_eq!((arrived["clock_skew_s"].as_i64(), arrived["distance_m"].clone()), (Some(7), Value::Null));
        for arrival in [json!({"location": {"lat": 91, "lng": 0, "datum": "wgs84"}}), json!({"location": {"lat": 1, "lng": 1}})] {
            let fourth = hidden(app).await;
            let refused = app.post("inspector1", &format!("/inspections/{fourth}/check-in"), arrival).await;
            assert!(matches!(refused.status, 400 | 422), "{}", refused.text);
        }
    }
}
