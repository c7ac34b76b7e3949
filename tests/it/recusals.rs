//! Who must not inspect which school.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, person, start_time, user};
use anxiao::access::Role;
use anxiao::platform::db::schema::memberships;
use anxiao::platform::db::types::Timestamp;
use anxiao::platform::ids::built_in;
use diesel::prelude::*;

async fn checklist(app: &TestApp) -> Value {
    let rows = app.get("office", "/checklists?category=fang&status=published").await.expect(200).rows();
    rows[0]["id"].clone()
}

async fn visit(app: &TestApp, school: &str, team: &[&str]) -> Value {
    let team: Vec<_> = team.iter().map(|name| user(name)).collect();
    json!({"kind": "routine", "org_id": org(school), "checklist_ids": [checklist(app).await], "team": team})
}

fn tie(who: &str, school: &str) -> Value {
    json!({"inspector_id": user(who), "org_id": org(school), "relation": "family", "note": "配偶在该校任教"})
}

both_engines! {
    async fn nobody_recused_gets_onto_a_team(app) {
        let entered = app.post("office", "/recusals", tie("inspector1", "a.s1")).await.expect(201);
        assert_eq!((entered.body["standing"].clone(), entered.body["overrides"].clone()), (json!(true), json!([])));
        let refused = app.post("office", "/inspections", visit(app, "a.s1", &["inspector2", "inspector1"]).await).await.expect(422);
        assert_eq!(refused.faults(), [("/team/1".into(), "recused".into())]);
        let made = app.post("office", "/inspections", visit(app, "a.s1", &["inspector2"]).await).await.expect(201);
        let team = json!({"team": [user("inspector2"), user("inspector1")]});
        let refused = app.patch("office", &format!("/inspections/{}", made.id()), 1, team.clone()).await.expect(422);
        assert_eq!(refused.faults(), [("/team/1".into(), "recused".into())]);
        app.post("office", "/inspections", visit(app, "a.s2", &["inspector1"]).await).await.expect(201);
        let end = format!("/recusals/{}/end", entered.id());
        app.post("inspector1", &end, json!({"reason": "已调离"})).await.expect(403);
        app.post("office", &end, json!({"reason": " "})).await.expect(422);
        app.post("office", &end, json!({"reason": "已调离"})).await.expect(200);
        app.post("office", &end, json!({"reason": "已调离"})).await.expect(409);
        app.patch("office", &format!("/inspections/{}", made.id()), 1, team).await.expect(200);
    }

    async fn it_runs_out_after_its_day(app) {
        let mut body = tie("inspector1", "a.s1");
        body["until"] = json!("2026-03-01");
        assert_eq!(app.post("office", "/recusals", body.clone()).await.expect(422).faults(), [("/until".into(), "in_the_past".into())]);
        body["until"] = json!("2026-03-03");
        app.post("office", "/recusals", body).await.expect(201);
        let plan = visit(app, "a.s1", &["inspector1"]).await;
        app.clock.set(start_time() + chrono::TimeDelta::hours(37));
        app.post("office", "/inspections", plan.clone()).await.expect(422);
        app.clock.set(start_time() + chrono::TimeDelta::hours(39));
        app.post("office", "/inspections", plan).await.expect(201);
        assert_eq!(app.get("office", "/recusals?standing=true").await.rows().len(), 0);
        assert_eq!(app.get("office", "/recusals?standing=false&count=true").await.body["page"]["count"], 1);
    }

    async fn whoever_works_at_the_school_is_recused_without_any_entry(app) {
        let mut conn = app.connect();
        let now = Timestamp::from(start_time());
        person(&mut conn, "double", Role::Inspector, "a", None, now);
        diesel::insert_into(memberships::table)
            .values((
                memberships::id.eq(built_in("double membership")), memberships::created_at.eq(now),
                memberships::user_id.eq(user("double")), memberships::bureau_id.eq(org("a")),
                memberships::org_id.eq(org("a.s1")), memberships::role.eq(Role::SchoolStaff), memberships::valid_from.eq(now),
            ))
            .execute(&mut conn).unwrap();
        let refused = app.post("office", "/inspections", visit(app, "a.s1", &["double"]).await).await.expect(422);
        assert_eq!(refused.faults(), [("/team/0".into(), "recused".into())]);
        app.post("office", "/inspections", visit(app, "a.s2", &["double"]).await).await.expect(201);
    }

    async fn an_exception_takes_two_people_and_serves_one_inspection(app) {
        let id = app.post("office", "/recusals", tie("inspector1", "a.s1")).await.expect(201).id();
        let plan = visit(app, "a.s1", &["inspector1", "inspector2"]).await;
        let ask = format!("/recusals/{id}/override");
        app.post("inspector1", &ask, json!({"reason": "人手不足"})).await.expect(403);
        assert_eq!(
            app.post("office", &ask, json!({"reason": "人手不足", "until": "2026-03-01"})).await.expect(422).faults(),
            [("/until".into(), "in_the_past".into())]
        );
        let asked = app.post("office", &ask, json!({"reason": "唯一的消防工程师"})).await.expect(201);
        let approve = format!("{ask}/{}/approve", asked.body["overrides"][0]["id"].as_str().unwrap());
        app.post("office", "/inspections", plan.clone()).await.expect(422);
        assert_eq!(app.post("office", &approve, json!({})).await.expect(409).faults(), [("".into(), "same_person".into())]);
        app.post("leader", &approve, json!({})).await.expect(200);
        app.post("leader", &approve, json!({})).await.expect(409);
        let made = app.post("office", "/inspections", plan.clone()).await.expect(201).id();
        let seen = app.get("office", "/recusals").await.rows();
        assert_eq!(seen[0]["overrides"][0]["inspection_id"], json!(made));
        app.post("office", "/inspections", plan).await.expect(422);
        app.patch("office", &format!("/inspections/{made}"), 1, json!({"team": [user("inspector1")]})).await.expect(200);
    }

    async fn each_declares_the_own_and_schools_see_nothing(app) {
        app.post("inspector1", "/recusals", tie("inspector1", "a.s1")).await.expect(201);
        app.post("section.fire", "/recusals", tie("section.fire", "a.s1")).await.expect(201);
        app.post("supervisor", "/recusals", tie("supervisor", "a.s1")).await.expect(201);
        app.post("supervisor", "/recusals", tie("supervisor", "a.s2")).await.expect(404);
        app.post("inspector1", "/recusals", tie("inspector2", "a.s1")).await.expect(403);
        app.post("inspector1", "/recusals", tie("b.inspector", "a.s1")).await.expect(404);
        app.post("principal1", "/recusals", tie("inspector1", "a.s1")).await.expect(403);
        app.post("office", "/recusals", tie("inspector1", "a")).await.expect(422);
        assert_eq!(app.get("inspector1", "/recusals").await.rows().len(), 1);
        assert_eq!(app.get("leader", "/recusals").await.rows().len(), 3);
        assert_eq!(app.get("b.office", "/recusals").await.rows().len(), 0);
        app.get("principal1", "/recusals").await.expect(403);
        let mut body = tie("inspector1", "a.s2");
        body["id"] = json!(built_in("recusal of the client"));
        app.post("office", "/recusals", body.clone()).await.expect(201);
        app.post("office", "/recusals", body.clone()).await.expect(200);
        body["relation"] = json!("teaching");
        app.post("office", "/recusals", body).await.expect(409);
    }
}
