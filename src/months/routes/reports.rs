//! Reports: submitted, read, corrected.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::{get, patch, post};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{Allowed, Permission, actions};
use crate::months::rules::Month;
use crate::months::store::reports::{self, AggregateEntry, ReportFilter};
use crate::months::store::submit::{self, Statement};
use crate::months::store::view::{self, MonthlyReport};
use crate::openapi::{ListOf, PageQuery};
use crate::orgs::rules::OrgKind;
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, FieldError, IfMatch, List, Patch, PathId, Reply};

/// Longest note.
const MAX_NOTE: usize = 2000;
/// Most of a domain in a month.
const MAX_COUNT: i64 = 100_000;
/// Most spent in a month: a hundred million yuan.
const MAX_FEN: i64 = 10_000_000_000;

/// A report to submit.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMonthlyReport {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// The school.
    pub org_id: Id,
    /// The month: the running one, or one that the bureau has opened.
    pub month: Month,
    /// Whether nothing was found: a positive statement, held against the ledger.
    pub nothing_found: bool,
    /// Anything else.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    /// Mass general hazards as counts, one entry for a domain.
    #[schema(max_items = 20)]
    pub aggregates: Option<Vec<AggregateEntry>>,
    /// Spent in the month; the costs of the ledger where nothing is said.
    #[schema(minimum = 0, maximum = 10_000_000_000_i64)]
    pub spent_fen: Option<i64>,
}

fn check(faults: &mut Faults, note: Option<&str>, aggregates: Option<&[AggregateEntry]>, spent_fen: Option<i64>) {
    faults.optional_text("/note", note, MAX_NOTE);
    if let Some(spent) = spent_fen {
        faults.range("/spent_fen", &spent, &0, &MAX_FEN);
    }
    let entries = aggregates.unwrap_or_default();
    faults.at_most("/aggregates", entries.len(), 20);
    let mut seen = BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let domain = format!("/aggregates/{at}/domain");
        if crate::catalogue::builtin::domain(&entry.domain).is_none() {
            faults.add(FieldError::unknown_value(&domain));
        } else if !seen.insert(&entry.domain) {
            faults.say(&domain, "repeated", "同一领域只能填报一次", "is given twice");
        }
        faults.range(&format!("/aggregates/{at}/found"), &entry.found, &1, &MAX_COUNT);
        faults.range(&format!("/aggregates/{at}/rectified"), &entry.rectified, &0, &MAX_COUNT);
        if entry.rectified > entry.found {
            let pointer = format!("/aggregates/{at}/rectified");
            faults.say(&pointer, "more_than_found", "不得多于排查数", "must not exceed what was found");
        }
    }
}

impl Check for NewMonthlyReport {
    fn check(&self, faults: &mut Faults) {
        check(faults, self.note.as_deref(), self.aggregates.as_deref(), self.spent_fen);
    }
}

/// Submit a month
///
/// One report for a school and month. `nothing_found: true` is refused with `contradicts_ledger` while hazards of the
/// school were registered in the month, void ones apart; `false` with `nothing_to_report` where neither the ledger nor
/// `aggregates` has any. The figures are frozen with it.
#[utoipa::path(
    tag = "months",
    request_body = NewMonthlyReport,
    responses(
        (status = 201, description = "Submitted", body = MonthlyReport),
        (status = 200, description = "The same report was stored before", body = MonthlyReport)
    ),
    extensions(("x-permission" = json!("month.submit")))
)]
#[post("/monthly-reports")]
pub async fn create(allowed: Allowed<actions::month::Submit>, body: Body<NewMonthlyReport>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let input = body.get()?;
            let school = rights.scope().org(tx.conn, input.org_id)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            if let Some(id) = input.id
                && let Some(before) = reports::stored(tx.conn, id)?
            {
                let same = before.created_by == rights.user_id() && before.body_hash.as_deref() == Some(&*body.hash);
                if !same {
                    return Err(Problem::new(Code::IdReused));
                }
                return Ok(Commit::unchanged(Reply::record(&view::view(tx.conn, rights, before)?)?));
            }
            if school.kind != OrgKind::School {
                return Err(Problem::invalid(not_a_school()));
            }
            if let Some(before) = reports::of_month(tx.conn, school.id, input.month)? {
                let current = view::view(tx.conn, rights, before)?;
                return Err(Problem::new(Code::MonthReported).current(json!(current)));
            }
            let statement = Statement {
                nothing_found: input.nothing_found,
                note: input.note.clone(),
                aggregates: input.aggregates.clone().unwrap_or_default(),
                spent_fen: input.spent_fen,
            };
            let id = input.id.unwrap_or_else(|| tx.new_id());
            let own = (id, input.month, Some(body.hash.to_vec()));
            let (row, receipt) = submit::submit(tx, &school, own, &statement)?;
            let report = view::view(tx.conn, rights, row)?;
            Ok(receipt.with(Reply::created(&format!("/monthly-reports/{id}"), &report)?))
        })
        .await
}

/// Only schools report.
pub fn not_a_school() -> FieldError {
    FieldError::new("/org_id", "not_a_school", "须为学校", "must be a school")
}

/// Monthly reports
#[utoipa::path(
    tag = "months",
    params(ReportFilter, PageQuery),
    responses((status = 200, description = "A page of reports", body = ListOf<MonthlyReport>)),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/monthly-reports")]
pub async fn list(allowed: Allowed<actions::report::Read>, list: List<ReportFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let scope = rights.scope();
            let page = list.page(reports::list(conn, &scope, &list)?, |row| (row.created_at, row.id))?;
            let counted = reports::counted(conn, &scope, &list)?;
            let page = page.counted(counted);
            let data = view::views(conn, rights, page.data)?;
            crate::platform::http::Page { data, page: page.page }.reply()
        })
        .await
}

/// One monthly report
#[utoipa::path(
    tag = "months",
    params(("id" = Id, Path, description = "The report")),
    responses((status = 200, description = "The report", body = MonthlyReport)),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/monthly-reports/{id}")]
pub async fn one(allowed: Allowed<actions::report::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = reports::one(conn, &rights.scope(), id.0)?;
            Reply::record(&view::view(conn, rights, row)?)
        })
        .await
}

/// What to correct of a report; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthlyReportPatch {
    /// Whether nothing was found.
    pub nothing_found: Option<bool>,
    /// Anything else; null for nothing.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub note: Patch<String>,
    /// Counts in place of those before; null for none.
    #[serde(default)]
    #[schema(value_type = Option<Vec<AggregateEntry>>, max_items = 20)]
    pub aggregates: Patch<Vec<AggregateEntry>>,
    /// Spent in the month; null to ask the ledger.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 10_000_000_000_i64)]
    pub spent_fen: Patch<i64>,
}

impl Check for MonthlyReportPatch {
    fn check(&self, faults: &mut Faults) {
        let note = self.note.set().map(String::as_str);
        check(faults, note, self.aggregates.set().map(Vec::as_slice), self.spent_fen.set().copied());
    }
}

/// Correct a monthly report
///
/// While the month is open, or the bureau has opened it for this school. The figures are taken anew; every version
/// stays in the journal.
#[utoipa::path(
    tag = "months",
    params(("id" = Id, Path, description = "The report"), ("If-Match" = String, Header, description = "The ETag or the quoted version one has seen", example = "\"1\"")),
    request_body(content = MonthlyReportPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "Corrected", body = MonthlyReport)),
    extensions(("x-permission" = json!("month.submit")))
)]
#[patch("/monthly-reports/{id}")]
pub async fn change(
    allowed: Allowed<actions::month::Submit>,
    id: PathId,
    if_match: IfMatch,
    body: Body<MonthlyReportPatch>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let before = reports::one_to_change(tx.conn, &rights.of(Permission::MonthSubmit), id.0)?;
            let current = view::view(tx.conn, rights, before.clone())?;
            if_match.check(before.version, || json!(current))?;
            let input = body.get()?;
            let mut statement = Statement::of(tx.conn, &before)?;
            statement.nothing_found = input.nothing_found.unwrap_or(statement.nothing_found);
            statement.note = input.note.apply(statement.note);
            statement.aggregates = input.aggregates.apply(Some(statement.aggregates)).unwrap_or_default();
            statement.spent_fen = input.spent_fen.apply(statement.spent_fen);
            let (row, receipt) = submit::correct(tx, &before, &statement)?;
            Ok(receipt.with(Reply::record(&view::view(tx.conn, rights, row)?)?))
        })
        .await
}
