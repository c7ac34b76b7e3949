//! Planning and reading inspections.

use std::sync::Arc;

use actix_web::{get, patch, post};
use serde_json::json;

use crate::access::{Allowed, actions::inspection};
use crate::inspections::acts;
use crate::inspections::store::{self, Edit, InspectionFilter, InspectionView, NewInspection};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, IfMatch, List, Page, PathId, Reply};
use crate::platform::journal::Entry;

/// List inspections
///
/// Officers of the bureau and the school see all in their scope; others those of their own teams.
#[utoipa::path(
    tag = "inspections",
    params(InspectionFilter, PageQuery),
    responses((status = 200, description = "A page of inspections, newest first", body = ListOf<InspectionView>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections")]
pub async fn list(allowed: Allowed<inspection::Read>, list: List<InspectionFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, rights, &list)?.reply()).await
}

/// Plan an inspection
///
/// The items of the checklists that concern the school choose themselves; each has its answer row from the start. One
/// with `announced: false` does not exist for the school's people until the team checks in.
#[utoipa::path(
    tag = "inspections",
    request_body = NewInspection,
    responses((status = 201, description = "The inspection", body = InspectionView),
        (status = 200, description = "The inspection made before with the same id and body", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[post("/inspections")]
pub async fn create(allowed: Allowed<inspection::Plan>, body: Body<NewInspection>) -> Result<Reply, Problem> {
    allowed.write(&Arc::clone(&body.hash), move |tx, rights| acts::create(tx, rights, &body)).await
}

/// Read an inspection
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "The inspection", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}")]
pub async fn one(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::seen(conn, rights, id.0)?;
            Reply::record(&store::view(conn, seen.row.id)?)
        })
        .await
}

/// Change a plan
///
/// Until the team has checked in. Other checklists make the answer rows anew.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection"),
        ("If-Match" = Option<String>, Header, description = "The version seen", example = "\"1\"")),
    request_body = Edit,
    responses((status = 200, description = "The inspection as it is now", body = InspectionView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[patch("/inspections/{id}")]
pub async fn edit(
    allowed: Allowed<inspection::Plan>,
    id: PathId,
    if_match: IfMatch,
    body: Body<Edit>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            let current = store::view(tx.conn, seen.row.id)?;
            if_match.check(seen.row.version, || json!(current))?;
            let (receipt, view) = store::edit(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Read the history of an inspection
///
/// Its journal entries, oldest first, current to the last write. For the school, the history of a visit that was not
/// announced begins with `released`, which carries in `before` what went before the team arrived.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "All entries", body = ListOf<Entry>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/history")]
pub async fn history(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::seen(conn, rights, id.0)?;
            Page::whole(store::history(conn, rights, &seen)?).reply()
        })
        .await
}
