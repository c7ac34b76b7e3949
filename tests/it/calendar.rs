//! Terms, make-up days, and that an edit never moves a deadline that stands.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::org;

async fn issued(app: &TestApp) -> (String, Value) {
    let body = json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口上锁", "description": "铁链锁闭",
        "source": "complaint",
    });
    let id = app.post("office", "/hazards", body).await.expect(201).id();
    let issue = json!({"action": "issue", "level": "general"});
    let row = app.post("office", &format!("/hazards/{id}/transitions"), issue).await.expect(200).body;
    (id, row)
}

async fn put(app: &TestApp, version: i64, year: i32, body: &Value) -> crate::support::Answer {
    let request = app.request("office", Method::PUT, &format!("/calendar/{year}"));
    app.send(request.header("if-match", format!("\"{version}\"")).json(body)).await
}

both_engines! {
    async fn the_bureaus_own_year_is_not_written_over_unseen(app) {
        let days = json!({"holidays": [], "makeup_workdays": []});
        put(app, 3, 2027, &days).await.expect(412);
        let first = app.put("office", "/calendar/2027", days.clone()).await.expect(200);
        assert_eq!((&first.body["version"], &first.body["own"], &first.body["terms"]), (&json!(1), &json!(true), &json!([])));
        assert_eq!(app.put("office", "/calendar/2027", days.clone()).await.expect(428).code(), "precondition_required");
        let second = put(app, 1, 2027, &days).await.expect(200);
        let stale = put(app, 1, 2027, &days).await.expect(412);
        assert_eq!((stale.code(), &stale.body["current"]), ("version_conflict", &second.body));
        // Seen or not comes before what the body says.
        app.put("office", "/calendar/2027", json!({"holidays": 1})).await.expect(428);
    }

    async fn terms_stand_in_order_apart_and_in_their_year(app) {
        let year = |terms: Value| json!({"holidays": [], "makeup_workdays": [], "terms": terms});
        let term = |name: &str, from: &str, to: &str| json!({"name": name, "from": from, "to": to});
        let (spring, autumn) = (term("春季学期", "2027-02-22", "2027-07-09"), term("秋季学期", "2027-09-01", "2028-01-20"));
        let faults = async |terms: Value| app.put("office", "/calendar/2027", year(terms)).await.expect(422).faults();
        assert_eq!(faults(json!([autumn, spring])).await, [("/terms/1/from".to_owned(), "overlaps".to_owned())]);
        assert_eq!(faults(json!([term("x", "2027-05-02", "2027-05-01")])).await, [("/terms/0/to".to_owned(), "before_start".to_owned())]);
        assert_eq!(faults(json!([term("x", "2026-02-01", "2026-07-01")])).await, [("/terms/0".to_owned(), "other_year".to_owned())]);
        assert_eq!(faults(json!([term(" ", "2027-02-01", "2027-07-01")])).await, [("/terms/0/name".to_owned(), "required".to_owned())]);
        app.put("office", "/calendar/2027", year(json!([{"name": "x", "from": "2027-02-30", "to": "2027-03-01"}]))).await.expect(422);
        let kept = app.put("office", "/calendar/2027", year(json!([spring, autumn]))).await.expect(200);
        assert_eq!(kept.body["terms"], json!([spring, autumn]));
        assert_eq!(app.get("principal1", "/calendar/2027").await.expect(200).body["terms"], json!([spring, autumn]));
        assert_eq!(app.get("b.office", "/calendar/2027").await.expect(200).body["terms"], json!([]), "another bureau's year");
    }

    async fn editing_policy_and_calendar_moves_no_deadline_that_stands_and_make_up_days_count(app) {
        let working = json!({"level": "general", "days": 5, "day_kind": "working"});
        let policy = app.post("office", "/deadline-policies", working).await.expect(201);
        let (before, row) = issued(app).await;
        assert_eq!(row["due_on"], "2026-03-09", "Monday the 2nd, five working days");
        let days = json!({
            "holidays": [{"date": "2026-03-04", "name": "校庆"}],
            "makeup_workdays": [{"date": "2026-03-07"}, {"date": "2026-03-08"}],
        });
        app.put("office", "/calendar/2026", days).await.expect(200);
        assert_eq!(issued(app).await.1["due_on"], "2026-03-08", "Wednesday off, Saturday and Sunday worked");
        app.patch("office", &format!("/deadline-policies/{}", policy.id()), 1, json!({"days": 30})).await.expect(200);
        let after = app.get("office", &format!("/hazards/{before}")).await.expect(200).body;
        for name in ["due_at", "due_on", "original_due_at", "version"] {
            assert_eq!(after[name], row[name], "{name}");
        }
    }
}
