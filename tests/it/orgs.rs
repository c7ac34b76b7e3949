//! Organisations and the places in schools.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::org;

fn names(rows: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn school(name: &str, parent: &str) -> Value {
    json!({"kind": "school", "parent_id": org(parent), "name": name, "school": {"school_kind": "primary"}})
}

const NOBODY: &str = "0198c0de-0000-7000-8000-000000000000";

both_engines! {
    async fn everybody_sees_exactly_their_organisations(app) {
        assert_eq!(app.get("office", "/orgs").await.expect(200).rows().len(), 5);
        assert_eq!(names(&app.get("supervisor", "/orgs").await.expect(200).rows()), ["东片区", "甲区第一小学"]);
        assert_eq!(names(&app.get("principal1", "/orgs").await.expect(200).rows()), ["甲区第一小学"]);
        assert_eq!(names(&app.get("b.office", "/orgs").await.expect(200).rows()), ["乙区教育局", "乙区第一小学"]);
        // An external inspector sees the schools of its tasks, and has none yet.
        assert!(app.get("external1", "/orgs").await.expect(200).rows().is_empty());
        app.get("external1", &format!("/orgs/{}", org("a.s1"))).await.expect(404);
        let foreign = app.get("office", &format!("/orgs/{}", org("b.s1"))).await.expect(404);
        let absent = app.get("office", &format!("/orgs/{NOBODY}")).await.expect(404);
        assert_eq!(foreign.text, absent.text);
        let seen = app.get("principal1", &format!("/orgs/{}", org("a.s1"))).await.expect(200);
        assert_eq!(seen.body["school"]["features"], json!(["canteen", "gas"]));
        assert_eq!(seen.body["parent_id"], json!(org("a.cluster")));
    }

    async fn lists_are_filtered_counted_and_paged(app) {
        let rows = async |query: &str| names(&app.get("office", &format!("/orgs?{query}")).await.expect(200).rows());
        assert_eq!(rows("kind=school").await, ["甲区第一小学", "甲区第二中学"]);
        assert_eq!(rows("school_kind=junior_high").await, ["甲区第二中学"]);
        assert_eq!(rows(&format!("under={}", org("a.cluster"))).await, ["甲区第一小学"]);
        assert_eq!(rows("q=%E7%AC%AC%E4%B8%80").await, ["甲区第一小学"]);
        assert!(rows("q=%25").await.is_empty());
        let first = app.get("office", "/orgs?limit=2&count=true").await.expect(200);
        assert_eq!(first.body["page"]["count"], 5);
        let cursor = first.body["page"]["next_cursor"].as_str().unwrap().to_owned();
        let other_filter = app.get("office", &format!("/orgs?limit=2&kind=school&cursor={cursor}")).await;
        assert_eq!(other_filter.expect(400).code(), "invalid_cursor");
        assert_eq!(app.get("sysadmin", &format!("/orgs?cursor={cursor}")).await.expect(400).code(), "invalid_cursor");
        let second = app.get("office", &format!("/orgs?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!(second.rows().len(), 2);
        assert!(first.rows().iter().all(|row| !second.rows().contains(row)));
        assert_eq!(app.get("office", "/orgs?colour=red").await.expect(400).code(), "unknown_parameter");
        app.get("office", "/orgs?kind=castle").await.expect(400);
        app.get("office", &format!("/orgs?under={}", org("b"))).await.expect(404);
    }

    async fn a_school_is_created_once_whatever_is_repeated(app) {
        let mut body = school("甲区第三小学", "a.cluster");
        body["id"] = json!("0198c0de-0000-7000-8000-000000000001");
        body["school"]["identifier"] = json!("1164000001");
        let made = app.post("office", "/orgs", body.clone()).await.expect(201);
        assert_eq!(made.header("location"), "/api/v1/orgs/0198c0de-0000-7000-8000-000000000001");
        assert!(made.header("etag").starts_with("\"1-"));
        assert_eq!(made.body["warnings"], json!(["identifier_kind_differs"]));
        assert_eq!(made.body["bureau_id"], json!(org("a")));
        let again = app.post("office", "/orgs", body.clone()).await.expect(200);
        assert_eq!(again.body, made.body);
        assert_eq!(app.post("sysadmin", "/orgs", body.clone()).await.expect(409).code(), "id_reused");
        body["name"] = json!("别的");
        assert_eq!(app.post("office", "/orgs", body).await.expect(409).code(), "id_reused");
        // The closure table has it: the cluster's supervisor sees it.
        assert!(names(&app.get("supervisor", "/orgs").await.expect(200).rows()).contains(&"甲区第三小学".to_owned()));
        let mut taken = school("甲区第四小学", "a");
        taken["school"]["identifier"] = json!("1164000001");
        assert_eq!(app.post("office", "/orgs", taken).await.expect(409).code(), "identifier_taken");
        assert_eq!(app.post("office", "/orgs", school("甲区第三小学", "a")).await.expect(409).code(), "name_taken");
        // Another bureau has its own names.
        app.post("b.office", "/orgs", school("甲区第三小学", "b")).await.expect(201);
    }

    async fn an_idempotency_key_gives_the_first_answer_again(app) {
        let send = async |body: Value| {
            app.send(app.request("office", Method::POST, "/orgs").header("idempotency-key", "k1").json(&body)).await
        };
        let first = send(school("甲区第五小学", "a")).await.expect(201);
        let second = send(school("甲区第五小学", "a")).await.expect(201);
        assert_eq!(second.header("idempotency-replayed"), "true");
        assert_eq!(first.body, second.body);
        assert_eq!(send(school("甲区第六小学", "a")).await.expect(422).code(), "idempotency_key_reused");
    }

    async fn what_cannot_be_created_is_told(app) {
        let bureau = json!({"kind": "bureau", "name": "丙区教育局", "region_code": "640106"});
        let refused = app.post("office", "/orgs", bureau).await.expect(422);
        assert!(refused.faults().contains(&("/kind".into(), "command_line_only".into())));
        app.post("office", "/orgs", school("甲", "b")).await.expect(404);
        let mut absent = school("甲", "a");
        absent["parent_id"] = json!(NOBODY);
        app.post("office", "/orgs", absent).await.expect(404);
        let under_agency = app.post("office", "/orgs", school("甲", "a.agency")).await.expect(422);
        assert_eq!(under_agency.faults(), [("/parent_id".into(), "wrong_parent".into())]);
        let bare = json!({"kind": "school", "parent_id": org("a"), "name": " ", "region_code": "640104"});
        assert_eq!(
            app.post("office", "/orgs", bare).await.expect(422).faults(),
            [
                ("/name".into(), "required".into()),
                ("/region_code".into(), "only_for_bureaus".into()),
                ("/school".into(), "required".into())
            ]
        );
        let mut bad = school("甲", "a");
        bad["school"] = json!({"school_kind": "primary", "students": -1, "identifier": "12", "location": {"lat": 91, "lng": 0, "datum": "wgs84"}});
        assert_eq!(
            app.post("office", "/orgs", bad).await.expect(422).faults(),
            [
                ("/school/identifier".into(), "digits_expected".into()),
                ("/school/location/lat".into(), "out_of_range".into()),
                ("/school/students".into(), "out_of_range".into())
            ]
        );
        let mut unknown = school("甲", "a");
        unknown["school"]["colour"] = json!("red");
        app.post("office", "/orgs", unknown).await.expect(400);
        for name in ["inspector1", "principal1", "leader", "external1"] {
            app.post(name, "/orgs", school("甲", "a")).await.expect(403);
        }
        assert_eq!(app.get("office", "/orgs").await.rows().len(), 5);
    }

    async fn a_school_moves_and_who_sees_it_moves_with_it(app) {
        let path = format!("/orgs/{}", org("a.s2"));
        app.get("supervisor", &path).await.expect(404);
        let moved = app.patch("office", &path, 1, json!({"parent_id": org("a.cluster")})).await.expect(200);
        assert_eq!(moved.body["version"], 2);
        app.get("supervisor", &path).await.expect(200);
        app.patch("office", &path, 2, json!({"parent_id": org("a")})).await.expect(200);
        app.get("supervisor", &path).await.expect(404);
        app.get("principal2", &path).await.expect(200);
        let wrong = app.patch("office", &path, 3, json!({"parent_id": org("a.agency")})).await.expect(422);
        assert_eq!(wrong.faults(), [("/parent_id".into(), "wrong_parent".into())]);
        app.patch("office", &path, 3, json!({"parent_id": org("b")})).await.expect(404);
        app.patch("office", &path, 3, json!({"parent_id": org("a.s2")})).await.expect(422);
        app.patch("office", &format!("/orgs/{}", org("a")), 1, json!({"parent_id": org("a.cluster")})).await.expect(422);
    }

    async fn changes_need_the_version_one_has_seen(app) {
        let path = format!("/orgs/{}", org("a.s1"));
        let send = app.request("office", Method::PATCH, &path).json(&json!({"name": "新名"}));
        assert_eq!(app.send(send).await.expect(428).code(), "precondition_required");
        let change = json!({"name": "甲区实验小学", "school": {"students": 900, "features": ["lab", "canteen", "lab"], "address": "文化街1号"}});
        let changed = app.patch("office", &path, 1, change).await.expect(200);
        assert_eq!(changed.body["school"]["features"], json!(["canteen", "lab"]));
        assert_eq!(changed.body["school"]["students"], 900);
        let stale = app.patch("sysadmin", &path, 1, json!({"name": "x"})).await.expect(412);
        assert_eq!(stale.body["current"]["name"], "甲区实验小学");
        // The renamed school stands in the rights of its people at once.
        assert_eq!(app.get("officer1", "/me").await.body["memberships"][0]["org"]["name"], "甲区实验小学");
        let cleared = app.patch("office", &path, 2, json!({"school": {"students": null, "address": null}})).await.expect(200);
        assert_eq!(cleared.body["school"]["students"], Value::Null);
        let same = app.patch("office", &path, 3, json!({"name": "甲区实验小学"})).await.expect(200);
        assert_eq!(same.body["version"], 3);
        let refused = app.patch("office", &path, 3, json!({"name": null, "region_code": "640104", "time_zone": "Mars/Base"})).await.expect(422);
        assert_eq!(refused.faults(), [("/name".into(), "required".into()), ("/time_zone".into(), "unknown_value".into())]);
        let not_here = app.patch("office", &path, 3, json!({"region_code": "640104"})).await.expect(422);
        assert_eq!(not_here.faults(), [("/region_code".into(), "only_for_bureaus".into())]);
        let cluster = format!("/orgs/{}", org("a.cluster"));
        let no_school = app.patch("office", &cluster, 1, json!({"school": {"students": 1}})).await.expect(422);
        assert_eq!(no_school.faults(), [("/school".into(), "only_for_schools".into())]);
        // Out of sight comes before what the body says.
        app.patch("b.office", &path, 1, json!({"colour": 1})).await.expect(404);
        app.patch("principal1", &path, 3, json!({"name": "x"})).await.expect(403);
    }

    async fn places_lie_in_wider_places_of_the_same_school(app) {
        let sites = format!("/orgs/{}/sites", org("a.s1"));
        let building = app.post("principal1", &sites, json!({"kind": "building", "name": "教学楼A", "code": "A"})).await.expect(201);
        let floor = json!({"kind": "floor", "name": "三层", "parent_id": building.id()});
        let floor = app.post("officer1", &sites, floor).await.expect(201);
        let upside_down = json!({"kind": "campus", "name": "校区", "parent_id": floor.id()});
        let refused = app.post("office", &sites, upside_down).await.expect(422);
        assert_eq!(refused.faults(), [("/parent_id".into(), "wrong_parent".into())]);
        let other = app.post("office", &format!("/orgs/{}/sites", org("a.s2")), json!({"kind": "building", "name": "宿舍"})).await.expect(201);
        app.post("office", &sites, json!({"kind": "room", "name": "301", "parent_id": other.id()})).await.expect(404);
        app.post("office", &sites, json!({"kind": "room", "name": "301", "parent_id": NOBODY})).await.expect(404);
        let taken = app.post("office", &format!("/orgs/{}/sites", org("a.s2")), json!({"kind": "point", "name": "x", "code": "A"})).await;
        assert_eq!(taken.expect(409).code(), "site_code_taken");
        let no_school = app.post("office", &format!("/orgs/{}/sites", org("a")), json!({"kind": "room", "name": "x"})).await.expect(422);
        assert_eq!(no_school.faults()[0].1, "only_for_schools");
        assert_eq!(app.get("inspector1", &sites).await.expect(200).rows().len(), 2);
        assert_eq!(app.get("inspector1", &format!("{sites}?code=A")).await.expect(200).rows()[0]["name"], "教学楼A");
        assert_eq!(app.get("staff1", &format!("{sites}?parent_id={}&count=true", building.id())).await.expect(200).body["page"]["count"], 1);
        app.get("principal2", &sites).await.expect(404);
        app.get("principal2", &format!("/sites/{}", floor.id())).await.expect(404);
        app.post("principal2", &sites, json!({"colour": 1})).await.expect(404);
        app.post("inspector1", &sites, json!({"kind": "room", "name": "x"})).await.expect(403);
        let path = format!("/sites/{}", floor.id());
        let changed = app.patch("principal1", &path, 1, json!({"name": "3F", "code": "A-3", "parent_id": null})).await.expect(200);
        assert_eq!((changed.body["code"].as_str(), changed.body["parent_id"].is_null()), (Some("A-3"), true));
        app.patch("principal1", &path, 2, json!({"parent_id": other.id()})).await.expect(404);
        app.patch("principal2", &path, 2, json!({"name": "x"})).await.expect(404);
        app.patch("principal1", &path, 1, json!({"name": "x"})).await.expect(412);
        app.patch("principal1", &path, 2, json!({"name": "x", "code": "空 格"})).await.expect(422);
    }
}
