//! What follows the visit.

use std::sync::Arc;

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{Allowed, actions::inspection};
use crate::inspections::store::{
    self, Acknowledgement, Decision, InspectionView, ObjectionReply, Reason, check_decisions,
};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, PathId, Reply};

/// Record what became of it at the school
///
/// The principal (or a safety officer with a delegation in force) signs or objects; the team's lead records that the
/// school would not sign, with a witness. It is of the version that stands; an amended record is acknowledged anew.
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

/// What becomes of findings that wait for the bureau's word; those that are not named become hazards.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// One by one, at most 500.
    #[serde(default)]
    pub findings: Vec<Decision>,
}

impl Check for Confirmation {
    fn check(&self, faults: &mut Faults) {
        check_decisions(faults, "/findings", &self.findings);
    }
}

/// Confirm an inspection
///
/// The version that stands, by somebody of the bureau who was not on the team; an objection of the school is answered
/// first. What external inspectors (or a school's staff, at its own checks) found and nobody has decided becomes a hazard
/// with it, but for what `findings` rejects with a reason.
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
            let (receipt, view) = store::confirm(tx, rights, &seen, &body.get()?.findings)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Answer the school's objection
///
/// By somebody of the bureau who was not on the team. Upheld: the team has to amend the record before anybody confirms
/// it. Dismissed: it stands.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = ObjectionReply,
    responses((status = 200, description = "The inspection with the answer", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.confirm")))
)]
#[post("/inspections/{id}/objection-reply")]
pub async fn reply_objection(
    allowed: Allowed<inspection::Confirm>,
    id: PathId,
    body: Body<ObjectionReply>,
) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = store::reply_objection(tx, rights, &seen, body.get()?)?;
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
