//! Amendments, and the versions of a record.

use std::sync::Arc;

use actix_web::{get, post, web};
use serde_json::json;

use crate::access::{Allowed, actions::inspection};
use crate::inspections::store::{self, Amended, AmendmentView, NewAmendment, VersionView};
use crate::openapi::ListOf;
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, IfMatch, Page, PathId, Reply};

/// List the amendments of an inspection
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "All amendments, oldest first", body = ListOf<AmendmentView>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/amendments")]
pub async fn list(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::seen(conn, rights, id.0)?;
            Page::whole(store::amendments(conn, rights, &seen)?).reply()
        })
        .await
}

/// Amend an inspection
///
/// What was handed in is put right as a new version, with its reason; the old one stays readable. Only the team. New
/// findings become hazards; one that is taken back makes its hazard void where nobody has issued it, else the hazard
/// stays and is marked. The school acknowledges the new version anew, and the bureau confirms it anew.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection"),
        ("If-Match" = Option<String>, Header, description = "The version of the inspection seen", example = "\"4\"")),
    request_body = NewAmendment,
    responses((status = 201, description = "The amendment, and what came of it", body = Amended),
        (status = 200, description = "The amendment made before with the same id and body", body = AmendmentView)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[post("/inspections/{id}/amendments")]
pub async fn create(
    allowed: Allowed<inspection::Perform>,
    id: PathId,
    if_match: IfMatch,
    body: Body<NewAmendment>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            // A repeat is answered before the version is asked for: it made the version that stands.
            let named = body.get().ok().and_then(|new| new.id);
            if let Ok(Some(view)) = store::amended_before(tx.conn, rights, &seen, named, &hash) {
                return Ok(Commit::unchanged(Reply::value(&view)?));
            }
            let current = store::view(tx.conn, seen.row.id)?;
            if_match.check(seen.row.version, || json!(current))?;
            let new = body.get()?;
            store::amended_before(tx.conn, rights, &seen, new.id, &hash)?;
            let (receipt, amended) = store::amend(tx, rights, &seen, new, &hash)?;
            Ok(receipt.with(Reply::made(&amended)?))
        })
        .await
}

/// Read a version of an inspection
///
/// Whole, as it stood: answers, conclusion, what became of it at the school and at the bureau.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection"),
        ("number" = i32, Path, description = "From 1, the record as it was handed in", example = 1)),
    responses((status = 200, description = "The version", body = VersionView)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/versions/{number}")]
pub async fn version(allowed: Allowed<inspection::Read>, path: web::Path<(String, String)>) -> Result<Reply, Problem> {
    let (id, number) = path.into_inner();
    let id: Id = id.parse().map_err(|error| Problem::not_found().cause(error))?;
    let number: i32 = number.parse().map_err(|error| Problem::not_found().cause(error))?;
    allowed
        .read(move |conn, rights| {
            let seen = store::seen(conn, rights, id)?;
            Reply::value(&store::version(conn, rights, &seen, number)?)
        })
        .await
}
