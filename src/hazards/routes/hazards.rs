//! Reporting, reading and changing hazards.

use std::sync::Arc;

use actix_web::{get, patch, post};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::record::{Hazard, view, views};
use crate::access::{Allowed, actions::hazard};
use crate::hazards::acts;
use crate::hazards::body::{MAX_EVIDENCE, MAX_LINE, MAX_TEXT};
use crate::hazards::status::{Level, Source};
use crate::hazards::store::edit::{self, Changes};
use crate::hazards::store::report;
use crate::hazards::store::{Powers, read, recurrence};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, FieldError, IfMatch, List, Page, Patch, PathId, Reply};
use crate::platform::journal::{self, Entry};

/// Hazards
///
/// What the caller sees, newest first.
#[utoipa::path(
    tag = "hazards",
    params(read::Filter, PageQuery),
    responses((status = 200, description = "A page of hazards", body = ListOf<Hazard>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards")]
pub async fn list(allowed: Allowed<hazard::Read>, list: List<read::Filter>) -> Result<Reply, Problem> {
    let now = allowed.rights().now;
    allowed
        .read(move |conn, rights| {
            let zones = read::zones_of(conn, rights)?;
            let bureau = rights.scope().own_bureau();
            let zone = bureau.and_then(|id| zones.get(&id).copied()).unwrap_or(chrono_tz::Asia::Shanghai);
            let Page { data, page } = read::list(conn, rights, &list, zone, now)?;
            Page { data: views(conn, rights, data, &zones, now)?, page }.reply()
        })
        .await
}

/// A finding to report.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// The school.
    pub org_id: Id,
    /// One of the ten.
    #[schema(example = "fang")]
    pub category: String,
    /// The second axis.
    #[schema(example = "fire")]
    pub domain: String,
    /// What is wrong, in a line.
    #[schema(example = "三楼东侧安全出口上锁", min_length = 1, max_length = 200)]
    pub title: String,
    /// What is wrong, at length.
    #[schema(example = "午休时段铁链锁闭，无法从内部打开。", min_length = 1, max_length = 4000)]
    pub description: String,
    /// The place in the school.
    pub site_id: Option<Id>,
    /// A proposal; general when absent.
    pub level: Option<Level>,
    /// The clause it matches.
    #[schema(max_length = 500)]
    pub basis: Option<String>,
    /// Where it came from: a school its own, a bureau role any other.
    pub source: Source,
    /// When it was found; now when absent.
    pub found_at: Option<Timestamp>,
    /// Claims of evidence.
    #[schema(max_items = 100)]
    pub evidence_ids: Option<Vec<Id>>,
    /// The closed hazard of the same school that has come back.
    pub recurrence_of: Option<Id>,
}

impl Check for NewReport {
    fn check(&self, faults: &mut Faults) {
        if crate::catalogue::builtin::category(&self.category).is_none() {
            faults.add(FieldError::unknown_value("/category"));
        }
        if crate::catalogue::builtin::domain(&self.domain).is_none() {
            faults.add(FieldError::unknown_value("/domain"));
        }
        faults.text("/title", &self.title, 1, 200);
        faults.text("/description", &self.description, 1, MAX_TEXT);
        faults.optional_text("/basis", self.basis.as_deref(), MAX_LINE);
        faults.at_most("/evidence_ids", self.evidence_ids.as_ref().map_or(0, Vec::len), MAX_EVIDENCE);
    }
}

/// Report a hazard
///
/// By a bureau role or a school. It waits as `registered` until it is issued; its number is given at once. Hints of
/// staff and suggestions of external inspectors are not accepted here.
#[utoipa::path(
    tag = "hazards",
    request_body = NewReport,
    responses(
        (status = 201, description = "Registered", body = Hazard),
        (status = 200, description = "The same report was stored before", body = Hazard)
    ),
    extensions(("x-permission" = json!("hazard.report")))
)]
#[post("/hazards")]
pub async fn create(allowed: Allowed<hazard::Report>, body: Body<NewReport>) -> Result<Reply, Problem> {
    acts::may_report(allowed.rights())?;
    allowed.write(&Arc::clone(&body.hash), move |tx, rights| acts::report(tx, rights, &body)).await
}

/// One hazard
///
/// With its rounds, and with what the caller may do now.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    responses((status = 200, description = "The hazard", body = Hazard)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}")]
pub async fn one(allowed: Allowed<hazard::Read>, id: PathId) -> Result<Reply, Problem> {
    let now = allowed.rights().now;
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            Reply::record(&view(conn, rights, row, now)?)
        })
        .await
}

/// Texts and place to change; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HazardChange {
    /// What is wrong, in a line.
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// What is wrong, at length.
    #[schema(min_length = 1, max_length = 4000)]
    pub description: Option<String>,
    /// The place in the school; null for none.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub site_id: Patch<Id>,
    /// Claims of evidence, all of them.
    #[schema(max_items = 100)]
    pub evidence_ids: Option<Vec<Id>>,
    /// The closed hazard of the same school that has come back as this one; null unlinks.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub recurrence_of: Patch<Id>,
    /// Null dismisses the server's proposal; nothing else can be put here.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub proposed_recurrence_of: Patch<Id>,
}

impl Check for HazardChange {
    fn check(&self, faults: &mut Faults) {
        if matches!(self.proposed_recurrence_of, Patch::Set(_)) {
            faults.say("/proposed_recurrence_of", "only_null", "只能置空", "can only be set to null");
        }
        if let Some(title) = &self.title {
            faults.text("/title", title, 1, 200);
        }
        faults.optional_text("/description", self.description.as_deref(), MAX_TEXT);
        faults.at_most("/evidence_ids", self.evidence_ids.as_ref().map_or(0, Vec::len), MAX_EVIDENCE);
    }
}

/// Change texts and place
///
/// Before it is issued by whoever may edit it, later by the bureau only; every change stands in the history. The bureau
/// may link what is closed with the earlier hazard that it repeats.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), ("If-Match" = String, Header, description = "The ETag or the quoted version one has seen", example = "\"1\"")),
    request_body(content = HazardChange, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "Changed", body = Hazard)),
    extensions(("x-permission" = json!("hazard.edit")))
)]
#[patch("/hazards/{id}")]
pub async fn change(
    allowed: Allowed<hazard::Edit>,
    id: PathId,
    if_match: IfMatch,
    body: Body<HazardChange>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            let now = tx.now;
            let zone = read::zone_of(tx.conn, row.bureau_id)?;
            let current = view(tx.conn, rights, row.clone(), now)?;
            let mine = Powers::over(tx.conn, rights, [&row])?.edit(&row);
            edit::is_theirs(mine)?;
            if_match.check(row.version, || json!(current))?;
            let input = body.get()?;
            if let Patch::Set(site) = input.site_id {
                report::site(tx.conn, row.org_id, site)?;
            }
            if let Patch::Set(earlier) = input.recurrence_of {
                let earlier = recurrence::earlier(tx.conn, rights, row.org_id, earlier)?;
                let mut faults = Faults::default();
                // What is linked already stays valid when the earlier one is opened again.
                if row.recurrence_of != Some(earlier.id) {
                    recurrence::check(&earlier, Some(&row), &mut faults);
                }
                faults.finish()?;
            }
            let changes = Changes {
                title: input.title.clone(),
                description: input.description.clone(),
                site_id: input.site_id.clone(),
                evidence_ids: input.evidence_ids.clone(),
                recurrence_of: input.recurrence_of.clone(),
                dismiss_proposal: matches!(input.proposed_recurrence_of, Patch::Clear),
            };
            edit::is_in_time(mine, &row, &changes)?;
            match edit::edit(tx, &row, &changes, zone)? {
                None => Ok(Commit::unchanged(Reply::record(&current)?)),
                Some((row, receipt)) => Ok(receipt.with(Reply::record(&view(tx.conn, rights, row, now)?)?)),
            }
        })
        .await
}

/// The history of a hazard
///
/// Journal entries, oldest first, current to the last write, whole.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    responses((status = 200, description = "The history", body = ListOf<Entry>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/history")]
pub async fn history(allowed: Allowed<hazard::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            let mut entries = journal::history(conn, "hazard", row.id)?;
            // Who found it is nothing for the school to know, where it did not find it itself.
            if !row.source.is_schools_own() && Powers::over(conn, rights, [&row])?.school_side(&row) {
                // Who registers may still correct it: the same person.
                let found = |entry: &&mut Entry| {
                    entry.action == "register" || (entry.action == "edit" && entry.actor == Some(row.reported_by))
                };
                for entry in entries.iter_mut().filter(found) {
                    (entry.actor, entry.actor_name) = (None, None);
                }
            }
            Page::whole(entries).reply()
        })
        .await
}
