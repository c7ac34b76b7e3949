//! HTTP of look-backs.

use std::sync::Arc;

use actix_web::{get, post, put, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::bodies::{Finding, NewLookBack, PolicyToPut};
use super::store::{self, Carried, LookBackFilter, LookBackRecord, LookBackView, PolicyView};
use crate::access::{Allowed, Rights, actions::draw, actions::inspection};
use crate::inspections::store::{seen, seen_to_change};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, IfMatch, List, Page, PathId, Reply};

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(read_policy)
        .service(put_policy)
        .service(list)
        .service(create)
        .service(one)
        .service(carried)
        .service(judge);
}

/// The bureau of the caller. Whoever belongs to a school does not learn when it has to reckon with a visit.
fn bureau_of(rights: &Rights) -> Result<Id, Problem> {
    let scope = rights.scope();
    let of_school = !scope.own_schools.is_empty();
    scope.own_bureau().filter(|_| !of_school).ok_or_else(|| Problem::new(Code::Forbidden))
}

/// Read which closed hazards are looked back at
///
/// Of the caller's bureau: a fifth of what was closed 30 to 90 days ago and every major one, unless it said otherwise.
#[utoipa::path(
    tag = "look_backs",
    responses((status = 200, description = "The policy in force", body = PolicyView)),
    extensions(("x-permission" = json!("draw.read")))
)]
#[get("/look-back-policy")]
pub async fn read_policy(allowed: Allowed<draw::Read>) -> Result<Reply, Problem> {
    allowed
        .read(|conn, rights| {
            let bureau_id = bureau_of(rights)?;
            Reply::record(&store::policy(conn, bureau_id)?)
        })
        .await
}

/// Say which closed hazards are looked back at
///
/// The first time needs no `If-Match`; from then on it is somebody's word that would be written over.
#[utoipa::path(
    tag = "look_backs",
    params(("If-Match" = Option<String>, Header, description = "The ETag or the quoted version one has seen; needed once the bureau has said something", example = "\"1\"")),
    request_body = PolicyToPut,
    responses((status = 200, description = "The policy as it is now", body = PolicyView)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[put("/look-back-policy")]
pub async fn put_policy(
    allowed: Allowed<draw::Manage>,
    if_match: IfMatch,
    body: Body<PolicyToPut>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let bureau_id = bureau_of(rights)?;
            let before = store::policy_to_change(tx.conn, bureau_id)?;
            if before.version > 0 || if_match.is_given() {
                if_match.check(before.version, || json!(before))?;
            }
            let (after, receipt) = store::put_policy(tx, bureau_id, &before, *body.get()?)?;
            Ok(receipt.with(Reply::record(&after)?))
        })
        .await
}

/// List look-backs
///
/// The bureau's; nobody who belongs to a school sees any.
#[utoipa::path(
    tag = "look_backs",
    params(LookBackFilter, PageQuery),
    responses((status = 200, description = "A page of look-backs, newest first", body = ListOf<LookBackView>)),
    extensions(("x-permission" = json!("draw.read")))
)]
#[get("/look-backs")]
pub async fn list(allowed: Allowed<draw::Read>, list: List<LookBackFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, rights, &list)?.reply()).await
}

/// Look back
///
/// Draws a share of what was closed, by the policy or as asked, or takes the hazards named; makes one visit of kind
/// `look_back` for each school that carries its hazards, all in one commit or none. A closing is looked back at once.
/// Whoever put a hazard right, rechecked or closed it is not sent to its school. Send an `Idempotency-Key`: without it,
/// the same again is another draw.
#[utoipa::path(
    tag = "look_backs",
    request_body = NewLookBack,
    responses((status = 201, description = "The look-back", body = LookBackRecord)),
    extensions(("x-permission" = json!("draw.manage")))
)]
#[post("/look-backs")]
pub async fn create(allowed: Allowed<draw::Manage>, body: Body<NewLookBack>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write_alone(&hash, move |tx, rights| {
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, record) = store::create(tx, rights, body.get()?)?;
            Ok(receipt.with(Reply::created(&format!("/look-backs/{}", record.look_back.id), &record)?))
        })
        .await
}

/// Read a look-back
#[utoipa::path(
    tag = "look_backs",
    params(("id" = Id, Path, description = "Of the look-back")),
    responses((status = 200, description = "The look-back with its hazards", body = LookBackRecord)),
    extensions(("x-permission" = json!("draw.read")))
)]
#[get("/look-backs/{id}")]
pub async fn one(allowed: Allowed<draw::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| Reply::record(&store::one(conn, rights, id.0)?)).await
}

/// List what a visit looks back at
///
/// For the team to say of each hazard whether it held. Others see those that they see anyway.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "All of them, in their order", body = ListOf<Carried>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/look-backs")]
pub async fn carried(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let visit = seen(conn, rights, id.0)?;
            Page::whole(store::carried(conn, rights, &visit)?).reply()
        })
        .await
}

/// Say whether what was put right has held
///
/// In the place of what was said before; only the team, between check-in and handing in. Handing in opens again what
/// failed, with the note as its reason.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection"),
        ("hazard_id" = Id, Path, description = "One of those it looks back at")),
    request_body = Finding,
    responses((status = 200, description = "The hazard with what was found", body = Carried)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[put("/inspections/{id}/look-backs/{hazard_id}")]
pub async fn judge(
    allowed: Allowed<inspection::Perform>,
    path: web::Path<(String, String)>,
    body: Body<Finding>,
) -> Result<Reply, Problem> {
    let (id, hazard_id) = path.into_inner();
    let parse = |text: String| text.parse::<Id>().map_err(|error| Problem::not_found().cause(error));
    let (id, hazard_id) = (parse(id)?, parse(hazard_id)?);
    allowed
        .write_unkept(move |tx, rights| {
            let visit = seen_to_change(tx.conn, rights, id)?;
            let before = store::carried_one(tx.conn, rights, &visit, hazard_id)?;
            let (receipt, after) = store::judge(tx, rights, &visit, &before, body.get()?)?;
            let reply = Reply::value(&after)?;
            Ok(match receipt {
                Some(receipt) => receipt.with(reply),
                None => Commit::unchanged(reply),
            })
        })
        .await
}
