//! The open hazards of the school, at the visit.

use actix_web::{get, put, web};

use crate::access::{Allowed, actions::inspection};
use crate::inspections::store::{self, Observation, OpenHazard};
use crate::openapi::ListOf;
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, Page, PathId, Reply};

/// List what is open at the school
///
/// For the team to check off at the visit, with what it has seen so far. Others see those that they see anyway; a
/// school's own checks have none.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "All of them, oldest first", body = ListOf<OpenHazard>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/open-hazards")]
pub async fn list(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::seen(conn, rights, id.0)?;
            Page::whole(store::open_hazards(conn, rights, &seen)?).reply()
        })
        .await
}

/// Note what was seen of an open hazard
///
/// In the place of what was noted before. It stands in the history of the inspection and of the hazard, and closes
/// nothing. Only the team, between check-in and handing in.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection"),
        ("hazard_id" = Id, Path, description = "One of the open hazards")),
    request_body = Observation,
    responses((status = 200, description = "The hazard with what was seen", body = OpenHazard)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[put("/inspections/{id}/open-hazards/{hazard_id}")]
pub async fn put(
    allowed: Allowed<inspection::Perform>,
    path: web::Path<(String, String)>,
    body: Body<Observation>,
) -> Result<Reply, Problem> {
    let (id, hazard_id) = path.into_inner();
    let parse = |text: String| text.parse::<Id>().map_err(|error| Problem::not_found().cause(error));
    let (id, hazard_id) = (parse(id)?, parse(hazard_id)?);
    allowed
        .write_unkept(move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id)?;
            let before = store::open_hazard(tx.conn, rights, &seen, hazard_id)?;
            let (receipt, after) = store::observe(tx, rights, &seen, &before, body.get()?)?;
            let reply = Reply::value(&after)?;
            Ok(match receipt {
                Some(receipt) => receipt.with(reply),
                None => Commit::unchanged(reply),
            })
        })
        .await
}
