//! Campaigns over HTTP: forty schools worked through, who may plan for whom, and what is refused.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, user};

pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

/// A published checklist of one item.
pub async fn checklist(app: &TestApp, domain: &str) -> String {
    let item = json!({
        "code": format!("x-{domain}"), "title_zh": "检查项", "response": "pass_fail", "domain": domain, "category": "fang",
    });
    let body = json!({"title": format!("清单 {domain}"), "org_id": org("a"), "items": [item]});
    let id = app.post("office", "/checklists", body).await.expect(201).id();
    app.post("office", &format!("/checklists/{id}/publish"), json!({})).await.expect(200);
    id
}

fn campaign(checklist: &str) -> Value {
    json!({
        "title": "开学大排查", "kinds": ["routine"], "checklist_ids": [checklist], "campaign": true,
        "schools": {"under": org("a")},
        "inspectors": {"pool": [user("inspector1"), user("inspector2"), user("office")], "per_school": 2},
        "period": {"from": "2026-03-02", "to": "2026-03-06"},
    })
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    body
}

/// Somebody of the team works through an inspection, as far as it is told to.
async fn work(app: &TestApp, row: &Value, submit: bool) {
    let id = row["inspection_id"].as_str().unwrap();
    let lead =
        ["inspector1", "inspector2", "office"].into_iter().find(|name| json!(user(name)) == row["team"][0]).unwrap();
    app.post(lead, &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
    if submit {
        app.put(lead, &format!("/inspections/{id}/answers/x-fire"), json!({"result": "pass"})).await.expect(200);
        app.post(lead, &format!("/inspections/{id}/submit"), json!({})).await.expect(200);
    }
}

both_engines! {
    async fn forty_schools_are_worked_through(app) {
        for n in 0..38 {
            let body = json!({"kind": "school", "parent_id": org("a"), "name": format!("第{n:02}小学"), "school": {"school_kind": "primary", "features": ["canteen"]}});
            app.post("office", "/orgs", body).await.expect(201);
        }
        let list = checklist(app, "fire").await;
        let small = with(campaign(&list), "/schools", json!({"org_ids": [org("a.s1"), org("a.s2")]}));
        let small = app.post("office", "/plans", small).await.expect(201).id();
        let plan = app.post("office", "/plans", campaign(&list)).await.expect(201);
        assert_eq!((plan.body["school_count"].as_i64(), plan.body["status"].as_str()), (Some(40), Some("draft")));
        let id = plan.id();
        // A filter asks for all of what it names.
        let narrow = with(campaign(&list), "/schools", json!({"school_kind": "primary", "features": ["canteen", "gas"]}));
        assert_eq!(app.post("office", "/plans", narrow).await.expect(201).body["school_count"], 1);
        let count = async || app.get("office", "/inspections?count=true").await.expect(200).body["page"]["count"].as_i64();
        assert_eq!(count().await, Some(0));
        app.post("office", &format!("/plans/{id}/activate"), json!({})).await.expect(200);
        assert_eq!(count().await, Some(40));
        app.post("office", &format!("/plans/{id}/activate"), json!({})).await.expect(409);
        assert_eq!(count().await, Some(40));
        let matrix = async |who: &str| app.get(who, &format!("/plans/{id}/matrix")).await.expect(200).body;
        let first = matrix("office").await;
        let rows = first["rows"].as_array().unwrap().clone();
        assert_eq!((rows.len(), first["counts"]["pending"].as_i64()), (40, Some(40)));
        // Three people in pairs: nobody goes to more than one school more than another.
        let load = |name: &str| rows.iter().filter(|row| row["team"].as_array().unwrap().contains(&json!(user(name)))).count();
        let loads = [load("inspector1"), load("inspector2"), load("office")];
        assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{loads:?}");
        for row in &rows[..5] {
            work(app, row, true).await;
        }
        work(app, &rows[5], false).await;
        app.clock.set(at("2026-03-06T23:59:59+08:00"));
        work(app, &rows[6], true).await;
        app.clock.set(at("2026-03-07T00:00:00+08:00"));
        work(app, &rows[7], true).await;
        let seen = matrix("leader").await;
        let counts = json!({"schools": 40, "asked": 40, "done": 6, "late": 1, "in_progress": 1, "pending": 0, "missing": 32, "skipped": 0});
        assert_eq!(seen["counts"], counts);
        assert_eq!(seen["completion"], json!({"numerator": 7, "denominator": 40, "rate": 0.175}));
        assert_eq!(seen["on_time"]["numerator"], 6);
        assert_eq!((seen["rows"][7]["status"].as_str(), seen["rows"][8]["status"].as_str()), (Some("late"), Some("missing")));
        // A supervisor sees the own schools of it, inspectors and schools nothing.
        let own = matrix("supervisor").await;
        assert_eq!((own["counts"]["schools"].as_i64(), own["rows"][0]["org_id"].clone()), (Some(1), json!(org("a.s1"))));
        for who in ["principal1", "officer2", "inspector1", "staff1", "b.office"] {
            app.get(who, &format!("/plans/{id}")).await.expect(404);
            assert_eq!(app.get(who, "/plans").await.expect(200).rows().len(), 0, "{who}");
        }
        app.post("supervisor", &format!("/plans/{id}/end"), json!({"reason": "结束"})).await.expect(403);
        // The number of statements does not follow the number of schools.
        app.take_statements();
        app.get("office", &format!("/plans/{small}/matrix")).await.expect(200);
        let few = app.take_statements().len();
        matrix("office").await;
        assert_eq!(app.take_statements().len(), few);
        assert!(few <= 12, "{few}");
    }

    async fn who_may_plan_for_whom(app) {
        let (fire, gas) = (checklist(app, "fire").await, checklist(app, "gas").await);
        app.post("section.fire", "/plans", campaign(&fire)).await.expect(201);
        app.post("section.fire", "/plans", campaign(&gas)).await.expect(403);
        app.post("leader", "/plans", campaign(&fire)).await.expect(403);
        app.post("inspector1", "/plans", campaign(&fire)).await.expect(403);
        let foreign = |ids: Value| with(campaign(&fire), "/schools", json!({"org_ids": ids}));
        app.post("office", "/plans", foreign(json!([org("a.s1"), org("b.s1")]))).await.expect(404);
        app.post("supervisor", "/plans", foreign(json!([org("a.s2")]))).await.expect(404);
        let person = with(campaign(&fire), "/inspectors/pool", json!([user("inspector1"), user("b.inspector")]));
        app.post("office", "/plans", person).await.expect(404);
        let own = |school: &str| json!({
            "title": "自查", "kinds": ["self_check"], "checklist_ids": [fire], "schools": {"org_ids": [org(school)]},
            "inspectors": {"pool": [user("principal1")], "per_school": 1}, "period": {"from": "2026-03-02", "to": "2026-03-06"},
        });
        let kept = app.post("officer1", "/plans", own("a.s1")).await.expect(201);
        assert_eq!(kept.body["org_id"], json!(org("a.s1")));
        app.post("officer1", "/plans", own("a.s2")).await.expect(404);
        app.post("officer1", "/plans", with(own("a.s1"), "/kinds", json!(["routine"]))).await.expect(403);
        app.post("staff1", "/plans", own("a.s1")).await.expect(403);
        app.get("officer2", &format!("/plans/{}", kept.id())).await.expect(404);
        app.get("office", &format!("/plans/{}", kept.id())).await.expect(200);
        app.post("officer1", &format!("/plans/{}/activate", kept.id()), json!({})).await.expect(200);
    }

    async fn a_surprise_campaign_is_nothing_to_its_schools_until_the_team_stands_in_each(app) {
        let list = checklist(app, "fire").await;
        let secret = with(campaign(&list), "/kinds", json!(["unannounced"]));
        let hidden = app.post("leader", "/plans", secret.clone()).await.expect(201);
        assert_eq!(hidden.body["announced"], json!(false));
        assert_eq!(&hidden.id()[14..15], "4", "an id that tells when it was made");
        app.post("leader", &format!("/plans/{}/activate", hidden.id()), json!({})).await.expect(200);
        let rows = app.get("leader", &format!("/plans/{}/matrix", hidden.id())).await.expect(200).body["rows"].clone();
        let visit = rows.as_array().unwrap().iter().find(|row| row["org_id"] == json!(org("a.s1"))).unwrap().clone();
        for who in ["principal1", "officer1", "officer2"] {
            assert_eq!(app.get(who, "/inspections").await.expect(200).rows().len(), 0, "{who}");
            assert_eq!(app.get(who, "/plans").await.expect(200).rows().len(), 0, "{who}");
        }
        work(app, &visit, false).await;
        assert_eq!(app.get("principal1", "/inspections").await.expect(200).rows().len(), 1);
        assert_eq!(app.get("officer2", "/inspections").await.expect(200).rows().len(), 0);
        // What comes by a calendar is no surprise, and who is on a team of one goes alone.
        let weekly = with(secret.clone(), "/recurrence", json!({"every": "week", "weekday": 1}));
        assert_eq!(app.post("office", "/plans", weekly).await.expect(422).faults()[0].1, "not_for_surprise");
        let alone = with(secret.clone(), "/inspectors/per_school", json!(1));
        assert_eq!(app.post("office", "/plans", alone).await.expect(422).faults()[0], ("/inspectors/per_school".into(), "team_too_small".into()));
        let told = with(secret, "/announced", json!(true));
        assert_eq!(app.post("office", "/plans", told).await.expect(422).faults()[0], ("/announced".into(), "not_for_this_kind".into()));
    }

    async fn who_comes_to_a_school_of_a_secret_plan_knows_nothing_of_it_any_more(app) {
        let list = checklist(app, "fire").await;
        let id = "7b1f2c4e-0000-4000-8000-00000000f001";
        let mut secret = with(campaign(&list), "/kinds", json!(["unannounced"]));
        secret["id"] = json!(id);
        let send = |who: &'static str, key: &'static str| {
            app.send(app.request(who, reqwest::Method::POST, "/plans").header("idempotency-key", key).json(&secret))
        };
        send("office", "k1").await.expect(201);
        assert_eq!(send("office", "k1").await.expect(201).header("idempotency-replayed"), "true");
        send("office", "k2").await.expect(200);
        let staff = json!({"org_id": org("a.s1"), "role": "school_staff"});
        app.post("sysadmin", &format!("/users/{}/memberships", user("office")), staff).await.expect(201);
        app.get("office", &format!("/plans/{id}")).await.expect(404);
        for key in ["k1", "k3"] {
            assert!(!send("office", key).await.expect(404).text.contains(id), "{key}");
        }
        // An id that is taken is no way to ask: people of a school make none of this form.
        let mut own = json!({
            "title": "自查", "kinds": ["self_check"], "checklist_ids": [list], "schools": {"org_ids": [org("a.s2")]},
            "inspectors": {"pool": [user("principal2")], "per_school": 1}, "period": {"from": "2026-03-02", "to": "2026-03-06"},
        });
        for asked in [id, "7b1f2c4e-0000-4000-8000-00000000f002"] {
            own["id"] = json!(asked);
            assert_eq!(app.post("principal2", "/plans", own.clone()).await.expect(422).faults(), [("/id".into(), "uuid_v4".into())]);
        }
    }

    async fn a_campaign_of_two_kinds_asks_for_one_of_each_at_every_school(app) {
        let list = checklist(app, "fire").await;
        let two = with(campaign(&list), "/kinds", json!(["special", "supervision"]));
        let plan = app.post("office", "/plans", two).await.expect(201);
        assert_eq!(plan.body["kinds"], json!(["special", "supervision"]));
        let id = plan.id();
        app.post("office", &format!("/plans/{id}/activate"), json!({})).await.expect(200);
        let seen = app.get("office", &format!("/plans/{id}/matrix")).await.expect(200).body;
        assert_eq!((&seen["counts"]["schools"], &seen["counts"]["asked"], &seen["counts"]["pending"]), (&json!(2), &json!(4), &json!(4)));
        let rows = seen["rows"].as_array().unwrap().clone();
        let kinds: Vec<&Value> = rows.iter().map(|row| &row["kind"]).collect();
        assert_eq!(kinds, ["special", "supervision", "special", "supervision"]);
        assert_eq!((&rows[0]["org_id"], &rows[0]["team"]), (&rows[1]["org_id"], &rows[1]["team"]));
        work(app, &rows[1], true).await;
        let seen = app.get("office", &format!("/plans/{id}/matrix")).await.expect(200).body;
        assert_eq!((&seen["rows"][0]["status"], &seen["rows"][1]["status"]), (&json!("pending"), &json!("done")));
        assert_eq!(seen["completion"], json!({"numerator": 1, "denominator": 4, "rate": 0.25}));
        let made = app.get("office", &format!("/inspections/{}", rows[1]["inspection_id"].as_str().unwrap())).await.expect(200).body;
        assert_eq!(made["kind"], "supervision");
        for kind in ["special", "supervision"] {
            assert_eq!(app.get("office", &format!("/plans?kind={kind}")).await.expect(200).rows().len(), 1);
        }
        assert_eq!(app.get("office", "/plans?kind=routine").await.expect(200).rows().len(), 0);
        let day = "from=2026-03-01&to=2026-03-31";
        assert_eq!(app.get("office", &format!("/plans/{id}/occurrences?{day}")).await.expect(200).rows().len(), 4);
        let refused = async |kinds: Value| app.post("office", "/plans", with(campaign(&list), "/kinds", kinds)).await.expect(422).faults();
        assert_eq!(refused(json!([])).await, [("/kinds".to_owned(), "required".to_owned())]);
        assert_eq!(refused(json!(["special", "special"])).await, [("/kinds/1".to_owned(), "duplicate".to_owned())]);
        assert_eq!(refused(json!(["special", "patrol"])).await, [("/kinds/1".to_owned(), "other_side".to_owned())]);
        // A kind that is never announced and one that always is do not go together.
        assert_eq!(refused(json!(["routine", "unannounced"])).await, [("/announced".to_owned(), "not_for_this_kind".to_owned())]);
    }

    async fn what_is_wrong_is_told_by_field_and_rule(app) {
        let list = checklist(app, "fire").await;
        let refused = async |body: Value| app.post("office", "/plans", body).await.expect(422).faults();
        let fault = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(refused(with(campaign(&list), "/schools", json!({"org_ids": []}))).await, fault("/schools/org_ids", "required"));
        assert_eq!(refused(with(campaign(&list), "/schools", json!({"school_kind": "university"}))).await[0].1, "unknown_value");
        assert_eq!(refused(with(campaign(&list), "/schools", json!({"features": ["dormitory_none"]}))).await[0].1, "unknown_value");
        assert_eq!(refused(with(campaign(&list), "/schools", json!({"features": ["lab", "gas"]}))).await, fault("/schools", "no_schools"));
        assert_eq!(refused(with(campaign(&list), "/period", json!({"from": "2026-03-02"}))).await, fault("/period/to", "required"));
        assert_eq!(refused(with(campaign(&list), "/period/to", json!("2026-03-01"))).await, fault("/period/to", "before_start"));
        assert_eq!(refused(with(campaign(&list), "/inspectors", json!({}))).await, fault("/inspectors", "teams_or_pool"));
        assert_eq!(refused(with(campaign(&list), "/recurrence", json!({"every": "week"}))).await, fault("/recurrence/weekday", "required"));
        let teams = json!({"teams": [{"org_id": org("a.s1"), "team": [user("inspector1"), user("principal1")]}]});
        assert_eq!(
            refused(with(campaign(&list), "/inspectors", teams)).await,
            [("/inspectors/teams".to_owned(), "team_missing".to_owned()), ("/inspectors/teams/0/team/1".to_owned(), "not_eligible".to_owned()),
                ("/inspectors/teams/0/team/1".to_owned(), "recused".to_owned())]
        );
        let short = with(campaign(&list), "/inspectors", json!({"pool": [user("supervisor"), user("inspector1")], "per_school": 2}));
        assert_eq!(refused(short).await, fault("/inspectors/pool", "too_few_people"));
        // The period of a plan that is activated too late is over.
        let id = app.post("office", "/plans", campaign(&list)).await.expect(201).id();
        app.clock.set(at("2026-03-07T00:00:00+08:00"));
        let late = app.post("office", &format!("/plans/{id}/activate"), json!({})).await.expect(409);
        assert_eq!(late.faults(), fault("", "period_over"));
        let longer = json!({"period": {"from": "2026-03-02", "to": "2026-03-10"}, "title": "延长"});
        app.send(app.request("office", reqwest::Method::PATCH, &format!("/plans/{id}")).json(&longer)).await.expect(428);
        app.patch("office", &format!("/plans/{id}"), 1, longer.clone()).await.expect(200);
        app.patch("office", &format!("/plans/{id}"), 1, longer.clone()).await.expect(412);
        // A checklist that has gone out of force meanwhile: none of the inspections is made, and each school is named.
        app.post("office", &format!("/checklists/{list}/retire"), json!({})).await.expect(200);
        let refused = app.post("office", &format!("/plans/{id}/activate"), json!({})).await.expect(409);
        assert_eq!(refused.faults().len(), 2);
        assert_eq!(app.get("office", "/inspections").await.expect(200).rows().len(), 0);
        app.post("office", &format!("/plans/{id}/pause"), json!({"reason": "寒假"})).await.expect(409);
        app.post("office", &format!("/plans/{id}/end"), json!({"reason": "取消"})).await.expect(200);
        app.patch("office", &format!("/plans/{id}"), 3, longer).await.expect(409);
    }
}
