//! Schools from spreadsheets: all or nothing.

use encoding_rs::GB18030;
use reqwest::Method;
use rust_xlsxwriter::Workbook;
use serde_json::json;

use crate::support::{Answer, TestApp};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const HEAD: &str = "学校名称,学校标识码,办学类型,上级,学生数\n";

async fn import(app: &TestApp, who: &str, query: &str, media: &str, file: Vec<u8>) -> Answer {
    let request = app.request(who, Method::POST, &format!("/orgs/import{query}"));
    app.send(request.header("content-type", media).body(file)).await
}

async fn schools(app: &TestApp) -> i64 {
    app.get("office", "/orgs?kind=school&count=true").await.expect(200).body["page"]["count"].as_i64().unwrap()
}

both_engines! {
    async fn a_csv_in_gb18030_is_checked_dry_and_then_stored(app) {
        let text = format!("{HEAD}红旗小学,2164000001,小学,东片区,800\n红旗幼儿园,2164000002,幼儿园,,\n");
        let file = GB18030.encode(&text).0.into_owned();
        let dry = import(app, "office", "?dry_run=true", "text/csv", file.clone()).await.expect(200);
        assert_eq!((dry.body["dry_run"].as_bool(), dry.body["schools"].as_i64()), (Some(true), Some(2)));
        assert_eq!(dry.body["warnings"][0]["code"], "identifier_kind_differs");
        assert_eq!(schools(app).await, 2);
        let done = import(app, "sysadmin", "", "text/csv; charset=gb18030", file.clone()).await.expect(200);
        assert_eq!(done.body["schools"], 2);
        assert_eq!(schools(app).await, 4);
        // Below the cluster named: its supervisor sees the one and not the other.
        let seen = app.get("supervisor", "/orgs?q=%E7%BA%A2%E6%97%97").await.expect(200).rows();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0]["school"]["students"], 800);
        let again = import(app, "office", "", "text/csv", file).await.expect(422);
        assert_eq!(
            again.faults(),
            [
                ("/2/学校名称".into(), "already_there".into()),
                ("/2/学校标识码".into(), "already_there".into()),
                ("/3/学校名称".into(), "already_there".into()),
                ("/3/学校标识码".into(), "already_there".into())
            ]
        );
    }

    async fn one_bad_row_of_a_thousand_stores_nothing(app) {
        let mut text = HEAD.to_owned();
        for number in 0..1_000 {
            let students = if number == 617 { "很多" } else { "100" };
            text.push_str(&format!("第{number}小学,,小学,,{students}\n"));
        }
        let refused = import(app, "office", "", "text/csv", text.clone().into_bytes()).await.expect(422);
        assert_eq!(refused.faults(), [("/619/学生数".into(), "not_an_integer".into())]);
        assert!(refused.body["errors"][0]["detail"].as_str().unwrap().starts_with("row 619, \"学生数\""));
        let parent = text.replace("第3小学,,小学,,100", "第3小学,,小学,西片区,100").replace("很多", "1");
        let refused = import(app, "office", "", "text/csv", parent.into_bytes()).await.expect(422);
        assert_eq!(refused.faults(), [("/5/上级".into(), "unknown_parent".into())]);
        assert_eq!(schools(app).await, 2);
        import(app, "office", "", "text/csv", text.replace("很多", "1").into_bytes()).await.expect(200);
        assert_eq!(schools(app).await, 1_002);
    }

    async fn an_xlsx_is_read_and_a_repeated_call_stores_nothing_twice(app) {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (column, heading) in (0_u16..).zip(["name", "school_kind", "students"]) {
            sheet.write(0, column, heading).unwrap();
        }
        sheet.write(1, 0, "光明小学").unwrap();
        sheet.write(1, 1, "primary").unwrap();
        sheet.write(1, 2, 500).unwrap();
        let file = book.save_to_buffer().unwrap();
        let send = async || {
            let request = app.request("office", Method::POST, "/orgs/import").header("idempotency-key", "import-1");
            app.send(request.header("content-type", XLSX).body(file.clone())).await
        };
        let first = send().await.expect(200);
        let second = send().await.expect(200);
        assert_eq!(second.header("idempotency-replayed"), "true");
        assert_eq!(first.body, second.body);
        assert_eq!(schools(app).await, 3);
    }

    async fn what_is_no_import_is_refused(app) {
        let file = format!("{HEAD}甲,,小学,,\n").into_bytes();
        import(app, "", "", "text/csv", file.clone()).await.expect(401);
        import(app, "inspector1", "", "text/csv", file.clone()).await.expect(403);
        import(app, "principal1", "", "text/csv", file.clone()).await.expect(403);
        import(app, "office", "", "application/json", file.clone()).await.expect(415);
        import(app, "office", &format!("?bureau_id={}", crate::support::district::org("b")), "text/csv", file.clone()).await.expect(404);
        assert_eq!(import(app, "office", "?colour=1", "text/csv", file.clone()).await.expect(400).code(), "unknown_parameter");
        let not_zip = import(app, "office", "", XLSX, file).await.expect(422);
        assert_eq!(not_zip.faults(), [("".into(), "unreadable_file".into())]);
        let twice = format!("{HEAD}甲,,小学,,\n甲,,小学,,\n").into_bytes();
        assert_eq!(import(app, "office", "", "text/csv", twice).await.expect(422).faults(), [("/3/学校名称".into(), "duplicate".into())]);
        let other = json!({"kind": "school", "parent_id": crate::support::district::org("b"), "name": "甲", "school": {"school_kind": "primary"}});
        app.post("b.office", "/orgs", other).await.expect(201);
        assert_eq!(schools(app).await, 2);
    }
}
