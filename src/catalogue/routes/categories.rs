//! The ten categories and the domains.

use actix_web::{get, patch, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Allowed, actions::catalogue};
use crate::catalogue::builtin;
use crate::catalogue::store::{self, CategoryChange, CategoryView};
use crate::openapi::ListOf;
use crate::platform::error::Problem;
use crate::platform::http::list::Query;
use crate::platform::http::{Body, IfMatch, Page, Reply};

/// No parameters.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// List the categories
///
/// The ten, in the order and with the names of the caller's bureau; hidden ones have `active: false`.
#[utoipa::path(
    tag = "catalogue",
    responses((status = 200, description = "The ten categories", body = ListOf<CategoryView>)),
    extensions(("x-permission" = json!("catalogue.read")))
)]
#[get("/categories")]
pub async fn list(allowed: Allowed<catalogue::Read>, _query: Query<Nothing>) -> Result<Reply, Problem> {
    allowed.read(|conn, rights| Page::whole(store::categories(conn, rights.scope().own_bureau())?).reply()).await
}

/// Read a category
#[utoipa::path(
    tag = "catalogue",
    params(("code" = String, Path, description = "Stable code, for example `fang`", example = "fang")),
    responses((status = 200, description = "The category", body = CategoryView)),
    extensions(("x-permission" = json!("catalogue.read")))
)]
#[get("/categories/{code}")]
pub async fn one(allowed: Allowed<catalogue::Read>, code: web::Path<String>) -> Result<Reply, Problem> {
    let code = code.into_inner();
    allowed
        .read(move |conn, rights| {
            let views = store::categories(conn, rights.scope().own_bureau())?;
            Reply::record(views.iter().find(|view| view.code == code).ok_or_else(Problem::not_found)?)
        })
        .await
}

/// Rename, reorder or hide a category
///
/// For the caller's bureau only. `null` brings the built-in value back.
#[utoipa::path(
    tag = "catalogue",
    params(("code" = String, Path, description = "Stable code", example = "fang"),
        ("If-Match" = Option<String>, Header, description = "The version seen", example = "\"1\"")),
    request_body = CategoryChange,
    responses((status = 200, description = "The category as it is now", body = CategoryView)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[patch("/categories/{code}")]
pub async fn change(
    allowed: Allowed<catalogue::Manage>,
    code: web::Path<String>,
    if_match: IfMatch,
    body: Body<CategoryChange>,
) -> Result<Reply, Problem> {
    let code = code.into_inner();
    allowed
        .write_unkept(move |tx, rights| {
            let (receipt, view) = store::change_category(tx, rights, &code, &if_match, || body.get().cloned())?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// A domain of hazards: the second axis beside the category.
#[derive(Debug, Serialize, ToSchema)]
pub struct Domain {
    /// Stable code.
    #[schema(example = "fire")]
    pub code: &'static str,
    /// Chinese name.
    #[schema(example = "消防")]
    pub name_zh: &'static str,
    /// English name.
    #[schema(example = "Fire")]
    pub name_en: &'static str,
    /// Place in the order.
    pub position: usize,
}

/// List the domains
#[utoipa::path(
    tag = "catalogue",
    responses((status = 200, description = "All domains, in order", body = ListOf<Domain>)),
    extensions(("x-permission" = json!("catalogue.read")))
)]
#[get("/domains")]
pub async fn domains(_allowed: Allowed<catalogue::Read>, _query: Query<Nothing>) -> Result<Reply, Problem> {
    let known = builtin::catalogue().domains.iter().enumerate();
    let domains = known.map(|(place, domain)| Domain {
        code: &domain.code,
        name_zh: &domain.name_zh,
        name_en: &domain.name_en,
        position: place + 1,
    });
    Page::whole(domains.collect()).reply()
}
