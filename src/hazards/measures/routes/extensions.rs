//! Requests for more time (延期).

use std::sync::Arc;

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NoFilter, repeated, sent, with_current};
use crate::access::{Allowed, actions::hazard};
use crate::hazards::body::MAX_TEXT;
use crate::hazards::measures::store::extension::{self, Extension as Stored, Request};
use crate::hazards::measures::words::ExtensionStatus;
use crate::hazards::store::{Row, read};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, List, PathId, PathIds, Record, Reply};

/// A request for more time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Extension {
    /// Of the request.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Of which hazard.
    pub hazard_id: Id,
    /// The how-manieth request of this hazard, from 1.
    pub serial: i32,
    /// Who asked.
    pub asked_by: Id,
    /// Why the deadline cannot be met.
    pub reason: String,
    /// What keeps people safe meanwhile.
    pub interim_controls: String,
    /// The new deadline asked for.
    pub due_at: Timestamp,
    /// The deadline in force when it was asked.
    pub due_before: Timestamp,
    /// Where the request stands.
    pub status: ExtensionStatus,
    /// When it ought to be decided. No answer is not approval.
    pub decide_by: Timestamp,
    /// Not decided by then; computed now.
    pub decision_overdue: bool,
    /// Who decided.
    #[schema(required)]
    pub decided_by: Option<Id>,
    /// When.
    #[schema(required)]
    pub decided_at: Option<Timestamp>,
    /// The opinion of who decided.
    #[schema(required)]
    pub opinion: Option<String>,
    /// The deadline of the hazard as it is in force now.
    #[schema(required)]
    pub hazard_due_at: Option<Timestamp>,
}

impl Record for Extension {
    fn version(&self) -> i64 {
        self.version
    }
}

fn shown(row: Stored, hazard: &Row, now: Timestamp) -> Extension {
    Extension {
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        hazard_id: row.hazard_id,
        serial: row.serial,
        asked_by: row.created_by,
        reason: row.reason,
        interim_controls: row.interim_controls,
        due_at: row.due_at,
        due_before: row.due_before,
        status: row.status,
        decide_by: row.decide_by,
        decision_overdue: row.status == ExtensionStatus::Pending && row.decide_by < now,
        decided_by: row.decided_by,
        decided_at: row.decided_at,
        opinion: row.opinion,
        hazard_due_at: hazard.due_at,
    }
}

/// Requests for more time
///
/// Of one hazard, newest first.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), PageQuery),
    responses((status = 200, description = "A page of requests", body = ListOf<Extension>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/extensions")]
pub async fn list(allowed: Allowed<hazard::Read>, id: PathId, list: List<NoFilter>) -> Result<Reply, Problem> {
    let now = allowed.rights().now;
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            extension::list(conn, row.id, &list)?.map(|one| shown(one, &row, now)).reply()
        })
        .await
}

/// More time to ask for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExtension {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// Why the deadline cannot be met.
    #[schema(example = "定制防火门尚未到货。", min_length = 1, max_length = 4000)]
    pub reason: String,
    /// What keeps people safe meanwhile.
    #[schema(example = "该区域封闭，专人值守。", min_length = 1, max_length = 4000)]
    pub interim_controls: String,
    /// The new deadline, later than the one in force.
    pub due_at: Timestamp,
}

/// Everything is checked by [`NewExtension::request`], which knows the deadline in force.
impl Check for NewExtension {}

impl NewExtension {
    fn request(&self, hazard: &Row) -> Result<Request, Problem> {
        let mut faults = Faults::default();
        faults.text("/reason", &self.reason, 1, MAX_TEXT);
        faults.text("/interim_controls", &self.interim_controls, 1, MAX_TEXT);
        if hazard.due_at.is_some_and(|due| self.due_at <= due) {
            faults.say("/due_at", "not_later", "须晚于现行期限", "must be later than the deadline in force");
        }
        faults.finish()?;
        Ok(Request {
            reason: self.reason.clone(),
            interim_controls: self.interim_controls.clone(),
            due_at: self.due_at,
        })
    }
}

/// Ask for more time
///
/// By the school, while the deadline runs and before it has passed; of a listed major at least fifteen working days
/// ahead. One request waits at a time; two may be granted of one hazard, refused ones do not count. Until somebody
/// agrees, the old deadline holds.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = NewExtension,
    responses(
        (status = 201, description = "Asked", body = Extension),
        (status = 200, description = "The same request was stored before", body = Extension)
    ),
    extensions(("x-permission" = json!("hazard.respond")))
)]
#[post("/hazards/{id}/extensions")]
pub async fn ask(allowed: Allowed<hazard::Respond>, id: PathId, body: Body<NewExtension>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            if let Some(before) = repeated::<Stored>(tx.conn, rights, row.id, input.id, &body.hash)? {
                return Ok(Commit::unchanged(Reply::record(&shown(before, &row, now))?));
            }
            let (request, sent) = (input.request(&row)?, sent(tx, input.id, &body.hash));
            let (hazard, made, receipt) = extension::ask(tx, rights, &row, sent, request)
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            let path = format!("/hazards/{}/extensions", row.id);
            Ok(receipt.with(Reply::created(&path, &shown(made, &hazard, now))?))
        })
        .await
}

/// A decision on more time.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionDecision {
    /// Whether it is agreed to.
    pub approve: bool,
    /// Why.
    #[schema(example = "情况属实，同意延期。", min_length = 1, max_length = 4000)]
    pub opinion: String,
}

impl Check for ExtensionDecision {
    fn check(&self, faults: &mut Faults) {
        faults.text("/opinion", &self.opinion, 1, MAX_TEXT);
    }
}

/// Decide a request for more time
///
/// A leader decides of a major; of a general hazard the bureau, the supervisor who issued it, or the principal of a
/// school that issued it; nobody one's own request. On approval the deadline moves and the original one stays. It may
/// still be decided after the deadline has passed, not after the hazard was reported done.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), ("eid" = Id, Path, description = "The request")),
    request_body = ExtensionDecision,
    responses((status = 200, description = "Decided", body = Extension)),
    extensions(("x-permission" = json!("hazard.extend | hazard.approve")))
)]
#[post("/hazards/{id}/extensions/{eid}/decision")]
pub async fn decide(
    allowed: Allowed<hazard::Extend>,
    ids: PathIds,
    body: Body<ExtensionDecision>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, ids.0)?;
            let asked = extension::of_hazard(tx.conn, row.id, ids.1)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            let (hazard, made, receipt) =
                extension::decide(tx, rights, &row, asked, input.approve, input.opinion.clone())
                    .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            Ok(receipt.with(Reply::record(&shown(made, &hazard, now))?))
        })
        .await
}
