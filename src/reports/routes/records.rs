//! Pointing something out, and seeing what was pointed out.

use std::sync::Arc;

use actix_web::{get, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::ReportView;
use crate::access::{Allowed, actions::report};
use crate::catalogue::builtin;
use crate::hazards::body::{MAX_EVIDENCE, MAX_LINE, MAX_TEXT};
use crate::hazards::status::Level;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, FieldError, List, Page, PathId, Reply};
use crate::platform::journal::{self, Entry};
use crate::reports::store::read::{self, ReportFilter};
use crate::reports::store::send::{self as store, Draft};

/// Adds a fault for each word that is none of the catalogue's.
pub(super) fn check_axes(category: Option<&str>, domain: Option<&str>, faults: &mut Faults) {
    if category.is_some_and(|category| builtin::category(category).is_none()) {
        faults.add(FieldError::unknown_value("/category"));
    }
    if domain.is_some_and(|domain| builtin::domain(domain).is_none()) {
        faults.add(FieldError::unknown_value("/domain"));
    }
}

/// Reports
///
/// Those the caller triages, and those the caller sent. A school sees the hints of its own staff alone; a suggestion or
/// a public report it sees as the hazard it becomes.
#[utoipa::path(
    tag = "reports",
    params(ReportFilter, PageQuery),
    responses((status = 200, description = "A page of reports", body = ListOf<ReportView>)),
    extensions(("x-permission" = json!("report.triage | hazard.report")))
)]
#[get("/reports")]
pub async fn list(allowed: Allowed<report::See>, list: List<ReportFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let page = read::list(conn, rights, &list)?;
            Page::map(page, ReportView::from).reply()
        })
        .await
}

/// Something to point out.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = NewHintOrSuggestion)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// The school.
    pub org_id: Id,
    /// One of the ten, where it is known.
    #[schema(example = "fang")]
    pub category: Option<String>,
    /// The second axis, where it is known.
    #[schema(example = "fire")]
    pub domain: Option<String>,
    /// What is wrong, in a line.
    #[schema(example = "三楼东侧安全出口上锁", min_length = 1, max_length = 200)]
    pub title: String,
    /// What is wrong, at length.
    #[schema(example = "午休时段铁链锁闭，无法从内部打开。", min_length = 1, max_length = 4000)]
    pub description: String,
    /// The place in the school.
    pub site_id: Option<Id>,
    /// A proposal.
    pub level: Option<Level>,
    /// The clause it matches.
    #[schema(max_length = 500)]
    pub basis: Option<String>,
    /// When it was found; now when absent.
    pub found_at: Option<Timestamp>,
    /// Claims of evidence.
    #[schema(max_items = 100)]
    pub evidence_ids: Option<Vec<Id>>,
    /// For a suggestion: the own inspection at which it was seen.
    pub inspection_id: Option<Id>,
}

impl Check for NewReport {
    fn check(&self, faults: &mut Faults) {
        check_axes(self.category.as_deref(), self.domain.as_deref(), faults);
        faults.text("/title", &self.title, 1, 200);
        faults.text("/description", &self.description, 1, MAX_TEXT);
        faults.optional_text("/basis", self.basis.as_deref(), MAX_LINE);
        faults.at_most("/evidence_ids", self.evidence_ids.as_ref().map_or(0, Vec::len), MAX_EVIDENCE);
    }
}

/// Point something out
///
/// A hint of a member of staff about the own school, or a suggestion of an external inspector about a school whose
/// inspection was given to them. Whoever may report hazards there does that instead.
#[utoipa::path(
    tag = "reports",
    request_body = NewReport,
    responses(
        (status = 201, description = "Waits for triage", body = ReportView),
        (status = 200, description = "The same report was stored before", body = ReportView)
    ),
    extensions(("x-permission" = json!("hazard.report")))
)]
#[post("/reports")]
pub async fn send(allowed: Allowed<report::Send>, body: Body<NewReport>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let input = body.get()?;
            let school = store::school(tx.conn, rights, input.org_id)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            if let Some(row) = store::repeated(tx.conn, rights, input.id, &body.hash)? {
                return Ok(Commit::unchanged(Reply::record(&ReportView::from(row))?));
            }
            let draft = Draft {
                id: input.id,
                body_hash: Some(body.hash.to_vec()),
                category: input.category.clone(),
                domain: input.domain.clone(),
                title: input.title.clone(),
                description: input.description.clone(),
                site_id: input.site_id,
                level: input.level,
                basis: input.basis.clone(),
                found_at: input.found_at,
                evidence_ids: input.evidence_ids.clone().unwrap_or_default(),
                inspection_id: input.inspection_id,
            };
            let (row, receipt) = store::send(tx, rights, &school, draft)?;
            Ok(receipt.with(Reply::created(&format!("/reports/{}", row.id), &ReportView::from(row))?))
        })
        .await
}

/// One report
#[utoipa::path(
    tag = "reports",
    params(("id" = Id, Path, description = "Of the report")),
    responses((status = 200, description = "The report", body = ReportView)),
    extensions(("x-permission" = json!("report.triage | hazard.report")))
)]
#[get("/reports/{id}")]
pub async fn one(allowed: Allowed<report::See>, id: PathId) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| Reply::record(&ReportView::from(read::one(conn, rights, id.0)?))).await
}

/// The history of a report
///
/// For who triages it; oldest first.
#[utoipa::path(
    tag = "reports",
    params(("id" = Id, Path, description = "Of the report")),
    responses((status = 200, description = "Every entry", body = ListOf<Entry>)),
    extensions(("x-permission" = json!("report.triage")))
)]
#[get("/reports/{id}/history")]
pub async fn history(allowed: Allowed<report::Triage>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = read::one_to_triage(conn, rights, id.0)?;
            Page::whole(journal::history(conn, row.id)?).reply()
        })
        .await
}
