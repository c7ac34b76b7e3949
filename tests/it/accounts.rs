//! Signing in, renewing, ending.

use anxiao::platform::db::schema::users;
use chrono::TimeDelta;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use crate::support::district::{self, PASSWORD, user};

both_engines! {
    async fn signing_in_gives_tokens_that_say_who(app) {
        let answer = app.post("", "/auth/login", json!({"username": "Inspector1", "password": PASSWORD})).await.expect(200);
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 900);
        assert_eq!(answer.body["user"]["username"], "inspector1");
        let token = answer.body["access_token"].as_str().unwrap();
        let me = app.send(app.request("", Method::GET, "/me").bearer_auth(token)).await.expect(200);
        assert_eq!(me.body["memberships"][0]["role"], "inspector");
        assert_eq!(me.body["memberships"][0]["org"]["kind"], "bureau");
        let permissions = me.body["permissions"].as_array().unwrap();
        assert!(permissions.contains(&json!("hazard.report")) && !permissions.contains(&json!("hazard.approve")));
    }

    async fn unknown_user_wrong_password_and_disabled_account_look_the_same(app) {
        let mut conn = app.connect();
        diesel::update(users::table.find(user("officer2"))).set(users::disabled_at.eq(Some(anxiao::platform::db::types::Timestamp::from_micros(1)))).execute(&mut conn).unwrap();
        let mut seen = Vec::new();
        for (name, password) in [("nobody.here", PASSWORD), ("officer1", "wrong-wrong-wrong"), ("officer2", PASSWORD)] {
            let mut answer = app.post("", "/auth/login", json!({"username": name, "password": password})).await.expect(401);
            answer.body["instance"] = json!(null);
            let mut headers: Vec<_> = answer.headers.keys().map(|key| key.to_string()).collect();
            headers.sort();
            seen.push((answer.body, headers));
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[1], seen[2]);
    }

    async fn an_account_rests_after_five_failures_and_then_opens_again(app) {
        for _ in 0..5 {
            app.post("", "/auth/login", json!({"username": "staff1", "password": "wrong-wrong-wrong"})).await.expect(401);
        }
        app.post("", "/auth/login", json!({"username": "staff1", "password": PASSWORD})).await.expect(401);
        app.clock.advance(TimeDelta::seconds(2));
        app.post("", "/auth/login", json!({"username": "staff1", "password": PASSWORD})).await.expect(200);
    }

    async fn refresh_rotates_and_a_lost_answer_is_given_again_within_a_minute(app) {
        let first = app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD, "device": {"id": "phone"}})).await.expect(200);
        let spent = first.body["refresh_token"].clone();
        let second = app.post("", "/auth/refresh", json!({"refresh_token": spent, "device_id": "phone"})).await.expect(200);
        assert_ne!(second.body["refresh_token"], spent);
        app.clock.advance(TimeDelta::seconds(59));
        let again = app.post("", "/auth/refresh", json!({"refresh_token": spent, "device_id": "phone"})).await.expect(200);
        assert_eq!(again.body, second.body);
        app.post("", "/auth/refresh", json!({"refresh_token": second.body["refresh_token"], "device_id": "other"})).await.expect(401);
        app.post("", "/auth/refresh", json!({"refresh_token": second.body["refresh_token"]})).await.expect(200);
    }

    async fn a_spent_refresh_token_after_a_minute_ends_the_whole_session(app) {
        let first = app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD})).await.expect(200);
        let second = app.post("", "/auth/refresh", json!({"refresh_token": first.body["refresh_token"]})).await.expect(200);
        let live = second.body["access_token"].as_str().unwrap().to_owned();
        app.send(app.request("", Method::GET, "/me").bearer_auth(&live)).await.expect(200);
        app.clock.advance(TimeDelta::seconds(61));
        app.post("", "/auth/refresh", json!({"refresh_token": first.body["refresh_token"]})).await.expect(401);
        app.send(app.request("", Method::GET, "/me").bearer_auth(&live)).await.expect(401);
        app.post("", "/auth/refresh", json!({"refresh_token": second.body["refresh_token"]})).await.expect(401);
    }

    async fn fifty_renewals_at_once_give_one_and_the_same_successor(app) {
        let first = app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD})).await.expect(200);
        let token = first.body["refresh_token"].clone();
        let calls = (0..50).map(|_| app.post("", "/auth/refresh", json!({"refresh_token": token})));
        let answers = futures_util::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    }

    async fn signing_out_counts_at_the_very_next_call(app) {
        app.post("officer1", "/auth/logout", json!({})).await.expect(204);
        app.get("officer1", "/me").await.expect(401);
    }

    async fn changing_the_password_needs_the_old_one_and_ends_every_session(app) {
        let other = app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD})).await.expect(200);
        let wrong = app.post("officer1", "/auth/password", json!({"current_password": "x", "new_password": "a-Quiet-River-2026"})).await.expect(422);
        assert_eq!(wrong.faults(), [("/current_password".into(), "wrong_password".into())]);
        let short = app.post("officer1", "/auth/password", json!({"current_password": PASSWORD, "new_password": "short"})).await.expect(422);
        assert_eq!(short.faults(), [("/new_password".into(), "too_short".into())]);
        app.post("officer1", "/auth/password", json!({"current_password": PASSWORD, "new_password": "a-Quiet-River-2026"})).await.expect(204);
        app.get("officer1", "/me").await.expect(401);
        app.post("", "/auth/refresh", json!({"refresh_token": other.body["refresh_token"]})).await.expect(401);
        app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD})).await.expect(401);
        app.post("", "/auth/login", json!({"username": "officer1", "password": "a-Quiet-River-2026"})).await.expect(200);
    }

    async fn one_sees_and_ends_only_ones_own_sessions(app) {
        let list = app.get("officer1", "/auth/sessions").await.expect(200);
        assert_eq!(list.rows().len(), 1);
        assert_eq!(list.rows()[0]["current"], true);
        app.delete("officer1", &format!("/auth/sessions/{}", district::session("principal1"))).await.expect(404);
        app.delete("officer1", &format!("/auth/sessions/{}", district::session("officer1"))).await.expect(204);
        app.get("officer1", "/me").await.expect(401);
        app.get("principal1", "/me").await.expect(200);
    }

    async fn an_access_token_counts_for_fifteen_minutes(app) {
        let token = app.token("officer1");
        app.clock.advance(TimeDelta::seconds(899));
        app.send(app.request("", Method::GET, "/me").bearer_auth(&token)).await.expect(200);
        app.clock.advance(TimeDelta::seconds(1));
        app.send(app.request("", Method::GET, "/me").bearer_auth(&token)).await.expect(401);
    }

    async fn forged_and_doubled_authorisations_are_401(app) {
        let good = app.token("officer1");
        let (head, rest) = good.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let none = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0";
        for token in [
            format!("{none}.{body}."),
            format!("{head}.{body}."),
            format!("{head}.{body}.{}", &signature[1..]),
            format!("{head}.{}.{signature}", body.replace('a', "b")),
            format!("{none}.{body}.{signature}"),
            "x".repeat(70_000),
            String::new(),
        ] {
            let answer = app.send(app.request("", Method::GET, "/me").header("authorization", format!("Bearer {token}"))).await;
            assert!(answer.status == 401 || answer.status == 431, "{} for {:.40}", answer.status, token);
        }
        let twice = app.request("officer1", Method::GET, "/me").header("authorization", format!("Bearer {good}"));
        app.send(twice).await.expect(401);
    }
}
