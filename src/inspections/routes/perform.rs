//! The visit itself: arriving and handing in.

use std::sync::Arc;

use actix_web::post;

use crate::access::{Allowed, actions::inspection};
use crate::inspections::store::{self, CheckIn, InspectionView, Submit, Submitted};
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
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = store::check_in(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
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
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, submitted) = store::submit(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::value(&submitted)?))
        })
        .await
}
