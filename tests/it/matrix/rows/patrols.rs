//! Patrol points: labels and scans.

use anxiao::access::Permission as P;
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{patrol_scans, sites};
use anxiao::platform::db::types::Timestamp;
use diesel::prelude::*;
use serde_json::json;

use crate::matrix::row::{Expect, Row, get, row, send};
use crate::matrix::world::{ABSENT, Place, SCHOOLS, of, org_of, set_inspection, within};
use crate::support::district::{start_time, user};

/// Gives the place of a school a label and tells what it carries.
fn set_label(conn: &mut Conn, place: Place) -> String {
    let code = format!("point-{place}");
    diesel::update(sites::table.find(of("site", place))).set(sites::code.eq(&code)).execute(conn).unwrap();
    code
}

/// A scan in a school of the other bureau.
fn set_scan(conn: &mut Conn) {
    let (place, id) = ("b.s1", of("scan", "b.s1"));
    set_inspection(conn, place, "in_progress", "");
    let there: i64 = patrol_scans::table.find(id).count().get_result(conn).unwrap();
    if there == 0 {
        diesel::insert_into(patrol_scans::table)
            .values((
                (patrol_scans::id.eq(id), patrol_scans::created_at.eq(Timestamp::from(start_time()))),
                (patrol_scans::created_by.eq(user("b.inspector")), patrol_scans::bureau_id.eq(org_of("b"))),
                (patrol_scans::org_id.eq(org_of(place)), patrol_scans::site_id.eq(of("site", place))),
                patrol_scans::inspection_id.eq(of("inspection", place)),
            ))
            .execute(conn)
            .unwrap();
    }
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /orgs/{id}/labels", &[P::SiteManage], |case| get(format!("/orgs/{}/labels", org_of(case.place))))
            .at(SCHOOLS),
        row("GET /inspections/{id}/scans", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            get(format!("/inspections/{}/scans", of("inspection", case.place)))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("POST /inspections/{id}/scans", &[P::InspectionPerform], |case| {
            set_scan(case.conn);
            set_inspection(case.conn, case.place, "in_progress", "");
            let code = set_label(case.conn, case.place);
            let body = json!({"id": of(&format!("scan {}", case.number), case.place), "code": code});
            send(format!("/inspections/{}/scans", of("inspection", case.place)), body)
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        // The inspections of this test are the bureau's: the school's people are on the team by mistake.
        .but(|role, home, place| {
            (role.is_school_side() && place != ABSENT && within(home, place)).then_some(Expect::Judged)
        }),
    ]
}
