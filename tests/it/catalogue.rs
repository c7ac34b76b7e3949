//! Categories, domains and checklists over HTTP.

use anxiao::catalogue::builtin;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::org;

fn item(code: &str) -> Value {
    json!({"code": code, "title_zh": "灭火器在位", "response": "pass_fail", "domain": "fire"})
}

both_engines! {
    async fn a_bureau_renames_reorders_and_hides_for_itself_alone(app) {
        let listed = app.get("staff1", "/categories").await.expect(200).rows();
        let codes: Vec<&str> = listed.iter().map(|row| row["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["fang", "cha", "gai", "jiao", "qiang", "ji", "zhi", "du", "jiu", "diao"]);
        let change = json!({"name_zh": "防患", "position": 99, "active": false});
        app.patch("principal1", "/categories/fang", 1, change.clone()).await.expect(403);
        app.patch("office", "/categories/none", 1, change.clone()).await.expect(404);
        let changed = app.patch("office", "/categories/fang", 1, change.clone()).await.expect(200);
        assert_eq!((changed.body["name_zh"].as_str(), changed.body["version"].as_i64()), (Some("防患"), Some(2)));
        let stale = app.patch("office", "/categories/fang", 1, change).await.expect(412);
        assert_eq!(stale.body["current"]["name_zh"], "防患");
        let listed = app.get("staff1", "/categories").await.expect(200).rows();
        assert_eq!((listed[9]["code"].as_str(), listed[9]["active"].as_bool()), (Some("fang"), Some(false)));
        assert_eq!(app.get("b.office", "/categories").await.rows()[0]["name_zh"], "防（源头防范）");
        let back = app.patch("office", "/categories/fang", 2, json!({"name_zh": null, "position": null})).await.expect(200);
        assert_eq!((back.body["name_zh"].as_str(), back.body["position"].as_i64()), (Some("防（源头防范）"), Some(1)));
        assert_eq!(app.get("staff1", "/categories/fang").await.expect(200).body["active"], false);
        app.get("sysadmin", "/categories").await.expect(403);
    }

    async fn all_domains_are_listed_in_order(app) {
        let rows = app.get("inspector1", "/domains").await.expect(200).rows();
        assert_eq!((rows.len(), rows[0]["code"].as_str()), (26, Some("fire")));
        assert_eq!(app.get("inspector1", "/domains?x=1").await.expect(400).code(), "unknown_parameter");
    }

    async fn one_published_checklist_for_each_category_is_built_in(app) {
        let rows = app.get("inspector1", "/checklists?status=published").await.expect(200).rows();
        assert_eq!(rows.len(), 10);
        assert!(rows.iter().all(|row| row["built_in"] == true && row["item_count"].as_u64() > Some(10)));
        let fang = app.get("b.principal", "/checklists?category=fang").await.expect(200).rows();
        assert_eq!((fang.len(), fang[0]["id"].as_str()), (1, Some(builtin::checklist_id("fang", 1).to_string().as_str())));
        let whole = app.get("staff1", &format!("/checklists/{}", builtin::checklist_id("fang", 1))).await.expect(200);
        assert_eq!(whole.body["items"], serde_json::to_value(&builtin::category("fang").unwrap().items).unwrap());
        assert_eq!((whole.body["status"].as_str(), whole.body["version"].as_i64()), (Some("published"), Some(1)));
        for change in ["publish", "retire"] {
            app.post("office", &format!("/checklists/{}/{change}", builtin::checklist_id("fang", 1)), json!({})).await.expect(403);
        }
        let gas = app.get("office", "/checklists?domain=gas&count=true").await.expect(200);
        assert_eq!(gas.body["page"]["count"].as_u64(), Some(u64::try_from(gas.rows().len()).unwrap()));
    }

    async fn a_published_checklist_never_changes_and_the_next_revision_retires_it(app) {
        let body = json!({"title": "消防专项", "category": "cha", "items": [item("xf-001")]});
        let draft = app.post("office", "/checklists", body).await.expect(201);
        let first = draft.id();
        assert_eq!(draft.header("location"), format!("/api/v1/checklists/{first}"));
        assert_eq!((draft.body["status"].as_str(), draft.body["items"][0]["category"].as_str()), (Some("draft"), Some("cha")));
        app.get("inspector1", &format!("/checklists/{first}")).await.expect(404);
        app.get("b.office", &format!("/checklists/{first}")).await.expect(404);
        let items = json!({"items": [item("xf-001"), item("cha-900")], "category": "cha"});
        app.patch("office", &format!("/checklists/{first}"), 1, items).await.expect(200);
        app.post("office", &format!("/checklists/{first}/retire"), json!({})).await.expect(409);
        let published = app.post("office", &format!("/checklists/{first}/publish"), json!({})).await.expect(200);
        assert_eq!(published.body["status"], "published");
        app.get("inspector1", &format!("/checklists/{first}")).await.expect(200);
        app.get("b.office", &format!("/checklists/{first}")).await.expect(404);
        let version = published.body["version"].as_i64().unwrap();
        app.patch("office", &format!("/checklists/{first}"), version, json!({"title": "另名"})).await.expect(409);
        let second = app.post("office", &format!("/checklists/{first}/revise"), json!({})).await.expect(201);
        assert_eq!((second.body["revision"].as_i64(), second.body["lineage_id"].clone()), (Some(2), published.body["lineage_id"].clone()));
        assert_eq!(second.body["items"], published.body["items"]);
        app.post("office", &format!("/checklists/{first}/revise"), json!({})).await.expect(409);
        app.post("office", &format!("/checklists/{}/publish", second.id()), json!({})).await.expect(200);
        assert_eq!(app.get("office", &format!("/checklists/{first}")).await.body["status"], "retired");
        let own = app.post("office", &format!("/checklists/{}/revise", builtin::checklist_id("gai", 1)), json!({})).await.expect(201);
        assert_eq!((own.body["built_in"].as_bool(), own.body["revision"].as_i64()), (Some(false), Some(1)));
    }

    async fn every_fault_of_a_checklist_is_named_at_once(app) {
        let bad = json!({"title": "", "items": []});
        assert_eq!(app.post("office", "/checklists", bad).await.expect(422).faults(), [("/title".into(), "required".into())]);
        let mut choice = item("c 1");
        choice["domain"] = json!("sea");
        choice["min"] = json!(1);
        let faults = app.post("office", "/checklists", json!({"title": "x", "category": "cha", "items": [choice]})).await.expect(422).faults();
        assert_eq!(faults, [
            ("/items/0/code".into(), "invalid_format".into()),
            ("/items/0/domain".into(), "unknown_value".into()),
            ("/items/0/min".into(), "not_for_this_response".into()),
        ]);
        let empty = app.post("office", "/checklists", json!({"title": "空"})).await.expect(201).id();
        let faults = app.post("office", &format!("/checklists/{empty}/publish"), json!({})).await.expect(422).faults();
        assert_eq!(faults, [("/items".into(), "required".into())]);
        app.post("office", "/checklists", json!({"title": "x", "colour": "red"})).await.expect(400);
    }

    async fn a_school_adds_its_own_and_no_other_school_sees_it(app) {
        let body = json!({"title": "门岗自查", "items": [item("cha-901")]});
        let own = app.post("principal1", "/checklists", body).await.expect(201);
        assert_eq!(own.body["org_id"], json!(org("a.s1")));
        app.post("officer1", &format!("/checklists/{}/publish", own.id()), json!({})).await.expect(200);
        for stranger in ["principal2", "b.principal", "b.office"] {
            app.get(stranger, &format!("/checklists/{}", own.id())).await.expect(404);
            app.post(stranger, &format!("/checklists/{}/retire", own.id()), json!({})).await.expect(404);
        }
        app.get("staff1", &format!("/checklists/{}", own.id())).await.expect(200);
        app.get("office", &format!("/checklists/{}", own.id())).await.expect(200);
        let foreign = json!({"title": "x", "org_id": org("a.s2")});
        app.post("principal1", "/checklists", foreign).await.expect(404);
        app.get("principal1", &format!("/checklists?org_id={}", org("a.s2"))).await.expect(404);
        let listed = app.get("principal1", &format!("/checklists?org_id={}", org("a.s1"))).await.expect(200).rows();
        assert_eq!(listed.len(), 1);
        let bureau = app.post("office", "/checklists", json!({"title": "局", "items": [item("cha-902")]})).await.expect(201).id();
        app.post("office", &format!("/checklists/{bureau}/publish"), json!({})).await.expect(200);
        app.post("principal1", &format!("/checklists/{bureau}/retire"), json!({})).await.expect(403);
        app.post("inspector1", "/checklists", json!({"title": "x"})).await.expect(403);
    }

    async fn the_same_id_and_the_same_key_make_one_checklist(app) {
        let id = "0195e0c0-0000-7000-8000-000000000001";
        let body = json!({"id": id, "title": "一"});
        app.post("office", "/checklists", body.clone()).await.expect(201);
        app.post("office", "/checklists", body.clone()).await.expect(200);
        assert_eq!(app.post("office", "/checklists", json!({"id": id, "title": "二"})).await.expect(409).code(), "id_reused");
        app.post("principal1", "/checklists", body).await.expect(409);
        let send = || app.request("office", Method::POST, "/checklists").header("idempotency-key", "k1").json(&json!({"title": "三"}));
        let first = app.send(send()).await.expect(201);
        let again = app.send(send()).await.expect(201);
        assert_eq!((first.id(), again.header("idempotency-replayed")), (again.id(), "true"));
    }
}
