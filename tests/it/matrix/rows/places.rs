//! Organisations and sites.

use anxiao::access::{Permission as P, Role};
use serde_json::json;

use crate::matrix::row::{Ask, Expect, Row, get, row, send};
use crate::matrix::world::{ABSENT, BUREAUS, ORGS, Place, SCHOOLS, of, org_of, version, within};

/// An external inspector sees the schools of the inspections given to it.
fn sees_org(role: Role, home: Place, place: Place) -> bool {
    within(home, place) && (role != Role::ExternalInspector || place.contains(".s"))
}

fn only_schools(_: Role, home: Place, place: Place) -> Option<Expect> {
    (within(home, place) && !place.contains(".s")).then_some(Expect::Judged)
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /orgs", &[P::OrgRead], |case| get(format!("/orgs?under={}", org_of(case.place))))
            .at(ORGS)
            .seen(sees_org)
            .limits_met(),
        row("POST /orgs", &[P::OrgManage], |case| {
            let body = json!({
                "id": of(&format!("org {}", case.number), case.place), "kind": "school", "parent_id": org_of(case.place),
                "name": format!("新校{}", case.number), "school": {"school_kind": "primary", "features": []},
            });
            send("/orgs".into(), body)
        })
        .at(ORGS)
        .but(|_, home, place| {
            (within(home, place) && !["a", "a.cluster", ABSENT].contains(&place)).then_some(Expect::Judged)
        })
        .good_at("a"),
        row("GET /orgs/{id}", &[P::OrgRead], |case| get(format!("/orgs/{}", org_of(case.place))))
            .at(ORGS)
            .seen(sees_org)
            .limits_met(),
        row("PATCH /orgs/{id}", &[P::OrgManage], |case| {
            let id = org_of(case.place);
            let version = version(case.conn, "orgs", id);
            let body = match case.place {
                "a.s1" => json!({"name": format!("改名{}", case.number), "parent_id": org_of("a.cluster")}),
                "b.s1" => json!({"name": format!("改名{}", case.number), "parent_id": org_of("b")}),
                _ => json!({"name": format!("改名{}", case.number)}),
            };
            Ask { version: Some(version), ..send(format!("/orgs/{id}"), body) }
        })
        .at(ORGS),
        row("POST /orgs/import", &[P::OrgManage], |case| Ask {
            csv: Some(format!("name,school_kind\n导入{},primary\n", case.number)),
            ..get(format!("/orgs/import?bureau_id={}", org_of(case.place)))
        })
        .at(BUREAUS),
        row("GET /orgs/{id}/sites", &[P::OrgRead], |case| {
            let (org, site) = (org_of(case.place), of("site", case.place));
            get(if case.place.contains(".s") { format!("/orgs/{org}/sites?parent_id={site}") } else { format!("/orgs/{org}/sites") })
        })
        .at(ORGS)
        .seen(sees_org)
        .limits_met(),
        row("POST /orgs/{id}/sites", &[P::SiteManage], |case| {
            let mut body = json!({
                "id": of(&format!("site {}", case.number), case.place), "kind": "room", "name": "教室",
            });
            if case.place.contains(".s") {
                body["parent_id"] = json!(of("site", case.place));
            }
            send(format!("/orgs/{}/sites", org_of(case.place)), body)
        })
        .at(ORGS)
        .but(only_schools),
        row("GET /sites/{id}", &[P::OrgRead], |case| get(format!("/sites/{}", of("site", case.place))))
            .at(SCHOOLS)
            .seen(sees_org)
            .limits_met(),
        row("PATCH /sites/{id}", &[P::SiteManage], |case| {
            let id = of("site", case.place);
            let version = version(case.conn, "sites", id);
            Ask { version: Some(version), ..send(format!("/sites/{id}"), json!({"name": format!("楼{}", case.number)})) }
        })
        .at(SCHOOLS),
    ]
}
