//! Inspections and answers.

use anxiao::access::{Permission as P, Role};
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{hazards, inspection_amendments, inspections, reports, signing_delegations};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use diesel::prelude::*;
use serde_json::json;

use crate::matrix::row::{Ask, Expect, Row, get, row, send};
use crate::matrix::world::{
    ABSENT, ORGS, Place, SCHOOLS, bureau, of, org_of, person, principal, set_checklist, set_hazard, set_inspection,
    set_person, set_report, version, within,
};
use crate::support::district::{start_time, user};

/// The inspections of this test are the bureau's: the school's people are on the team by mistake.
pub fn not_by_the_school(role: Role, home: Place, place: Place) -> Option<Expect> {
    (role.is_school_side() && place != ABSENT && within(home, place)).then_some(Expect::Judged)
}

/// Two of the bureau's people, the second to lead.
fn team(place: Place) -> Vec<Id> {
    let names = if bureau(place) == "b" { ["b.leader", "b.inspector"] } else { ["inspector2", "inspector1"] };
    names.map(user).into()
}

/// An inspector edits and takes back what it planned itself; these are the office's.
fn not_its_own(role: Role, home: Place, place: Place) -> Option<Expect> {
    let beyond = role == Role::Inspector || role.is_school_side();
    (beyond && place != ABSENT && within(home, place)).then_some(Expect::Beyond)
}

/// Only the principal lets somebody sign.
fn not_the_principal(role: Role, home: Place, place: Place) -> Option<Expect> {
    (role == Role::SchoolSafetyOfficer && place != ABSENT && within(home, place)).then_some(Expect::Beyond)
}

fn set_submitted(conn: &mut Conn, place: Place) {
    let now = Timestamp::from(start_time());
    diesel::update(inspections::table.find(of("inspection", place)))
        .set(inspections::submitted_at.eq(now))
        .execute(conn)
        .unwrap();
}

fn set_objected(conn: &mut Conn, place: Place) {
    diesel::update(inspections::table.find(of("inspection", place)))
        .set((
            inspections::acknowledgement.eq(Doc(json!({"outcome": "objected"}))),
            inspections::objection_reply.eq(None::<Doc>),
        ))
        .execute(conn)
        .unwrap();
}

/// The hint of a place comes of its inspection.
fn set_hint(conn: &mut Conn, place: Place) {
    diesel::update(reports::table.find(of("report", place)))
        .set(reports::inspection_id.eq(of("inspection", place)))
        .execute(conn)
        .unwrap();
}

/// Another inspection than the one at hand found the hazard of a place.
fn unfound(conn: &mut Conn, place: Place) {
    diesel::update(hazards::table.find(of("hazard", place)))
        .set(hazards::inspection_id.eq(None::<Id>))
        .execute(conn)
        .unwrap();
}

fn set_delegation(conn: &mut Conn, place: Place) {
    use signing_delegations as d;
    let (id, now) = (of("delegation", place), Timestamp::from(start_time()));
    diesel::delete(d::table.find(id)).execute(conn).unwrap();
    if place == ABSENT {
        return;
    }
    let day = start_time().date_naive();
    diesel::insert_into(d::table)
        .values((
            (d::id.eq(id), d::version.eq(1_i64), d::created_at.eq(now), d::updated_at.eq(now)),
            (d::created_by.eq(principal(place)), d::bureau_id.eq(org_of(bureau(place))), d::org_id.eq(org_of(place))),
            (d::user_id.eq(user("officer1")), d::valid_from.eq(day), d::valid_to.eq(day)),
        ))
        .execute(conn)
        .unwrap();
}

/// An amendment in a school of the other bureau.
fn set_amendment(conn: &mut Conn) {
    use inspection_amendments as a;
    let (place, id) = ("b.s1", of("amendment", "b.s1"));
    set_inspection(conn, place, "submitted", "");
    diesel::delete(a::table.find(id)).execute(conn).unwrap();
    diesel::insert_into(a::table)
        .values((
            (a::id.eq(id), a::created_at.eq(Timestamp::from(start_time())), a::created_by.eq(user("b.inspector"))),
            (a::inspection_id.eq(of("inspection", place)), a::number.eq(99), a::reason.eq("抄录有误")),
            a::difference.eq(Doc(json!({"answers": [], "conclusion": null}))),
        ))
        .execute(conn)
        .unwrap();
}

fn inspection(place: Place, rest: &str) -> String {
    format!("/inspections/{}{rest}", of("inspection", place))
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /inspections", &[P::InspectionRead], |case| {
            get(format!("/inspections?org_id={}", org_of(case.place)))
        })
        .at(ORGS)
        .limits_met(),
        row("POST /inspections", &[P::InspectionPlan], |case| {
            let (kind, team) = match case.who {
                "principal1" | "officer1" | "staff1" => ("patrol", vec![user(case.who)]),
                // A leader plans surprise visits only; the server makes the id of what is hidden.
                "leader" => ("unannounced", team(case.place)),
                "supervisor" | "inspector1" => ("routine", vec![user(case.who), user("inspector2")]),
                _ => ("routine", team(case.place)),
            };
            let mut body = json!({
                "kind": kind, "org_id": org_of(case.place),
                "checklist_ids": [of("checklist", bureau(case.place))], "lead_id": team.last(),
                "team": team,
            });
            if kind != "unannounced" {
                body["id"] = json!(of(&format!("inspection {}", case.number), case.place));
            }
            set_inspection(case.conn, "a.s1", "planned", "");
            set_checklist(case.conn, bureau(case.place), "published");
            send("/inspections".into(), body)
        })
        .at(ORGS)
        .limits_met()
        .but(|_, home, place| (within(home, place) && !place.contains(".s")).then_some(Expect::Judged)),
        row("GET /inspections/{id}", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            get(inspection(case.place, ""))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("PATCH /inspections/{id}", &[P::InspectionPlan], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            set_checklist(case.conn, bureau(case.place), "published");
            let version = version(case.conn, "inspections", of("inspection", case.place));
            let mut body = json!({"title": format!("检查{}", case.number)});
            if case.who == "office" {
                body["team"] = json!(team(case.place));
                body["lead_id"] = json!(team(case.place).last());
                body["checklist_ids"] = json!([of("checklist", bureau(case.place))]);
            }
            Ask { version: Some(version), ..send(inspection(case.place, ""), body) }
        })
        .at(SCHOOLS)
        .limits_met()
        .but(|role, home, place| {
            let leaders = role == Role::BureauLeader && place != ABSENT && within(home, place);
            if leaders { Some(Expect::Beyond) } else { not_its_own(role, home, place) }
        }),
        row("GET /inspections/{id}/history", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            get(inspection(case.place, "/history"))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("POST /inspections/{id}/check-in", &[P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            send(inspection(case.place, "/check-in"), json!({}))
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        .but(not_by_the_school),
        row("GET /inspections/{id}/answers", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            get(inspection(case.place, "/answers"))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("PUT /inspections/{id}/answers", &[P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "in_progress", "");
            let answer = json!({
                "item_code": "m-1", "result": "fail", "note": "见照片", "site_id": of("site", case.place),
                "evidence_ids": [of("evidence", case.place)],
            });
            send(inspection(case.place, "/answers"), json!({"answers": [answer]}))
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        .but(not_by_the_school),
        row("PUT /inspections/{id}/answers/{item_code}", &[P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "in_progress", "");
            set_person(case.conn, case.place);
            let answer = json!({
                "result": "fail", "site_id": of("site", case.place), "on_the_spot": true, "measures_taken": "当场清除",
                "fixed_by": person(case.place), "before_evidence_ids": [of("evidence before", case.place)],
                "after_evidence_ids": [of("evidence after", case.place)],
            });
            send(inspection(case.place, "/answers/m-2"), answer)
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        .but(not_by_the_school),
        row("POST /inspections/{id}/submit", &[P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "in_progress", "");
            send(inspection(case.place, "/submit"), json!({"conclusion": "好"}))
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        .but(not_by_the_school),
        row("POST /inspections/{id}/acknowledgement", &[P::InspectionAcknowledge, P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "submitted", "");
            send(inspection(case.place, "/acknowledgement"), json!({"outcome": "signed"}))
        })
        .at(SCHOOLS)
        .by("principal1"),
        row("POST /inspections/{id}/confirm", &[P::InspectionConfirm], |case| {
            set_inspection(case.conn, case.place, "submitted", case.who);
            send(inspection(case.place, "/confirm"), json!({}))
        })
        .at(SCHOOLS),
        row("POST /inspections/{id}/objection-reply", &[P::InspectionConfirm], |case| {
            set_inspection(case.conn, case.place, "submitted", case.who);
            set_objected(case.conn, case.place);
            send(inspection(case.place, "/objection-reply"), json!({"decision": "dismissed", "reason": "不属实"}))
        })
        .at(SCHOOLS),
        row("GET /inspections/{id}/amendments", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "submitted", "");
            get(inspection(case.place, "/amendments"))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("POST /inspections/{id}/amendments", &[P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "submitted", "");
            set_submitted(case.conn, case.place);
            let version = version(case.conn, "inspections", of("inspection", case.place));
            let answer = json!({
                "item_code": "m-1", "result": "pass", "note": format!("更正{}", case.number),
                "site_id": of("site", case.place), "evidence_ids": [of("evidence", case.place)],
            });
            set_amendment(case.conn);
            let id = of(&format!("amendment {}", case.number), case.place);
            let body = json!({"id": id, "reason": "抄录有误", "answers": [answer]});
            Ask { version: Some(version), ..send(inspection(case.place, "/amendments"), body) }
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        .but(not_by_the_school),
        row("GET /inspections/{id}/versions/{number}", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "submitted", "");
            set_submitted(case.conn, case.place);
            get(inspection(case.place, "/versions/1"))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("GET /inspections/{id}/findings", &[P::ReportTriage, P::HazardReport], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            get(inspection(case.place, "/findings"))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("POST /inspections/{id}/findings", &[P::ReportTriage], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            set_report(case.conn, case.place);
            set_hint(case.conn, case.place);
            let decision = json!({"report_id": of("report", case.place), "accept": false, "reason": "已处理"});
            send(inspection(case.place, "/findings"), json!({"decisions": [decision]}))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("GET /inspections/{id}/open-hazards", &[P::InspectionRead], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            get(inspection(case.place, "/open-hazards"))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("PUT /inspections/{id}/open-hazards/{hazard_id}", &[P::InspectionPerform], |case| {
            set_inspection(case.conn, case.place, "in_progress", "");
            set_hazard(case.conn, of("hazard", case.place), case.place, "issued", "general");
            unfound(case.conn, case.place);
            let path = inspection(case.place, &format!("/open-hazards/{}", of("hazard", case.place)));
            send(path, json!({"observed": "still_there", "note": format!("第{}次", case.number)}))
        })
        .at(SCHOOLS)
        .limits_met()
        .by("inspector1")
        .but(not_by_the_school),
        row("GET /orgs/{id}/signing-delegations", &[P::InspectionAcknowledge, P::InspectionConfirm], |case| {
            get(format!("/orgs/{}/signing-delegations", org_of(case.place)))
        })
        .at(ORGS)
        .limits_met(),
        row("POST /orgs/{id}/signing-delegations", &[P::InspectionAcknowledge], |case| {
            let officer = match case.place {
                "a.s1" => "officer1",
                "a.s2" => "officer2",
                _ => "b.officer",
            };
            set_delegation(case.conn, "b.s1");
            let id = of(&format!("delegation {}", case.number), case.place);
            let body = json!({"id": id, "user_id": user(officer), "from": "2026-03-01", "until": "2026-03-31"});
            send(format!("/orgs/{}/signing-delegations", org_of(case.place)), body)
        })
        .at(ORGS)
        .by("principal1")
        .good_at("a.s1")
        .but(not_the_principal),
        row("POST /signing-delegations/{id}/revoke", &[P::InspectionAcknowledge], |case| {
            set_delegation(case.conn, case.place);
            send(format!("/signing-delegations/{}/revoke", of("delegation", case.place)), json!({}))
        })
        .at(SCHOOLS)
        .by("principal1")
        .but(not_the_principal),
        row("POST /inspections/{id}/void", &[P::InspectionVoid, P::InspectionPlan], |case| {
            set_inspection(case.conn, case.place, "planned", "");
            send(inspection(case.place, "/void"), json!({"reason": "重复登记"}))
        })
        .at(SCHOOLS)
        .limits_met()
        .but(not_its_own),
        row("GET /answers", &[P::InspectionRead], |case| get(format!("/answers?org_id={}", org_of(case.place))))
            .at(ORGS)
            .limits_met(),
    ]
}
