//! How many statements the hot calls take, whatever the size of the page, and that every list of hazards is answered
//! from an index of its bureau or school.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::Text;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::{org, user};
use crate::support::{Engine, TestApp};

async fn hazard(app: &TestApp, n: usize) -> String {
    let body = json!({
        "org_id": org(if n % 2 == 0 { "a.s1" } else { "a.s2" }), "category": "fang", "domain": "fire",
        "title": format!("隐患{n}"), "description": "铁链锁闭", "source": "referral",
    });
    app.post("office", "/hazards", body).await.expect(201).id()
}

async fn inspection(app: &TestApp) -> String {
    let checklist = anxiao::catalogue::builtin::checklist_id("fang", 1);
    let body = json!({
        "kind": "routine", "org_id": org("a.s1"), "checklist_ids": [checklist], "team": [user("inspector1"), user("inspector2")],
    });
    app.post("office", "/inspections", body).await.expect(201).id()
}

/// The statements of one call.
async fn cost(app: &TestApp, who: &str, method: Method, path: &str, body: Option<Value>) -> usize {
    app.take_statements();
    let mut request = app.request(who, method, path);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = app.send(request).await;
    assert!(answer.status < 300, "{path}: {}", answer.text);
    app.take_statements().len()
}

fn passes(n: usize) -> Value {
    let answers: Vec<Value> = (1..=n).map(|n| json!({"item_code": format!("fang-{n:03}"), "result": "pass"})).collect();
    json!({"answers": answers})
}

both_engines! {
    async fn hot_calls_take_few_statements_whatever_the_page(app) {
        let mut ids = Vec::new();
        for n in 0..25 {
            ids.push(hazard(app, n).await);
        }
        let mut inspections = Vec::new();
        for _ in 0..21 {
            inspections.push(inspection(app).await);
        }
        let visit = &inspections[0];
        app.post("inspector1", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
        // PostgreSQL reads the version of the caller's rights at each call; SQLite knows it.
        let gate = usize::from(app.engine == Engine::Postgres);
        let mut told = Vec::new();
        let mut told_of = |name: &'static str, count: usize, most: usize| {
            told.push((name, count - gate, most));
        };
        app.get("office", "/me").await.expect(200);
        app.get("inspector1", "/me").await.expect(200);
        told_of("one hazard", cost(app, "office", Method::GET, &format!("/hazards/{}", ids[0]), None).await, 5);
        for (who, most) in [("office", 4), ("inspector1", 5), ("supervisor", 5), ("officer1", 4)] {
            app.get(who, "/me").await.expect(200);
            let few = cost(app, who, Method::GET, "/hazards?limit=2", None).await;
            let many = cost(app, who, Method::GET, "/hazards?limit=20", None).await;
            assert_eq!(few, many, "hazards of {who}");
            told_of("hazards", many, most);
        }
        for who in ["office", "inspector1"] {
            let few = cost(app, who, Method::GET, "/inspections?limit=2", None).await;
            let many = cost(app, who, Method::GET, "/inspections?limit=20", None).await;
            assert_eq!(few, many, "inspections of {who}");
            told_of("inspections", many, 5);
        }
        let report = json!({
            "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口", "description": "锁闭",
            "source": "referral",
        });
        told_of("report", cost(app, "office", Method::POST, "/hazards", Some(report)).await, 10);
        let path = format!("/inspections/{visit}/answers");
        let one = cost(app, "inspector1", Method::PUT, &path, Some(passes(1))).await;
        let four = cost(app, "inspector1", Method::PUT, &path, Some(passes(4))).await;
        // Three of the four are new; each is one statement.
        assert_eq!(four, one + 2, "answers");
        told_of("answer", one, 10);
        let issue = json!({"action": "issue", "level": "general"});
        let path = format!("/hazards/{}/transitions", ids[1]);
        // Three of them tell the school.
        told_of("issue", cost(app, "office", Method::POST, &path, Some(issue)).await, 18);
        for id in &ids[2..9] {
            let issue = json!({"action": "issue", "level": "general"});
            app.post("office", &format!("/hazards/{id}/transitions"), issue).await.expect(200);
            app.post("office", &format!("/hazards/{id}/documents"), json!({"type": "rectification_notice"})).await.expect(201);
        }
        for who in ["office", "inspector1", "officer1"] {
            app.get(who, "/me").await.expect(200);
            let few = cost(app, who, Method::GET, "/documents?limit=2", None).await;
            assert_eq!(few, cost(app, who, Method::GET, "/documents?limit=20", None).await, "documents of {who}");
            told_of("documents", few, 3);
        }
        let notice = json!({"type": "rectification_notice"});
        let path = format!("/hazards/{}/documents", ids[1]);
        told_of("notice", cost(app, "office", Method::POST, &path, Some(notice)).await, 30);
        told_of("summary", cost(app, "office", Method::GET, "/reports/summary", None).await, 4);
        let dear: Vec<_> = told.iter().filter(|(_, count, most)| count > most).collect();
        assert!(dear.is_empty(), "too many statements (name, found, most): {dear:?}\nall: {told:?}");
    }

    async fn every_list_of_hazards_walks_an_index(app) {
        for n in 0..3 {
            hazard(app, n).await;
        }
        let visit = inspection(app).await;
        let mut conn = app.connect();
        if app.engine == Engine::Postgres {
            // Whether an index could answer is asked, not whether three rows are worth it.
            for setting in ["enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"] {
                diesel::sql_query(format!("SET {setting} = off")).execute(&mut conn).unwrap();
            }
            diesel::sql_query("SET plan_cache_mode = force_generic_plan").execute(&mut conn).unwrap();
        }
        let mut wrong = Vec::new();
        for who in ["office", "leader", "officer1", "section.fire", "inspector1"] {
            for filter in filters(&visit) {
                for sort in ["", "sort=created_at&"] {
                    app.take_statements();
                    app.get(who, &format!("/hazards?{sort}{filter}")).await.expect(200);
                    let lists: Vec<String> = app.take_statements().into_iter().filter(|sql| is_list(sql)).collect();
                    assert_eq!(lists.len(), 1, "{who} {filter}: {lists:?}");
                    let plan = explain(&mut conn, &lists[0]);
                    if let Some(fault) = fault(&plan, app.engine) {
                        wrong.push(format!("{who} {filter}: {fault}\n  {}", plan.join("\n  ")));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} plans:\n{}", wrong.len(), wrong.join("\n"));
    }

    async fn a_page_of_the_deadline_timer_takes_few_statements_and_walks_indexes(app) {
        let mut costs = Vec::new();
        // In the second round the first three are far overdue: one more colour of each.
        for (more, made) in [(3, 3), (30, 33)] {
            for n in 0..more {
                let id = hazard(app, n).await;
                let issue = json!({"action": "issue", "level": "general"});
                app.post("office", &format!("/hazards/{id}/transitions"), issue).await.expect(200);
            }
            app.clock.advance(chrono::TimeDelta::days(9));
            let log: anxiao::platform::db::StatementLog = Arc::default();
            assert_eq!(crate::notices::warn_logged(app, Some(Arc::clone(&log))).await.made, made);
            let mut statements = log.lock().unwrap().clone();
            let control = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET "];
            statements.retain(|sql| !control.iter().any(|word| sql.starts_with(word)));
            costs.push(statements.len());
            let mut conn = app.connect();
            if app.engine == Engine::Postgres {
                for setting in ["enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"] {
                    diesel::sql_query(format!("SET {setting} = off")).execute(&mut conn).unwrap();
                }
                diesel::sql_query("SET plan_cache_mode = force_generic_plan").execute(&mut conn).unwrap();
            }
            let plain = |sql: &str| sql.replace(['`', '"'], "");
            let walks: Vec<&String> = statements.iter().filter(|sql| plain(sql).contains("ORDER BY hazard")).collect();
            // Deadlines twice (looked at, then written), rechecks and replies of 甲区; the three of 乙区.
            assert_eq!(walks.len(), 7, "{statements:#?}");
            for sql in walks {
                let plan = explain(&mut conn, sql);
                let told = plan.join("\n  ");
                assert_eq!(fault(&plan, app.engine).filter(|_| !plain(sql).contains("FROM (hazard_ref")), None, "{sql}\n  {told}");
                let index = if plain(sql).contains("ORDER BY hazard_referrals") {
                    "hazard_referrals_unanswered"
                } else if plain(sql).contains("recheck_due_at <") {
                    "hazards_by_bureau_status"
                } else {
                    "hazards_by_bureau_open"
                };
                assert!(told.contains(index), "{index}: {sql}\n  {told}");
            }
        }
        // The first run makes the row of the lease.
        assert_eq!(costs[0], costs[1] + 1, "more hazards, more statements");
        assert!(costs[0] <= 32, "{costs:?}");
    }
}

/// Every filter of the list. `q` and `under` have no index of their own: they are compared with the rows of the bureau's
/// index in turn, newest first.
fn filters(visit: &str) -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        "status=registered",
        "category=fang",
        "domain=fire",
        "level=general",
        "source=referral",
        "overdue=true",
        "overdue=false",
        "due_before=2026-03-31",
        "due_after=2026-03-01",
        "from=2026-01-01",
        "to=2026-12-31",
        "q=x",
        "warning=none",
        "warning=blue",
        "warning=red",
        "recurrence=true",
        "listed=true",
        "suspended=false",
        "extension_pending=true",
        "status=issued&level=major&overdue=true",
    ]
    .map(str::to_owned)
    .into();
    all.push(format!("org_id={}", org("a.s1")));
    all.push(format!("under={}", org("a.s1")));
    all.push(format!("inspection_id={visit}"));
    all.push(format!("responsible_user_id={}", user("staff1")));
    all
}

fn is_list(sql: &str) -> bool {
    let plain = sql.replace(['`', '"'], "");
    plain.contains("FROM hazards") && plain.contains("ORDER BY hazards.created_at")
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PgStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    detail: String,
}

/// The plan of a statement whose parameters nobody has bound.
fn explain(conn: &mut anxiao::platform::db::Conn, sql: &str) -> Vec<String> {
    let sql = sql.split(" -- binds:").next().unwrap();
    if conn.is_sqlite() {
        let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Step>(conn).unwrap();
        return steps.into_iter().map(|step| step.detail).collect();
    }
    let most = (1..200).rev().find(|n| sql.contains(&format!("${n}"))).unwrap_or(0);
    diesel::sql_query(format!("PREPARE asked AS {sql}")).execute(conn).unwrap();
    let nulls = vec!["NULL"; most].join(", ");
    let steps = diesel::sql_query(format!("EXPLAIN EXECUTE asked({nulls})")).load::<PgStep>(conn).unwrap();
    diesel::sql_query("DEALLOCATE asked").execute(conn).unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

fn fault(plan: &[String], engine: Engine) -> Option<&'static str> {
    let any = |words: &[&str]| plan.iter().any(|line| words.iter().all(|word| line.contains(word)));
    let (scan, sort, walk) = match engine {
        Engine::Sqlite => (
            any(&["SCAN hazards"]),
            any(&["TEMP B-TREE FOR", "ORDER BY"]),
            ["bureau_id", "org_id", "responsible_user_id"]
                .iter()
                .any(|of| any(&["SEARCH hazards", &format!("({of}=?")])),
        ),
        Engine::Postgres => (
            any(&["Seq Scan on hazards"]),
            any(&["Sort"]),
            ["bureau_id", "org_id", "responsible_user_id"].iter().any(|of| any(&["Index Cond", &format!("({of} = ")])),
        ),
    };
    match (scan, sort, walk) {
        (true, _, _) => Some("reads the whole table"),
        (_, true, _) => Some("sorts what it found"),
        (_, _, false) => Some("walks no index of a bureau, school or person"),
        _ => None,
    }
}
