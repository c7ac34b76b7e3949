//! HTTP of organisations.

use actix_web::{get, patch, post};
use std::sync::Arc;

use super::bodies::{NewOrg, OrgPatch, OrgView};
use super::store::{self, OrgFilter};
use crate::access::{Allowed, actions::org};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, IfMatch, List, PathId, Reply};

/// List organisations
///
/// Newest first; those the caller may see.
#[utoipa::path(
    tag = "organisations",
    params(OrgFilter, crate::openapi::PageQuery),
    responses((status = 200, description = "One page", body = crate::openapi::ListOf<OrgView>)),
    extensions(("x-permission" = json!("org.read")))
)]
#[get("/orgs")]
pub async fn list(allowed: Allowed<org::Read>, query: List<OrgFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let scope = rights.scope();
            let rows = store::list(conn, &scope, &query)?;
            let counted = store::counted(conn, &scope, &query)?;
            query.page(rows, |row| (row.created_at, row.id))?.map(OrgView::from).counted(counted).reply()
        })
        .await
}

/// Create an organisation
///
/// A cluster or an agency under a bureau, a school under a bureau or a cluster. Bureaus are made on the command line.
#[utoipa::path(
    tag = "organisations",
    request_body = NewOrg,
    responses((status = 201, description = "Made", body = OrgView),
        (status = 200, description = "Made before with the same id and body", body = OrgView)),
    extensions(("x-permission" = json!("org.manage")))
)]
#[post("/orgs")]
pub async fn create(allowed: Allowed<org::Manage>, body: Body<NewOrg>) -> Result<Reply, Problem> {
    let input = body.get()?.clone();
    let hash = Arc::clone(&body.hash);
    allowed.write(&body.hash, move |tx, rights| store::create(tx, rights, &input, &hash)).await
}

/// Read an organisation
#[utoipa::path(
    tag = "organisations",
    params(("id" = Id, Path, description = "Of the organisation")),
    responses((status = 200, description = "The organisation", body = OrgView)),
    extensions(("x-permission" = json!("org.read")))
)]
#[get("/orgs/{id}")]
pub async fn read(allowed: Allowed<org::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| Reply::record(&OrgView::from(store::visible(conn, &rights.scope(), id.0)?))).await
}

/// Change an organisation
///
/// A new `parent_id` moves a school from cluster to cluster; who sees it changes with the next request.
#[utoipa::path(
    tag = "organisations",
    params(("id" = Id, Path, description = "Of the organisation"),
        ("If-Match" = String, Header, description = "The version seen, as \"7\"")),
    request_body = OrgPatch,
    responses((status = 200, description = "The organisation as it is now", body = OrgView)),
    extensions(("x-permission" = json!("org.manage")))
)]
#[patch("/orgs/{id}")]
pub async fn change(
    allowed: Allowed<org::Manage>,
    id: PathId,
    if_match: IfMatch,
    body: Body<OrgPatch>,
) -> Result<Reply, Problem> {
    allowed.write_unkept(move |tx, rights| store::change(tx, rights, id.0, &if_match, || body.get().cloned())).await
}
