//! Findings that wait for somebody's word: those of external inspectors for the bureau's, those of a school's staff in
//! its own checks for the school's. Until then they are no hazards, count nowhere and have no deadline.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sight::Seen;
use crate::access::Rights;
use crate::catalogue::rules::Fault;
use crate::hazards::routes::{Hazard, views};
use crate::hazards::store::Row as HazardRow;
use crate::hazards::store::read::zones;
use crate::platform::db::schema::answers;
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Check, Faults, FieldError};
use crate::reports::ReportView;
use crate::reports::store::triage::{Judgement, triage};
use crate::reports::store::{read, suggest};
use crate::reports::words::TriageOutcome;

const MAX_DECISIONS: usize = 500;

/// What becomes of one finding.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = FindingDecision)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Which: the id of its report.
    pub report_id: Id,
    /// Whether it becomes a hazard.
    pub accept: bool,
    /// Why not; needed where it does not, at most 1000 characters.
    pub reason: Option<String>,
}

/// What becomes of several.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = FindingDecisions)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// One by one, at most 500.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// All others that wait and are the caller's to decide become hazards.
    #[serde(default)]
    pub accept_rest: bool,
}

/// Each decision of its own finding, with a reason where it needs one.
pub fn check_decisions(faults: &mut Faults, at: &str, decisions: &[Decision]) {
    faults.at_most(at, decisions.len(), MAX_DECISIONS);
    for (place, one) in decisions.iter().enumerate() {
        let reason = format!("{at}/{place}/reason");
        match &one.reason {
            Some(_) if one.accept => {
                faults.say(&reason, "not_for_this_outcome", "与该结果不符", "does not go with this outcome");
            }
            Some(text) => faults.text(&reason, text, 1, 1000),
            None if !one.accept => faults.add(FieldError::required(reason)),
            None => {}
        }
        if decisions.iter().take(place).any(|earlier| earlier.report_id == one.report_id) {
            faults.add(Fault::at(format!("{at}/{place}/report_id"), "duplicate").into());
        }
    }
}

impl Check for Decisions {
    fn check(&self, faults: &mut Faults) {
        check_decisions(faults, "/decisions", &self.decisions);
        if self.decisions.is_empty() && !self.accept_rest {
            faults.add(FieldError::required("/decisions"));
        }
    }
}

/// What came of deciding.
#[derive(Debug, Default)]
pub struct Decided {
    /// The hazards that findings became.
    pub hazards: Vec<HazardRow>,
    /// The findings decided.
    pub findings: Vec<ReportView>,
    /// The last entry of the journal.
    pub receipt: Option<Receipt>,
}

/// What came of deciding, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FindingsDecided)]
pub struct DecidedView {
    /// The findings decided.
    pub findings: Vec<ReportView>,
    /// The hazards that findings became.
    pub hazards: Vec<Hazard>,
}

/// Checks that every finding named is one of this inspection that the caller decides.
///
/// # Errors
/// 404 for one that is not.
pub fn in_sight(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen, decisions: &Decisions) -> Result<(), Problem> {
    for one in &decisions.decisions {
        let row = read::one_to_triage(tx.conn, rights, one.report_id)?;
        if row.inspection_id != Some(seen.row.id) {
            return Err(Problem::not_found());
        }
    }
    Ok(())
}

/// Decides findings, by the rules of triage: once, and never by whoever found them.
///
/// # Errors
/// 404 as [`in_sight`]; 409 for one that is decided already or the caller's own.
pub fn decide_findings(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    decisions: &Decisions,
) -> Result<Decided, Problem> {
    let mut all: Vec<(Id, Judgement)> = decisions
        .decisions
        .iter()
        .map(|one| {
            let outcome = if one.accept { TriageOutcome::Accept } else { TriageOutcome::OutOfScope };
            (one.report_id, Judgement::of(outcome, one.reason.clone()))
        })
        .collect();
    if decisions.accept_rest {
        let me = rights.user_id();
        let fixed = fixed_by(tx.conn, seen, me)?;
        for id in suggest::waiting(tx.conn, seen.row.id)? {
            let named = all.iter().any(|(one, _)| *one == id);
            let mine = match read::one_to_triage(tx.conn, rights, id) {
                Ok(row) => row.reported_by != Some(me) && !row.item_code.is_some_and(|code| fixed.contains(&code)),
                Err(problem) if problem.code == Code::NotFound => false,
                Err(problem) => return Err(problem),
            };
            if mine && !named {
                all.push((id, Judgement::of(TriageOutcome::Accept, None)));
            }
        }
    }
    // Rows are locked in the order of their ids, whoever names them how.
    all.sort_by_key(|(id, _)| *id);
    let mut decided = Decided::default();
    for (id, judgement) in all {
        let row = read::one_to_change(tx.conn, rights, id)?;
        let (receipt, row, hazard) = triage(tx, rights, row, &judgement)?;
        decided.receipt = receipt.or(decided.receipt);
        decided.findings.push(row.into());
        decided.hazards.extend(hazard);
    }
    Ok(decided)
}

/// The items that somebody put right during the visit: what became of them is for others to accept.
fn fixed_by(conn: &mut Conn, seen: &Seen, user_id: Id) -> Result<Vec<String>, Problem> {
    Ok(answers::table
        .filter(answers::inspection_id.eq(seen.row.id))
        .filter(answers::on_the_spot.eq(true))
        .filter(answers::fixed_by.eq(user_id))
        .select(answers::item_code)
        .load(conn)?)
}

/// As it is shown.
///
/// # Errors
/// Whatever the engine says.
pub fn decided_view(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen, decided: Decided) -> Result<DecidedView, Problem> {
    let zones = zones(tx.conn, &[seen.row.bureau_id])?;
    let hazards = views(tx.conn, rights, decided.hazards, &zones, tx.now)?;
    Ok(DecidedView { findings: decided.findings, hazards })
}

/// The findings of an inspection in sight that are suggestions or hints, decided or not: those the caller decides or
/// made.
///
/// # Errors
/// Whatever the engine says.
pub fn findings_of(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Vec<ReportView>, Problem> {
    let rows = suggest::of_inspection(conn, seen.row.id)?;
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let seen = read::among(conn, rights, &ids)?;
    Ok(rows.into_iter().filter(|row| seen.contains(&row.id)).map(ReportView::from).collect())
}
