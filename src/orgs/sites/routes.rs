//! HTTP of places in a school.

use std::sync::Arc;

use actix_web::{get, patch, post};

use super::store::{self, NewSite, SiteFilter, SitePatch, SiteView};
use crate::access::{Allowed, actions::org};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, IfMatch, List, PathId, Reply};

/// List the places of a school
#[utoipa::path(
    tag = "organisations",
    params(("id" = Id, Path, description = "Of the school"), SiteFilter, crate::openapi::PageQuery),
    responses((status = 200, description = "One page, newest first", body = crate::openapi::ListOf<SiteView>)),
    extensions(("x-permission" = json!("org.read")))
)]
#[get("/orgs/{id}/sites")]
pub async fn list(allowed: Allowed<org::Read>, id: PathId, query: List<SiteFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, &rights.scope(), id.0, &query)?.reply()).await
}

/// Create a place in a school
#[utoipa::path(
    tag = "organisations",
    params(("id" = Id, Path, description = "Of the school")),
    request_body = NewSite,
    responses((status = 201, description = "Made", body = SiteView),
        (status = 200, description = "Made before with the same id and body", body = SiteView)),
    extensions(("x-permission" = json!("site.manage")))
)]
#[post("/orgs/{id}/sites")]
pub async fn create(allowed: Allowed<org::Site>, id: PathId, body: Body<NewSite>) -> Result<Reply, Problem> {
    let (key, hash) = (Arc::clone(&body.hash), Arc::clone(&body.hash));
    allowed.write(&key, move |tx, rights| store::create(tx, rights, id.0, &hash, || body.get().cloned())).await
}

/// Read a place
#[utoipa::path(
    tag = "organisations",
    params(("id" = Id, Path, description = "Of the place")),
    responses((status = 200, description = "The place", body = SiteView)),
    extensions(("x-permission" = json!("org.read")))
)]
#[get("/sites/{id}")]
pub async fn read(allowed: Allowed<org::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| Reply::record(&SiteView::from(store::read(conn, &rights.scope(), id.0)?))).await
}

/// Change a place
#[utoipa::path(
    tag = "organisations",
    params(("id" = Id, Path, description = "Of the place"),
        ("If-Match" = String, Header, description = "The version seen, as \"7\"")),
    request_body = SitePatch,
    responses((status = 200, description = "The place as it is now", body = SiteView)),
    extensions(("x-permission" = json!("site.manage")))
)]
#[patch("/sites/{id}")]
pub async fn change(
    allowed: Allowed<org::Site>,
    id: PathId,
    if_match: IfMatch,
    body: Body<SitePatch>,
) -> Result<Reply, Problem> {
    allowed.write_unkept(move |tx, rights| store::change(tx, rights, id.0, &if_match, || body.get().cloned())).await
}
