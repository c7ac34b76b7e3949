//! Documents: what they say, who issues and reads them, and that their numbers have no gaps.

use anxiao::catalogue::builtin;
use anxiao::catalogue::rules::{Response, applies};
use anxiao::platform::db::schema::{documents, serials};
use chrono::TimeDelta;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

const RECORD: &str = "on_site_record";
const NOTICE: &str = "rectification_notice";
const OPINION: &str = "recheck_opinion";

/// An inspection of the first school by these, planned.
async fn planned(app: &TestApp, kind: &str, team: &[&str]) -> String {
    let people: Vec<_> = team.iter().map(|name| user(name)).collect();
    let body = json!({
        "kind": kind, "org_id": org("a.s1"), "checklist_ids": [builtin::checklist_id("fang", 1)], "team": people,
    });
    app.post("office", "/inspections", body).await.expect(201).id()
}

/// From the arrival to the submission: these items fail. Gives the hazards, in order.
pub async fn visited(app: &TestApp, who: &str, id: &str, failing: &[&str]) -> Vec<String> {
    let at = format!("/inspections/{id}");
    app.post(who, &format!("{at}/check-in"), json!({})).await.expect(200);
    let items = &builtin::category("fang").unwrap().items;
    let answers: Vec<Value> = items
        .iter()
        .filter(|item| applies(item, "primary", &["canteen", "gas"]))
        .map(|item| match item.response {
            _ if failing.contains(&item.code.as_str()) => {
                json!({
                    "item_code": item.code, "result": "fail", "note": "堆放杂物<b>",
                    "evidence_ids": ["0195e0c0-0000-7000-8000-0000000000a1"],
                })
            }
            Response::Number => json!({"item_code": item.code, "value": item.min.as_ref().or(item.max.as_ref())}),
            Response::Choice => json!({"item_code": item.code, "value": "none"}),
            Response::Text => json!({"item_code": item.code, "value": "好"}),
            Response::PassFail => json!({"item_code": item.code, "result": "pass"}),
        })
        .collect();
    app.put(who, &format!("{at}/answers"), json!({"answers": answers})).await.expect(200);
    let end = app.post(who, &format!("{at}/submit"), json!({"conclusion": "一处不合格"})).await.expect(200);
    end.body["hazards"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

async fn act(app: &TestApp, who: &str, id: &str, action: &str, mut more: Value) -> Value {
    more["action"] = json!(action);
    app.post(who, &format!("/hazards/{id}/transitions"), more).await.expect(200).body
}

async fn ordered(app: &TestApp, hazard: &str) -> Value {
    act(app, "office", hazard, "issue", json!({"level": "general", "requirement": "立即清除"})).await
}

/// A hazard of the bureau's own finding, in hand at the school.
async fn in_hand(app: &TestApp) -> String {
    let body = json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口上锁", "description": "铁链锁闭",
        "source": "routine",
    });
    let id = app.post("office", "/hazards", body).await.expect(201).id();
    ordered(app, &id).await;
    id
}

async fn issue(app: &TestApp, who: &str, about: &str, kind: &str, mut more: Value) -> Answer {
    more["type"] = json!(kind);
    app.post(who, &format!("{about}/documents"), more).await
}

fn codes(answer: Answer) -> Vec<String> {
    answer.expect(409).faults().into_iter().map(|(_, code)| code).collect()
}

fn due(at: &str) -> Value {
    json!({"reason": "仍有杂物", "due_at": at})
}

both_engines! {
    async fn the_record_is_the_leads_and_says_what_the_visit_saw(app) {
        let id = planned(app, "routine", &["inspector1", "inspector2"]).await;
        let at = format!("/inspections/{id}");
        assert_eq!(codes(issue(app, "inspector1", &at, RECORD, json!({})).await), ["not_submitted"]);
        let hazards = visited(app, "inspector1", &id, &["fang-003"]).await;
        issue(app, "principal1", &at, RECORD, json!({})).await.expect(403);
        issue(app, "b.office", &at, RECORD, json!({})).await.expect(404);
        assert_eq!(codes(issue(app, "inspector2", &at, RECORD, json!({})).await), ["not_lead"]);
        let stranger = json!({"certificates": [{"user_id": user("office"), "number": "1"}]});
        issue(app, "inspector1", &at, RECORD, stranger).await.expect(404);
        let bad = json!({"copies": 2, "credit_code": "123", "hazard_ids": hazards, "handling": " "});
        let faults = issue(app, "inspector1", &at, RECORD, bad).await.expect(422).faults();
        let named: Vec<&str> = faults.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(named, ["/copies", "/credit_code", "/handling", "/hazard_ids"]);
        let refusal = json!({"outcome": "refused", "reason": "校长不在场", "witness": "王某"});
        app.post("inspector1", &format!("{at}/acknowledgement"), refusal).await.expect(201);
        let more = json!({
            "certificates": [{"user_id": user("inspector2"), "number": "宁教检0102"}], "handling": "当场要求清除",
            "credit_code": "91350100M000100Y43",
        });
        let made = issue(app, "inspector1", &at, RECORD, more).await.expect(201);
        assert_eq!(made.header("location"), format!("/api/v1/documents/{}", made.id()));
        let content = &made.body["content"];
        assert_eq!((&made.body["number"], &content["head"]["number"]), (&json!("校安检〔2026〕1号"), &json!("校安检〔2026〕1号")));
        assert_eq!((&content["type"], &content["head"]["issuer"], &content["head"]["unit"]["name"]), (&json!(RECORD), &json!("甲区教育局"), &json!("甲区第一小学")));
        assert_eq!(content["inspectors"], json!([
            {"name": "测试 inspector1", "certificate": null, "lead": true},
            {"name": "测试 inspector2", "certificate": "宁教检0102", "lead": false},
        ]));
        let number = app.get("office", &format!("/hazards/{}", hazards[0])).await.expect(200).body["number"].clone();
        assert_eq!((content["findings"].as_array().unwrap().len(), &content["findings"][0]["hazard_number"]), (1, &number));
        assert_eq!((&content["signed"]["outcome"], &content["signed"]["witness"]), (&json!("refused"), &json!("王某")));
        assert!(content["items"].as_array().unwrap().len() > 5);
        // A second one only in the place of the first.
        assert_eq!(codes(issue(app, "inspector1", &at, RECORD, json!({})).await), ["already_issued"]);
        let better = issue(app, "inspector1", &at, RECORD, json!({"supersedes": made.id(), "place": "教学楼"})).await.expect(201);
        assert_eq!((&better.body["number"], &better.body["content"]["head"]["supersedes"]), (&json!("校安检〔2026〕2号"), &json!("校安检〔2026〕1号")));
        let old = app.get("principal1", &format!("/documents/{}", made.id())).await.expect(200);
        assert_eq!((&old.body["superseded_by"], &old.body["content"]), (&json!(better.id()), content));
        assert_eq!(codes(issue(app, "inspector1", &at, RECORD, json!({"supersedes": made.id()})).await), ["superseded"]);

        let own = app.post("principal1", "/inspections", json!({
            "kind": "self_check", "org_id": org("a.s1"), "checklist_ids": [builtin::checklist_id("fang", 1)], "team": [user("officer1")],
        })).await.expect(201).id();
        visited(app, "officer1", &own, &[]).await;
        assert_eq!(codes(issue(app, "office", &format!("/inspections/{own}"), RECORD, json!({})).await), ["not_lead", "schools_own"]);
    }

    async fn what_becomes_of_a_record_after_its_issue_stands_below_it_and_never_in_it(app) {
        let id = planned(app, "routine", &["inspector1", "inspector2"]).await;
        let at = format!("/inspections/{id}");
        visited(app, "inspector1", &id, &["fang-003"]).await;
        let made = issue(app, "inspector1", &at, RECORD, json!({})).await.expect(201);
        let doc = format!("/documents/{}", made.id());
        assert_eq!((&made.body["content"]["signed"], &made.body["content"]["revision"], &made.body["after_issue"]), (&Value::Null, &json!(1), &Value::Null));
        app.clock.advance(TimeDelta::hours(1));
        app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "objected", "statement": "已清理<b>"})).await.expect(201);
        let later = app.get("principal1", &doc).await.expect(200);
        assert_eq!((&later.body["content"], &later.body["content_sha256"], &later.body["version"]), (&made.body["content"], &made.body["content_sha256"], &json!(1)));
        let given = &later.body["after_issue"]["signed"];
        assert_eq!((&given["outcome"], &given["statement"], &given["by"]), (&json!("objected"), &json!("已清理<b>"), &json!("测试 principal1")));
        let page = app.get("principal1", &format!("{doc}/print")).await.expect(200).text;
        assert!(page.contains("本文书出具后的签收情况") && page.contains("已清理&lt;b&gt;"), "{page}");
        // The next version has no word of the school yet; this document keeps that of its own.
        let version = app.get("inspector1", &at).await.expect(200).body["version"].clone();
        let request = app.request("inspector1", reqwest::Method::POST, &format!("{at}/amendments"));
        let amendment = json!({"reason": "补充结论", "conclusion": "一处不合格，已清理"});
        app.send(request.header("if-match", format!("\"{version}\"")).json(&amendment)).await.expect(201);
        let amended = app.get("principal1", &doc).await.expect(200);
        assert_eq!(&amended.body["after_issue"]["signed"], given);
        assert!(amended.body["after_issue"]["amended_at"].is_string());
        let anew = issue(app, "inspector1", &at, RECORD, json!({"supersedes": made.id()})).await.expect(201);
        assert_eq!((&anew.body["content"]["revision"], &anew.body["after_issue"]), (&json!(2), &Value::Null));
    }

    async fn a_notice_is_frozen_and_what_happens_later_does_not_change_it(app) {
        let id = planned(app, "routine", &["inspector1", "inspector2"]).await;
        let at = format!("/inspections/{id}");
        let hazards = visited(app, "inspector1", &id, &["fang-003", "fang-004"]).await;
        assert_eq!(hazards.len(), 2);
        assert_eq!(codes(issue(app, "office", &at, NOTICE, json!({})).await), ["nothing_to_order"]);
        ordered(app, &hazards[0]).await;
        let refused = issue(app, "office", &at, NOTICE, json!({"hazard_ids": hazards})).await.expect(409);
        assert_eq!(refused.faults(), [(String::new(), "not_issued".to_owned())]);
        issue(app, "leader", &at, OPINION, json!({})).await.expect(409);
        let made = issue(app, "office", &at, NOTICE, json!({"contact": "安全科 0951-1234567", "interim_measures": "专人值守"})).await.expect(201);
        let content = made.body["content"].clone();
        assert_eq!((&made.body["number"], &made.body["hazard_ids"]), (&json!("校安改〔2026〕1号"), &json!([hazards[0]])));
        assert_eq!((&content["problems"][0]["due_on"], &content["problems"][0]["requirement"]), (&json!("2026-03-09"), &json!("立即清除")));
        assert_eq!((&content["problems"][0]["ordered_on"], &content["copies"]), (&json!("2026-03-02"), &json!(2)));
        assert!(content["problems"][0]["basis"].is_string());
        assert_eq!(codes(issue(app, "office", &at, NOTICE, json!({})).await), ["already_issued"]);
        // The second comes into a notice of its own.
        ordered(app, &hazards[1]).await;
        let second = issue(app, "office", &at, NOTICE, json!({})).await.expect(201);
        assert_eq!(second.body["hazard_ids"], json!([hazards[1]]));
        act(app, "office", &hazards[0], "reassign_due", due("2026-04-01T10:00:00+08:00")).await;
        act(app, "office", &hazards[0], "void", json!({"reason": "误报"})).await;
        let read = app.get("principal1", &format!("/documents/{}", made.id())).await.expect(200);
        assert_eq!((&read.body["content"], &read.body["content_sha256"]), (&content, &made.body["content_sha256"]));
        // What somebody changes behind the program's back is found.
        let told = app.get("office", &format!("/documents/{}/print", made.id())).await.expect(200).text;
        assert!(told.contains("校安改〔2026〕1号") && told.contains("2026-03-09 前完成整改") && !told.contains("<b>"));
        diesel::update(documents::table.find(made.id().parse::<anxiao::platform::db::types::Id>().unwrap()))
            .set(documents::content.eq("{}")).execute(&mut app.connect()).unwrap();
        app.get("office", &format!("/documents/{}", made.id())).await.expect(500);
    }

    async fn who_issues_and_who_reads(app) {
        let id = planned(app, "routine", &["inspector1", "external1"]).await;
        let at = format!("/inspections/{id}");
        let hazards = visited(app, "inspector1", &id, &["fang-003", "fang-001"]).await;
        for hazard in &hazards {
            act(app, "office", hazard, "issue", json!({"level": "general", "basis": "条款"})).await;
        }
        let one = format!("/hazards/{}", hazards[0]);
        for (who, about, status) in [
            ("principal1", &at, 403), ("officer1", &one, 403), ("staff1", &one, 403), ("sysadmin", &one, 403),
            ("b.office", &one, 404), ("inspector2", &at, 404), ("external1", &at, 403),
        ] {
            issue(app, who, about, NOTICE, json!({})).await.expect(status);
        }
        issue(app, "inspector1", &one, RECORD, json!({})).await.expect(422);
        let made = issue(app, "inspector1", &at, NOTICE, json!({})).await.expect(201);
        let doc = format!("/documents/{}", made.id());
        for (who, status) in [
            ("office", 200), ("leader", 200), ("supervisor", 200), ("inspector1", 200), ("external1", 200), ("principal1", 200), ("officer1", 200),
            ("inspector2", 404), ("principal2", 404), ("b.office", 404), ("b.principal", 404), ("staff1", 403), ("sysadmin", 403),
        ] {
            for path in [doc.clone(), format!("{doc}/print")] {
                assert_eq!(app.get(who, &path).await.status, status, "{who} {path}");
            }
            let listed = app.get(who, "/documents?count=true").await;
            assert_eq!(listed.body["page"]["count"].as_i64(), (status != 403).then_some(i64::from(status == 200)), "{who}");
        }
        for (filter, many) in [
            (format!("inspection_id={id}"), 1), (format!("hazard_id={}", hazards[1]), 1), ("type=recheck_opinion".into(), 0),
            ("void=true".into(), 0), (format!("under={}", org("a.cluster")), 1), (format!("org_id={}", org("a.s2")), 0),
        ] {
            assert_eq!(app.get("office", &format!("/documents?{filter}")).await.expect(200).rows().len(), many, "{filter}");
        }
        app.get("principal2", &format!("/documents?inspection_id={id}")).await.expect(404);
        app.get("office", &format!("/documents?org_id={}", org("b.s1"))).await.expect(404);
        app.get("office", "/documents?colour=red").await.expect(400);
        // The school is told, and what was withdrawn is told too.
        let kinds = async |who: &str| app.get(who, "/notices").await.expect(200).rows().iter()
            .filter(|row| row["entity"] == "document").map(|row| row["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(kinds("officer1").await, ["document_issued"]);
        assert_eq!(kinds("staff1").await, Vec::<String>::new());
    }

    async fn domains_are_read_whole_or_not_at_all(app) {
        let id = planned(app, "routine", &["inspector1", "inspector2"]).await;
        let at = format!("/inspections/{id}");
        let all: Vec<&str> = builtin::category("fang").unwrap().items.iter()
            .filter(|item| applies(item, "primary", &["canteen", "gas"]) && matches!(item.response, Response::PassFail))
            .map(|item| item.code.as_str()).collect();
        let hazards = visited(app, "inspector1", &id, &all).await;
        let mut fire = Vec::new();
        for hazard in &hazards {
            let row = act(app, "office", hazard, "issue", json!({"level": "general", "basis": "条款"})).await;
            if row["domain"] == "fire" {
                fire.push(hazard.clone());
            }
        }
        assert!(!fire.is_empty() && fire.len() < hazards.len());
        let whole = issue(app, "section.fire", &at, NOTICE, json!({})).await.expect(403);
        assert!(whole.text.contains("hazard_ids"), "{}", whole.text);
        let other = hazards.iter().find(|id| !fire.contains(id)).unwrap();
        issue(app, "section.fire", &at, NOTICE, json!({"hazard_ids": [other]})).await.expect(404);
        let made = issue(app, "section.fire", &at, NOTICE, json!({"hazard_ids": fire})).await.expect(201);
        app.get("section.fire", &format!("/documents/{}", made.id())).await.expect(200);
        let rest = issue(app, "office", &at, NOTICE, json!({})).await.expect(201);
        assert_eq!(rest.body["hazard_ids"].as_array().unwrap().len(), hazards.len() - fire.len());
        app.get("section.fire", &format!("/documents/{}", rest.id())).await.expect(404);
        app.post("section.fire", &format!("/documents/{}/void", rest.id()), json!({"reason": "x"})).await.expect(404);
        assert_eq!(app.get("section.fire", "/documents").await.expect(200).rows().len(), 1);
        let record = issue(app, "inspector1", &at, RECORD, json!({})).await.expect(201);
        app.get("section.fire", &format!("/documents/{}", record.id())).await.expect(404);
    }

    async fn an_opinion_tells_how_the_recheck_ended(app) {
        let id = in_hand(app).await;
        let at = format!("/hazards/{id}");
        issue(app, "office", &at, NOTICE, json!({})).await.expect(201);
        act(app, "officer1", &id, "acknowledge", json!({})).await;
        assert_eq!(codes(issue(app, "supervisor", &at, OPINION, json!({})).await), ["not_rechecked"]);
        let done = || json!({"measures_taken": "已清除", "evidence_ids": []});
        act(app, "officer1", &id, "report_done", done()).await;
        act(app, "inspector2", &id, "return", due("2026-03-20T10:00:00+08:00")).await;
        issue(app, "leader", &at, OPINION, json!({})).await.expect(403);
        let said = json!({"results": [{"hazard_id": id, "result": "done"}]});
        assert_eq!(codes(issue(app, "office", &at, OPINION, said).await), ["contradicts_recheck"]);
        let foreign = json!({"results": [{"hazard_id": user("office"), "result": "partly"}]});
        issue(app, "office", &at, OPINION, foreign).await.expect(404);
        let said = json!({"results": [{"hazard_id": id, "result": "partly", "demand": "清到底"}]});
        let first = issue(app, "office", &at, OPINION, said).await.expect(201).body;
        let line = &first["content"]["results"][0];
        assert_eq!((&first["number"], &first["content"]["notices"]), (&json!("校安复〔2026〕1号"), &json!(["校安改〔2026〕1号"])));
        assert_eq!((&line["result"], &line["due_on"], &line["opinion"], &line["demand"]), (&json!("partly"), &json!("2026-03-20"), &json!("仍有杂物"), &json!("清到底")));
        assert_eq!(line["recheckers"], json!(["测试 inspector2"]));
        assert_eq!(codes(issue(app, "office", &at, OPINION, json!({})).await), ["already_issued"]);
        act(app, "officer1", &id, "report_done", done()).await;
        act(app, "inspector2", &id, "pass", json!({"opinion": "已整改到位", "recheckers": [user("inspector2")], "on_site": true})).await;
        let second = issue(app, "supervisor", &at, OPINION, json!({})).await.expect(201).body;
        let line = &second["content"]["results"][0];
        assert_eq!((&line["result"], &line["round"], &line["due_on"]), (&json!("done"), &json!(2), &json!(null)));
        // What is closed is ordered no more.
        assert_eq!(codes(issue(app, "office", &at, NOTICE, json!({})).await), ["not_issued"]);
    }

    async fn a_void_document_keeps_its_number_and_says_so(app) {
        let id = in_hand(app).await;
        let at = format!("/hazards/{id}");
        let made = issue(app, "inspector1", &at, NOTICE, json!({})).await;
        assert_eq!(made.status, 404, "not of an inspection of its own: {}", made.text);
        let made = issue(app, "supervisor", &at, NOTICE, json!({})).await.expect(201);
        let doc = format!("/documents/{}", made.id());
        app.post("principal1", &format!("{doc}/void"), json!({"reason": "x"})).await.expect(403);
        app.post("office", &format!("{doc}/void"), json!({"reason": " "})).await.expect(422);
        let gone = app.post("office", &format!("{doc}/void"), json!({"reason": "单位名称<i>有误"})).await.expect(200);
        assert_eq!((&gone.body["number"], &gone.body["content"], &gone.body["version"]), (&made.body["number"], &made.body["content"], &json!(2)));
        assert_eq!(codes(app.post("supervisor", &format!("{doc}/void"), json!({"reason": "x"})).await), ["already_void"]);
        let page = app.get("principal1", &format!("{doc}/print")).await.expect(200);
        assert!(page.text.contains("作废") && page.text.contains("单位名称&lt;i&gt;有误"), "{}", page.text);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe") && policy.contains("sandbox"));
        assert!(!page.text.contains("<script") && !page.text.contains("http"));
        let next = issue(app, "supervisor", &at, NOTICE, json!({})).await.expect(201);
        assert_eq!(next.body["number"], "校安改〔2026〕2号");
        assert_eq!(codes(issue(app, "office", &at, NOTICE, json!({"supersedes": made.id()})).await), ["already_void"]);
        let other = in_hand(app).await;
        let wrong = issue(app, "office", &format!("/hazards/{other}"), NOTICE, json!({"supersedes": next.id()})).await.expect(422);
        assert_eq!(wrong.faults(), [("/supersedes".to_owned(), "another_subject".to_owned())]);
        // A supervisor does not replace what the office issued; the office may replace the supervisor's.
        let offices = issue(app, "office", &at, NOTICE, json!({"supersedes": next.id()})).await.expect(201);
        issue(app, "supervisor", &at, NOTICE, json!({"supersedes": offices.id()})).await.expect(403);
        // With a replaced one out of the chain, what it had replaced would stand again.
        let replaced = app.post("office", &format!("/documents/{}/void", next.id()), json!({"reason": "x"})).await;
        assert_eq!(codes(replaced), ["superseded"]);
        assert_eq!(app.get("officer1", "/documents?void=true").await.expect(200).rows().len(), 1);
        let told: Vec<Value> = app.get("officer1", "/notices").await.expect(200).rows().iter().map(|row| row["kind"].clone()).collect();
        assert!(told.contains(&json!("document_voided")), "{told:?}");
    }

    async fn numbers_have_no_gaps_however_many_issue_at_once_and_whatever_is_refused(app) {
        let mut hazards = Vec::new();
        for _ in 0..12 {
            hazards.push(in_hand(app).await);
        }
        let own = json!({"org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "自查", "description": "x", "source": "self_check"});
        let refused = app.post("officer1", "/hazards", own).await.expect(201).id();
        let tries = hazards.iter().flat_map(|id| [(id.clone(), "office"), (refused.clone(), "office"), (id.clone(), "leader")]);
        let answers = join_all(tries.map(|(id, who)| async move { issue(app, who, &format!("/hazards/{id}"), NOTICE, json!({})).await })).await;
        let mut numbers: Vec<String> = answers.iter().filter(|one| one.status == 201).map(|one| one.body["number"].as_str().unwrap().to_owned()).collect();
        let serial = |number: &String| number.split(['〕', '号']).nth(1).unwrap().parse::<i64>().unwrap();
        numbers.sort_by_key(serial);
        assert_eq!(numbers.iter().map(serial).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
        assert!(answers.iter().all(|one| matches!(one.status, 201 | 409)), "{:?}", answers.iter().map(|one| one.status).collect::<Vec<_>>());
        let last: i64 = serials::table.filter(serials::series.eq("document:rectification_notice")).select(serials::last).first(&mut app.connect()).unwrap();
        assert_eq!(last, 12);
        // A new year begins anew, by the bureau's clock.
        app.clock.set("2026-12-31T16:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        let id = in_hand(app).await;
        let made = issue(app, "office", &format!("/hazards/{id}"), NOTICE, json!({})).await.expect(201);
        assert_eq!((&made.body["number"], &made.body["content"]["head"]["issued_on"]), (&json!("校安改〔2027〕1号"), &json!("2027-01-01")));
    }

    async fn the_code_is_the_bureaus_to_choose_and_the_series_goes_on(app) {
        assert_eq!(app.get("principal1", "/document-code").await.expect(200).body["code"], "校安");
        for who in ["leader", "section.fire", "principal1", "sysadmin"] {
            app.put(who, "/document-code", json!({"code": "某教安"})).await.expect(403);
        }
        for bad in ["", "某教安1", "某〔教〕", "a b", "某教安某教安某教安某教安某"] {
            app.put("office", "/document-code", json!({"code": bad})).await.expect(422);
        }
        let id = in_hand(app).await;
        let about = format!("/hazards/{id}");
        let first = issue(app, "office", &about, NOTICE, json!({})).await.expect(201);
        let put = app.put("office", "/document-code", json!({"code": "某教安"})).await.expect(200);
        assert_eq!((&put.body["code"], &put.body["version"]), (&json!("某教安"), &json!(1)));
        let second = issue(app, "office", &about, NOTICE, json!({"supersedes": first.id()})).await.expect(201);
        assert_eq!(second.body["number"], "某教安改〔2026〕2号");
        assert_eq!(app.get("office", &format!("/documents/{}", first.id())).await.expect(200).body["number"], "校安改〔2026〕1号");
        assert_eq!(app.get("b.office", "/document-code").await.expect(200).body["code"], "校安");
        // Supervised listings follow it.
        act(app, "office", &id, "regrade", json!({"level": "major", "reason": "判定", "basis": "条款"})).await;
        let listed = app.post("leader", &format!("{about}/listing"), json!({"authority": "county", "demand": "十日内报方案"})).await.expect(201);
        assert_eq!(listed.body["number"], "某教安督〔2026〕1号");
    }

    async fn a_repeat_is_the_same_document(app) {
        let id = in_hand(app).await;
        let body = json!({"id": "0195e0c0-0000-7000-8000-0000000000d1"});
        let first = issue(app, "office", &format!("/hazards/{id}"), NOTICE, body.clone()).await.expect(201);
        app.clock.advance(TimeDelta::seconds(5));
        let again = issue(app, "office", &format!("/hazards/{id}"), NOTICE, body.clone()).await.expect(200);
        assert_eq!(first.body, again.body);
        let other = in_hand(app).await;
        assert_eq!(issue(app, "office", &format!("/hazards/{other}"), NOTICE, body.clone()).await.expect(409).code(), "id_reused");
        assert_eq!(issue(app, "leader", &format!("/hazards/{id}"), NOTICE, body).await.expect(409).code(), "id_reused");
    }

    async fn of_a_hidden_visit_nothing_can_be_issued_and_no_number_is_taken(app) {
        let people = ["inspector1", "inspector2"].map(user);
        let hidden = app.post("office", "/inspections", json!({
            "kind": "unannounced", "org_id": org("a.s1"), "checklist_ids": [builtin::checklist_id("fang", 1)], "team": people, "announced": false,
        })).await.expect(201).id();
        let at = format!("/inspections/{hidden}");
        for kind in [RECORD, NOTICE, OPINION] {
            let refused = issue(app, "inspector1", &at, kind, json!({})).await.expect(409);
            assert_eq!(refused.faults()[0].1, "not_submitted");
        }
        for who in ["principal1", "officer1"] {
            app.get(who, &format!("/documents?inspection_id={hidden}")).await.expect(404);
        }
        let taken: i64 = serials::table.filter(serials::series.like("document:%")).count().get_result(&mut app.connect()).unwrap();
        assert_eq!(taken, 0);
        visited(app, "inspector1", &hidden, &[]).await;
        let made = issue(app, "inspector1", &at, RECORD, json!({})).await.expect(201);
        assert_eq!(made.body["number"], "校安检〔2026〕1号");
        app.get("principal1", &format!("/documents/{}", made.id())).await.expect(200);
    }
}
