//! Declaring evidence, handing in its content, and what is missing.

use std::sync::Arc;

use actix_web::web::Payload;
use actix_web::{HttpMessage, HttpRequest, get, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::access::Allowed;
use crate::access::actions::{evidence, hazard, inspection};
use crate::evidence::acts;
use crate::evidence::body::Declaration;
use crate::evidence::content as way_in;
use crate::evidence::store::{self, ClaimView, EvidenceView};
use crate::hazards;
use crate::inspections;
use crate::openapi::ListOf;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::body::Settled;
use crate::platform::http::list::Query;
use crate::platform::http::{Body, Page, PathId, Reply};
use crate::platform::uploads::arrivals;

/// Declare evidence
///
/// Says what will come, and for what; the content follows. Its id is the one that answers and transitions claim, before
/// or after. For an item of an inspection: its team, while it is in progress, and later what its answers claim. For a
/// hazard: who found it and who acts on it.
#[utoipa::path(
    tag = "evidence",
    request_body = Declaration,
    responses(
        (status = 201, description = "Declared", body = EvidenceView),
        (status = 200, description = "The same was declared before", body = EvidenceView)
    ),
    extensions(("x-permission" = json!(
        "inspection.perform | hazard.report | hazard.respond | hazard.rectify | hazard.recheck"
    )))
)]
#[post("/evidence")]
pub async fn declare(allowed: Allowed<evidence::Send>, body: Body<Declaration>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed.write(&hash, move |tx, rights| acts::declare(tx, rights, &body)).await
}

/// Which claims.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only what is claimed or demanded and has not been received.
    pub missing: Option<bool>,
}

/// Evidence of an inspection
///
/// Each claim of its answers with how far it has come, each demanded photo that nobody claims, and what was declared and
/// is not claimed. Whole, in the order of the items.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "Of the inspection"), Which),
    responses((status = 200, description = "All of it", body = ListOf<ClaimView>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/evidence")]
pub async fn of_inspection(
    allowed: Allowed<inspection::Read>,
    id: PathId,
    which: Query<Which>,
) -> Result<Reply, Problem> {
    let missing = which.0.missing.unwrap_or(false);
    allowed
        .read(move |conn, rights| {
            let visit = inspections::store::seen(conn, rights, id.0)?;
            Page::whole(store::of_inspection(conn, rights, &visit, missing)?).reply()
        })
        .await
}

/// Evidence of a hazard
///
/// What was found, then round by round: each claim with how far it has come, and what was declared and is not claimed.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "The hazard"), Which),
    responses((status = 200, description = "All of it", body = ListOf<ClaimView>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/evidence")]
pub async fn of_hazard(allowed: Allowed<hazard::Read>, id: PathId, which: Query<Which>) -> Result<Reply, Problem> {
    let missing = which.0.missing.unwrap_or(false);
    allowed
        .read(move |conn, rights| {
            let row = hazards::store::read::one(conn, rights, id.0)?;
            Page::whole(store::of_hazard(conn, rights, &row, missing)?).reply()
        })
        .await
}

/// Read what is known of a piece of evidence
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "Of the evidence")),
    responses((status = 200, description = "The evidence", body = EvidenceView)),
    extensions(("x-permission" = json!("inspection.read | hazard.read")))
)]
#[get("/evidence/{id}")]
pub async fn one(allowed: Allowed<evidence::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = store::seen(conn, rights, id.0)?;
            Reply::record(&store::view(conn, rights, row)?)
        })
        .await
}

/// A form with one file.
#[derive(Debug, ToSchema)]
#[schema(as = EvidenceForm)]
pub struct Form {
    /// The file; its name and media type are not asked.
    #[schema(value_type = String, format = Binary)]
    #[expect(dead_code, reason = "a shape for the document; the form is read as it comes")]
    file: Vec<u8>,
}

/// Hand in the content
///
/// As a form with one file, for what can do nothing else; `/uploads` resumes where it broke. Hash and length must be those
/// declared. What the file is, is told by its content. The same again is no error; what was received never changes.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "Of the evidence")),
    request_body(content = Form, content_type = "multipart/form-data"),
    responses((status = 200, description = "Received", body = EvidenceView)),
    extensions(("x-permission" = json!(
        "inspection.perform | hazard.report | hazard.respond | hazard.rectify | hazard.recheck"
    )))
)]
#[post("/evidence/{id}/content")]
pub async fn content(
    allowed: Allowed<evidence::Send>,
    id: PathId,
    request: HttpRequest,
    payload: Payload,
) -> Result<Reply, Problem> {
    // Nothing is read for somebody who may not send it.
    let a_day = allowed.app().studio.limits.a_day;
    let may = allowed.read(move |conn, rights| {
        let awaited = store::awaited(conn, rights, id.0)?;
        // The same again takes no room.
        if !awaited.received {
            arrivals::room(conn, rights.user_id(), rights.now, awaited.bytes, a_day)?;
        }
        Ok(awaited)
    });
    let awaited = match may.await {
        Ok(awaited) => awaited,
        Err(problem) => {
            // The connection closes whether the body was there already or not: a difference would be a matter of time.
            request.extensions_mut().remove::<Settled>();
            return Err(problem);
        }
    };
    let app = allowed.app();
    let most = app.studio.limits.of(awaited.media_type);
    let staged = way_in::form(&request, payload, &app.files, most).await?;
    Reply::record(&way_in::received(&allowed, id.0, staged).await?)
}
