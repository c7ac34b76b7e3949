//! Plans: those that schools keep for themselves, which their bureau sees and may move as well.

use anxiao::access::{Permission as P, Role};
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{plan_domains, plan_inspections, plan_kinds, plan_pauses, plan_schools, plans};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use crate::matrix::row::{Ask, Expect, Row, get, row, send};
use crate::matrix::world::{
    ABSENT, ORGS, Place, SCHOOLS, bureau, of, org_of, principal, set_checklist, version, within,
};
use crate::support::district::{start_time, user};

/// Puts a school's plan of a patrol into a state.
fn set_plan(conn: &mut Conn, place: Place, status: &str) -> Id {
    let id = of("plan", place);
    if place == ABSENT {
        return id;
    }
    set_checklist(conn, bureau(place), "published");
    let now = Timestamp::from(start_time());
    diesel::delete(plan_inspections::table.filter(plan_inspections::plan_id.eq(id))).execute(conn).unwrap();
    diesel::delete(plan_pauses::table.filter(plan_pauses::plan_id.eq(id))).execute(conn).unwrap();
    let there: i64 = plans::table.filter(plans::id.eq(id)).count().get_result(conn).unwrap();
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    if there == 0 {
        let (at, over, by) = (org_of(place), org_of(bureau(place)), user("office"));
        let named = json!({"schools": {"org_ids": [at]}, "inspectors": {"pool": [principal(place)], "per_school": 1}});
        diesel::insert_into(plans::table)
            .values((
                (plans::id.eq(id), plans::version.eq(1_i64), plans::created_at.eq(now), plans::updated_at.eq(now)),
                (plans::created_by.eq(by), plans::bureau_id.eq(over), plans::org_id.eq(at), plans::title.eq("巡查")),
                (plans::announced.eq(true), plans::campaign.eq(false)),
                (plans::recurring.eq(false), plans::status.eq(status), plans::asked.eq(Doc(named))),
                plans::checklist_ids.eq(Doc::of(&[of("checklist", bureau(place))])),
                (plans::from_on.eq(day("2026-03-01")), plans::to_on.eq(day("2026-03-31"))),
            ))
            .execute(conn)
            .unwrap();
        diesel::insert_into(plan_schools::table)
            .values((
                (plan_schools::plan_id.eq(id), plan_schools::org_id.eq(at), plan_schools::bureau_id.eq(over)),
                (plan_schools::position.eq(0), plan_schools::team.eq(Doc::of(&[principal(place)]))),
            ))
            .execute(conn)
            .unwrap();
        diesel::insert_into(plan_kinds::table)
            .values((plan_kinds::plan_id.eq(id), plan_kinds::kind.eq("patrol"), plan_kinds::position.eq(0)))
            .execute(conn)
            .unwrap();
        diesel::insert_into(plan_domains::table)
            .values((plan_domains::plan_id.eq(id), plan_domains::domain.eq("fire")))
            .execute(conn)
            .unwrap();
    }
    diesel::update(plans::table.find(id)).set(plans::status.eq(status)).execute(conn).unwrap();
    id
}

/// Plans are for whoever reads the inspections of a school without limit.
fn readers(role: Role, home: Place, place: Place) -> bool {
    !matches!(role, Role::Inspector | Role::ExternalInspector | Role::SchoolStaff) && within(home, place)
}

/// A leader plans surprise visits alone.
pub fn not_the_leader(role: Role, home: Place, place: Place) -> Option<Expect> {
    (role == Role::BureauLeader && place != ABSENT && within(home, place)).then_some(Expect::Beyond)
}

macro_rules! moving {
    ($operation:literal, $from:literal, $rest:literal) => {
        row($operation, &[P::InspectionPlan], |case| {
            let id = set_plan(case.conn, case.place, $from);
            send(format!("/plans/{id}/{}", $rest), json!({"reason": "寒假"}))
        })
        .at(SCHOOLS)
        .seen(readers)
        .limits_met()
        .but(not_the_leader)
    };
}

macro_rules! reading {
    ($operation:literal, $rest:literal) => {
        row($operation, &[P::InspectionRead], |case| {
            let id = set_plan(case.conn, case.place, "draft");
            get(format!("/plans/{id}{}", $rest))
        })
        .at(SCHOOLS)
        .seen(readers)
        .limits_met()
    };
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /plans", &[P::InspectionRead], |case| get(format!("/plans?org_id={}", org_of(case.place))))
            .at(ORGS)
            .limits_met(),
        row("POST /plans", &[P::InspectionPlan], |case| {
            set_plan(case.conn, "b.s1", "draft");
            set_checklist(case.conn, bureau(case.place), "published");
            let body = json!({
                "id": of(&format!("plan {}", case.number), case.place), "title": "日巡查", "kinds": ["patrol"],
                "checklist_ids": [of("checklist", bureau(case.place))], "schools": {"org_ids": [org_of(case.place)]},
                "inspectors": {"teams": [{"org_id": org_of(case.place), "team": [principal(case.place)]}]},
                "period": {"from": "2026-03-01", "to": "2026-03-31"},
            });
            send("/plans".into(), body)
        })
        .at(SCHOOLS)
        .limits_met()
        .but(|role, home, place| {
            let alone = matches!(role, Role::BureauLeader | Role::Inspector | Role::SchoolStaff);
            (alone && place != ABSENT && within(home, place)).then_some(Expect::Beyond)
        }),
        reading!("GET /plans/{id}", ""),
        reading!("GET /plans/{id}/matrix", "/matrix"),
        reading!("GET /plans/{id}/occurrences", "/occurrences?from=2026-03-01&to=2026-03-31"),
        row("PATCH /plans/{id}", &[P::InspectionPlan], |case| {
            let id = set_plan(case.conn, case.place, "draft");
            let version = version(case.conn, "plans", id);
            let body = json!({
                "title": format!("巡查{}", case.number), "checklist_ids": [of("checklist", bureau(case.place))],
                "schools": {"org_ids": [org_of(case.place)]},
                "inspectors": {"pool": [principal(case.place)], "per_school": 1},
            });
            Ask { version: Some(version), ..send(format!("/plans/{id}"), body) }
        })
        .at(SCHOOLS)
        .seen(readers)
        .limits_met()
        // A bureau's plan stays the bureau's, a school's the school's.
        .but(|role, home, place| {
            let above = matches!(role, Role::SafetyOffice | Role::SectionOfficer | Role::Supervisor);
            let above = above && place != ABSENT && within(home, place);
            if above { Some(Expect::Judged) } else { not_the_leader(role, home, place) }
        })
        .by("principal1"),
        row("POST /plans/{id}/activate", &[P::InspectionPlan], |case| {
            let id = set_plan(case.conn, case.place, "draft");
            Ask { path: format!("/plans/{id}/activate"), ..Ask::default() }
        })
        .at(SCHOOLS)
        .seen(readers)
        .limits_met()
        .but(not_the_leader),
        moving!("POST /plans/{id}/pause", "active", "pause"),
        moving!("POST /plans/{id}/resume", "paused", "resume"),
        moving!("POST /plans/{id}/end", "active", "end"),
    ]
}
