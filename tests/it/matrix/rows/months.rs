//! Monthly reports.

use anxiao::access::{Permission as P, Role};
use anxiao::months::rules::{Amounts, Frozen};
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::monthly_reports as r;
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use diesel::prelude::*;
use serde_json::json;

use crate::matrix::row::{Ask, Expect, Row, get, row, send};
use crate::matrix::world::{ABSENT, ORGS, Place, SCHOOLS, bureau, of, org_of, version, within};
use crate::support::district::{self, user};

/// A school's report of the running month.
fn reported(conn: &mut Conn, place: Place) -> Id {
    put(conn, place, of("month", place), "2026-03")
}

/// A school's one report, of this id and month.
fn put(conn: &mut Conn, place: Place, id: Id, month: &str) -> Id {
    if place == ABSENT {
        return id;
    }
    let now = Timestamp::from(district::start_time());
    let figures = Frozen { as_of: now, domains: Default::default(), spent_fen: Amounts::default() };
    let there: i64 = r::table.find(id).count().get_result(conn).unwrap();
    if there == 0 || month != "2026-03" {
        diesel::delete(r::table.filter(r::org_id.eq(org_of(place)))).execute(conn).unwrap();
        diesel::insert_into(r::table)
            .values((
                (r::id.eq(id), r::version.eq(1_i64), r::created_at.eq(now), r::updated_at.eq(now)),
                (r::created_by.eq(user("principal1")), r::bureau_id.eq(org_of(bureau(place)))),
                (r::org_id.eq(org_of(place)), r::month.eq(month), r::nothing_found.eq(false)),
                (r::spent_fen.eq(0_i64), r::late.eq(false), r::corrected_late.eq(false), r::submitted_at.eq(now)),
                (r::submitted_by.eq(user("principal1")), r::figures.eq(Doc::of(&figures))),
            ))
            .execute(conn)
            .unwrap();
    }
    id
}

/// A place that is no school is no place to report.
fn only_schools(_: Role, home: Place, place: Place) -> Option<Expect> {
    (within(home, place) && !place.contains(".s")).then_some(Expect::Judged)
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /monthly-reports", &[P::ReportRead], |case| {
            get(format!("/monthly-reports?org_id={}", org_of(case.place)))
        })
        .at(ORGS),
        row("POST /monthly-reports", &[P::MonthSubmit], |case| {
            put(case.conn, case.place, of("earlier month", case.place), "2025-12");
            let id = of(&format!("month {}", case.number), case.place);
            let body = json!({"id": id, "org_id": org_of(case.place), "month": "2026-03", "nothing_found": false});
            send("/monthly-reports".into(), body)
        })
        .at(ORGS)
        .by("principal1")
        .but(only_schools),
        row("GET /monthly-reports/{id}", &[P::ReportRead], |case| {
            get(format!("/monthly-reports/{}", reported(case.conn, case.place)))
        })
        .at(SCHOOLS),
        row("PATCH /monthly-reports/{id}", &[P::MonthSubmit], |case| {
            let id = reported(case.conn, case.place);
            let version = version(case.conn, "monthly_reports", id);
            let body = json!({"note": format!("补充{}", case.number)});
            Ask { version: Some(version), ..send(format!("/monthly-reports/{id}"), body) }
        })
        .at(SCHOOLS)
        .by("principal1"),
        row("GET /monthly-reports/missing", &[P::ReportRead], |case| {
            get(format!("/monthly-reports/missing?month=2026-02&under={}", org_of(case.place)))
        })
        .at(ORGS),
        row("GET /monthly-reports/summary", &[P::ReportRead], |case| {
            get(format!("/monthly-reports/summary?month=2026-03&under={}", org_of(case.place)))
        })
        .at(ORGS),
        row("POST /monthly-reports/unlock", &[P::MonthUnlock], |case| {
            let body = json!({
                "org_id": org_of(case.place), "month": "2026-02", "until": "2026-03-05T18:00:00+08:00",
                "reason": "补报",
            });
            send("/monthly-reports/unlock".into(), body)
        })
        .at(ORGS)
        .but(only_schools),
        row("GET /monthly-reports/policy", &[P::PolicyRead], |_| get("/monthly-reports/policy".into())),
        row("PUT /monthly-reports/policy", &[P::PolicyManage], |_| {
            send("/monthly-reports/policy".into(), json!({"grace_days": 0}))
        }),
    ]
}
