//! Fetching.

use std::collections::{BTreeMap, BTreeSet};

use anxiao::platform::db::types::Timestamp;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Phone, begun, id, plan, words};
use crate::support::district::{org, start_time, user};
use crate::support::{Answer, Engine, TestApp};

/// What a phone keeps: rows by collection and id.
#[derive(Default)]
struct Store {
    rows: BTreeMap<(String, String), Value>,
    versions: BTreeMap<(String, String), i64>,
    cursor: Value,
    revoked: BTreeSet<String>,
    order: Vec<String>,
}

impl Store {
    /// Takes over one answer.
    fn take(&mut self, answer: &Answer) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for list in ["tombstones", "revoked"] {
            for gone in answer.body[list].as_array().unwrap() {
                let key = (text(&gone["c"]), text(&gone["id"]));
                assert!(self.rows.remove(&key).is_some(), "{list} of what was never given: {key:?}");
                self.versions.remove(&key);
                self.revoked.insert(key.1);
            }
        }
        for change in answer.body["changes"].as_array().unwrap() {
            let key = (text(&change["c"]), text(&change["id"]));
            assert_eq!(change["v"], change["row"]["version"], "{change}");
            self.order.push(key.0.clone());
            self.versions.insert(key.clone(), change["v"].as_i64().unwrap());
            self.rows.insert(key, change["row"].clone());
        }
        self.cursor = answer.body["cursor"].clone();
    }

    /// Fetches to the end; the sums are those of the server.
    async fn sync(&mut self, app: &TestApp, who: &str, limit: usize) {
        for _ in 0..500 {
            let answer = app.post(who, "/sync/pull", json!({"cursor": self.cursor, "limit": limit})).await.expect(200);
            self.take(&answer);
            let sums = answer.body["checksums"].as_object().unwrap().clone();
            if answer.body["has_more"] == true || sums.is_empty() {
                assert!(sums.is_empty());
                continue;
            }
            for (collection, sum) in sums {
                let mut x = [0_u8; 8];
                let mut n = 0;
                for ((c, id), version) in self.versions.iter().filter(|((c, _), _)| *c == collection) {
                    let hash = Sha256::digest(format!("{c}:{id}:{version}").as_bytes());
                    x.iter_mut().zip(hash.iter()).for_each(|(byte, other)| *byte ^= other);
                    n += 1;
                }
                let x: String = x.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(sum, json!({"n": n, "x": x}), "{collection} of {who}");
            }
            return;
        }
        panic!("no end of it");
    }

    fn has(&self, collection: &str, id: &str) -> bool {
        self.rows.contains_key(&(collection.to_owned(), id.to_owned()))
    }

    fn row(&self, collection: &str, id: &str) -> &Value {
        &self.rows[&(collection.to_owned(), id.to_owned())]
    }
}

async fn hazard(app: &TestApp, school: &str) -> String {
    let body = json!({
        "org_id": org(school), "category": "fang", "domain": "fire", "title": "出口", "description": "锁闭", "source": "referral",
    });
    app.post("office", "/hazards", body).await.expect(201).id()
}

both_engines! {
    async fn a_first_load_comes_in_useful_order_and_sums_up(app) {
        let visit = begun(app).await;
        for school in ["a.s1", "a.s2"] {
            hazard(app, school).await;
        }
        let site = json!({"kind": "building", "name": "教学楼"});
        let site = app.post("office", &format!("/orgs/{}/sites", org("a.s1")), site).await.expect(201).id();
        let mut mine = Store::default();
        mine.sync(app, "inspector1", 7).await;
        assert_eq!(mine.order[0], "inspections");
        assert!(mine.order.iter().position(|c| c == "answers") < mine.order.iter().position(|c| c == "checklists"));
        let rest = |name: &str| mine.order.iter().position(|c| c == name).unwrap();
        assert!(rest("checklists") < rest("orgs") && rest("orgs") < rest("sites"));
        assert!(mine.has("inspections", &visit) && mine.has("sites", &site));
        // As in the list: the score of a visit under way is only worked out for one who asks for that visit.
        assert_eq!(mine.row("inspections", &visit), &app.get("inspector1", "/inspections").await.expect(200).rows()[0]);
        // An inspector sees hazards named, found or awaiting recheck, here none: as in the list.
        assert_eq!(app.get("inspector1", "/hazards").await.expect(200).rows().len(), 0);
        let mut office = Store::default();
        office.sync(app, "office", 500).await;
        let listed = app.get("office", "/hazards").await.expect(200).rows();
        assert_eq!(listed.len(), 2);
        for row in &listed {
            assert_eq!(office.row("hazards", row["id"].as_str().unwrap()), row);
        }
        // A phone that has a checklist by its content is not sent it again.
        let hash = office.rows.iter().find(|((c, _), _)| c == "checklists").unwrap().1["hash"].clone();
        let have = json!({"collections": ["checklists"], "have": {"checklists": [hash]}, "limit": 500});
        let answer = app.post("office", "/sync/pull", have).await.expect(200);
        let bare = answer.body["changes"].as_array().unwrap().iter().filter(|one| one["row"]["items"].is_null()).count();
        assert!(bare >= 1);
        assert!(answer.body["changes"].as_array().unwrap().iter().all(|one| one["c"] == "checklists"));
    }

    async fn what_changes_comes_whole_and_the_same_cursor_may_be_asked_twice(app) {
        let visit = begun(app).await;
        let mut store = Store::default();
        store.sync(app, "inspector2", 500).await;
        let quiet = app.post("inspector2", "/sync/pull", json!({"cursor": store.cursor})).await.expect(200);
        assert_eq!((&quiet.body["cursor"], &quiet.body["changes"]), (&store.cursor, &json!([])));
        let mut phone = Phone::new("inspector1", "writer");
        let op = phone.op("inspection.answer", &visit, json!({"item_code": "fang-001", "result": "fail"}), json!({"base_version": 1}));
        assert_eq!(words(&phone.push(app, &[op]).await), ["applied"]);
        let asked = json!({"cursor": store.cursor});
        let (mut one, mut two) = (Value::Null, Value::Null);
        for slot in [&mut one, &mut two] {
            // The first answer is lost.
            for _ in 0..100 {
                let answer = app.post("inspector2", "/sync/pull", asked.clone()).await.expect(200);
                *slot = answer.body["changes"].clone();
                if slot.as_array().unwrap().len() == 2 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        let changed: Vec<&Value> = one.as_array().unwrap().iter().map(|change| &change["c"]).collect();
        assert_eq!(changed, ["inspections", "answers"]);
        assert_eq!(one, two);
        store.sync(app, "inspector2", 500).await;
        let row = store.rows.values().find(|row| row["item_code"] == "fang-001" && row["inspection_id"] == visit.as_str());
        assert_eq!(row.unwrap()["result"], "fail");
    }

    async fn what_a_lost_answer_held_comes_again_though_the_next_ones_are_smaller(app) {
        for _ in 0..6 {
            hazard(app, "a.s1").await;
        }
        let mut store = Store::default();
        store.take(&app.post("office", "/sync/pull", json!({"limit": 1})).await.expect(200));
        // This one never arrives; the phone asks for less at once from now on.
        app.post("office", "/sync/pull", json!({"cursor": store.cursor, "limit": 500})).await.expect(200);
        store.sync(app, "office", 3).await;
        assert_eq!(store.rows.keys().filter(|(c, _)| c == "hazards").count(), 6);
    }

    async fn a_photo_that_has_come_is_told(app) {
        let visit = begun(app).await;
        let (photo, content) = (id("a photo that comes later"), crate::evidence::photo());
        let failed = json!({"result": "fail", "note": "堆物", "evidence_ids": [photo]});
        app.put("inspector1", &format!("/inspections/{visit}/answers/fang-003"), failed).await.expect(200);
        let target = crate::evidence::item(&visit);
        let declared = crate::evidence::declaration(Some(&photo.to_string()), &content, target);
        app.post("inspector1", "/evidence", declared).await.expect(201);
        let mut store = Store::default();
        store.sync(app, "inspector2", 500).await;
        let gaps = |store: &Store| {
            let row = store.rows.values().find(|row| row["item_code"] == "fang-003" && row["inspection_id"] == *visit);
            row.unwrap()["evidence_gaps"].clone()
        };
        assert_eq!(gaps(&store), 1);
        let (media, body) = crate::evidence::multipart(&content);
        let request = app.request("inspector1", reqwest::Method::POST, &format!("/evidence/{photo}/content"));
        app.send(request.header("content-type", media).body(body)).await.expect(200);
        store.sync(app, "inspector2", 500).await;
        assert_eq!(gaps(&store), 0);
    }

    async fn a_cursor_is_its_persons_alone(app) {
        let cursor = app.post("office", "/sync/pull", json!({})).await.expect(200).body["cursor"].clone();
        for (who, cursor) in [("leader", cursor.clone()), ("office", json!("AAAA")), ("office", json!(""))] {
            let refused = app.post(who, "/sync/pull", json!({"cursor": cursor})).await.expect(400);
            assert_eq!(refused.code(), "invalid_cursor");
        }
        app.post("office", "/sync/pull", json!({"cursor": cursor, "collections": ["sites"]})).await.expect(422);
        app.post("office", "/sync/pull", json!({"limit": 501})).await.expect(422);
        app.post("office", "/sync/pull", json!({"collections": ["secrets"]})).await.expect(422);
        app.post("auditadmin", "/sync/pull", json!({})).await.expect(403);
    }

    async fn a_scope_that_shrinks_takes_back_and_one_that_grows_gives(app) {
        let (near, far) = (hazard(app, "a.s1").await, hazard(app, "a.s2").await);
        let mut store = Store::default();
        store.sync(app, "supervisor", 500).await;
        assert!(store.has("hazards", &near) && !store.has("hazards", &far));
        // Another school as well, and then only that.
        let at = format!("/users/{}/memberships", user("supervisor"));
        let more = app.post("office", &at, json!({"org_id": org("a.s2"), "role": "supervisor"})).await.expect(201).id();
        store.sync(app, "supervisor", 500).await;
        assert!(store.has("hazards", &near) && store.has("hazards", &far));
        let first = app.get("office", &format!("/users/{}", user("supervisor"))).await.expect(200).body;
        let old = first["memberships"].as_array().unwrap().iter().find(|one| one["id"] != more.as_str()).unwrap()["id"].clone();
        app.delete("office", &format!("{at}/{}", old.as_str().unwrap())).await.expect(204);
        // The first answer is lost.
        app.post("supervisor", "/sync/pull", json!({"cursor": store.cursor})).await.expect(200);
        store.sync(app, "supervisor", 500).await;
        assert!(!store.has("hazards", &near) && store.has("hazards", &far));
        assert!(store.revoked.contains(&near));
        assert!(!store.has("orgs", &org("a.s1").to_string()) && store.has("orgs", &org("a.s2").to_string()));
        // Off the team: the visit and its answers go.
        let visit = app.post("office", "/inspections", plan()).await.expect(201).id();
        let mut inspector = Store::default();
        inspector.sync(app, "inspector2", 500).await;
        assert!(inspector.has("inspections", &visit));
        let team = json!({"team": [user("inspector1"), user("supervisor")]});
        let edited = app.patch("office", &format!("/inspections/{visit}"), 1, team).await;
        if edited.status == 200 {
            inspector.sync(app, "inspector2", 500).await;
            assert!(!inspector.has("inspections", &visit));
            assert!(!inspector.rows.keys().any(|(c, _)| c == "answers"));
        }
        let team = json!({"team": [user("inspector1"), user("office")]});
        let version = app.get("office", &format!("/inspections/{visit}")).await.body["version"].as_i64().unwrap();
        app.patch("office", &format!("/inspections/{visit}"), version, team).await.expect(200);
        inspector.sync(app, "inspector2", 500).await;
        assert!(!inspector.has("inspections", &visit));
        assert!(!inspector.rows.keys().any(|(c, _)| c == "answers"));
    }

    async fn a_hidden_visit_leaves_no_trace_until_the_team_arrives(app) {
        let mut school = Store::default();
        school.sync(app, "principal1", 500).await;
        let cursor = school.cursor.clone();
        let mut secret = plan();
        secret["kind"] = json!("unannounced");
        let visit = app.post("office", "/inspections", secret).await.expect(201).id();
        app.patch("office", &format!("/inspections/{visit}"), 1, json!({"title": "突击"})).await.expect(200);
        for _ in 0..3 {
            let answer = app.post("principal1", "/sync/pull", json!({"cursor": cursor})).await.expect(200);
            assert_eq!(answer.body["cursor"], cursor);
            assert_eq!((&answer.body["changes"], &answer.body["has_more"]), (&json!([]), &json!(false)));
        }
        // Nor does a push: what needs a secret visit waits like what needs nothing at all.
        let mut phone = Phone::new("principal1", "curious");
        let nothing = id("nothing").to_string();
        let real = phone.op("inspection.check_in", &visit, json!({}), json!({}));
        let absent = phone.op("inspection.check_in", &nothing, json!({}), json!({}));
        let needs = phone.op("hazard.transition", id("x"), json!({"action": "acknowledge"}), json!({"needs": [visit]}));
        let answer = phone.push(app, &[real, absent, needs]).await;
        let plain = |place: usize| answer.body["results"][place]["problem"].clone();
        assert_eq!(plain(0), plain(1));
        assert_eq!(words(&answer)[2], "held");
        app.post("inspector1", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
        school.sync(app, "principal1", 500).await;
        for _ in 0..100 {
            if school.has("inspections", &visit) {
                break;
            }
            school.sync(app, "principal1", 500).await;
        }
        assert!(school.has("inspections", &visit));
    }
}

/// A transaction that commits late is not skipped, though others committed after it and were read.
#[test]
fn a_cursor_never_passes_what_commits_late() {
    TestApp::run(Engine::Postgres, async |app| {
        let (late, early) = (hazard(app, "a.s1").await, hazard(app, "a.s2").await);
        let mut store = Store::default();
        store.sync(app, "office", 500).await;
        let mut conn = app.connect();
        let at = Timestamp::from(start_time() + TimeDelta::hours(1));
        conn.batch_execute(&format!(
            "BEGIN; UPDATE hazards SET title = '迟到', version = version + 1 WHERE id = '{late}'; \
             INSERT INTO events (epoch, stream, entity, entity_id, action, at, payload, content_hash) \
             VALUES (1, 'open', 'hazard', '{late}', 'edit', '{}', '{{}}', '\\x00')",
            at.utc().to_rfc3339()
        ))
        .unwrap();
        for n in 0..5 {
            let change = json!({"title": format!("早到{n}")});
            app.patch("office", &format!("/hazards/{early}"), n + 1, change).await.expect(200);
            let answer = app.post("office", "/sync/pull", json!({"cursor": store.cursor})).await.expect(200);
            assert_eq!(answer.body["checksums"], json!({}), "something is under way");
            store.take(&answer);
        }
        conn.batch_execute("COMMIT").unwrap();
        store.sync(app, "office", 500).await;
        assert_eq!(store.row("hazards", &late)["title"], "迟到");
        assert_eq!(store.row("hazards", &early)["title"], "早到4");
    });
}
