//! What follows the visit.

use std::sync::Arc;

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{Allowed, actions::inspection};
use crate::inspections::store::{self, Acknowledgement, InspectionView, Reason};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, PathId, Reply};

/// Record what became of it at the school
///
/// The principal signs or objects; the team's lead records that the school would not sign, with a witness.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = Acknowledgement,
    responses((status = 201, description = "The inspection with its acknowledgement", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.acknowledge, inspection.perform")))
)]
#[post("/inspections/{id}/acknowledgement")]
pub async fn acknowledge(
    allowed: Allowed<inspection::Acknowledge>,
    id: PathId,
    body: Body<Acknowledgement>,
) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = store::acknowledge(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::created(&format!("/inspections/{}", view.id), &view)?))
        })
        .await
}

/// Nothing needs to be said.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {}

impl Check for Confirmation {}

/// Confirm an inspection
///
/// By somebody of the bureau who was not on the team.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = Confirmation,
    responses((status = 200, description = "The confirmed inspection", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.confirm")))
)]
#[post("/inspections/{id}/confirm")]
pub async fn confirm(
    allowed: Allowed<inspection::Confirm>,
    id: PathId,
    body: Body<Confirmation>,
) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            body.get()?;
            let (receipt, view) = store::confirm(tx, rights, &seen)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Declare an inspection void
///
/// Before check-in by whoever may plan it, later by the bureau. Nothing is deleted; hazards that came of it stay.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = Reason,
    responses((status = 200, description = "The void inspection", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.void, inspection.plan")))
)]
#[post("/inspections/{id}/void")]
pub async fn void(allowed: Allowed<inspection::Void>, id: PathId, body: Body<Reason>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = store::void(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}
