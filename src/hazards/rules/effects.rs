//! What a permitted action changes on the row.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Actor, Facts, IssueReach, Request};
use crate::hazards::status::{Action, ClosedKind, Level, Remedy, Status};

/// What becomes of a deadline. Those by policy are computed by the store, which has policies and calendar at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Stays.
    Keep,
    /// There is none now.
    Clear,
    /// Given by a person, kept as given.
    Given(DateTime<Utc>),
    /// From the policy (for a plan: a major's policy; for a recheck: the bureau's own days).
    ByPolicy,
}

/// The outcome of a decision: new values of what [`Facts`] hold, and what else moves. Texts are taken from the request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a change")]
pub struct Change {
    /// What was done.
    pub action: Action,
    /// The state it came from.
    pub from: Status,
    /// The new state.
    pub status: Status,
    /// The new level.
    pub level: Level,
    /// The actor decided the level by this.
    pub decides_level: bool,
    /// A bureau role issued or regraded it, now or before.
    pub bureau_side: bool,
    /// The clause, when newly named.
    pub basis: Option<String>,
    /// What it takes, when newly said.
    pub remedy: Option<Remedy>,
    /// The round.
    pub round: i32,
    /// The deadline.
    pub due: Due,
    /// Until when a major's plan has to be filed.
    pub plan_due: Due,
    /// Until when the bureau has to recheck.
    pub recheck_due: Due,
    /// A plan is on file.
    pub has_plan: bool,
    /// Who puts it right.
    pub responsible_user_id: Option<Uuid>,
    /// Everybody who ever put it right.
    pub rectifiers: Vec<Uuid>,
    /// Who rechecked it in this round.
    pub recheckers: Vec<Uuid>,
    /// How it was closed, when it is by this.
    pub closed: Option<ClosedKind>,
    /// The bureau has put its word to it, now or before.
    pub bureau_ordered: bool,
}

impl Change {
    fn nothing(facts: &Facts, action: Action) -> Self {
        Self {
            action,
            from: facts.status,
            status: facts.status,
            level: facts.level,
            decides_level: false,
            bureau_side: facts.bureau_side,
            basis: None,
            remedy: None,
            round: facts.round,
            due: Due::Keep,
            plan_due: Due::Keep,
            recheck_due: Due::Keep,
            has_plan: facts.has_plan,
            responsible_user_id: facts.responsible_user_id,
            rectifiers: facts.rectifiers.clone(),
            recheckers: facts.recheckers.clone(),
            closed: None,
            bureau_ordered: facts.marks.bureau_ordered,
        }
    }

    fn next_round(self, facts: &Facts, due_at: DateTime<Utc>) -> Self {
        Self {
            status: Status::Rectifying,
            round: facts.round.saturating_add(1),
            due: Due::Given(due_at),
            recheck_due: Due::Clear,
            recheckers: Vec::new(),
            ..self
        }
    }
}

pub(super) fn of(facts: &Facts, actor: &Actor, request: &Request) -> Change {
    let same = Change::nothing(facts, request.action());
    match request {
        Request::Issue { level, due_at, basis, remedy, .. } => Change {
            status: Status::Issued,
            level: *level,
            decides_level: true,
            bureau_side: same.bureau_side || by_bureau(actor),
            basis: basis.clone(),
            remedy: *remedy,
            due: match (due_at, facts.due_at, level) {
                (Some(given), _, _) => Due::Given(*given),
                // Already moved by hand while it waited to be issued; what a school may have given its own finding
                // binds no bureau that issues it.
                (None, Some(_), _) if !(by_bureau(actor) && facts.source.is_schools_own()) => Due::Keep,
                (None, _, Level::General) => Due::ByPolicy,
                (None, _, Level::Major) => Due::Clear,
            },
            plan_due: plan_due(*level, facts.has_plan),
            ..same
        },
        Request::Assign { responsible_user_id } => Change {
            responsible_user_id: Some(*responsible_user_id),
            rectifiers: relieved(facts, *responsible_user_id),
            bureau_ordered: same.bureau_ordered || by_bureau(actor),
            ..same
        },
        // The issuer starts again from nothing: deadlines and plan were those of the refused order.
        Request::RejectAssignment { .. } => Change {
            status: Status::Registered,
            due: Due::Clear,
            plan_due: Due::Clear,
            has_plan: false,
            responsible_user_id: None,
            ..same
        },
        Request::Acknowledge => Change { status: Status::Rectifying, ..same },
        Request::FilePlan(plan) => Change {
            due: match (facts.level, facts.due_at) {
                // A deadline that was ordered is no school's to put off by its plan; it may promise to be earlier.
                (Level::Major, due) if !facts.has_plan && due.is_none_or(|due| plan.due_at < due) => {
                    Due::Given(plan.due_at)
                }
                _ => Due::Keep,
            },
            plan_due: Due::Clear,
            has_plan: true,
            responsible_user_id: Some(plan.responsible_user_id),
            rectifiers: relieved(facts, plan.responsible_user_id),
            ..same
        },
        Request::ReportDone { .. } => {
            let mut rectifiers = facts.rectifiers.clone();
            for person in std::iter::once(actor.user_id).chain(facts.responsible_user_id) {
                if !rectifiers.contains(&person) {
                    rectifiers.push(person);
                }
            }
            Change { status: Status::AwaitingRecheck, recheck_due: Due::ByPolicy, rectifiers, ..same }
        }
        Request::Pass { recheckers, .. } => {
            let recheckers = recheckers.iter().map(|named| named.user_id).collect();
            let passed = Change { recheck_due: Due::Clear, recheckers, ..same };
            match facts.level {
                Level::General => Change { status: Status::Closed, closed: Some(ClosedKind::Rechecked), ..passed },
                Level::Major => Change { status: Status::AwaitingApproval, ..passed },
            }
        }
        Request::Approve { .. } => Change { status: Status::Closed, closed: Some(ClosedKind::Rechecked), ..same },
        Request::Return { due_at, .. } => same.next_round(facts, *due_at),
        // Issued again, by the bureau: what a school closed wrongly it does not close a second time by itself.
        Request::Reopen { due_at, .. } => Change { bureau_side: true, ..same.next_round(facts, *due_at) },
        Request::Regrade { level, basis, .. } => regrade(facts, *level, basis.clone(), same),
        Request::ReassignDue { due_at, .. } => {
            Change { due: Due::Given(*due_at), bureau_ordered: same.bureau_ordered || by_bureau(actor), ..same }
        }
        Request::Void { .. } => Change { status: Status::Void, plan_due: Due::Clear, recheck_due: Due::Clear, ..same },
    }
}

/// Who was at work and hands it on has put it right as well, so that nobody escapes that by passing it on before it is
/// reported done.
fn relieved(facts: &Facts, by: Uuid) -> Vec<Uuid> {
    let mut rectifiers = facts.rectifiers.clone();
    let before = facts.responsible_user_id.filter(|before| facts.status == Status::Rectifying && *before != by);
    rectifiers.extend(before.filter(|before| !facts.rectifiers.contains(before)));
    rectifiers
}

/// A change of level never closes anything: a general hazard has no approval to wait for, so it goes back to be
/// rechecked; what awaits its recheck keeps waiting, under the rules of its new level.
fn regrade(facts: &Facts, level: Level, basis: Option<String>, same: Change) -> Change {
    let graded = Change { level, decides_level: true, bureau_side: true, basis, ..same };
    match (facts.status, level) {
        (Status::AwaitingApproval, Level::General) => Change {
            status: Status::AwaitingRecheck,
            recheckers: Vec::new(),
            recheck_due: Due::ByPolicy,
            plan_due: Due::Clear,
            ..graded
        },
        _ if facts.level == level => graded,
        (Status::Issued | Status::Rectifying, Level::Major) if !facts.has_plan => {
            Change { due: Due::Clear, plan_due: Due::ByPolicy, ..graded }
        }
        (Status::Issued | Status::Rectifying, Level::General) => Change {
            due: if facts.due_at.is_none() { Due::ByPolicy } else { Due::Keep },
            plan_due: Due::Clear,
            ..graded
        },
        _ => graded,
    }
}

fn plan_due(level: Level, has_plan: bool) -> Due {
    if level == Level::Major && !has_plan { Due::ByPolicy } else { Due::Clear }
}

/// A supervisor or inspector issues for the bureau as well.
fn by_bureau(actor: &Actor) -> bool {
    actor.issue.is_some_and(|reach| reach > IssueReach::OwnGeneral)
}
