//! Look-backs.

use anxiao::access::Permission as P;
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{hazards, look_back_hazards, look_backs};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use diesel::prelude::*;
use serde_json::json;

use crate::matrix::row::{Ask, Row, get, row, send};
use crate::matrix::world::{
    ABSENT, BUREAUS, Place, SCHOOLS, bureau, of, org_of, set_checklist, set_hazard, set_inspection,
};
use crate::support::district::{start_time, user};

/// Two who put nothing right.
fn pool(place: Place) -> [Id; 2] {
    if bureau(place) == "b" { ["b.leader", "b.inspector"].map(user) } else { ["inspector2", "external1"].map(user) }
}

/// The look-back of a bureau.
fn set_look_back(conn: &mut Conn, place: Place) -> Id {
    let id = of("look-back", if place == ABSENT { ABSENT } else { bureau(place) });
    let there: i64 = look_backs::table.filter(look_backs::id.eq(id)).count().get_result(conn).unwrap();
    if place == ABSENT || there > 0 {
        return id;
    }
    let now = Timestamp::from(start_time());
    diesel::insert_into(look_backs::table)
        .values((
            (look_backs::id.eq(id), look_backs::version.eq(1_i64), look_backs::created_at.eq(now)),
            (look_backs::updated_at.eq(now), look_backs::created_by.eq(user("office"))),
            (look_backs::bureau_id.eq(org_of(bureau(place))), look_backs::announced.eq(false)),
            look_backs::pool.eq(Doc(json!([]))),
        ))
        .execute(conn)
        .unwrap();
    id
}

/// A closed hazard of a school, with or without a visit under way that looks back at it.
fn set_closed(conn: &mut Conn, place: Place, carried: bool) -> Id {
    let hazard = of("hazard", place);
    diesel::delete(look_back_hazards::table.filter(look_back_hazards::hazard_id.eq(hazard))).execute(conn).unwrap();
    set_hazard(conn, hazard, place, "closed", "general");
    if place == ABSENT || !carried {
        return hazard;
    }
    let look_back = set_look_back(conn, place);
    let closed: Option<Timestamp> = hazards::table.find(hazard).select(hazards::closed_at).first(conn).unwrap();
    diesel::insert_into(look_back_hazards::table)
        .values((
            (look_back_hazards::inspection_id.eq(of("inspection", place)), look_back_hazards::hazard_id.eq(hazard)),
            (look_back_hazards::look_back_id.eq(look_back), look_back_hazards::position.eq(0)),
            (look_back_hazards::domain.eq("fire"), look_back_hazards::level.eq("general")),
            (look_back_hazards::closed_at.eq(closed.unwrap()), look_back_hazards::reopened.eq(false)),
        ))
        .execute(conn)
        .unwrap();
    hazard
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /look-back-policy", &[P::DrawRead], |_| get("/look-back-policy".into())),
        row("PUT /look-back-policy", &[P::DrawManage], |case| Ask {
            any_version: true,
            ..send(
                "/look-back-policy".into(),
                json!({"share_percent": 1 + case.number % 99, "min_days": 30, "max_days": 90, "all_majors": true}),
            )
        }),
        row("GET /look-backs", &[P::DrawRead], |_| get("/look-backs".into())),
        row("POST /look-backs", &[P::DrawManage], |case| {
            let hazard = set_closed(case.conn, case.place, false);
            set_checklist(case.conn, bureau(case.place), "published");
            let body = json!({
                "hazard_ids": [hazard], "inspectors": {"pool": pool(case.place), "per_school": 2},
                "checklist_ids": [of("checklist", bureau(case.place))], "planned_on": "2026-03-20",
            });
            send("/look-backs".into(), body)
        })
        .at(SCHOOLS)
        .but(super::plans::not_the_leader),
        row("GET /look-backs/{id}", &[P::DrawRead], |case| {
            let id = set_look_back(case.conn, case.place);
            get(format!("/look-backs/{id}"))
        })
        .at(BUREAUS),
        row("GET /inspections/{id}/look-backs", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "in_progress", "");
            set_closed(case.conn, case.place, true);
            get(format!("/inspections/{}/look-backs", of("inspection", case.place)))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("PUT /inspections/{id}/look-backs/{hazard_id}", &[P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "in_progress", "");
            let hazard = set_closed(case.conn, case.place, true);
            let path = format!("/inspections/{}/look-backs/{hazard}", of("inspection", case.place));
            send(path, json!({"outcome": "held", "note": format!("第{}次", case.number)}))
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        .but(super::inspections::not_by_the_school),
    ]
}
