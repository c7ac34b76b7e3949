//! Stops of use (停用).

use std::sync::Arc;

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NoFilter, Opinion, repeated, sent, with_current};
use crate::access::{Allowed, actions::hazard};
use crate::hazards::body::MAX_TEXT;
use crate::hazards::measures::store::suspension::{self, Request, Suspension as Stored};
use crate::hazards::store::{Row, read};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, List, PathId, Record, Reply};

/// A stop of use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Suspension {
    /// Of the stop of use.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Of which hazard.
    pub hazard_id: Id,
    /// What may not be used.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// From when on.
    pub since: Timestamp,
    /// Who ordered it.
    pub ordered_by: Id,
    /// When it was lifted.
    #[schema(required)]
    pub lifted_at: Option<Timestamp>,
    /// Which leader lifted it.
    #[schema(required)]
    pub lifted_by: Option<Id>,
    /// The opinion of who lifted it.
    #[schema(required)]
    pub opinion: Option<String>,
}

impl Record for Suspension {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<Stored> for Suspension {
    fn from(row: Stored) -> Self {
        Self {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            hazard_id: row.hazard_id,
            scope: row.scope,
            reason: row.reason,
            since: row.since,
            ordered_by: row.created_by,
            lifted_at: row.lifted_at,
            lifted_by: row.lifted_by,
            opinion: row.opinion,
        }
    }
}

/// Stops of use of a hazard
///
/// Newest first; at most one is in force.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), PageQuery),
    responses((status = 200, description = "A page of stops of use", body = ListOf<Suspension>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/suspensions")]
pub async fn list(allowed: Allowed<hazard::Read>, id: PathId, list: List<NoFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            suspension::list(conn, row.id, &list)?.map(Suspension::from).reply()
        })
        .await
}

/// A stop of use to order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuspension {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// What may not be used.
    #[schema(example = "实验楼三层化学实验室", min_length = 1, max_length = 4000)]
    pub scope: String,
    /// Why.
    #[schema(example = "通风系统失效，危化品柜锈蚀。", min_length = 1, max_length = 4000)]
    pub reason: String,
    /// From when on, where it was ordered by word of mouth before; now where absent.
    pub since: Option<Timestamp>,
}

/// Everything is checked by [`NewSuspension::request`], which knows the hour and the hazard.
impl Check for NewSuspension {}

impl NewSuspension {
    fn request(&self, hazard: &Row, now: Timestamp) -> Result<Request, Problem> {
        let mut faults = Faults::default();
        faults.text("/scope", &self.scope, 1, MAX_TEXT);
        faults.text("/reason", &self.reason, 1, MAX_TEXT);
        if self.since.is_some_and(|since| since > now) {
            faults.say("/since", "in_the_future", "不得晚于现在", "must not lie in the future");
        }
        if self.since.is_some_and(|since| since < hazard.found_at) {
            faults.say("/since", "before_found", "不得早于发现时间", "must not lie before the hazard was found");
        }
        faults.finish()?;
        Ok(Request { scope: self.scope.clone(), reason: self.reason.clone(), since: self.since })
    }
}

/// Stop the use of something
///
/// By the bureau, of an open hazard in whatever state; one at a time.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = NewSuspension,
    responses(
        (status = 201, description = "Stopped", body = Suspension),
        (status = 200, description = "The same stop of use was stored before", body = Suspension)
    ),
    extensions(("x-permission" = json!("hazard.refer")))
)]
#[post("/hazards/{id}/suspension")]
pub async fn suspend(allowed: Allowed<hazard::Refer>, id: PathId, body: Body<NewSuspension>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            if let Some(before) = repeated::<Stored>(tx.conn, rights, row.id, input.id, &body.hash)? {
                return Ok(Commit::unchanged(Reply::record(&Suspension::from(before))?));
            }
            let (request, sent) = (input.request(&row, now)?, sent(tx, input.id, &body.hash));
            let (_, made, receipt) = suspension::suspend(tx, rights, &row, sent, request)
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            let path = format!("/hazards/{}/suspensions", row.id);
            Ok(receipt.with(Reply::created(&path, &Suspension::from(made))?))
        })
        .await
}

/// Lift a stop of use
///
/// By a leader who did not put the hazard right; of a major not before it is closed.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = Opinion,
    responses((status = 200, description = "Lifted", body = Suspension)),
    extensions(("x-permission" = json!("hazard.approve")))
)]
#[post("/hazards/{id}/suspension/lift")]
pub async fn lift(allowed: Allowed<hazard::Approve>, id: PathId, body: Body<Opinion>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            let (_, made, receipt) = suspension::lift(tx, rights, &row, input.opinion.clone())
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            Ok(receipt.with(Reply::record(&Suspension::from(made))?))
        })
        .await
}
