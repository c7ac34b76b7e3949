//! Findings that wait for somebody's word.

use std::sync::Arc;

use actix_web::{get, post};

use crate::access::{Allowed, actions::report};
use crate::inspections::store::{self, DecidedView, Decisions};
use crate::openapi::ListOf;
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, Page, PathId, Reply};
use crate::reports::ReportView;

/// List the findings of an inspection that need somebody's word
///
/// What external inspectors suggest and a school's staff hints, decided or not: those the caller decides or made.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "All findings, oldest first", body = ListOf<ReportView>)),
    extensions(("x-permission" = json!("report.triage | hazard.report")))
)]
#[get("/inspections/{id}/findings")]
pub async fn list(allowed: Allowed<report::See>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::seen(conn, rights, id.0)?;
            Page::whole(store::findings_of(conn, rights, &seen)?).reply()
        })
        .await
}

/// Decide findings of an inspection
///
/// One by one, or all that are left at once: what is accepted becomes a hazard, what is rejected keeps its reason. The
/// bureau decides on external inspectors, the school on its own staff; nobody on what they found themselves.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = Decisions,
    responses((status = 200, description = "The findings decided, and the hazards they became", body = DecidedView)),
    extensions(("x-permission" = json!("report.triage")))
)]
#[post("/inspections/{id}/findings")]
pub async fn decide(allowed: Allowed<report::Triage>, id: PathId, body: Body<Decisions>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let decisions = body.get()?;
            store::in_sight(tx, rights, &seen, decisions)?;
            let mut decided = store::decide_findings(tx, rights, &seen, decisions)?;
            let receipt = decided.receipt.take();
            let reply = Reply::value(&store::decided_view(tx, rights, &seen, decided)?)?;
            Ok(match receipt {
                Some(receipt) => receipt.with(reply),
                None => Commit::unchanged(reply),
            })
        })
        .await
}
