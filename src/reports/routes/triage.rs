//! Judging reports, and opening the compartment.

use std::sync::Arc;

use actix_web::post;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::records::check_axes;
use super::view::ReportView;
use crate::access::{Allowed, Permission, actions::report};
use crate::hazards::body::{MAX_LINE, MAX_TEXT};
use crate::hazards::routes::{Hazard, view};
use crate::hazards::status::Level;
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, FieldError, PathId, Reply};
use crate::reports::compartment::Contact;
use crate::reports::store::read;
use crate::reports::store::triage::{self as store, Judgement};
use crate::reports::words::TriageOutcome;

/// A judgement. `category`, `domain`, `title`, `description`, `site_id`, `level` and `basis` go with `accept`, for what
/// the report leaves open or says badly; `duplicate_of` with `duplicate`; `reason` with `out_of_scope` and
/// `transferred`; `transferred_to` with the latter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = ReportTriage)]
#[serde(deny_unknown_fields)]
pub struct Triage {
    /// What it comes to.
    pub outcome: TriageOutcome,
    /// One of the ten.
    #[schema(example = "fang")]
    pub category: Option<String>,
    /// The second axis.
    #[schema(example = "fire")]
    pub domain: Option<String>,
    /// What is wrong, in a line.
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// What is wrong, at length, as the school shall read it: put it in your own words where the reporter's could tell
    /// who it is.
    #[schema(min_length = 1, max_length = 4000)]
    pub description: Option<String>,
    /// The place in the school.
    pub site_id: Option<Id>,
    /// A proposal of the level.
    pub level: Option<Level>,
    /// The clause.
    #[schema(max_length = 500)]
    pub basis: Option<String>,
    /// The hazard of that school it tells of.
    pub duplicate_of: Option<Id>,
    /// Why it becomes no hazard here.
    #[schema(min_length = 1, max_length = 4000)]
    pub reason: Option<String>,
    /// Who sees to it now.
    #[schema(example = "市场监督管理局", min_length = 1, max_length = 200)]
    pub transferred_to: Option<String>,
}

impl Check for Triage {
    fn check(&self, faults: &mut Faults) {
        use TriageOutcome as O;
        check_axes(self.category.as_deref(), self.domain.as_deref(), faults);
        faults.optional_text("/title", self.title.as_deref(), 200);
        faults.optional_text("/description", self.description.as_deref(), MAX_TEXT);
        faults.optional_text("/basis", self.basis.as_deref(), MAX_LINE);
        faults.optional_text("/reason", self.reason.as_deref(), MAX_TEXT);
        faults.optional_text("/transferred_to", self.transferred_to.as_deref(), 200);
        // (field, given, with which outcomes, needed there)
        let fields: [(&str, bool, &[O], bool); 10] = [
            ("/category", self.category.is_some(), &[O::Accept], false),
            ("/domain", self.domain.is_some(), &[O::Accept], false),
            ("/title", self.title.is_some(), &[O::Accept], false),
            ("/description", self.description.is_some(), &[O::Accept], false),
            ("/site_id", self.site_id.is_some(), &[O::Accept], false),
            ("/level", self.level.is_some(), &[O::Accept], false),
            ("/basis", self.basis.is_some(), &[O::Accept], false),
            ("/duplicate_of", self.duplicate_of.is_some(), &[O::Duplicate], true),
            ("/reason", self.reason.is_some(), &[O::OutOfScope, O::Transferred], true),
            ("/transferred_to", self.transferred_to.is_some(), &[O::Transferred], true),
        ];
        for (pointer, given, outcomes, needed) in fields {
            match (given, outcomes.contains(&self.outcome)) {
                (true, false) => {
                    faults.say(pointer, "not_for_this_outcome", "与该结果不符", "does not go with this outcome");
                }
                (false, true) if needed => faults.add(FieldError::required(pointer)),
                _ => {}
            }
        }
    }
}

/// A report that was judged, and the hazard it became.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportTriaged)]
pub struct Triaged {
    /// The report.
    pub report: ReportView,
    /// The hazard it became.
    #[schema(required)]
    pub hazard: Option<Hazard>,
}

/// Triage a report
///
/// Once only, and never by whoever reported it. Hints are judged by the school or the bureau, all else by the bureau.
/// Accepting makes the hazard at once.
#[utoipa::path(
    tag = "reports",
    params(("id" = Id, Path, description = "Of the report")),
    request_body = Triage,
    responses((status = 200, description = "The report, and the hazard it became", body = Triaged)),
    extensions(("x-permission" = json!("report.triage")))
)]
#[post("/reports/{id}/triage")]
pub async fn triage(allowed: Allowed<report::Triage>, id: PathId, body: Body<Triage>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let input = body.get()?.clone();
            let judgement = Judgement {
                outcome: input.outcome,
                category: input.category,
                domain: input.domain,
                title: input.title,
                description: input.description,
                site_id: input.site_id,
                level: input.level,
                basis: input.basis,
                duplicate_of: input.duplicate_of,
                reason: input.reason,
                transferred_to: input.transferred_to,
            };
            let (receipt, row, hazard) = store::triage(tx, rights, row, &judgement)?;
            let now = tx.now;
            let hazard = hazard.map(|hazard| view(tx.conn, rights, hazard, now)).transpose()?;
            let reply = Reply::value(&Triaged { report: row.into(), hazard })?;
            Ok(match receipt {
                Some(receipt) => receipt.with(reply),
                None => Commit::unchanged(reply),
            })
        })
        .await
}

/// Why the compartment is opened.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = RevealReason)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// In words; it stays in the journal.
    #[schema(example = "需向举报人核实具体位置", min_length = 1, max_length = 500)]
    pub reason: String,
}

impl Check for Reveal {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, 500);
    }
}

/// Open a reporter's contact
///
/// For designated people of the bureau alone; everybody else who triages is told `reporter_sealed`. Each opening stays
/// in the journal with its reason.
#[utoipa::path(
    tag = "reports",
    params(("id" = Id, Path, description = "Of the report")),
    request_body = Reveal,
    responses((status = 200, description = "The contact in clear", body = Contact)),
    extensions(("x-permission" = json!("reporter.reveal | report.triage")))
)]
#[post("/reports/{id}/contact")]
pub async fn contact(allowed: Allowed<report::Reveal>, id: PathId, body: Body<Reveal>) -> Result<Reply, Problem> {
    let rights = allowed.rights();
    if rights.of(Permission::ReporterReveal).reaches.is_empty() {
        return Err(Problem::new(Code::ReporterSealed));
    }
    let keys = Arc::clone(&allowed.app().compartment);
    allowed
        .write_unkept(move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            let (receipt, contact) = store::reveal(tx, rights, &row, &keys, &body.get()?.reason)?;
            Ok(receipt.with(Reply::value(&contact)?))
        })
        .await
}
