//! Recurring plans: what the timer makes, and what is missed when no timer runs.

use std::sync::Arc;

use anxiao::plans::due::{self, Due};
use anxiao::platform::db::types::Timestamp;
use anxiao::platform::db::{Db, DbOptions};
use anxiao::platform::ids::{Ids, SystemIds};
use serde_json::{Value, json};

use crate::campaigns::{at, checklist};
use crate::support::TestApp;
use crate::support::district::{org, start_time, user};

fn timer(app: &TestApp, leased: bool) -> Due {
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(&app.url, &options, app.clock.clone(), Arc::new(SystemIds), 1).unwrap();
    let lease = leased.then(|| due::lease(SystemIds.next(Timestamp::from(start_time()))));
    Due { db, clock: app.clock.clone(), lease }
}

async fn run(app: &TestApp) -> usize {
    timer(app, true).run(&|| true).await.unwrap()
}

/// A daily patrol of the first school, in force since Monday 2 March.
async fn patrol(app: &TestApp, list: &str) -> String {
    let body = json!({
        "title": "日巡查", "kinds": ["patrol"], "checklist_ids": [list], "schools": {"org_ids": [org("a.s1")]},
        "inspectors": {"pool": [user("officer1")], "per_school": 1}, "period": {"from": "2026-02-01"},
        "recurrence": {"every": "day"},
    });
    let id = app.post("principal1", "/plans", body).await.expect(201).id();
    app.post("principal1", &format!("/plans/{id}/activate"), json!({})).await.expect(200);
    id
}

/// `day status` of each occurrence.
async fn shown(app: &TestApp, id: &str, from: &str, to: &str) -> Vec<String> {
    let rows = app.get("office", &format!("/plans/{id}/occurrences?from={from}&to={to}")).await.expect(200).rows();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| format!("{} {}", &text(row, "occurrence_on")[8..], text(row, "status"))).collect()
}

async fn patrol_done(app: &TestApp) {
    let planned = app.get("officer1", "/inspections?status=planned").await.expect(200).rows();
    let id = planned[0]["id"].as_str().unwrap().to_owned();
    app.post("officer1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
    app.put("officer1", &format!("/inspections/{id}/answers/x-fire"), json!({"result": "pass"})).await.expect(200);
    app.post("officer1", &format!("/inspections/{id}/submit"), json!({})).await.expect(200);
}

both_engines! {
    async fn each_day_has_one_inspection_however_often_the_timer_runs(app) {
        let list = checklist(app, "fire").await;
        let id = patrol(app, &list).await;
        // Nothing before it came into force, whatever its period says; those to come are shown.
        assert_eq!(shown(app, &id, "2026-02-01", "2026-03-04").await, ["02 pending", "03 pending", "04 pending"]);
        assert_eq!((run(app).await, run(app).await, timer(app, false).run(&|| true).await.unwrap()), (1, 0, 0));
        patrol_done(app).await;
        assert_eq!(run(app).await, 0);
        // The day of Shanghai, not that of UTC.
        app.clock.set(at("2026-03-02T23:59:59+08:00"));
        assert_eq!(run(app).await, 0);
        app.clock.set(at("2026-03-03T00:00:00+08:00"));
        assert_eq!(run(app).await, 1);
        // Two nodes at once.
        app.clock.set(at("2026-03-04T07:00:00+08:00"));
        let (one, other) = (timer(app, false), timer(app, false));
        let (one, other) = tokio::join!(one.run(&|| true), other.run(&|| true));
        assert_eq!(one.unwrap() + other.unwrap(), 1);
        patrol_done(app).await;
        // The timer stands still for a day; nothing is made for it afterwards.
        app.clock.set(at("2026-03-06T07:00:00+08:00"));
        assert_eq!(run(app).await, 1);
        assert_eq!(
            shown(app, &id, "2026-03-01", "2026-03-07").await,
            ["02 done", "03 missed", "04 done", "05 missed", "06 pending", "07 pending"]
        );
        // That of Tuesday is handed in on Friday.
        let tuesday = app.get("office", &format!("/plans/{id}/occurrences?from=2026-03-03&to=2026-03-03")).await.rows()[0]["inspection_id"].clone();
        let tuesday = tuesday.as_str().unwrap();
        app.post("officer1", &format!("/inspections/{tuesday}/check-in"), json!({})).await.expect(200);
        assert_eq!(shown(app, &id, "2026-03-03", "2026-03-03").await, ["03 in_progress"]);
        app.put("officer1", &format!("/inspections/{tuesday}/answers/x-fire"), json!({"result": "pass"})).await.expect(200);
        app.post("officer1", &format!("/inspections/{tuesday}/submit"), json!({})).await.expect(200);
        assert_eq!(shown(app, &id, "2026-03-03", "2026-03-03").await, ["03 late"]);
        let matrix = app.get("principal1", &format!("/plans/{id}/matrix")).await.expect(200).body;
        assert_eq!((matrix["from"].as_str(), matrix["rows"][0]["status"].as_str()), (Some("2026-03-06"), Some("pending")));
    }

    async fn pauses_skip_and_changes_leave_the_past_alone(app) {
        let list = checklist(app, "fire").await;
        let id = patrol(app, &list).await;
        let to = async |time: &str, how: &str| {
            app.clock.set(at(time));
            app.post("principal1", &format!("/plans/{id}/{how}"), json!({"reason": "放假"})).await.expect(200);
        };
        to("2026-03-03T12:00:00+08:00", "pause").await;
        assert_eq!(run(app).await, 0);
        app.clock.set(at("2026-03-04T12:00:00+08:00"));
        assert_eq!(run(app).await, 0);
        to("2026-03-05T08:00:00+08:00", "resume").await;
        // The day had begun in the pause.
        assert_eq!(run(app).await, 0);
        assert_eq!(shown(app, &id, "2026-03-02", "2026-03-06").await, ["02 missed", "03 missed", "04 skipped", "05 skipped", "06 pending"]);
        let version = app.get("principal1", &format!("/plans/{id}")).await.expect(200).body["version"].as_i64().unwrap();
        let monthly = json!({"recurrence": {"every": "month", "day_of_month": 31}});
        app.patch("principal1", &format!("/plans/{id}"), version, monthly).await.expect(200);
        let back = json!({"period": {"from": "2026-03-01"}, "schools": {"org_ids": [org("a.s1")]}});
        let refused = app.patch("principal1", &format!("/plans/{id}"), version + 1, back).await.expect(409).faults();
        assert_eq!(refused.iter().map(|fault| fault.0.as_str()).collect::<Vec<_>>(), ["/period/from", "/schools"]);
        assert_eq!(
            shown(app, &id, "2026-03-02", "2026-05-01").await,
            ["02 missed", "03 missed", "04 skipped", "05 skipped", "31 pending", "30 pending"]
        );
        to("2026-04-01T08:00:00+08:00", "end").await;
        assert_eq!(run(app).await, 0);
        assert_eq!(shown(app, &id, "2026-03-06", "2026-05-01").await, ["31 pending"]);
        app.post("principal1", &format!("/plans/{id}/resume"), json!({"reason": "开学"})).await.expect(409);
    }

    async fn what_cannot_be_made_says_why_and_is_tried_again(app) {
        let list = checklist(app, "fire").await;
        let id = patrol(app, &list).await;
        app.post("office", &format!("/users/{}/disable", user("officer1")), json!({})).await.expect(200);
        assert_eq!((run(app).await, run(app).await), (0, 0));
        let failure = app.get("principal1", &format!("/plans/{id}/matrix")).await.expect(200).body["rows"][0]["failure"].clone();
        assert_eq!(failure, "not_found");
        app.post("office", &format!("/users/{}/enable", user("officer1")), json!({})).await.expect(200);
        assert_eq!(run(app).await, 1);
    }
}
