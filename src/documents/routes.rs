//! HTTP of documents.

use std::sync::Arc;

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::{HttpResponse, get, post, put};
use utoipa_actix_web::service_config::ServiceConfig;

use super::bodies::{DocumentCodeToPut, DocumentFilter, NewDocument, VoidDocument};
use super::print;
use super::store::{self, DocumentCode, DocumentSummary, DocumentView};
use crate::access::{Allowed, Permission, actions::document, actions::policy};
use crate::hazards::store::read;
use crate::inspections;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, List, PathId, Reply};

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(one)
        .service(printed)
        .service(void)
        .service(of_inspection)
        .service(of_hazard)
        .service(code)
        .service(put_code);
}

/// List documents
///
/// A school sees its own; an inspector those of the own teams. Whose membership is narrowed to domains sees those that
/// tell of nothing else.
#[utoipa::path(
    tag = "documents",
    params(DocumentFilter, PageQuery),
    responses((status = 200, description = "A page of documents, newest first", body = ListOf<DocumentSummary>)),
    extensions(("x-permission" = json!("document.read")))
)]
#[get("/documents")]
pub async fn list(allowed: Allowed<document::Read>, list: List<DocumentFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, rights, &list)?.reply()).await
}

/// Read a document
///
/// As it was issued, whatever has become of the hazards since.
#[utoipa::path(
    tag = "documents",
    params(("id" = Id, Path, description = "Of the document")),
    responses((status = 200, description = "The document", body = DocumentView)),
    extensions(("x-permission" = json!("document.read")))
)]
#[get("/documents/{id}")]
pub async fn one(allowed: Allowed<document::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = store::one(conn, rights, id.0)?;
            Reply::record(&store::view(conn, row)?)
        })
        .await
}

/// Print a document
///
/// One page of HTML for A4, without scripts and without the internet. A void one says so across the page.
#[utoipa::path(
    tag = "documents",
    params(("id" = Id, Path, description = "Of the document")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
    extensions(("x-permission" = json!("document.read")))
)]
#[get("/documents/{id}/print")]
pub async fn printed(allowed: Allowed<document::Read>, id: PathId) -> Result<HttpResponse, Problem> {
    let view = allowed
        .read(move |conn, rights| {
            let row = store::one(conn, rights, id.0)?;
            let zone = read::zone_of(conn, row.bureau_id)?;
            Ok((store::view(conn, row)?, zone))
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, print::policy()))
        .body(print::page(&view.0, view.1)))
}

/// Issue a document about an inspection
///
/// The record by the lead of the team, once the inspection is handed in. A notice orders its hazards that are in hand at
/// the school by the bureau's word; an opinion tells how their recheck ended. What it says and its number never change.
#[utoipa::path(
    tag = "documents",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = NewDocument,
    responses((status = 201, description = "The document", body = DocumentView),
        (status = 200, description = "The document issued before with the same id and body", body = DocumentView)),
    extensions(("x-permission" = json!("document.issue")))
)]
#[post("/inspections/{id}/documents")]
pub async fn of_inspection(
    allowed: Allowed<document::Issue>,
    id: PathId,
    body: Body<NewDocument>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let seen = inspections::store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let new = body.get()?;
            let about = (Some(seen.row.id), None);
            if let Some(view) = store::stored(tx.conn, new.id, rights, &hash, about)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            let (receipt, view) = store::of_inspection(tx, rights, &seen, new, &hash)?;
            Ok(receipt.with(Reply::created(&format!("/documents/{}", view.summary.id), &view)?))
        })
        .await
}

/// Issue a document about a hazard
///
/// A notice, or an opinion of recheck.
#[utoipa::path(
    tag = "documents",
    params(("id" = Id, Path, description = "Of the hazard")),
    request_body = NewDocument,
    responses((status = 201, description = "The document", body = DocumentView),
        (status = 200, description = "The document issued before with the same id and body", body = DocumentView)),
    extensions(("x-permission" = json!("document.issue")))
)]
#[post("/hazards/{id}/documents")]
pub async fn of_hazard(
    allowed: Allowed<document::Issue>,
    id: PathId,
    body: Body<NewDocument>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let new = body.get()?;
            if let Some(view) = store::stored(tx.conn, new.id, rights, &hash, (None, Some(row.id)))? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            let (receipt, view) = store::of_hazard(tx, rights, &row, new, &hash)?;
            Ok(receipt.with(Reply::created(&format!("/documents/{}", view.summary.id), &view)?))
        })
        .await
}

/// Declare a document void
///
/// By who issued it, or by the bureau. It keeps its number and what it says, and is shown as void with the reason.
#[utoipa::path(
    tag = "documents",
    params(("id" = Id, Path, description = "Of the document")),
    request_body = VoidDocument,
    responses((status = 200, description = "The void document", body = DocumentView)),
    extensions(("x-permission" = json!("document.void")))
)]
#[post("/documents/{id}/void")]
pub async fn void(allowed: Allowed<document::Void>, id: PathId, body: Body<VoidDocument>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let row = store::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = store::void(tx, rights, &row, body.get()?.reason.trim())?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// With what the bureau's document numbers begin
#[utoipa::path(
    tag = "documents",
    responses((status = 200, description = "The code", body = DocumentCode)),
    extensions(("x-permission" = json!("policy.read")))
)]
#[get("/document-code")]
pub async fn code(allowed: Allowed<policy::Read>) -> Result<Reply, Problem> {
    allowed
        .read(|conn, rights| {
            let bureau_id = rights.scope().own_bureau().ok_or_else(Problem::not_found)?;
            Reply::record(&store::code(conn, bureau_id)?)
        })
        .await
}

/// Choose with what the bureau's document numbers begin
///
/// Of documents and of supervised listings, from the next one on. Numbers given before keep theirs; the series go on.
#[utoipa::path(
    tag = "documents",
    request_body = DocumentCodeToPut,
    responses((status = 200, description = "The code", body = DocumentCode)),
    extensions(("x-permission" = json!("policy.manage")))
)]
#[put("/document-code")]
pub async fn put_code(allowed: Allowed<policy::Manage>, body: Body<DocumentCodeToPut>) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let bureau = rights.of(Permission::PolicyManage).own_bureau();
            let bureau_id = bureau.ok_or_else(|| Problem::new(Code::Forbidden))?;
            let (after, receipt) = store::put_code(tx, bureau_id, &body.get()?.code)?;
            Ok(receipt.with(Reply::record(&after)?))
        })
        .await
}
