//! The summary of a month, what it costs, and what is no month.

use anxiao::platform::db::schema::{org_closure, orgs};
use anxiao::platform::db::types::{Doc, Timestamp};
use anxiao::platform::ids::built_in;
use diesel::prelude::*;
use serde_json::json;

use crate::months::{FIRST, at, hazard, moves, put_right, report, submit, unlock};
use crate::support::Engine;
use crate::support::district::org;

both_engines! {
    async fn the_summary_counts_schools_sums_the_ledger_and_reconciles_majors(app) {
        let old = hazard(app, "office", "a.s1", "fire", "major").await;
        hazard(app, "office", "a.s2", "food", "general").await;
        at(app, "2026-04-08T09:00:00+08:00");
        hazard(app, "office", "a.s2", "fire", "major").await;
        let one = hazard(app, "office", "a.s1", "fire", "general").await;
        put_right(app, &one, 300).await;
        moves(app, "office", &old, json!({"action": "issue", "level": "major", "basis": "判定指南"})).await;
        moves(app, "officer1", &old, json!({"action": "acknowledge"})).await;
        let mut body = report("a.s1", "2026-04", false);
        body["aggregates"] = json!([{"domain": "fire", "found": 10, "rectified": 8}]);
        app.post("principal1", "/monthly-reports", body).await.expect(201);
        let get = async |who: &str, query: &str| app.get(who, &format!("/monthly-reports/summary?{query}")).await.expect(200).body;
        let april = get("office", "month=2026-04").await;
        assert_eq!([&april["schools"], &april["reported"], &april["missing"], &april["pending"], &april["zero_reports"]], [2, 1, 0, 1, 0]);
        assert_eq!(april["reported_rate"], json!({"numerator": 1, "denominator": 2, "rate": 0.5}));
        assert_eq!(april["zero_report_rate"], json!({"numerator": 0, "denominator": 1, "rate": 0.0}));
        assert_eq!(april["this_month"]["general"]["rate"], json!({"numerator": 9, "denominator": 11, "rate": 0.8182}));
        assert_eq!(april["cumulative"]["general"]["rate"], json!({"numerator": 9, "denominator": 12, "rate": 0.75}));
        assert_eq!((april["cumulative"]["major"]["found"].as_i64(), april["cumulative"]["spent_fen"].as_i64()), (Some(2), Some(300)));
        assert_eq!(april["major_stock"], json!({"opening": 1, "new": 1, "closed": 0, "closing": 2, "reconciles": true}));
        assert_eq!(april["major_stock_of_year"], json!({"opening": 0, "new": 2, "closed": 0, "closing": 2, "reconciles": true}));
        // The same from the rows of the schools as from those of the bureau.
        let under = get("office", &format!("month=2026-04&under={}", org("a"))).await;
        assert_eq!(under["cumulative"], april["cumulative"]);
        let cluster = get("office", &format!("month=2026-04&under={}", org("a.cluster"))).await;
        for own in [get("supervisor", "month=2026-04").await, get("principal1", "month=2026-04").await] {
            assert_eq!((&own["cumulative"], &own["major_stock"]), (&cluster["cumulative"], &cluster["major_stock"]));
            assert_eq!([&own["schools"], &own["reported"]], [1, 1]);
        }
        let march = get("leader", "month=2026-03").await;
        assert_eq!([&march["missing"], &march["pending"], &march["reported"]], [2, 0, 0]);
        assert_eq!((march["locked"].as_bool(), march["zero_report_rate"]["rate"].is_null()), (Some(true), true));
        assert_eq!(march["major_stock"], json!({"opening": 0, "new": 1, "closed": 0, "closing": 1, "reconciles": true}));
        assert_eq!(get("b.office", "month=2026-04").await["cumulative"]["general"]["found"], 0);
    }

    async fn a_zero_report_that_the_ledger_belies_later_is_told_of(app) {
        submit(app, "principal1", "a.s1", "2026-03", true).await.expect(201);
        submit(app, "principal2", "a.s2", "2026-03", true).await.expect(201);
        let told = async || app.get("office", "/monthly-reports/summary?month=2026-03").await.expect(200).body;
        assert_eq!([&told().await["zero_reports"], &told().await["zero_reports_contradicted"]], [2, 0]);
        let found = hazard(app, "office", "a.s1", "gas", "general").await;
        assert_eq!(told().await["zero_reports_contradicted"], 1);
        let rows = app.get("office", "/monthly-reports?contradicted=true").await.expect(200).rows();
        assert_eq!((rows.len(), &rows[0]["org_name"]), (1, &json!(FIRST)));
        assert_eq!(app.get("office", "/monthly-reports?contradicted=false").await.expect(200).rows().len(), 1);
        // Not of fire, so not for who sees fire only.
        assert!(app.get("section.fire", "/monthly-reports?contradicted=true").await.expect(200).rows().is_empty());
        moves(app, "office", &found, json!({"action": "void", "reason": "重复登记"})).await;
        assert_eq!(told().await["zero_reports_contradicted"], 0);
    }

    async fn what_is_no_month_is_refused(app) {
        for month in ["2026-13", "2026-3", "202603", "", "2026-03-01", "1999-12"] {
            let answer = submit(app, "principal1", "a.s1", month, true).await.expect(422);
            assert_eq!(answer.faults(), [("/month".to_owned(), "invalid_format".to_owned())], "{month}");
            for path in ["missing?", "summary?", "?"] {
                let path = format!("/monthly-reports{}{path}month={month}", if path == "?" { "" } else { "/" });
                let answer = app.get("office", &path).await.expect(400);
                assert_eq!(answer.faults()[0].0, "month", "{path}");
            }
        }
        for path in ["/monthly-reports/missing", "/monthly-reports/summary"] {
            app.get("office", path).await.expect(400);
            app.get("office", &format!("{path}?month=2026-04")).await.expect(400);
        }
        let mut body = report("a.s1", "2026-03", false);
        body["aggregates"] = json!([
            {"domain": "fire", "found": 0, "rectified": 0}, {"domain": "fire", "found": 1, "rectified": 2},
            {"domain": "moon", "found": 1, "rectified": 0},
        ]);
        body["spent_fen"] = json!(-1);
        let faults = app.post("principal1", "/monthly-reports", body).await.expect(422).faults();
        let faults: Vec<(&str, &str)> = faults.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
        assert_eq!(faults, [
            ("/aggregates/0/found", "out_of_range"), ("/aggregates/1/domain", "repeated"),
            ("/aggregates/1/rectified", "more_than_found"), ("/aggregates/2/domain", "unknown_value"),
            ("/spent_fen", "out_of_range"),
        ]);
        unlock(app, "a.s1", "2026-02", "soon").await.expect(422);
    }

    async fn pages_and_summaries_take_few_statements_however_many_schools(app) {
        let mut conn = app.connect();
        let now = Timestamp::from(crate::support::district::start_time());
        for n in 0..25 {
            let id = built_in(&format!("extra school {n}"));
            diesel::insert_into(orgs::table)
                .values((
                    (orgs::id.eq(id), orgs::version.eq(1_i64), orgs::created_at.eq(now), orgs::updated_at.eq(now)),
                    (orgs::kind.eq("school"), orgs::parent_id.eq(org("a")), orgs::bureau_id.eq(org("a"))),
                    (orgs::name.eq(format!("分校{n}")), orgs::time_zone.eq("Asia/Shanghai"), orgs::features.eq(Doc(json!([])))),
                ))
                .execute(&mut conn)
                .unwrap();
            for (above, depth) in [(id, 0), (org("a"), 1)] {
                let row = (org_closure::ancestor_id.eq(above), org_closure::descendant_id.eq(id), org_closure::depth.eq(depth));
                diesel::insert_into(org_closure::table).values(row).execute(&mut conn).unwrap();
            }
        }
        submit(app, "principal1", "a.s1", "2026-03", true).await.expect(201);
        let gate = usize::from(app.engine == Engine::Postgres);
        let once = async |path: &str| {
            app.take_statements();
            app.get("office", path).await.expect(200);
            app.take_statements().len() - gate
        };
        // The first call on a connection to PostgreSQL also asks for its types.
        let cost = async |path: &str| once(path).await.min(once(path).await).min(once(path).await);
        let one = cost("/monthly-reports/missing?month=2026-03&limit=1").await;
        assert_eq!((one, cost("/monthly-reports/missing?month=2026-03&limit=20").await), (4, 4));
        assert_eq!(cost("/monthly-reports/summary?month=2026-03").await, 9);
        let few = cost("/monthly-reports").await;
        submit(app, "principal2", "a.s2", "2026-03", true).await.expect(201);
        assert_eq!(cost("/monthly-reports").await, few);
        // Keyset pages: every school once.
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app.get("office", &format!("/monthly-reports/missing?month=2026-03&limit=10&count=true{cursor}")).await.expect(200);
            assert_eq!(page.body["page"]["count"], 25);
            seen.extend(page.rows().iter().map(|row| row["id"].to_string()));
            match page.body["page"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((all, seen.len()), (25, 25));
    }
}
