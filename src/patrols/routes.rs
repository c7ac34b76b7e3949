//! HTTP of patrol points.

use std::sync::Arc;

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::{HttpResponse, get, post};

use super::labels::{points, sheet};
use super::scans::{self, NewScan, Round, Scan};
use crate::access::{Allowed, actions::inspection, actions::org};
use crate::inspections::store::{seen, seen_to_change};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, PathId, Reply};

/// Every route of this folder.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(labels).service(round).service(scan);
}

/// Print the labels of a school's points
///
/// One label with a QR code for each place of kind `point` that has a code, on A4.
#[utoipa::path(
    tag = "organisations",
    params(("id" = Id, Path, description = "Of the school")),
    responses((status = 200, description = "A page to print", body = String, content_type = "text/html")),
    extensions(("x-permission" = json!("site.manage")))
)]
#[get("/orgs/{id}/labels")]
pub async fn labels(allowed: Allowed<org::Site>, id: PathId) -> Result<HttpResponse, Problem> {
    let page = allowed
        .read(move |conn, rights| {
            let school = rights.scope().org(conn, id.0)?;
            let points = points(conn, school.id)?;
            sheet(&school, &points)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ))
        .body(page))
}

/// Read how far a round has come
///
/// The points of the school with their scans, and whether one is missing.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "The round", body = Round)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/scans")]
pub async fn round(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = seen(conn, rights, id.0)?;
            Reply::value(&scans::round(conn, &seen)?)
        })
        .await
}

/// Scan the label of a point
///
/// Only the team, while the inspection is in progress. A point may be reached more than once.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = NewScan,
    responses((status = 201, description = "Put down", body = Scan),
        (status = 200, description = "Put down before with the same id and body", body = Scan)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[post("/inspections/{id}/scans")]
pub async fn scan(allowed: Allowed<inspection::Perform>, id: PathId, body: Body<NewScan>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let seen = seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            scans::scan(tx, rights, &seen, body.get()?, &hash)
        })
        .await
}
