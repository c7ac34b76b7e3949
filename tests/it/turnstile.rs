//! Strangers who call too often.

use anxiao::platform::db::schema::reports;
use anxiao::platform::db::types::Id;
use anxiao::platform::ids::built_in;
use anxiao::reports::store::Row;
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::json;

use crate::intake::{coded, from, only, progress, public};

both_engines! {
    async fn a_stranger_who_calls_too_often_waits(app) {
        coded(app);
        let send = async |address: &str| from(app, address, "/public/reports", public()).await;
        for _ in 0..20 {
            send("203.0.113.5").await.expect(201);
        }
        let limited = send("203.0.113.5").await.expect(429);
        assert_eq!(limited.code(), "too_many_requests");
        let wait: i64 = limited.header("retry-after").parse().unwrap();
        assert!((1..=3600).contains(&wait), "{wait}");
        // Writing other addresses in front does not help; being elsewhere does.
        send("10.1.1.1, 203.0.113.5").await.expect(429);
        send("203.0.113.77").await.expect(201);
        // One /64 of IPv6 is one caller.
        for n in 0..20 {
            send(&format!("2001:db8:1:1::{n}")).await.expect(201);
        }
        send("2001:db8:1:1:ffff::1").await.expect(429);
        send("2001:db8:1:2::1").await.expect(201);
        app.clock.advance(TimeDelta::seconds(wait));
        send("203.0.113.5").await.expect(201);
        // What is asked about one school has its own measure, whoever asks.
        let mut refused = 0;
        for n in 0..30 {
            refused += i32::from(send(&format!("192.0.2.{n}")).await.status == 429);
        }
        assert!(refused > 0);
        for _ in 0..30 {
            progress(app, "00000-00000-00000-00000-000000").await.expect(404);
        }
        progress(app, "00000-00000-00000-00000-000000").await.expect(429);
    }

    async fn a_bureau_gets_so_many_public_reports_in_a_day(app) {
        coded(app);
        from(app, "203.0.113.5", "/public/reports", public()).await.expect(201);
        let id: Id = only(app, "office").await.parse().unwrap();
        let mut conn = app.connect();
        // 999 more, an hour ago.
        let row: Row = reports::table.find(id).first(&mut conn).unwrap();
        for n in 0..999 {
            let more = Row { id: built_in(&format!("flood {n}")), tracking_hash: None, ..row.clone() };
            diesel::insert_into(reports::table).values(&more).execute(&mut conn).unwrap();
        }
        app.clock.advance(TimeDelta::hours(1));
        let limited = from(app, "203.0.113.6", "/public/reports", public()).await.expect(429);
        assert_eq!(limited.header("retry-after"), (23 * 3600 + 1).to_string());
        app.clock.advance(TimeDelta::hours(23));
        from(app, "203.0.113.6", "/public/reports", public()).await.expect(201);
    }

    async fn sign_ins_of_one_address_have_a_measure(app) {
        let body = || json!({"username": "nobody", "password": ""});
        for _ in 0..200 {
            from(app, "203.0.113.5", "/auth/login", body()).await.expect(422);
        }
        assert_eq!(from(app, "203.0.113.5", "/auth/login", body()).await.expect(429).code(), "too_many_requests");
        assert_eq!(from(app, "203.0.113.5", "/auth/refresh", json!({})).await.expect(429).code(), "too_many_requests");
        from(app, "203.0.113.6", "/auth/login", body()).await.expect(422);
    }
}
