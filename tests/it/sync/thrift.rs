//! How many statements handing in and fetching take, and from what they are answered.

use diesel::RunQueryDsl;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Phone, begun, good_answers, id, words};
use crate::plans::explain;
use crate::support::district::org;
use crate::support::{Answer, Engine, TestApp};

async fn hazard(app: &TestApp, n: usize) -> String {
    let body = json!({
        "org_id": org(if n % 2 == 0 { "a.s1" } else { "a.s2" }), "category": "fang", "domain": "fire",
        "title": format!("隐患{n}"), "description": "锁闭", "source": "referral",
    });
    app.post("office", "/hazards", body).await.expect(201).id()
}

/// The answer to a pull and its statements.
async fn pulled(app: &TestApp, who: &str, body: Value) -> (Answer, Vec<String>) {
    app.get(who, "/me").await.expect(200);
    app.take_statements();
    let request = app.request(who, Method::POST, "/sync/pull").json(&body);
    let answer = app.send(request).await.expect(200);
    (answer, app.take_statements())
}

/// Asks with the same cursor until all of `rows` has been committed long enough to be told.
async fn changed(app: &TestApp, cursor: &Value, rows: usize) -> (Answer, Vec<String>) {
    for _ in 0..100 {
        let (answer, statements) = pulled(app, "office", json!({"cursor": cursor, "limit": 500})).await;
        if answer.body["changes"].as_array().unwrap().len() == rows {
            return (answer, statements);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{rows} rows never came");
}

const HOT: [&str; 7] = ["hazards", "answers", "inspections", "events", "reader_holdings", "comments", "sync_ops"];

/// What in a plan reads the whole of a table that grows without end. A page may walk the primary key until it is full.
fn fault(sql: &str, plan: &[String], engine: Engine) -> Option<String> {
    let page = sql.contains("ORDER BY") && sql.contains("LIMIT");
    HOT.iter().find_map(|table| {
        let whole = match engine {
            Engine::Sqlite => format!("SCAN {table}"),
            Engine::Postgres => format!("Seq Scan on {table}"),
        };
        let ends =
            |line: &String| line.split_once(&whole).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with(' '));
        let walks = |line: &String| page && line.contains("USING INDEX sqlite_autoindex");
        plan.iter().find(|line| ends(line) && !walks(line)).cloned()
    })
}

fn faults(app: &TestApp, statements: &[String]) -> Vec<String> {
    let mut conn = app.connect();
    if app.engine == Engine::Postgres {
        // Whether an index could answer is asked, not whether three rows are worth it.
        for setting in ["enable_seqscan = off", "plan_cache_mode = force_generic_plan"] {
            diesel::sql_query(format!("SET {setting}")).execute(&mut conn).unwrap();
        }
    }
    let reads = statements.iter().filter(|sql| sql.starts_with("SELECT"));
    reads
        .filter_map(|sql| {
            let plan = explain(&mut conn, sql);
            fault(sql, &plan, app.engine).map(|line| format!("{line}\n  of {sql}\n  {}", plan.join("\n  ")))
        })
        .collect()
}

both_engines! {
    async fn a_page_takes_the_same_statements_whatever_its_rows(app) {
        let only = json!({"collections": ["hazards", "comments", "inspections", "answers"], "limit": 500});
        let mut ids = Vec::new();
        for n in 0..3 {
            ids.push(hazard(app, n).await);
        }
        begun(app).await;
        let (first, few) = pulled(app, "office", only.clone()).await;
        for n in 3..30 {
            ids.push(hazard(app, n).await);
        }
        begun(app).await;
        begun(app).await;
        let (_, many) = pulled(app, "office", only).await;
        assert_eq!(few.len(), many.len(), "first loads:\n{}\n\nand\n{}", few.join("\n"), many.join("\n"));
        assert!(many.len() <= 40, "a first load took {}:\n{}", many.len(), many.join("\n"));
        // What changed since: two rows, then thirty.
        let cursor = first.body["cursor"].clone();
        let (next, _) = changed(app, &cursor, 29).await;
        let cursor = next.body["cursor"].clone();
        let mut costs = Vec::new();
        for (version, some) in [(1, &ids[..2]), (2, &ids[..])] {
            for id in some {
                let version = if version == 2 && ids[..2].contains(id) { 2 } else { 1 };
                let change = json!({"title": format!("改{version}")});
                app.patch("office", &format!("/hazards/{id}"), version, change).await.expect(200);
            }
            let (_, statements) = changed(app, &cursor, some.len()).await;
            costs.push(statements);
        }
        assert_eq!(costs[0].len(), costs[1].len(), "{}\n\nand\n{}", costs[0].join("\n"), costs[1].join("\n"));
        assert!(costs[1].len() <= 32, "changes took {}:\n{}", costs[1].len(), costs[1].join("\n"));
    }

    async fn fetching_never_reads_a_whole_table(app) {
        begun(app).await;
        for n in 0..3 {
            let hazard = hazard(app, n).await;
            app.post("office", &format!("/hazards/{hazard}/comments"), json!({"text": "见图"})).await.expect(201);
        }
        let mut wrong = Vec::new();
        for who in ["office", "leader", "officer1", "inspector1", "supervisor", "section.fire"] {
            let (first, statements) = pulled(app, who, json!({"limit": 500})).await;
            wrong.extend(faults(app, &statements).into_iter().map(|fault| format!("{who}, first load: {fault}")));
            hazard(app, 9).await;
            let (_, statements) = pulled(app, who, json!({"cursor": first.body["cursor"], "limit": 500})).await;
            wrong.extend(faults(app, &statements).into_iter().map(|fault| format!("{who}, changes: {fault}")));
        }
        assert!(wrong.is_empty(), "{} plans:\n{}", wrong.len(), wrong.join("\n"));
    }

    async fn a_push_takes_one_more_statement_for_each_answer(app) {
        let visit = begun(app).await;
        let answers = good_answers(app, &visit, "").await;
        let mut phone = Phone::new("inspector1", "thrift");
        let mut costs = Vec::new();
        for some in [&answers[..1], &answers[1..3], &answers[3..12]] {
            let ops: Vec<Value> = some
                .iter()
                .map(|answer| phone.op("inspection.answer", &visit, answer.clone(), json!({"base_version": 1})))
                .collect();
            app.get("inspector1", "/me").await.expect(200);
            app.take_statements();
            let request = app.request("inspector1", Method::POST, "/sync/push").json(&phone.body(&ops));
            let answer = app.send(request).await.expect(200);
            costs.push(app.take_statements().len());
            assert!(words(&answer).iter().all(|word| word == "applied"), "{}", answer.text);
        }
        // The answer's row; SQLite writes the ledger row by row.
        let each = if app.engine == Engine::Sqlite { 2 } else { 1 };
        assert_eq!(costs[2] - costs[1], 7 * each, "{costs:?}");
        // Again, nothing of it is new.
        let mut again = Phone::new("inspector1", "thrift");
        let ops: Vec<Value> =
            answers[..1].iter().map(|answer| again.op("inspection.answer", &visit, answer.clone(), json!({"base_version": 1}))).collect();
        app.take_statements();
        assert_eq!(words(&again.push(app, &ops).await), ["duplicate"]);
        assert!(app.take_statements().len() <= 10);
        let op = again.op("hazard.report", id("thrift"), json!({}), json!({}));
        assert_eq!(words(&again.push(app, &[op]).await), ["quarantined"]);
    }
}
