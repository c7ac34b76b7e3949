//! Users, memberships, who gives what to whom.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::{PASSWORD, org, user};

fn person(name: &str, role: &str, place: &str) -> Value {
    json!({"username": name, "display_name": "某人", "memberships": [{"org_id": org(place), "role": role}]})
}

both_engines! {
    async fn a_new_user_gets_a_password_once_and_must_change_it(app) {
        let mut body = person("Li.Si", "school_staff", "a.s1");
        body["id"] = json!("0198c0de-0000-7000-8000-0000000000a1");
        body["phone"] = json!("138 0013 8000");
        let made = app.post("principal1", "/users", body.clone()).await.expect(201);
        let once = made.body["one_time_password"].as_str().unwrap().to_owned();
        assert_eq!((made.body["username"].as_str(), made.body["phone"].as_str()), (Some("li.si"), Some("138****8000")));
        let again = app.post("principal1", "/users", body.clone()).await.expect(200);
        assert!(again.body.get("one_time_password").is_none());
        assert_eq!(app.post("office", "/users", body).await.expect(409).code(), "id_reused");
        let mut taken = person("LI.SI", "school_staff", "a.s1");
        assert_eq!(app.post("principal1", "/users", taken.clone()).await.expect(409).code(), "username_taken");
        taken["username"] = json!("zhang.san");
        taken["memberships"] = json!([]);
        app.post("principal1", "/users", taken).await.expect(422);

        let signed = app.post("", "/auth/login", json!({"username": "li.si", "password": once})).await.expect(200);
        let token = signed.body["access_token"].as_str().unwrap().to_owned();
        let get = |path: &str| app.send(app.request("", Method::GET, path).bearer_auth(&token));
        assert_eq!(get("/orgs").await.expect(403).code(), "password_change_required");
        get("/me").await.expect(200);
        let change = json!({"current_password": once, "new_password": "a-Quiet-River-2026"});
        app.send(app.request("", Method::POST, "/auth/password").bearer_auth(&token).json(&change)).await.expect(204);
        let signed = app.post("", "/auth/login", json!({"username": "li.si", "password": "a-Quiet-River-2026"})).await.expect(200);
        let token = signed.body["access_token"].as_str().unwrap().to_owned();
        app.send(app.request("", Method::GET, "/orgs").bearer_auth(&token)).await.expect(200);
    }

    async fn nobody_gives_what_is_not_theirs_to_give(app) {
        let give = async |who: &str, role: &str, place: &str| {
            let name = format!("x.{}", role.replace('_', "."));
            let mut body = person(&name, role, place);
            if role == "section_officer" {
                body["memberships"][0]["domains"] = json!(["fire"]);
            }
            if role == "external_inspector" {
                body["memberships"][0]["valid_to"] = json!("2026-12-31T00:00:00+08:00");
            }
            app.post(who, "/users", body).await
        };
        for (who, role, place, status) in [
            ("principal1", "school_staff", "a.s2", 404),
            ("principal1", "principal", "a.s1", 403),
            ("principal1", "inspector", "a.s1", 403),
            ("principal1", "inspector", "a", 404),
            ("office", "bureau_leader", "a", 403),
            ("office", "safety_office", "a", 403),
            ("office", "system_admin", "a", 403),
            ("office", "inspector", "b", 404),
            ("office", "inspector", "a.s1", 422),
            ("office", "principal", "a", 422),
            ("office", "supervisor", "a", 422),
            ("sysadmin", "audit_admin", "a", 403),
            ("sysadmin", "security_admin", "a", 403),
            ("leader", "inspector", "a", 403),
            ("officer1", "school_staff", "a.s1", 403),
            ("secadmin", "inspector", "a", 403),
            ("sysadmin", "bureau_leader", "a", 201),
            ("office", "section_officer", "a", 201),
            ("office", "external_inspector", "a", 201),
            ("office", "supervisor", "a.cluster", 201),
            ("principal1", "school_safety_officer", "a.s1", 201),
        ] {
            let answer = give(who, role, place).await;
            assert_eq!(answer.status, status, "{who} {role} {place}: {}", answer.text);
        }
        let own = json!({"org_id": org("a"), "role": "inspector"});
        app.post("sysadmin", &format!("/users/{}/memberships", user("sysadmin")), own.clone()).await.expect(403);
        app.post("office", &format!("/users/{}/memberships", user("office")), own).await.expect(403);
    }

    async fn what_a_membership_must_carry_is_told_at_once(app) {
        let body = json!({"username": "x", "display_name": "", "phone": "call me", "memberships": [
            {"org_id": org("a"), "role": "section_officer"},
            {"org_id": org("a"), "role": "external_inspector"},
            {"org_id": org("a"), "role": "inspector", "domains": ["fire", "dragons"]},
            {"org_id": org("a"), "role": "system_admin"},
            {"org_id": org("a"), "role": "inspector", "valid_from": "2026-05-01T00:00:00+08:00", "valid_to": "2026-04-01T00:00:00+08:00"}
        ]});
        assert_eq!(
            app.post("sysadmin", "/users", body).await.expect(422).faults(),
            [
                ("/display_name".into(), "required".into()),
                ("/memberships/0/domains".into(), "required".into()),
                ("/memberships/1/valid_to".into(), "required".into()),
                ("/memberships/2/domains/1".into(), "unknown_value".into()),
                ("/memberships/3/role".into(), "roles_incompatible".into()),
                ("/memberships/4".into(), "already_member".into()),
                ("/memberships/4/role".into(), "roles_incompatible".into()),
                ("/memberships/4/valid_to".into(), "not_after_valid_from".into()),
                ("/phone".into(), "bad_format".into()),
                ("/username".into(), "too_short".into())
            ]
        );
    }

    async fn a_role_counts_from_the_next_request_and_ends_with_it(app) {
        let sites = format!("/orgs/{}/sites", org("a.s1"));
        let site = json!({"kind": "room", "name": "101"});
        app.post("staff1", &sites, site.clone()).await.expect(403);
        let members = format!("/users/{}/memberships", user("staff1"));
        let given = json!({"org_id": org("a.s1"), "role": "school_safety_officer"});
        let given = app.post("principal1", &members, given.clone()).await.expect(201);
        app.post("staff1", &sites, site.clone()).await.expect(201);
        let twice = json!({"org_id": org("a.s1"), "role": "school_safety_officer"});
        assert_eq!(app.post("principal1", &members, twice).await.expect(409).faults(), [("".into(), "already_member".into())]);
        app.delete("principal2", &format!("{members}/{}", given.id())).await.expect(404);
        app.delete("staff1", &format!("{members}/{}", given.id())).await.expect(403);
        app.delete("principal1", &format!("{members}/{}", given.id())).await.expect(204);
        app.post("staff1", &sites, site.clone()).await.expect(403);
        app.delete("principal1", &format!("{members}/{}", given.id())).await.expect(404);
        // A role for a time counts within it.
        let soon = json!({"org_id": org("a.s1"), "role": "school_safety_officer", "valid_from": "2026-03-02T10:05:00+08:00", "valid_to": "2026-03-02T10:10:00+08:00"});
        app.post("principal1", &members, soon).await.expect(201);
        app.post("staff1", &sites, site.clone()).await.expect(403);
        app.clock.advance(TimeDelta::minutes(5));
        app.post("staff1", &sites, site.clone()).await.expect(201);
        app.clock.advance(TimeDelta::minutes(5));
        app.post("staff1", &sites, site).await.expect(403);
    }

    async fn administrators_stand_alone(app) {
        let inspector = json!({"org_id": org("a"), "role": "inspector"});
        let refused = app.post("sysadmin", &format!("/users/{}/memberships", user("secadmin")), inspector).await.expect(409);
        assert_eq!(refused.faults(), [("/role".into(), "roles_incompatible".into())]);
    }

    async fn a_disabled_account_is_out_at_once_and_comes_back(app) {
        let path = format!("/users/{}", user("officer1"));
        app.get("officer1", "/me").await.expect(200);
        let gone = app.post("principal1", &format!("{path}/disable"), json!({})).await.expect(200);
        assert_eq!(gone.body["disabled"], true);
        app.get("officer1", "/me").await.expect(401);
        app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD})).await.expect(401);
        let same = app.post("principal1", &format!("{path}/disable"), json!({})).await.expect(200);
        assert_eq!(same.body["version"], gone.body["version"]);
        app.post("principal1", &format!("{path}/enable"), json!({})).await.expect(200);
        app.get("officer1", "/me").await.expect(401);
        app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD})).await.expect(200);
    }

    async fn a_reset_ends_every_session_and_gives_a_password_once(app) {
        let path = format!("/users/{}/reset-password", user("officer1"));
        let reset = app.post("principal1", &path, json!({})).await.expect(200);
        let once = reset.body["one_time_password"].as_str().unwrap();
        app.get("officer1", "/me").await.expect(401);
        app.post("", "/auth/login", json!({"username": "officer1", "password": PASSWORD})).await.expect(401);
        let signed = app.post("", "/auth/login", json!({"username": "officer1", "password": once})).await.expect(200);
        assert_eq!(signed.body["user"]["must_change_password"], true);
        app.post("principal2", &path, json!({})).await.expect(404);
        app.post("b.sysadmin", &path, json!({})).await.expect(404);
    }

    async fn one_disables_and_resets_only_whom_one_may_appoint(app) {
        for (who, whom, status) in [
            ("principal1", "principal1", 403),
            ("principal1", "officer2", 404),
            ("office", "leader", 403),
            ("office", "sysadmin", 403),
            ("office", "principal1", 200),
            ("sysadmin", "auditadmin", 403),
            ("sysadmin", "secadmin", 403),
            ("sysadmin", "b.leader", 404),
            ("sysadmin", "leader", 200),
            ("sysadmin", "sysadmin", 403),
            ("inspector1", "staff1", 403),
        ] {
            let answer = app.post(who, &format!("/users/{}/reset-password", user(whom)), json!({})).await;
            assert_eq!(answer.status, status, "{who} resets {whom}: {}", answer.text);
            let answer = app.post(who, &format!("/users/{}/disable", user(whom)), json!({})).await;
            assert_eq!(answer.status, status, "{who} disables {whom}: {}", answer.text);
        }
        // Staff of the school who is something in the bureau too is not the principal's to disable.
        let members = format!("/users/{}/memberships", user("inspector1"));
        app.post("office", &members, json!({"org_id": org("a.s2"), "role": "school_staff"})).await.expect(201);
        app.post("principal2", &format!("/users/{}/disable", user("inspector1")), json!({})).await.expect(403);
        app.patch("principal2", &format!("/users/{}", user("inspector1")), 2, json!({"display_name": "x"})).await.expect(403);
    }

    async fn phones_are_masked_and_inspectors_phones_never_reach_a_school(app) {
        let path = format!("/users/{}", user("inspector1"));
        let changed = app.patch("office", &path, 1, json!({"phone": "0951-1234567", "display_name": "王检查"})).await.expect(200);
        assert_eq!(changed.body["phone"], "095*-*****67");
        app.patch("office", &path, 1, json!({"phone": null})).await.expect(412);
        app.get("principal1", &path).await.expect(404);
        app.post("office", &format!("{path}/memberships"), json!({"org_id": org("a.s1"), "role": "school_staff"})).await.expect(201);
        let seen = app.get("principal1", &path).await.expect(200);
        assert_eq!(seen.body["phone"], Value::Null);
        assert_eq!(seen.body["memberships"].as_array().unwrap().len(), 1);
        assert_eq!(app.get("leader", &path).await.expect(200).body["memberships"].as_array().unwrap().len(), 2);
        let all = app.get("principal1", "/users").await.expect(200);
        assert!(!all.text.contains("095") && !all.text.contains("\"inspector\""));
        let named = app.get("principal1", "/users/lookup").await.expect(200);
        assert!(!named.text.contains("phone") && !named.text.contains("\"inspector\""));
    }

    async fn lists_hold_the_people_of_ones_own_places(app) {
        let names = async |who: &str, query: &str| {
            let rows = app.get(who, &format!("/users?{query}")).await.expect(200).rows();
            let mut names: Vec<String> = rows.iter().map(|row| row["username"].as_str().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names("principal1", "").await, ["newcomer", "officer1", "principal1", "staff1"]);
        assert_eq!(names("auditadmin", "").await.len(), 16);
        assert_eq!(names("office", "role=inspector").await, ["inspector1", "inspector2"]);
        assert_eq!(names("office", &format!("org_id={}", org("a.s2"))).await, ["officer2", "principal2"]);
        assert_eq!(names("office", "q=section").await, ["section.fire"]);
        assert_eq!(names("b.sysadmin", "").await.len(), 6);
        app.post("office", &format!("/users/{}/disable", user("staff1")), json!({})).await.expect(200);
        assert_eq!(names("office", "disabled=true").await, ["staff1"]);
        app.get("office", &format!("/users?org_id={}", org("b"))).await.expect(404);
        app.get("inspector1", "/users").await.expect(403);
        let page = app.get("auditadmin", "/users?limit=5&count=true").await.expect(200);
        assert_eq!((page.rows().len(), page.body["page"]["count"].as_i64()), (5, Some(16)));
        // Somebody whose last role ended stays in sight of that place.
        let members = app.get("office", &format!("/users/{}", user("officer2"))).await.expect(200);
        let only = members.body["memberships"][0]["id"].as_str().unwrap().to_owned();
        app.delete("office", &format!("/users/{}/memberships/{only}", user("officer2"))).await.expect(204);
        assert_eq!(names("principal2", "").await, ["officer2", "principal2"]);
        app.post("principal2", &format!("/users/{}/disable", user("officer2")), json!({})).await.expect(403);
        app.post("sysadmin", &format!("/users/{}/disable", user("officer2")), json!({})).await.expect(200);
    }

    async fn people_are_named_where_their_role_counts_now(app) {
        let rows = async |who: &str, query: &str| app.get(who, &format!("/users/lookup?{query}")).await.expect(200).rows();
        assert_eq!(rows("principal1", "").await.len(), 4);
        assert_eq!(rows("supervisor", "").await.len(), 5);
        let officers = rows("inspector1", "role=school_safety_officer").await;
        assert_eq!(officers.len(), 2);
        assert!(officers.iter().all(|row| row["org_name"].is_string() && row["role"] == "school_safety_officer"));
        assert_eq!(rows("office", &format!("org_id={}&q=STAFF", org("a.s1"))).await[0]["id"], json!(user("staff1")));
        app.get("principal1", &format!("/users/lookup?org_id={}", org("a.s2"))).await.expect(404);
        app.get("staff1", "/users/lookup").await.expect(403);
        app.post("office", &format!("/users/{}/disable", user("officer2")), json!({})).await.expect(200);
        assert_eq!(rows("inspector1", "role=school_safety_officer").await.len(), 1);
        let first = app.get("office", "/users/lookup?limit=3").await.expect(200);
        let cursor = first.body["page"]["next_cursor"].as_str().unwrap().to_owned();
        let second = app.get("office", &format!("/users/lookup?limit=3&cursor={cursor}")).await.expect(200);
        assert!(second.rows().iter().all(|row| !first.rows().contains(row)));
    }
}
