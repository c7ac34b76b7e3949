//! HTTP of recusals.

use std::sync::Arc;

use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::bodies::{EndRecusal, NewOverride, NewRecusal, Nothing, RecusalFilter};
use super::store::{self, RecusalView};
use crate::access::{Allowed, Limit, Permission, actions::recusal};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, List, PathId, PathIds, Reply};

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(end).service(ask).service(approve);
}

/// List recusals
///
/// Officers of the bureau see all of theirs, others their own. Nobody of a school sees any.
#[utoipa::path(
    tag = "recusals",
    params(RecusalFilter, PageQuery),
    responses((status = 200, description = "A page of recusals, newest first", body = ListOf<RecusalView>)),
    extensions(("x-permission" = json!("recusal.read")))
)]
#[get("/recusals")]
pub async fn list(allowed: Allowed<recusal::Read>, list: List<RecusalFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, rights, &list)?.reply()).await
}

/// Enter a recusal
///
/// The safety office for anybody, others for themselves. From now on no team for that school takes the person.
#[utoipa::path(
    tag = "recusals",
    request_body = NewRecusal,
    responses((status = 201, description = "The recusal", body = RecusalView),
        (status = 200, description = "The recusal entered before with the same id and body", body = RecusalView)),
    extensions(("x-permission" = json!("recusal.manage")))
)]
#[post("/recusals")]
pub async fn create(allowed: Allowed<recusal::Manage>, body: Body<NewRecusal>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let new = body.get()?;
            let org = rights.scope().org(tx.conn, new.org_id)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            if let Some(view) = store::stored(tx.conn, new.id, rights, &hash)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            let (receipt, view) = store::create(tx, rights, &org, new, &hash)?;
            Ok(receipt.with(Reply::created(&format!("/recusals/{}", view.id), &view)?))
        })
        .await
}

/// End a recusal
///
/// By the safety office, never by the person concerned.
#[utoipa::path(
    tag = "recusals",
    params(("id" = Id, Path, description = "Of the recusal")),
    request_body = EndRecusal,
    responses((status = 200, description = "The recusal as it is now", body = RecusalView)),
    extensions(("x-permission" = json!("recusal.manage")))
)]
#[post("/recusals/{id}/end")]
pub async fn end(allowed: Allowed<recusal::Manage>, id: PathId, body: Body<EndRecusal>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let row = store::one_to_change(tx.conn, rights, id.0)?;
            let scope = rights.of(Permission::RecusalManage);
            let full = |reach: &crate::access::Reach| reach.limit == Limit::Full && reach.bureau_id == row.bureau_id;
            if !scope.reaches.iter().any(full) {
                return Err(Problem::new(Code::Forbidden));
            }
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = store::end(tx, rights, &row, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Ask for an exception
///
/// For one planned inspection, through a day, or for the next inspection. It counts once somebody else approves it.
#[utoipa::path(
    tag = "recusals",
    params(("id" = Id, Path, description = "Of the recusal")),
    request_body = NewOverride,
    responses((status = 201, description = "The recusal with the exception", body = RecusalView),
        (status = 200, description = "The same was asked before", body = RecusalView)),
    extensions(("x-permission" = json!("recusal.override")))
)]
#[post("/recusals/{id}/override")]
pub async fn ask(allowed: Allowed<recusal::Override>, id: PathId, body: Body<NewOverride>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let row = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let new = body.get()?;
            if let Some(view) = store::stored_override(tx.conn, &row, new.id, rights, &hash)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            let (receipt, view) = store::ask(tx, rights, &row, new, &hash)?;
            Ok(receipt.with(Reply::created(&format!("/recusals/{}", view.id), &view)?))
        })
        .await
}

/// Approve an exception
///
/// By a leader or the safety office: neither who asked nor the person concerned.
#[utoipa::path(
    tag = "recusals",
    params(("id" = Id, Path, description = "Of the recusal"),
        ("override_id" = Id, Path, description = "Of the exception")),
    request_body = Nothing,
    responses((status = 200, description = "The recusal as it is now", body = RecusalView)),
    extensions(("x-permission" = json!("recusal.override")))
)]
#[post("/recusals/{id}/override/{override_id}/approve")]
pub async fn approve(allowed: Allowed<recusal::Override>, ids: PathIds, body: Body<Nothing>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let row = store::one_to_change(tx.conn, rights, ids.0)?;
            store::override_of(tx.conn, &row, ids.1)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            body.get()?;
            let (receipt, view) = store::approve(tx, rights, &row, ids.1)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}
