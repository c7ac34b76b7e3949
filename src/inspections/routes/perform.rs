//! The visit itself: arriving and handing in.

use std::sync::Arc;

use actix_web::post;

use crate::access::{Allowed, actions::inspection};
use crate::inspections::acts;
use crate::inspections::store::{CheckIn, InspectionView, Submit, Submitted};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, PathId, Reply};

/// Check in at the school
///
/// Starts the inspection. Only the team.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = CheckIn,
    responses((status = 200, description = "The inspection, in progress", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[post("/inspections/{id}/check-in")]
pub async fn check_in(
    allowed: Allowed<inspection::Perform>,
    id: PathId,
    body: Body<CheckIn>,
) -> Result<Reply, Problem> {
    allowed.write(&Arc::clone(&body.hash), move |tx, rights| acts::check_in(tx, rights, id.0, &body)).await
}

/// Hand an inspection in
///
/// Every applicable item must be answered. Every failed item becomes one hazard; those fixed on the spot are born
/// closed. What an external inspector found waits as a suggestion until the bureau accepts it. Only the team.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = Submit,
    responses((status = 200, description = "The inspection and the hazards it found", body = Submitted)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[post("/inspections/{id}/submit")]
pub async fn submit(allowed: Allowed<inspection::Perform>, id: PathId, body: Body<Submit>) -> Result<Reply, Problem> {
    allowed.write(&Arc::clone(&body.hash), move |tx, rights| acts::submit(tx, rights, id.0, &body)).await
}
