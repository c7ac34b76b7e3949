//! The inbox over HTTP.

use std::sync::Arc;

use actix_web::{HttpRequest, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::inbox::{self, Entry, Filter, Marked};
use super::kind::Kind;
use crate::access::{Allowed, actions::notice};
use crate::hazards::status::Colour;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::list::MAX_LIMIT;
use crate::platform::http::problem::Language;
use crate::platform::http::{Body, Check, Faults, List, Page, PathId, Record, Reply};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(unread_count).service(read_many).service(read_one);
}

/// A notice, as its reader sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Notice)]
pub struct View {
    /// Of the notice.
    id: Id,
    /// 1, and 2 once it was read.
    version: i64,
    /// When it was told.
    created_at: Timestamp,
    /// When it was read, else when it was told.
    updated_at: Timestamp,
    /// What it tells.
    kind: Kind,
    /// How pressing it was.
    #[schema(required)]
    colour: Option<Colour>,
    /// The noun it is about.
    #[schema(example = "hazard")]
    entity: String,
    /// The record it is about.
    entity_id: Id,
    /// The hazard, where it is about one.
    #[schema(required)]
    hazard_id: Option<Id>,
    /// The organisation of the record.
    #[schema(required)]
    org_id: Option<Id>,
    /// In words, in the language asked for.
    #[schema(example = "隐患 640104-2026-000123 已交办，请签收，期限 2026-03-09")]
    title: String,
    /// The deadline it is about.
    #[schema(required)]
    due_at: Option<Timestamp>,
    /// When it was read; null while unread.
    #[schema(required)]
    read_at: Option<Timestamp>,
    /// References and words beside the text.
    #[schema(value_type = Object)]
    payload: Value,
}

impl View {
    fn of(entry: Entry, language: Language) -> Self {
        Self {
            id: entry.id,
            version: if entry.read_at.is_some() { 2 } else { 1 },
            created_at: entry.created_at,
            updated_at: entry.read_at.unwrap_or(entry.created_at),
            kind: entry.kind,
            colour: entry.colour,
            hazard_id: (entry.entity == "hazard").then_some(entry.entity_id),
            entity: entry.entity,
            entity_id: entry.entity_id,
            org_id: entry.org_id,
            title: entry.kind.title(entry.colour, &entry.payload.0, language),
            due_at: entry.due_at,
            read_at: entry.read_at,
            payload: entry.payload.0,
        }
    }
}

impl Record for View {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The inbox
///
/// What the caller was told, newest first. A notice about what has left the caller's sight is not shown.
#[utoipa::path(
    tag = "notices",
    params(Filter, PageQuery),
    responses((status = 200, description = "A page of notices", body = ListOf<View>)),
    extensions(("x-permission" = json!("notice.read")))
)]
#[get("/notices")]
pub async fn list(allowed: Allowed<notice::Read>, list: List<Filter>, request: HttpRequest) -> Result<Reply, Problem> {
    let language = Language::of(&request);
    allowed
        .read(move |conn, rights| {
            let Page { data, page } = inbox::list(conn, rights, &list)?;
            Page { data: data.into_iter().map(|entry| View::of(entry, language)).collect(), page }.reply()
        })
        .await
}

/// How many notices wait.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct UnreadCount {
    /// Not read yet, and in sight.
    unread: i64,
}

/// How many are unread
#[utoipa::path(
    tag = "notices",
    responses((status = 200, description = "The number", body = UnreadCount)),
    extensions(("x-permission" = json!("notice.read")))
)]
#[get("/notices/unread-count")]
pub async fn unread_count(allowed: Allowed<notice::Read>) -> Result<Reply, Problem> {
    allowed.read(|conn, rights| Reply::value(&UnreadCount { unread: inbox::unread(conn, rights)? })).await
}

/// Mark one as read
///
/// The first time counts; again changes nothing.
#[utoipa::path(
    tag = "notices",
    params(("id" = Id, Path, description = "The notice")),
    responses((status = 200, description = "Read", body = View)),
    extensions(("x-permission" = json!("notice.read")))
)]
#[post("/notices/{id}/read")]
pub async fn read_one(allowed: Allowed<notice::Read>, id: PathId, request: HttpRequest) -> Result<Reply, Problem> {
    let language = Language::of(&request);
    allowed
        .write(&Arc::from([]), move |tx, rights| {
            let entry = inbox::these(tx.conn, rights, &[id.0])?.pop().ok_or_else(Problem::not_found)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            match inbox::mark(tx, rights, &Marked::These(vec![id.0]))? {
                (_, None) => Ok(Commit::unchanged(Reply::record(&View::of(entry, language))?)),
                (_, Some(receipt)) => {
                    let read = Entry { read_at: Some(tx.now), ..entry };
                    Ok(receipt.with(Reply::record(&View::of(read, language))?))
                }
            }
        })
        .await
}

/// What to mark as read: either ids or an instant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadMarks {
    /// These, each the caller's own and in sight.
    #[schema(min_items = 1, max_items = 200)]
    ids: Option<Vec<Id>>,
    /// All in sight that were told at this instant or before.
    #[schema(example = "2026-03-09T10:00:00+08:00")]
    until: Option<Timestamp>,
}

impl Check for ReadMarks {
    fn check(&self, faults: &mut Faults) {
        if self.ids.is_some() == self.until.is_some() {
            faults.say("", "one_of", "须且仅须提供 ids 或 until 之一", "must hold either ids or until, not both");
        }
        if let Some(ids) = &self.ids {
            if ids.is_empty() {
                faults.say("/ids", "too_few", "至少一项", "must name at least one");
            }
            faults.at_most("/ids", ids.len(), usize::try_from(MAX_LIMIT).unwrap_or(usize::MAX));
        }
    }
}

/// How many were marked.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Marks {
    /// Unread before this call.
    marked: usize,
    /// Still unread and in sight.
    unread: i64,
}

/// Mark many as read
///
/// By their ids, or all up to an instant: that of the newest one shown, so that what came meanwhile stays unread.
#[utoipa::path(
    tag = "notices",
    request_body = ReadMarks,
    responses((status = 200, description = "Marked", body = Marks)),
    extensions(("x-permission" = json!("notice.read")))
)]
#[post("/notices/read")]
pub async fn read_many(allowed: Allowed<notice::Read>, body: Body<ReadMarks>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let input = body.get()?;
            let marked = match (&input.ids, input.until) {
                (Some(ids), _) => {
                    inbox::these(tx.conn, rights, ids)?;
                    Marked::These(ids.clone())
                }
                (None, Some(at)) => Marked::Until(at),
                (None, None) => return Err(Problem::internal("neither ids nor an instant after the check")),
            };
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (count, receipt) = inbox::mark(tx, rights, &marked)?;
            let reply = Reply::value(&Marks { marked: count, unread: inbox::unread(tx.conn, rights)? })?;
            Ok(receipt.map_or_else(|| Commit::unchanged(reply.clone()), |receipt| receipt.with(reply.clone())))
        })
        .await
}
