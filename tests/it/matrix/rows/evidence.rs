//! Evidence: declared for an item of an inspection or for a hazard, handed in, read.

use anxiao::access::{Permission as P, Role};
use anxiao::platform::db::schema::evidence;
use anxiao::platform::db::types::{Id, Timestamp};
use diesel::prelude::*;
use serde_json::json;

use crate::evidence::{self as sample, multipart};
use crate::matrix::row::{Ask, Case, Expect, Row, get, row, send};
use crate::matrix::world::{ABSENT, Place, SCHOOLS, bureau, of, org_of, set_hazard, within};
use crate::support::district::{self, user};

pub const SENDS: &[P] = &[P::InspectionPerform, P::HazardReport, P::HazardRespond, P::HazardRectify, P::HazardRecheck];
const READS: &[P] = &[P::InspectionRead, P::HazardRead];
const ORIGINALS: &[P] = &[P::EvidenceOriginal, P::InspectionRead, P::HazardRead];

/// Puts evidence of the hazard of a place: its photo received, or only declared. Somebody else declared it.
pub fn set_evidence(case: &mut Case<'_>, received: bool) -> Id {
    let id = of("photo", case.place);
    set_hazard(case.conn, of("hazard", case.place), case.place, "issued", "general");
    diesel::delete(evidence::table.find(id)).execute(case.conn).unwrap();
    if case.place == ABSENT {
        return id;
    }
    let now = Timestamp::from(district::start_time());
    let photo = sample::photo();
    let hash = anxiao::platform::files::ContentHash::of(&photo);
    let then = received.then_some(now);
    diesel::insert_into(evidence::table)
        .values((
            (evidence::id.eq(id), evidence::version.eq(1_i64), evidence::created_at.eq(now)),
            (evidence::updated_at.eq(now), evidence::created_by.eq(user("newcomer")), evidence::by_school.eq(false)),
            (evidence::bureau_id.eq(org_of(bureau(case.place))), evidence::org_id.eq(org_of(case.place))),
            (evidence::hazard_id.eq(of("hazard", case.place)), evidence::round.eq(1), evidence::role.eq("before")),
            (evidence::sha256.eq(hash.as_bytes().to_vec()), evidence::bytes.eq(i64::try_from(photo.len()).unwrap())),
            (evidence::media_type.eq("image/jpeg"), evidence::received_at.eq(then)),
            (evidence::content_type.eq(then.map(|_| "image/jpeg"))),
            (evidence::picture.eq(then.map(|_| vec![1_u8]))),
        ))
        .execute(case.conn)
        .unwrap();
    id
}

fn read(case: &mut Case<'_>, rest: &str) -> String {
    format!("/evidence/{}{rest}", set_evidence(case, true))
}

/// Everybody of the bureau's side and of the school sees the hazard; whoever only looks on does not add to it.
pub fn looks_on(role: Role, home: Place, place: Place) -> Option<Expect> {
    let sees = place != ABSENT && within(home, place);
    (sees && role == Role::ExternalInspector).then_some(Expect::Beyond)
}

/// The original is the bureau's; whoever else sees the photo is told so.
fn not_the_original(role: Role, home: Place, place: Place) -> Option<Expect> {
    let sees = place != ABSENT && within(home, place);
    let by_right = matches!(role, Role::BureauLeader | Role::SafetyOffice | Role::SectionOfficer | Role::Supervisor);
    (sees && !by_right).then_some(Expect::Beyond)
}

pub fn rows() -> Vec<Row> {
    vec![
        row("POST /evidence", SENDS, |case| {
            set_evidence(case, false);
            let hazard = of("hazard", case.place);
            set_hazard(case.conn, hazard, case.place, "rectifying", "general");
            let id = of(&format!("photo {}", case.number), case.place);
            send(
                "/evidence".into(),
                sample::declaration(
                    Some(&id.to_string()),
                    &sample::photo(),
                    json!({
                        "hazard_id": hazard, "round": 1, "role": "after",
                    }),
                ),
            )
        })
        .at(SCHOOLS)
        .limits_met()
        .but(looks_on),
        row("POST /evidence/{id}/content", SENDS, |case| {
            let path = format!("/evidence/{}/content", set_evidence(case, false));
            Ask { path, form: Some(multipart(&sample::photo())), ..Ask::default() }
        })
        .at(SCHOOLS)
        .limits_met()
        .but(looks_on),
        row("GET /evidence/{id}", READS, |case| get(read(case, ""))).at(SCHOOLS).limits_met(),
        row("GET /evidence/{id}/content", READS, |case| get(read(case, "/content"))).at(SCHOOLS).limits_met(),
        row("GET /evidence/{id}/thumbnail", READS, |case| get(read(case, "/thumbnail"))).at(SCHOOLS).limits_met(),
        row("GET /evidence/{id}/original", ORIGINALS, |case| get(read(case, "/original")))
            .at(SCHOOLS)
            .limits_met()
            .but(not_the_original),
        row("POST /evidence/{id}/links", READS, |case| send(read(case, "/links"), json!({}))).at(SCHOOLS).limits_met(),
        row("GET /hazards/{id}/evidence", &[P::HazardRead], |case| {
            set_evidence(case, true);
            get(format!("/hazards/{}/evidence", of("hazard", case.place)))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("GET /inspections/{id}/evidence", &[P::InspectionRead], |case| {
            crate::matrix::world::set_inspection(case.conn, case.place, "in_progress", "");
            get(format!("/inspections/{}/evidence", of("inspection", case.place)))
        })
        .at(SCHOOLS)
        .limits_met(),
        row("GET /evidence-policy", &[P::PolicyRead], |_| get("/evidence-policy".into())).limits_met(),
        row("PUT /evidence-policy", &[P::PolicyManage], |_| Ask {
            any_version: true,
            ..send("/evidence-policy".into(), json!({"gaps": "show"}))
        }),
    ]
}
