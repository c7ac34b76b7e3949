//! Progress reports of majors.

use std::sync::Arc;

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NoFilter, repeated, sent, with_current};
use crate::access::{Allowed, actions::hazard};
use crate::hazards::body::{MAX_EVIDENCE, MAX_TEXT};
use crate::hazards::measures::store::progress::{self, Progress as Stored, Request};
use crate::hazards::store::read;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, List, PathId, Record, Reply};

/// A progress report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProgressReport {
    /// Of the report.
    pub id: Id,
    /// Always 1: reports do not change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// The same.
    pub updated_at: Timestamp,
    /// Of which hazard.
    pub hazard_id: Id,
    /// Under which supervised listing, where there was one.
    #[schema(required)]
    pub listing_id: Option<Id>,
    /// Who reported.
    pub reported_by: Id,
    /// What was done so far.
    pub progress: String,
    /// How far it has come, 0 to 100.
    pub percent: i32,
    /// What stands in the way.
    #[schema(required)]
    pub difficulties: Option<String>,
    /// Claims of evidence.
    pub evidence_ids: Vec<Id>,
}

impl Record for ProgressReport {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<Stored> for ProgressReport {
    fn from(row: Stored) -> Self {
        Self {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            hazard_id: row.hazard_id,
            listing_id: row.listing_id,
            reported_by: row.created_by,
            progress: row.progress,
            percent: row.percent,
            difficulties: row.difficulties,
            evidence_ids: row.evidence_ids.read(),
        }
    }
}

/// Progress reports of a hazard
///
/// Newest first. When the next one is due says the hazard itself.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), PageQuery),
    responses((status = 200, description = "A page of reports", body = ListOf<ProgressReport>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/progress-reports")]
pub async fn list(allowed: Allowed<hazard::Read>, id: PathId, list: List<NoFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            progress::list(conn, row.id, &list)?.map(ProgressReport::from).reply()
        })
        .await
}

/// Progress to report.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProgressReport {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// What was done so far.
    #[schema(example = "施工单位已进场，完成三分之一。", min_length = 1, max_length = 4000)]
    pub progress: String,
    /// How far it has come.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: i32,
    /// What stands in the way.
    #[schema(min_length = 1, max_length = 4000)]
    pub difficulties: Option<String>,
    /// Claims of evidence.
    #[schema(max_items = 100)]
    pub evidence_ids: Option<Vec<Id>>,
}

impl Check for NewProgressReport {
    fn check(&self, faults: &mut Faults) {
        faults.text("/progress", &self.progress, 1, MAX_TEXT);
        faults.range("/percent", &self.percent, &0, &100);
        faults.optional_text("/difficulties", self.difficulties.as_deref(), MAX_TEXT);
        faults.at_most("/evidence_ids", self.evidence_ids.as_ref().map_or(0, Vec::len), MAX_EVIDENCE);
    }
}

/// Report progress of a major
///
/// By the school, at least once within each local quarter while the deadline runs, from the listing or the plan on,
/// whichever came first. A report counts for the quarter in which it is made.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = NewProgressReport,
    responses(
        (status = 201, description = "Reported", body = ProgressReport),
        (status = 200, description = "The same report was stored before", body = ProgressReport)
    ),
    extensions(("x-permission" = json!("hazard.rectify | hazard.respond")))
)]
#[post("/hazards/{id}/progress-reports")]
pub async fn report(
    allowed: Allowed<hazard::Progress>,
    id: PathId,
    body: Body<NewProgressReport>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            if let Some(before) = repeated::<Stored>(tx.conn, rights, row.id, input.id, &body.hash)? {
                return Ok(Commit::unchanged(Reply::record(&ProgressReport::from(before))?));
            }
            let request = Request {
                progress: input.progress.clone(),
                percent: input.percent,
                difficulties: input.difficulties.clone(),
                evidence_ids: input.evidence_ids.clone().unwrap_or_default(),
            };
            let sent = sent(tx, input.id, &body.hash);
            let (_, made, receipt) = progress::report(tx, rights, &row, sent, request)
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            let path = format!("/hazards/{}/progress-reports", row.id);
            Ok(receipt.with(Reply::created(&path, &ProgressReport::from(made))?))
        })
        .await
}
