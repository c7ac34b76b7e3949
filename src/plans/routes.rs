//! HTTP of plans.

use std::sync::Arc;

use actix_web::{get, patch, post};
use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::bodies::{NewPlan, PlanEdit, PlanReason};
use super::store::{self, Matrix, OccurrenceRow, PlanFilter, PlanRow, PlanView};
use crate::access::{Allowed, Rights, actions::inspection};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::Query;
use crate::platform::http::{Body, FieldError, IfMatch, List, Page, PathId, Reply};

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(create)
        .service(one)
        .service(edit)
        .service(activate)
        .service(pause)
        .service(resume)
        .service(end)
        .service(matrix)
        .service(occurrences);
}

/// List plans
///
/// The bureau's officers see those of their schools, a school its own.
#[utoipa::path(
    tag = "plans",
    params(PlanFilter, PageQuery),
    responses((status = 200, description = "A page of plans, newest first", body = ListOf<PlanView>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/plans")]
pub async fn list(allowed: Allowed<inspection::Read>, list: List<PlanFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, rights, &list)?.reply()).await
}

/// Draw up a plan
///
/// Nothing comes of it before it is activated. The bureau plans for its schools, a school its own patrols and
/// self-checks. At most 500 schools.
#[utoipa::path(
    tag = "plans",
    request_body = NewPlan,
    responses((status = 201, description = "The plan", body = PlanView),
        (status = 200, description = "The plan made before with the same id and body", body = PlanView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[post("/plans")]
pub async fn create(allowed: Allowed<inspection::Plan>, body: Body<NewPlan>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let new = body.get()?;
            if let Some(again) = tx.replay() {
                store::still_seen(tx.conn, rights, &hash)?;
                return Ok(again);
            }
            if let Some(view) = store::stored(tx.conn, rights, new.id, &hash)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            let (receipt, view) = store::create(tx, rights, new, &hash)?;
            Ok(receipt.with(Reply::created(&format!("/plans/{}", view.id), &view)?))
        })
        .await
}

/// Read a plan
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan")),
    responses((status = 200, description = "The plan", body = PlanView)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/plans/{id}")]
pub async fn one(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = store::seen(conn, rights, id.0)?;
            Reply::record(&store::view(conn, rights, row)?)
        })
        .await
}

/// Change a plan
///
/// All of a draft. Of a recurring plan in force its title, its last day, who goes, and how often from tomorrow on: what
/// lies behind does not change.
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan"),
        ("If-Match" = Option<String>, Header, description = "The version seen", example = "\"1\"")),
    request_body = PlanEdit,
    responses((status = 200, description = "The plan as it is now", body = PlanView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[patch("/plans/{id}")]
pub async fn edit(
    allowed: Allowed<inspection::Plan>,
    id: PathId,
    if_match: IfMatch,
    body: Body<PlanEdit>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let row = store::seen_to_change(tx.conn, rights, id.0)?;
            let current = store::view(tx.conn, rights, row.clone())?;
            if_match.check(row.version, || json!(current))?;
            let (receipt, view) = store::edit(tx, rights, &row, body.get()?)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Activate a plan
///
/// One that happens once makes the inspections of all its schools in this one commit, or none of them; a recurring one
/// makes them when their day has come.
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan")),
    responses((status = 200, description = "The plan in force", body = PlanView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[post("/plans/{id}/activate")]
pub async fn activate(allowed: Allowed<inspection::Plan>, id: PathId) -> Result<Reply, Problem> {
    let nothing: Arc<[u8]> = Arc::from([]);
    allowed
        .write_alone(&nothing, move |tx, rights| {
            let row = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = store::activate(tx, rights, &row)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

type Move = fn(&mut Tx<'_>, &Rights, &PlanRow, &str) -> Result<(Receipt, PlanView), Problem>;

/// Moves a plan, for a reason.
async fn moved(
    allowed: Allowed<inspection::Plan>,
    id: PathId,
    body: Body<PlanReason>,
    how: Move,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = store::seen_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, view) = how(tx, rights, &row, &body.get()?.reason)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}

/// Pause a plan
///
/// Occurrences whose day begins before it is resumed are skipped.
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan")),
    request_body = PlanReason,
    responses((status = 200, description = "The plan, paused", body = PlanView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[post("/plans/{id}/pause")]
pub async fn pause(allowed: Allowed<inspection::Plan>, id: PathId, body: Body<PlanReason>) -> Result<Reply, Problem> {
    moved(allowed, id, body, store::pause).await
}

/// Resume a plan
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan")),
    request_body = PlanReason,
    responses((status = 200, description = "The plan, in force again", body = PlanView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[post("/plans/{id}/resume")]
pub async fn resume(allowed: Allowed<inspection::Plan>, id: PathId, body: Body<PlanReason>) -> Result<Reply, Problem> {
    moved(allowed, id, body, store::resume).await
}

/// End a plan
///
/// For good. Inspections that are there stay.
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan")),
    request_body = PlanReason,
    responses((status = 200, description = "The plan, ended", body = PlanView)),
    extensions(("x-permission" = json!("inspection.plan")))
)]
#[post("/plans/{id}/end")]
pub async fn end(allowed: Allowed<inspection::Plan>, id: PathId, body: Body<PlanReason>) -> Result<Reply, Problem> {
    moved(allowed, id, body, store::end).await
}

/// Read the completion matrix of a plan
///
/// Each school in the reader's sight: done, late, in progress, pending or missing, with its inspection. Of a recurring
/// plan, its latest occurrence.
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan")),
    responses((status = 200, description = "The matrix", body = Matrix)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/plans/{id}/matrix")]
pub async fn matrix(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = store::seen(conn, rights, id.0)?;
            Reply::value(&store::matrix(conn, rights, &row)?)
        })
        .await
}

/// Which occurrences.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OccurrenceFilter {
    /// Of this day or later, in the zone of whoever keeps the plan.
    pub from: NaiveDate,
    /// Of this day or earlier; at most 366 days after the first.
    pub to: NaiveDate,
    /// Of this school.
    pub org_id: Option<Id>,
}

/// List the occurrences of a plan
///
/// Computed from schedule, pauses and time when asked, those to come as well: what no timer has made is missed all the
/// same.
#[utoipa::path(
    tag = "plans",
    params(("id" = Id, Path, description = "Of the plan"), OccurrenceFilter),
    responses((status = 200, description = "All of them, oldest first", body = ListOf<OccurrenceRow>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/plans/{id}/occurrences")]
pub async fn occurrences(
    allowed: Allowed<inspection::Read>,
    id: PathId,
    query: Query<OccurrenceFilter>,
) -> Result<Reply, Problem> {
    let OccurrenceFilter { from, to, org_id } = query.0;
    let bad = |name: &str, zh: &str, en: &str| {
        Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(name, "out_of_range", zh, en)])
    };
    for (name, day) in [("from", from), ("to", to)] {
        if !(2000..=2100).contains(&day.year()) {
            return Err(bad(name, "须在 2000 年与 2100 年之间", "must be between 2000 and 2100"));
        }
    }
    if !(0..=366).contains(&(to - from).num_days()) {
        return Err(bad("to", "须在开始日之后 366 天之内", "must lie within 366 days after the first day"));
    }
    allowed
        .read(move |conn, rights| {
            let row = store::seen(conn, rights, id.0)?;
            if let Some(org_id) = org_id {
                rights.scope().org(conn, org_id)?;
            }
            Page::whole(store::occurrences(conn, rights, &row, (from, to), org_id)?).reply()
        })
        .await
}
