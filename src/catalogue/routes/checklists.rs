//! Checklists and their life.

use std::sync::Arc;

use actix_web::{get, patch, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{Allowed, Rights, actions::catalogue};
use crate::catalogue::store::{
    self, ChecklistChange, ChecklistFilter, ChecklistRow, ChecklistRowView, ChecklistView, NewAddition, NewChecklist,
};
use crate::openapi::ListOf;
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, IfMatch, List, PathId, Reply};

/// List checklists
///
/// Built-in ones, the bureau's and, for a school, its own; drafts only for those who keep them. Items are left out.
#[utoipa::path(
    tag = "catalogue",
    params(ChecklistFilter, crate::openapi::PageQuery),
    responses((status = 200, description = "A page of checklists, newest first", body = ListOf<ChecklistRowView>)),
    extensions(("x-permission" = json!("catalogue.read")))
)]
#[get("/checklists")]
pub async fn list(allowed: Allowed<catalogue::Read>, list: List<ChecklistFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::list(conn, rights, &list)?.reply()).await
}

/// Draft a checklist
#[utoipa::path(
    tag = "catalogue",
    request_body = NewChecklist,
    responses((status = 201, description = "The draft", body = ChecklistView),
        (status = 200, description = "The draft made before with the same id and body", body = ChecklistView)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[post("/checklists")]
pub async fn create(allowed: Allowed<catalogue::Manage>, body: Body<NewChecklist>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let new = body.get()?;
            store::home(tx.conn, rights, new.org_id)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            if let Some(view) = store::stored(tx.conn, new.id, rights.user_id(), &hash)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            created(store::create(tx, rights, new, &hash)?)
        })
        .await
}

fn created((receipt, view): (Receipt, ChecklistView)) -> Result<Commit<Reply>, Problem> {
    Ok(receipt.with(Reply::created(&format!("/checklists/{}", view.head.id), &view)?))
}

fn changed((receipt, view): (Receipt, ChecklistView)) -> Result<Commit<Reply>, Problem> {
    Ok(receipt.with(Reply::record(&view)?))
}

/// Read a checklist
#[utoipa::path(
    tag = "catalogue",
    params(("id" = Id, Path, description = "Of the checklist")),
    responses((status = 200, description = "The checklist with its items", body = ChecklistView)),
    extensions(("x-permission" = json!("catalogue.read")))
)]
#[get("/checklists/{id}")]
pub async fn one(allowed: Allowed<catalogue::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = store::readable(conn, rights, id.0)?;
            Reply::record(&store::view(conn, row)?)
        })
        .await
}

/// The checklist, which the caller must keep: in sight but another's is 403.
fn kept(tx: &mut Tx<'_>, rights: &Rights, id: Id) -> Result<ChecklistRow, Problem> {
    let row = store::readable_to_change(tx.conn, rights, id)?;
    if store::managed(tx.conn, rights, id)? { Ok(row) } else { Err(Problem::new(Code::Forbidden)) }
}

/// Change a draft
#[utoipa::path(
    tag = "catalogue",
    params(("id" = Id, Path, description = "Of the checklist"),
        ("If-Match" = Option<String>, Header, description = "The version seen", example = "\"1\"")),
    request_body = ChecklistChange,
    responses((status = 200, description = "The draft as it is now", body = ChecklistView)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[patch("/checklists/{id}")]
pub async fn change(
    allowed: Allowed<catalogue::Manage>,
    id: PathId,
    if_match: IfMatch,
    body: Body<ChecklistChange>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let row = kept(tx, rights, id.0)?;
            let current = store::view(tx.conn, row.clone())?;
            if_match.check(row.version, || serde_json::to_value(&current).unwrap_or_default())?;
            changed(store::change(tx, &row, body.get()?)?)
        })
        .await
}

/// Add a school's own items to a checklist of its bureau
///
/// A draft of the school's own, in sections of its own, whose codes carry the school's prefix; published and revised
/// like any other. Once published its items come beside those of the bureau's checklist in every self-check and patrol
/// of the school, in whatever revision. The bureau's items stay as they are.
#[utoipa::path(
    tag = "catalogue",
    params(("id" = Id, Path, description = "Of the bureau's checklist, or of a built-in one")),
    request_body = NewAddition,
    responses((status = 201, description = "The draft", body = ChecklistView),
        (status = 200, description = "The draft made before with the same id and body", body = ChecklistView)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[post("/checklists/{id}/additions")]
pub async fn add(allowed: Allowed<catalogue::Manage>, id: PathId, body: Body<NewAddition>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let row = store::readable_to_change(tx.conn, rights, id.0)?;
            let new = body.get()?;
            let school = store::adding_school(tx.conn, rights, new.org_id)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            if let Some(view) = store::stored(tx.conn, new.id, rights.user_id(), &hash)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            created(store::add(tx, rights, &row, school, new, &hash)?)
        })
        .await
}

/// Nothing needs to be said.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl Check for Empty {}

/// Publish a draft
///
/// From then on it never changes. The revision that was in force before is retired.
#[utoipa::path(
    tag = "catalogue",
    params(("id" = Id, Path, description = "Of the checklist")),
    responses((status = 200, description = "The published checklist", body = ChecklistView)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[post("/checklists/{id}/publish")]
pub async fn publish(allowed: Allowed<catalogue::Manage>, id: PathId, body: Body<Empty>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let row = kept(tx, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            body.get()?;
            changed(store::publish(tx, &row)?)
        })
        .await
}

/// Make the next draft of a checklist
///
/// The published revision stays in force until the draft is published. Revising a built-in checklist makes a draft
/// of the caller's own organisation.
#[utoipa::path(
    tag = "catalogue",
    params(("id" = Id, Path, description = "Of the checklist")),
    responses((status = 201, description = "The next draft", body = ChecklistView)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[post("/checklists/{id}/revise")]
pub async fn revise(allowed: Allowed<catalogue::Manage>, id: PathId, body: Body<Empty>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let row = store::readable_to_change(tx.conn, rights, id.0)?;
            if row.bureau_id.is_some() && !store::managed(tx.conn, rights, id.0)? {
                return Err(Problem::new(Code::Forbidden));
            }
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            body.get()?;
            created(store::revise(tx, rights, &row)?)
        })
        .await
}

/// Retire a checklist
///
/// No new inspection can use it; those made with it keep it.
#[utoipa::path(
    tag = "catalogue",
    params(("id" = Id, Path, description = "Of the checklist")),
    responses((status = 200, description = "The retired checklist", body = ChecklistView)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[post("/checklists/{id}/retire")]
pub async fn retire(allowed: Allowed<catalogue::Manage>, id: PathId, body: Body<Empty>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let row = kept(tx, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            body.get()?;
            changed(store::retire(tx, &row)?)
        })
        .await
}
