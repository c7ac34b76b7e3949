//! What a checklist can be: sections, limits, demands, scores; a school's additions; spreadsheets and forms.

use anxiao::catalogue::builtin;
use reqwest::Method;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PHOTO: &str = "0195e0c0-0000-7000-8000-0000000000a1";

fn item(code: &str, more: Value) -> Value {
    let mut item =
        json!({"code": code, "title_zh": "检查项", "response": "pass_fail", "domain": "fire", "category": "fang"});
    for (field, value) in more.as_object().unwrap() {
        item[field] = value.clone();
    }
    item
}

async fn published(app: &TestApp, who: &str, body: Value) -> String {
    let id = app.post(who, "/checklists", body).await.expect(201).id();
    app.post(who, &format!("/checklists/{id}/publish"), json!({})).await.expect(200);
    id
}

async fn visit(app: &TestApp, who: &str, kind: &str, lists: &[&str], team: &[&str]) -> Answer {
    let team: Vec<_> = team.iter().map(|name| user(name)).collect();
    let body = json!({"kind": kind, "org_id": org("a.s1"), "checklist_ids": lists, "team": team});
    app.post(who, "/inspections", body).await
}

async fn begun(app: &TestApp, lists: &[&str]) -> String {
    let id = visit(app, "office", "routine", lists, &["inspector1", "inspector2"]).await.expect(201).id();
    app.post("inspector1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
    id
}

async fn answer(app: &TestApp, id: &str, code: &str, body: Value) -> Answer {
    app.put("inspector1", &format!("/inspections/{id}/answers/{code}"), body).await
}

async fn import(app: &TestApp, who: &str, query: &str, file: Vec<u8>) -> Answer {
    let request = app.request(who, Method::POST, &format!("/checklists/import{query}"));
    app.send(request.header("content-type", XLSX).body(file)).await
}

async fn export(app: &TestApp, who: &str, id: &str) -> Vec<u8> {
    let answer = app.request(who, Method::GET, &format!("/checklists/{id}/export")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, XLSX));
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; "));
    answer.bytes().await.unwrap().to_vec()
}

fn book(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        for (line, row) in (0_u32..).zip(*rows) {
            for (place, cell) in (0_u16..).zip(*row) {
                sheet.write_string(line, place, *cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

fn codes(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["item_code"].as_str().unwrap()).collect()
}

both_engines! {
    async fn nobody_meets_an_item_that_cannot_apply(app) {
        let items = json!([
            item("k-1", json!({"school_kinds": ["kindergarten"]})),
            item("k-2", json!({"school_kinds": ["primary", "kindergarten"], "applies_to": ["canteen"]})),
            item("k-3", json!({"school_kinds": ["primary"], "applies_to": ["boarding"]})),
            item("k-4", json!({"applies_to": ["gas", "senior"]})),
            item("k-5", json!({})),
        ]);
        let list = published(app, "office", json!({"title": "适用", "items": items})).await;
        let id = begun(app, &[&list]).await;
        let rows = app.get("inspector1", &format!("/inspections/{id}/answers")).await.expect(200).rows();
        assert_eq!(codes(&rows), ["k-2", "k-4", "k-5"]);
        let absurd = json!({"title": "无", "items": [item("k-9", json!({"school_kinds": ["kindergarten"], "applies_to": ["senior"]}))]});
        let draft = app.post("office", "/checklists", absurd).await.expect(201).id();
        let faults = app.post("office", &format!("/checklists/{draft}/publish"), json!({})).await.expect(422).faults();
        assert_eq!(faults, [("/items/0/applies_to".into(), "never_applies".into())]);
        let unknown = json!({"title": "错", "items": [item("k-8", json!({"school_kinds": ["academy"]}))]});
        let faults = app.post("office", "/checklists", unknown).await.expect(422).faults();
        assert_eq!(faults, [("/items/0/school_kinds/0".into(), "unknown_value".into())]);
    }

    async fn sections_order_the_items_and_stay_through_every_change(app) {
        let sections = json!([{"code": "kitchen", "title_zh": "后厨"}, {"code": "hall", "title_zh": "餐厅"}]);
        let items = json!([item("s-1", json!({"section": "hall"})), item("s-2", json!({"section": "kitchen"})), item("s-3", json!({}))]);
        let draft = app.post("office", "/checklists", json!({"title": "食堂", "sections": sections, "items": items})).await.expect(201);
        let order: Vec<&str> = draft.body["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect();
        assert_eq!((order, &draft.body["sections"]), (vec!["s-3", "s-2", "s-1"], &sections));
        let at = format!("/checklists/{}", draft.id());
        let gone = app.patch("office", &at, 1, json!({"sections": [{"code": "hall", "title_zh": "餐厅"}]})).await.expect(422);
        assert_eq!(gone.faults(), [("/items/1/section".into(), "unknown_section".into())]);
        let twice = json!({"sections": [{"code": "hall", "title_zh": ""}, {"code": "HALL", "title_zh": "二"}]});
        let faults = app.patch("office", &at, 1, twice).await.expect(422).faults();
        assert!(faults.contains(&("/sections/0/title_zh".into(), "required".into())));
        assert!(faults.contains(&("/sections/1/code".into(), "duplicate".into())));
        let turned = json!({"sections": [{"code": "hall", "title_zh": "餐厅"}, {"code": "kitchen", "title_zh": "后厨"}]});
        let turned = app.patch("office", &at, 1, turned).await.expect(200);
        assert_eq!(turned.body["items"][1]["code"], "s-1");
        app.post("office", &format!("{at}/publish"), json!({})).await.expect(200);
        let next = app.post("office", &format!("{at}/revise"), json!({})).await.expect(201);
        assert_eq!((&next.body["sections"], &next.body["items"]), (&turned.body["sections"], &turned.body["items"]));
    }

    async fn a_published_checklist_is_not_edited(app) {
        let list = published(app, "office", json!({"title": "定", "items": [item("p-1", json!({}))]})).await;
        for change in [
            json!({"title": "改"}),
            json!({"items": [item("p-2", json!({}))]}),
            json!({"sections": []}),
            json!({"scoring": {"bands": [{"grade": "a", "name_zh": "甲", "from": 0}], "veto_grade": "a"}}),
        ] {
            let refused = app.patch("office", &format!("/checklists/{list}"), 2, change).await.expect(409);
            assert_eq!((refused.code(), refused.body["current"]["status"].as_str()), ("state_conflict", Some("published")));
        }
        app.post("office", &format!("/checklists/{list}/publish"), json!({})).await.expect(409);
        let same = app.get("office", &format!("/checklists/{list}")).await.expect(200);
        assert_eq!((same.body["title"].as_str(), same.body["version"].as_i64()), (Some("定"), Some(2)));
    }

    async fn the_score_is_seen_while_answering_and_frozen_when_handed_in(app) {
        let scoring = json!({"bands": [
            {"grade": "A", "name_zh": "甲", "from": 85}, {"grade": "B", "name_zh": "乙", "from": 50}, {"grade": "C", "name_zh": "丙", "from": 0},
        ], "veto_grade": "B"});
        let items = json!([
            item("w-1", json!({"weight": 5, "veto": true})), item("w-2", json!({"weight": 2})), item("w-3", json!({})),
            item("w-4", json!({"weight": 3, "allow_na": true})),
        ]);
        let list = published(app, "office", json!({"title": "评分", "items": items, "scoring": scoring})).await;
        let planned = visit(app, "office", "routine", &[&list], &["inspector1", "inspector2"]).await.expect(201);
        assert_eq!(planned.body["score"], Value::Null);
        let id = planned.id();
        app.post("inspector1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
        let score = async || app.get("office", &format!("/inspections/{id}")).await.expect(200).body["score"].clone();
        let bureau = score().await["bureau"].clone();
        assert_eq!((&bureau["score"], &bureau["grade"], &bureau["answered"]), (&Value::Null, &Value::Null, &json!(0)));
        answer(app, &id, "w-1", json!({"result": "pass"})).await.expect(200);
        answer(app, &id, "w-2", json!({"result": "pass"})).await.expect(200);
        answer(app, &id, "w-3", json!({"result": "fail"})).await.expect(200);
        let so_far = score().await["bureau"].clone();
        assert_eq!((&so_far["score"], &so_far["grade"], &so_far["answered"]), (&json!(87.5), &json!("A"), &json!(3)));
        assert_eq!((&so_far["passed_weight"], &so_far["counted_weight"]), (&json!(7.0), &json!(8.0)));
        answer(app, &id, "w-4", json!({"result": "na", "reason": "无此设备"})).await.expect(200);
        assert_eq!(score().await["bureau"]["score"], 87.5);
        answer(app, &id, "w-1", json!({"result": "fail"})).await.expect(200);
        answer(app, &id, "w-3", json!({"result": "pass"})).await.expect(200);
        let low = score().await["bureau"].clone();
        assert_eq!((&low["score"], &low["grade"], &low["capped"]), (&json!(37.5), &json!("C"), &json!(false)));
        assert_eq!(low["vetoes"], json!(["w-1"]));
        let end = app.post("inspector1", &format!("/inspections/{id}/submit"), json!({})).await.expect(200);
        let frozen = end.body["inspection"]["score"].clone();
        assert_eq!((&frozen["bureau"], &frozen["additions"]), (&low, &Value::Null));
        assert_eq!((&frozen["checklists"][0]["checklist_id"], &frozen["checklists"][0]["score"]), (&json!(list), &json!(37.5)));
        assert_eq!(score().await, frozen);
        assert_eq!(app.get("principal1", "/inspections").await.expect(200).rows()[0]["score"], frozen);
        let bands = json!({"bands": [{"grade": "A", "name_zh": "甲", "from": 60}], "veto_grade": "D"});
        let faults = app.post("office", "/checklists", json!({"title": "错", "scoring": bands})).await.expect(422).faults();
        assert_eq!(faults, [("/scoring/bands".into(), "no_lowest_band".into()), ("/scoring/veto_grade".into(), "unknown_value".into())]);
    }

    async fn a_failed_veto_caps_a_good_score(app) {
        let items = json!([item("v-1", json!({"veto": true})), item("v-2", json!({"weight": 99}))]);
        let list = published(app, "office", json!({"title": "否决", "items": items})).await;
        let id = begun(app, &[&list]).await;
        answer(app, &id, "v-1", json!({"result": "fail"})).await.expect(200);
        answer(app, &id, "v-2", json!({"result": "pass"})).await.expect(200);
        let score = app.get("inspector1", &format!("/inspections/{id}")).await.expect(200).body["score"]["bureau"].clone();
        assert_eq!((&score["score"], &score["grade"], &score["grade_name_zh"], &score["capped"]), (&json!(99.0), &json!("unqualified"), &json!("不合格"), &json!(true)));
    }

    async fn an_answer_outside_its_limits_is_refused_by_item_field_and_limit(app) {
        let items = json!([
            item("n-1", json!({"response": "number", "unit": "m", "min": 1.4, "value_min": 0.5, "value_max": 10, "decimals": 2})),
            item("n-2", json!({"response": "choice", "options": [
                {"value": "full", "label_zh": "齐全", "fail": false}, {"value": "less", "label_zh": "缺少", "fail": true}]})),
        ]);
        let list = published(app, "office", json!({"title": "限值", "items": items})).await;
        let id = begun(app, &[&list]).await;
        for (value, code, limit) in [(json!(0.4), "below_limit", "0.5"), (json!(11), "above_limit", "10"), (json!(1.405), "too_many_decimals", "2")] {
            let refused = answer(app, &id, "n-1", json!({"value": value})).await.expect(422);
            assert_eq!(refused.faults(), [("/value".into(), code.into())]);
            let detail = refused.body["errors"][0]["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("n-1") && detail.contains("value") && detail.contains(limit), "{detail}");
        }
        let many = json!({"answers": [{"item_code": "n-1", "value": 1000}, {"item_code": "n-2", "value": "lots"}]});
        let refused = app.put("inspector1", &format!("/inspections/{id}/answers"), many).await.expect(422);
        assert_eq!(refused.faults(), [("/answers/0/value".into(), "above_limit".into()), ("/answers/1/value".into(), "not_an_option".into())]);
        assert!(refused.body["errors"][1]["detail"].as_str().unwrap().contains("full, less"));
        assert_eq!(answer(app, &id, "n-1", json!({"value": 1.2})).await.expect(200).body["result"], "fail");
        let fang = builtin::checklist_id("fang", 1).to_string();
        let id = begun(app, &[&fang]).await;
        let negative = answer(app, &id, "fang-010", json!({"value": -5})).await.expect(422);
        assert_eq!(negative.faults(), [("/value".into(), "below_limit".into())]);
        let absurd = json!({"title": "错", "items": [item("n-3", json!({"response": "number", "min": 20, "value_max": 10}))]});
        assert_eq!(app.post("office", "/checklists", absurd).await.expect(422).faults(), [("/items/0/min".into(), "never_passes".into())]);
    }

    async fn a_failed_item_is_handed_in_with_the_note_and_the_photo_it_demands(app) {
        let items = json!([
            item("d-1", json!({"on_fail_require": ["note", "photo"]})), item("d-2", json!({"photo_required": true})),
            item("d-3", json!({"on_fail_require": ["note"]})),
        ]);
        let list = published(app, "office", json!({"title": "要求", "items": items})).await;
        let id = begun(app, &[&list]).await;
        let bare = answer(app, &id, "d-1", json!({"result": "fail"})).await.expect(200);
        assert_eq!((&bare.body["lacks"], &bare.body["photo"]), (&json!(["note", "photo"]), &json!("awaited")));
        answer(app, &id, "d-2", json!({"result": "fail", "note": "锁闭"})).await.expect(200);
        let passed = answer(app, &id, "d-3", json!({"result": "pass"})).await.expect(200);
        assert_eq!(passed.body["lacks"], json!([]));
        let submit = format!("/inspections/{id}/submit");
        let refused = app.post("inspector1", &submit, json!({})).await.expect(422);
        assert_eq!(refused.faults(), [
            ("/answers/d-1/evidence_ids".into(), "photo_required".into()),
            ("/answers/d-1/note".into(), "note_required".into()),
            ("/answers/d-2/evidence_ids".into(), "photo_required".into()),
        ]);
        assert_eq!(app.get("office", &format!("/inspections/{id}")).await.expect(200).body["status"], "in_progress");
        assert!(app.get("office", "/hazards").await.expect(200).rows().is_empty());
        answer(app, &id, "d-1", json!({"result": "fail", "note": "  ", "evidence_ids": [PHOTO]})).await.expect(200);
        answer(app, &id, "d-2", json!({"result": "fail", "evidence_ids": [PHOTO]})).await.expect(200);
        assert_eq!(app.post("inspector1", &submit, json!({})).await.expect(422).faults(), [("/answers/d-1/note".into(), "note_required".into())]);
        answer(app, &id, "d-1", json!({"result": "fail", "note": "铁链", "evidence_ids": [PHOTO]})).await.expect(200);
        let end = app.post("inspector1", &submit, json!({})).await.expect(200);
        assert_eq!(end.body["hazards"].as_array().unwrap().len(), 2);
        let repeated = json!({"title": "错", "items": [item("d-4", json!({"on_fail_require": ["note", "note"]}))]});
        assert_eq!(app.post("office", "/checklists", repeated).await.expect(422).faults(), [("/items/0/on_fail_require/1".into(), "duplicate".into())]);
        let unknown = json!({"title": "错", "items": [item("d-4", json!({"on_fail_require": ["video"]}))]});
        app.post("office", "/checklists", unknown).await.expect(422);
    }

    async fn a_school_s_additions_stand_beside_the_bureau_s_items_and_change_none(app) {
        let bureau = json!({"title": "月度自查", "items": [item("cha-801", json!({})), item("cha-802", json!({}))]});
        let list = published(app, "office", bureau).await;
        let additions = format!("/checklists/{list}/additions");
        // Under the very code of a bureau's item, and with other words.
        let own = json!({"items": [item("cha-801", json!({"title_zh": "门岗登记", "weight": 3}))]});
        for (who, status) in [("office", 422), ("staff1", 403), ("inspector1", 403), ("b.principal", 404)] {
            app.post(who, &additions, own.clone()).await.expect(status);
        }
        app.post("principal1", &additions, json!({"org_id": org("a.s2"), "items": []})).await.expect(404);
        let draft = app.post("officer1", &additions, own.clone()).await.expect(201);
        let bureau_list = app.get("office", &format!("/checklists/{list}")).await.expect(200);
        assert_eq!((&draft.body["adds_to"], &draft.body["org_id"]), (&bureau_list.body["lineage_id"], &json!(org("a.s1"))));
        let code = draft.body["items"][0]["code"].as_str().unwrap().to_owned();
        assert!(code.starts_with('x') && code.ends_with("-cha-801") && code.len() == 21, "{code}");
        assert_eq!((&draft.body["items"][0]["section"], &draft.body["sections"][0]["title_zh"]), (&json!("own"), &json!("本校补充")));
        let again = app.post("principal1", &additions, own.clone()).await.expect(409);
        assert_eq!(again.body["current"]["id"], draft.body["id"]);
        let plan = async |who: &str, kind: &str, team: &[&str]| {
            let made = visit(app, who, kind, &[&list], team).await.expect(201);
            let rows = app.get(team[0], &format!("/inspections/{}/answers", made.id())).await.expect(200).rows();
            (made.id(), codes(&rows).iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        // A draft binds nobody.
        assert_eq!(plan("officer1", "self_check", &["officer1"]).await.1, ["cha-801", "cha-802"]);
        let at = format!("/checklists/{}", draft.id());
        app.post("officer1", &format!("{at}/publish"), json!({})).await.expect(200);
        let (id, met) = plan("officer1", "self_check", &["officer1"]).await;
        assert_eq!(met, ["cha-801", "cha-802", code.as_str()]);
        // The bureau's people are not made to answer it, and no other school meets it.
        assert_eq!(plan("office", "routine", &["inspector1", "inspector2"]).await.1, ["cha-801", "cha-802"]);
        let body = json!({"kind": "self_check", "org_id": org("a.s2"), "checklist_ids": [list], "team": [user("officer2")]});
        assert_eq!(app.post("officer2", "/inspections", body).await.expect(201).body["progress"]["items"], 2);
        app.get("principal2", &at).await.expect(404);
        let path = |code: &str| format!("/inspections/{id}/answers/{code}");
        app.post("officer1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
        app.put("officer1", &path("cha-801"), json!({"result": "pass"})).await.expect(200);
        app.put("officer1", &path("cha-802"), json!({"result": "fail"})).await.expect(200);
        app.put("officer1", &path(&code), json!({"result": "pass"})).await.expect(200);
        let end = app.post("officer1", &format!("/inspections/{id}/submit"), json!({})).await.expect(200);
        let score = &end.body["inspection"]["score"];
        assert_eq!((&score["bureau"]["score"], &score["additions"]["score"]), (&json!(50.0), &json!(100.0)));
        assert_eq!(end.body["inspection"]["checklist_ids"], json!([list, draft.id()]));
        let items = app.get("office", "/reports/items").await.expect(200).body["items"].clone();
        let rate = |code: &str| {
            let row = items.as_array().unwrap().iter().find(|row| row["item_code"] == code).unwrap();
            (row["pass_rate"]["numerator"].as_i64().unwrap(), row["pass_rate"]["denominator"].as_i64().unwrap())
        };
        assert_eq!((rate("cha-801"), rate("cha-802"), rate(&code)), ((1, 1), (0, 1), (1, 1)));
        // Revised like any other, and it follows the bureau's list into its next revision.
        let next = app.post("officer1", &format!("{at}/revise"), json!({})).await.expect(201);
        assert_eq!((&next.body["adds_to"], &next.body["items"]), (&draft.body["adds_to"], &draft.body["items"]));
        let more = json!({"items": [next.body["items"][0].clone(), item("new", json!({}))]});
        let changed = app.patch("officer1", &format!("/checklists/{}", next.id()), 1, more).await.expect(200);
        assert_eq!(changed.body["items"][0]["code"], code.as_str());
        assert!(changed.body["items"][1]["code"].as_str().unwrap().starts_with(&code[..14]));
        app.post("officer1", &format!("/checklists/{}/publish", next.id()), json!({})).await.expect(200);
        let revised = app.post("office", &format!("/checklists/{list}/revise"), json!({})).await.expect(201).id();
        app.post("office", &format!("/checklists/{revised}/publish"), json!({})).await.expect(200);
        let made = visit(app, "officer1", "self_check", &[&revised], &["officer1"]).await.expect(201);
        assert_eq!((&made.body["progress"]["items"], &made.body["checklist_ids"]), (&json!(4), &json!([revised, next.id()])));
        visit(app, "officer1", "self_check", &[&list], &["officer1"]).await.expect(422);
    }

    async fn additions_go_to_bureaus_checklists_in_force_and_bear_nobody_else_s_prefix(app) {
        let fang = builtin::checklist_id("fang", 1);
        let own = app.post("principal1", &format!("/checklists/{fang}/additions"), json!({"title": "消防补充", "items": [item("a", json!({}))]})).await.expect(201);
        let nested = app.post("principal1", &format!("/checklists/{}/additions", own.id()), json!({})).await.expect(409);
        assert_eq!(nested.code(), "state_conflict");
        let draft = app.post("office", "/checklists", json!({"title": "草稿"})).await.expect(201).id();
        app.post("principal1", &format!("/checklists/{draft}/additions"), json!({})).await.expect(404);
        let list = published(app, "office", json!({"title": "旧", "items": [item("o-1", json!({}))]})).await;
        app.post("office", &format!("/checklists/{list}/retire"), json!({})).await.expect(200);
        app.post("principal1", &format!("/checklists/{list}/additions"), json!({})).await.expect(409);
        let theirs = own.body["items"][0]["code"].clone();
        let stolen = json!({"title": "冒名", "items": [item(theirs.as_str().unwrap(), json!({}))]});
        for who in ["principal2", "office"] {
            let faults = app.post(who, "/checklists", stolen.clone()).await.expect(422).faults();
            assert_eq!(faults, [("/items/0/code".into(), "reserved_code".into())], "{who}");
        }
        // Whatever a school keeps bears its prefix: nothing of it counts as the bureau's item.
        let copy = app.post("principal1", &format!("/checklists/{fang}/revise"), json!({})).await.expect(201);
        assert!(copy.body["items"].as_array().unwrap().iter().all(|item| item["code"].as_str().unwrap().starts_with('x')));
        assert_eq!(copy.body["items"][0]["category"], "fang");
    }

    async fn what_is_exported_is_imported_as_it_was(app) {
        let scoring = json!({"bands": [{"grade": "A", "name_zh": "甲", "from": 75.5}, {"grade": "B", "name_zh": "乙", "from": 0}], "veto_grade": "A"});
        let items = json!([
            item("e-1", json!({"section": "two", "title_zh": "=1+1", "weight": 2.5, "veto": true, "on_fail_require": ["note"]})),
            item("e-2", json!({"section": "one", "response": "choice", "options": [
                {"value": "a", "label_zh": "甲", "fail": false}, {"value": "b", "label_zh": "乙", "fail": true}]})),
            item("e-3", json!({"response": "number", "unit": "℃", "min": -18.5, "max": 4, "applies_to": ["canteen", "primary"], "school_kinds": ["primary"]})),
        ]);
        let sections = json!([{"code": "one", "title_zh": "一"}, {"code": "two", "title_zh": "二"}]);
        let body = json!({"title": "导出（一）", "sections": sections, "scoring": scoring, "items": items});
        let first = app.post("office", "/checklists", body).await.expect(201);
        let file = export(app, "office", &first.id()).await;
        app.request("inspector1", Method::GET, &format!("/checklists/{}/export", first.id())).send().await.map(|answer| assert_eq!(answer.status(), 404)).unwrap();
        let dry = import(app, "office", "?dry_run=true", file.clone()).await.expect(200);
        assert_eq!((&dry.body["dry_run"], &dry.body["form"], &dry.body["items"], &dry.body["checklist"]), (&json!(true), &json!("xlsx"), &json!(3), &Value::Null));
        assert_eq!(app.get("office", "/checklists?status=draft").await.expect(200).rows().len(), 1);
        let back = import(app, "office", "", file.clone()).await.expect(201);
        for field in ["title", "sections", "scoring", "items"] {
            assert_eq!(back.body["checklist"][field], first.body[field], "{field}");
        }
        assert_eq!(back.header("location"), format!("/api/v1/checklists/{}", back.body["checklist"]["id"].as_str().unwrap()));
        let send = || app.request("office", Method::POST, "/checklists/import").header("idempotency-key", "one").header("content-type", XLSX).body(file.clone());
        let (one, other) = (app.send(send()).await.expect(201), app.send(send()).await.expect(201));
        assert_eq!((one.body, other.header("idempotency-replayed")), (other.body.clone(), "true"));
        let named = import(app, "principal1", "?title=%E6%9C%AC%E6%A0%A1", file.clone()).await.expect(201);
        assert_eq!((&named.body["title"], &named.body["checklist"]["org_id"]), (&json!("本校"), &json!(org("a.s1"))));
        assert!(named.body["checklist"]["items"][0]["code"].as_str().unwrap().starts_with('x'));
        for (who, query, status) in [("inspector1", "", 403), ("sysadmin", "", 403), ("principal1", &*format!("?org_id={}", org("a.s2")), 404), ("office", "?colour=1", 400)] {
            import(app, who, query, file.clone()).await.expect(status);
        }
        let fang = builtin::checklist_id("fang", 1).to_string();
        let file = export(app, "staff1", &fang).await;
        let copy = import(app, "office", "", file).await.expect(201);
        assert_eq!(copy.body["checklist"]["items"], app.get("office", &format!("/checklists/{fang}")).await.expect(200).body["items"]);
    }

    async fn a_workbook_with_faults_stores_nothing_and_names_each_cell(app) {
        let file = book(&[
            ("清单", &[&["清单名称"], &["坏表"]]),
            ("检查项", &[
                &["编号", "检查内容", "答题方式", "领域", "类别", "权重"],
                &["z-1", "甲", "判断", "消防", "防", "重"],
                &["z-2", "乙", "判断", "海洋", "防", ""],
            ]),
        ]);
        let refused = import(app, "office", "", file).await.expect(422);
        assert_eq!(refused.faults(), [("/检查项/2/权重".into(), "not_a_number".into()), ("/检查项/3/领域".into(), "unknown_value".into())]);
        assert!(refused.body["errors"][1]["detail"].as_str().unwrap().contains("row 3"));
        let doubled = book(&[("检查项", &[&["编号", "检查内容", "答题方式", "领域"], &["z-1", "甲", "判断", "消防"], &["Z-1", "乙", "判断", "消防"]])]);
        let refused = import(app, "office", "?category=fang", doubled).await.expect(422);
        assert_eq!(refused.faults(), [("".into(), "title_required".into()), ("/检查项/3/编号".into(), "duplicate".into())]);
        let refused = import(app, "office", "", b"PK\x03\x04nothing".to_vec()).await.expect(422);
        assert_eq!(refused.faults()[0].1, "unreadable_file");
        let json = app.request("office", Method::POST, "/checklists/import").json(&json!({}));
        app.send(json).await.expect(415);
        assert!(app.get("office", "/checklists?status=draft").await.expect(200).rows().is_empty());
    }

    async fn an_xlsform_becomes_a_checklist_and_says_what_it_left_out(app) {
        let file = book(&[
            ("survey", &[
                &["type", "name", "label::Chinese (zh)", "required", "constraint", "relevant", "calculation"],
                &["begin_group", "kitchen", "食堂后厨"],
                &["select_one yes_no", "licence", "许可证在有效期内", "yes"],
                &["image", "licence_photo", "照片"],
                &["decimal", "fridge", "冷藏温度", "yes", ". >= -30 and . <= 30"],
                &["end_group"],
                &["calculate", "total", "", "", "", "", "1+1"],
                &["text", "more", "其他", "yes", "", "${licence} = 'no'"],
            ]),
            ("choices", &[&["list_name", "name", "label::Chinese (zh)"], &["yes_no", "yes", "是"], &["yes_no", "no", "否"]]),
            ("settings", &[&["form_title"], &["食堂检查表"]]),
        ]);
        let refused = import(app, "office", "?category=cha", file.clone()).await.expect(422);
        assert_eq!(refused.faults()[0], ("/survey/3/domain".into(), "required".into()));
        let made = import(app, "office", "?category=cha&domain=food", file).await.expect(201);
        assert_eq!((&made.body["form"], &made.body["title"], &made.body["items"]), (&json!("xlsform"), &json!("食堂检查表"), &json!(3)));
        let rows: Vec<u64> = made.body["remarks"].as_array().unwrap().iter()
            .filter(|remark| remark["code"] == "not_taken_over").map(|remark| remark["row"].as_u64().unwrap()).collect();
        assert!(rows.contains(&7) && rows.contains(&8), "{rows:?}");
        let list = made.body["checklist"].clone();
        assert_eq!((&list["sections"][0]["title_zh"], &list["items"][1]["on_fail_require"]), (&json!("食堂后厨"), &json!(["photo"])));
        let id = list["id"].as_str().unwrap();
        app.post("office", &format!("/checklists/{id}/publish"), json!({})).await.expect(200);
        let visit = begun(app, &[id]).await;
        answer(app, &visit, "fridge", json!({"value": 31})).await.expect(422);
        answer(app, &visit, "fridge", json!({"value": -18.5})).await.expect(200);
        answer(app, &visit, "more", json!({"result": "na", "reason": "不涉及"})).await.expect(200);
        answer(app, &visit, "licence", json!({"result": "fail"})).await.expect(200);
        let refused = app.post("inspector1", &format!("/inspections/{visit}/submit"), json!({})).await.expect(422);
        assert_eq!(refused.faults(), [("/answers/licence/evidence_ids".into(), "photo_required".into())]);
    }
}
