//! Accounts, people, reports.

use anxiao::access::{Permission as P, Role};
use serde_json::json;

use crate::matrix::row::{Ask, Expect, Row, get, row, send};
use crate::matrix::world::{
    ORGS, Place, STAFFED, membership, of, org_of, person, set_person, spare_session, version, within,
};

/// A role that the safety office and the system administrator may give at a place.
fn role_at(place: Place) -> &'static str {
    match place {
        "a" | "b" | "a.agency" => "inspector",
        "a.cluster" => "supervisor",
        _ => "school_staff",
    }
}

fn principals_own(role: Role, home: Place, place: Place) -> Option<Expect> {
    (role == Role::Principal && within(home, place)).then_some(Expect::Done)
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /me", &[], |_| get("/me".into())),
        row("GET /auth/sessions", &[], |_| get("/auth/sessions".into())),
        row("DELETE /auth/sessions/{id}", &[], |case| {
            get(format!("/auth/sessions/{}", spare_session(case.conn, case.who)))
        }),
        row("POST /auth/logout", &[], |case| Ask {
            session: Some(spare_session(case.conn, case.who)),
            ..get("/auth/logout".into())
        }),
        row("POST /auth/password", &[], |_| {
            send("/auth/password".into(), json!({"current_password": "x", "new_password": "eleven-purple-otters-sing"}))
        })
        .but(|_, _, _| Some(Expect::Judged)),
        row("GET /users", &[P::UserRead], |case| get(format!("/users?org_id={}", org_of(case.place)))).at(ORGS),
        row("GET /users/lookup", &[P::UserLookup], |case| get(format!("/users/lookup?org_id={}", org_of(case.place))))
            .at(ORGS),
        row("POST /users", &[P::UserManage], |case| {
            let place = json!({"org_id": org_of(case.place), "role": role_at(case.place)});
            let body = json!({
                "id": of(&format!("user {}", case.number), case.place), "username": format!("made.{}", case.number),
                "display_name": "新人", "memberships": [place],
            });
            send("/users".into(), body)
        })
        .at(ORGS)
        .but(|role, home, place| match place {
            "a.agency" if within(home, place) => Some(Expect::Judged),
            _ => principals_own(role, home, place),
        }),
        row("GET /users/{id}", &[P::UserRead], |case| {
            set_person(case.conn, case.place);
            get(format!("/users/{}", person(case.place)))
        })
        .at(STAFFED),
        row("PATCH /users/{id}", &[P::UserManage], |case| {
            set_person(case.conn, case.place);
            let id = person(case.place);
            let version = version(case.conn, "users", id);
            Ask {
                version: Some(version),
                ..send(format!("/users/{id}"), json!({"display_name": format!("某{}", case.number)}))
            }
        })
        .at(STAFFED)
        .but(principals_own),
        row("POST /users/{id}/disable", &[P::UserManage], |case| {
            set_person(case.conn, case.place);
            get(format!("/users/{}/disable", person(case.place)))
        })
        .at(STAFFED)
        .but(principals_own),
        row("POST /users/{id}/enable", &[P::UserManage], |case| {
            set_person(case.conn, case.place);
            get(format!("/users/{}/enable", person(case.place)))
        })
        .at(STAFFED)
        .but(principals_own),
        row("POST /users/{id}/reset-password", &[P::UserManage], |case| {
            set_person(case.conn, case.place);
            get(format!("/users/{}/reset-password", person(case.place)))
        })
        .at(STAFFED)
        .but(principals_own),
        row("POST /users/{id}/memberships", &[P::UserManage], |case| {
            set_person(case.conn, case.place);
            let role = if case.place.contains(".s") { "school_safety_officer" } else { "section_officer" };
            let body = json!({"org_id": org_of(case.place), "role": role, "domains": ["fire"]});
            send(format!("/users/{}/memberships", person(case.place)), body)
        })
        .at(STAFFED)
        .but(|role, home, place| match place {
            // Nothing but a supervisor stands on a cluster, and this one is it already.
            "a.cluster" if within(home, place) => Some(Expect::Judged),
            _ => principals_own(role, home, place),
        }),
        row("DELETE /users/{id}/memberships/{mid}", &[P::UserManage], |case| {
            set_person(case.conn, case.place);
            get(format!("/users/{}/memberships/{}", person(case.place), membership(case.place)))
        })
        .at(STAFFED)
        .but(principals_own),
        row("GET /reports/summary", &[P::ReportRead], |case| {
            get(format!("/reports/summary?org_id={}", org_of(case.place)))
        })
        .at(ORGS),
        row("GET /reports/coverage", &[P::ReportRead], |case| {
            get(format!("/reports/coverage?org_id={}", org_of(case.place)))
        })
        .at(ORGS),
        row("GET /reports/items", &[P::ReportRead], |case| {
            get(format!("/reports/items?org_id={}", org_of(case.place)))
        })
        .at(ORGS),
        row("GET /reports/inspectors", &[P::ReportRead], |case| {
            get(format!("/reports/inspectors?org_id={}", org_of(case.place)))
        })
        .at(ORGS)
        // A school does not read who inspects whom.
        .but(|role, _, _| role.is_school_side().then_some(Expect::Never)),
    ]
}
