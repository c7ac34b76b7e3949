//! HTTP of draws.

use std::sync::Arc;

use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::bodies::{
    DrawFilter, DrawnInspections, NewCommitment, NewDraw, NewEntropy, Publication, ShownSeed, VoidDraw,
};
use super::proof::Proof;
use super::store::{self, DrawRecord, DrawSummary};
use crate::access::{Allowed, actions::draw};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, List, PathId, Reply};
use crate::recusals::bodies::Nothing;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(create)
        .service(one)
        .service(proof)
        .service(commit)
        .service(entropy)
        .service(reveal)
        .service(run)
        .service(make)
        .service(publish)
        .service(void);
}

/// List draws
#[utoipa::path(
    tag = "draws",
    params(DrawFilter, PageQuery),
    responses((status = 200, description = "A page of draws, newest first", body = ListOf<DrawSummary>)),
    extensions(("x-permission" = json!("draw.read")))
)]
#[get("/draws")]
pub async fn list(allowed: Allowed<draw::Read>, list: List<DrawFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, rights, &list)?.reply()).await
}

/// Make a draw: freeze its pools
///
/// Schools with weights and strata, inspectors, who must not meet whom: from now on nothing of it changes. A draw that
/// repeats an earlier one of the year gets a new number and needs a reason.
#[utoipa::path(
    tag = "draws",
    request_body = NewDraw,
    responses((status = 201, description = "The draw", body = DrawRecord),
        (status = 200, description = "The draw made before with the same id and body", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws")]
pub async fn create(allowed: Allowed<draw::Manage>, body: Body<NewDraw>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let new = body.get()?;
            let bureau = store::bureau_of(tx.conn, rights, new)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            if let Some(view) = store::stored(tx.conn, new.id, rights, &hash)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            let (receipt, view) = store::create(tx, rights, &bureau, new, &hash)?;
            Ok(receipt.with(Reply::created(&format!("/draws/{}", view.summary.id), &view)?))
        })
        .await
}

/// Read a draw
///
/// Seeds only once all are shown; seeds and results never to somebody who belongs to a school of the pool, until every
/// drawn inspection has begun.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    responses((status = 200, description = "The draw", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.read")))
)]
#[get("/draws/{id}")]
pub async fn one(allowed: Allowed<draw::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::one(conn, rights, id.0)?;
            Reply::record(&store::view(rights, &seen))
        })
        .await
}

/// Read the proof of a draw
///
/// Everything that went in and came out, for `anxiao draw verify` or any other program. 409 `not_yet` until every drawn
/// inspection has begun or been voided, or the draw was published by statement.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    responses((status = 200, description = "The proof", body = Proof)),
    extensions(("x-permission" = json!("draw.read")))
)]
#[get("/draws/{id}/proof")]
pub async fn proof(allowed: Allowed<draw::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::one(conn, rights, id.0)?;
            Reply::value(&store::proof(rights, &seen)?)
        })
        .await
}

/// Promise a seed
///
/// Two different officials each promise SHA-256(seed ‖ salt), both before either seed is shown; with public entropy one
/// official, before the source speaks.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    request_body = NewCommitment,
    responses((status = 201, description = "The draw as it is now", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws/{id}/commitments")]
pub async fn commit(allowed: Allowed<draw::Manage>, id: PathId, body: Body<NewCommitment>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = store::again(tx, rights, &seen) {
                return Ok(again);
            }
            let (receipt, view) = store::commit(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::created(&format!("/draws/{}", view.summary.id), &view)?))
        })
        .await
}

/// Write down the public entropy
///
/// After the promise and before the seed is shown, by somebody else than who promised it.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    request_body = NewEntropy,
    responses((status = 201, description = "The draw as it is now", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws/{id}/entropy")]
pub async fn entropy(allowed: Allowed<draw::Manage>, id: PathId, body: Body<NewEntropy>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = store::again(tx, rights, &seen) {
                return Ok(again);
            }
            let (receipt, view) = store::entropy(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::created(&format!("/draws/{}", view.summary.id), &view)?))
        })
        .await
}

/// Show a seed
///
/// By who promised it, once all have promised.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    request_body = ShownSeed,
    responses((status = 200, description = "The draw as it is now", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws/{id}/seeds")]
pub async fn reveal(allowed: Allowed<draw::Manage>, id: PathId, body: Body<ShownSeed>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = store::again(tx, rights, &seen) {
                return Ok(again);
            }
            let (receipt, view) = store::reveal(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Draw
///
/// Once, from what is settled already: the same pools and seeds give the same result on any machine.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    request_body = Nothing,
    responses((status = 200, description = "The draw as it is now", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws/{id}/run")]
pub async fn run(allowed: Allowed<draw::Manage>, id: PathId, body: Body<Nothing>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = store::again(tx, rights, &seen) {
                return Ok(again);
            }
            body.get()?;
            let (receipt, view) = store::run(tx, rights, &seen)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Make the drawn inspections
///
/// One for each school drawn, with the team drawn for it, on the days and with the checklists settled when the pools were
/// frozen; once. Unannounced unless it is said otherwise: a school learns of its own at the check-in. The proof opens when
/// each has begun or is void.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    request_body = DrawnInspections,
    responses((status = 201, description = "The draw with its inspections", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws/{id}/inspections")]
pub async fn make(allowed: Allowed<draw::Manage>, id: PathId, body: Body<DrawnInspections>) -> Result<Reply, Problem> {
    allowed
        .write_alone(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = store::again(tx, rights, &seen) {
                return Ok(again);
            }
            let (receipt, view) = store::make(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::created(&format!("/draws/{}", view.summary.id), &view)?))
        })
        .await
}

/// Open the proof by statement
///
/// For draws whose visits are kept elsewhere: the caller states that every one has begun.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    request_body = Publication,
    responses((status = 200, description = "The draw as it is now", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws/{id}/publish")]
pub async fn publish(allowed: Allowed<draw::Manage>, id: PathId, body: Body<Publication>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = store::again(tx, rights, &seen) {
                return Ok(again);
            }
            let (receipt, view) = store::publish(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Give a draw up
///
/// It keeps its number, and another draw of the kind needs a reason.
#[utoipa::path(
    tag = "draws",
    params(("id" = Id, Path, description = "Of the draw")),
    request_body = VoidDraw,
    responses((status = 200, description = "The draw as it is now", body = DrawRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/draws/{id}/void")]
pub async fn void(allowed: Allowed<draw::Manage>, id: PathId, body: Body<VoidDraw>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = store::again(tx, rights, &seen) {
                return Ok(again);
            }
            let (receipt, view) = store::void(tx, rights, &seen, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}
