//! Who may do what to a hazard, from which state, and what then changes. Pure: no IO, no clock.
//!
//! One table of guards ([`guards`]) answers both questions a client has: "may I?" before it asks
//! ([`possible_actions`]) and "why not?" after it asked ([`decide`]). [`effects`] says what a permitted action changes.

mod effects;
mod guards;
mod levels;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

pub use self::effects::{Change, Due};
pub use self::guards::{separated, starts_from};
pub use self::levels::{graded, on_spot_refusals, source_allowed};
use super::marks::{Determination, Marks};
use super::status::{Action, Level, Refusal, Remedy, Source, Status};

/// What the decision needs to know of a hazard; all of it stands on its row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a row")]
pub struct Facts {
    /// Where it stands.
    pub status: Status,
    /// The level as it stands; a proposal until somebody decided it.
    pub level: Level,
    /// The gravest of the item's default and what the finder proposed.
    pub proposed_level: Level,
    /// Somebody entitled has issued or regraded it.
    pub level_decided: bool,
    /// Where it came from.
    pub source: Source,
    /// A bureau role issued or regraded it: from then on the bureau rechecks.
    pub bureau_side: bool,
    /// The clause it matches is named.
    pub has_basis: bool,
    /// A plan is on file.
    pub has_plan: bool,
    /// Who puts it right.
    pub responsible_user_id: Option<Uuid>,
    /// Everybody who ever put it right, in any round.
    pub rectifiers: Vec<Uuid>,
    /// Who rechecked it in this round.
    pub recheckers: Vec<Uuid>,
    /// The round, from 1.
    pub round: i32,
    /// The deadline in force.
    pub due_at: Option<DateTime<Utc>>,
    /// What accompanies it.
    pub marks: Marks,
}

/// How far the right to issue reaches; the greater includes the lesser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssueReach {
    /// A school: general findings of its own.
    OwnGeneral,
    /// A supervisor, or an inspector whose own inspection it is: any general one.
    General,
    /// The bureau: any.
    Any,
}

/// For which side somebody rechecks; the bureau may wherever the school may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The school's own general findings.
    School,
    /// Any.
    Bureau,
}

/// Which hazards somebody may put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RectifyReach {
    /// Those assigned to this person.
    Assigned,
    /// All of the school.
    Any,
}

/// Which hazards somebody may declare void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VoidReach {
    /// A school: its own, while registered.
    OwnRegistered,
    /// The bureau: any open one.
    Any,
}

/// What the caller may do over this very hazard, over all memberships, as the access layer found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub user_id: Uuid,
    /// `hazard.issue`: issue, assign, regrade, move the deadline.
    pub issue: Option<IssueReach>,
    /// `hazard.respond`: acknowledge, reject, and assign within the school.
    pub respond: bool,
    /// `hazard.rectify`: file the plan, report done.
    pub rectify: Option<RectifyReach>,
    /// `hazard.recheck`: pass, return.
    pub recheck: Option<Side>,
    /// `hazard.approve`.
    pub approve: bool,
    /// `hazard.reopen`.
    pub reopen: bool,
    /// `hazard.void`.
    pub void: Option<VoidReach>,
}

impl Actor {
    /// Somebody without any right.
    #[must_use]
    pub const fn nobody(user_id: Uuid) -> Self {
        Self {
            user_id,
            issue: None,
            respond: false,
            rectify: None,
            recheck: None,
            approve: false,
            reopen: false,
            void: None,
        }
    }
}

/// Somebody named as rechecker, with the right that person holds over this hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rechecker {
    /// The person.
    pub user_id: Uuid,
    /// For which side that person rechecks this hazard; nothing when without the right.
    pub side: Option<Side>,
}

/// The five commitments (五落实): measures, people, money, time, contingency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What will be done.
    pub measures: String,
    /// Who does it.
    pub responsible_user_id: Uuid,
    /// Who in the school's lead answers for it.
    pub leader_user_id: Uuid,
    /// What it may cost, in fen.
    pub budget_fen: i64,
    /// By when. The first plan of a major sets its deadline.
    pub due_at: DateTime<Utc>,
    /// What happens if it goes wrong meanwhile.
    pub contingency: String,
}

/// An action with what it carries; shapes are checked already (see [`super::body`]).
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// See [`Action::Issue`].
    Issue {
        /// The level decided.
        level: Level,
        /// How it was judged to be a major.
        determination: Option<Determination>,
        /// The deadline, else the policy's.
        due_at: Option<DateTime<Utc>>,
        /// Who has to see to it; the school when absent.
        responsible_org_id: Option<Uuid>,
        /// The clause.
        basis: Option<String>,
        /// What is demanded.
        requirement: Option<String>,
        /// A code of the bureau's own list of sections.
        lead_section: Option<String>,
        /// What it takes, for the policy.
        remedy: Option<Remedy>,
    },
    /// See [`Action::Assign`].
    Assign {
        /// Who puts it right.
        responsible_user_id: Uuid,
    },
    /// See [`Action::RejectAssignment`].
    RejectAssignment {
        /// Why it is not ours.
        reason: String,
    },
    /// See [`Action::Acknowledge`].
    Acknowledge,
    /// See [`Action::FilePlan`].
    FilePlan(Plan),
    /// See [`Action::ReportDone`].
    ReportDone {
        /// What was done.
        measures_taken: String,
        /// What it cost, in fen.
        cost_fen: Option<i64>,
        /// Claims of evidence.
        evidence_ids: Vec<Uuid>,
        /// The principal who signs it off; signing off is not rectifying.
        signed_off_by: Option<Uuid>,
    },
    /// See [`Action::Pass`].
    Pass {
        /// What the recheckers found.
        opinion: String,
        /// Who rechecked, the caller among them.
        recheckers: Vec<Rechecker>,
        /// They were there.
        on_site: bool,
        /// Claims of evidence.
        evidence_ids: Vec<Uuid>,
    },
    /// See [`Action::Return`].
    Return {
        /// What is still wrong.
        reason: String,
        /// The new deadline.
        due_at: DateTime<Utc>,
    },
    /// See [`Action::Approve`].
    Approve {
        /// The leader's opinion.
        opinion: String,
    },
    /// See [`Action::Regrade`].
    Regrade {
        /// The level decided.
        level: Level,
        /// The clause.
        basis: Option<String>,
        /// How it was judged to be a major.
        determination: Option<Determination>,
        /// Why.
        reason: String,
    },
    /// See [`Action::ReassignDue`].
    ReassignDue {
        /// The new deadline.
        due_at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// See [`Action::Void`].
    Void {
        /// Why it was a mistake.
        reason: String,
    },
    /// See [`Action::Reopen`].
    Reopen {
        /// What the look-back found.
        reason: String,
        /// The new deadline.
        due_at: DateTime<Utc>,
    },
}

impl Request {
    /// Which action this is.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Issue { .. } => Action::Issue,
            Self::Assign { .. } => Action::Assign,
            Self::RejectAssignment { .. } => Action::RejectAssignment,
            Self::Acknowledge => Action::Acknowledge,
            Self::FilePlan(_) => Action::FilePlan,
            Self::ReportDone { .. } => Action::ReportDone,
            Self::Pass { .. } => Action::Pass,
            Self::Return { .. } => Action::Return,
            Self::Approve { .. } => Action::Approve,
            Self::Regrade { .. } => Action::Regrade,
            Self::ReassignDue { .. } => Action::ReassignDue,
            Self::Void { .. } => Action::Void,
            Self::Reopen { .. } => Action::Reopen,
        }
    }

    /// What the journal keeps of it beside the change itself: the words somebody answers for.
    #[must_use]
    pub fn journal(&self) -> Value {
        match self {
            Self::Issue { requirement, lead_section, remedy, .. } => serde_json::json!({
                "requirement": requirement, "lead_section": lead_section, "remedy": remedy,
            }),
            Self::Assign { .. } | Self::Acknowledge => Value::Object(serde_json::Map::new()),
            Self::FilePlan(plan) => serde_json::json!({
                "measures": plan.measures, "leader_user_id": plan.leader_user_id, "budget_fen": plan.budget_fen,
                "plan_due_at": plan.due_at, "contingency": plan.contingency,
            }),
            Self::ReportDone { measures_taken, cost_fen, evidence_ids, signed_off_by } => serde_json::json!({
                "measures_taken": measures_taken, "cost_fen": cost_fen, "evidence_ids": evidence_ids,
                "signed_off_by": signed_off_by,
            }),
            Self::Pass { opinion, on_site, evidence_ids, .. } => serde_json::json!({
                "opinion": opinion, "on_site": on_site, "evidence_ids": evidence_ids,
            }),
            Self::Approve { opinion } => serde_json::json!({ "opinion": opinion }),
            Self::RejectAssignment { reason }
            | Self::Return { reason, .. }
            | Self::Regrade { reason, .. }
            | Self::ReassignDue { reason, .. }
            | Self::Void { reason }
            | Self::Reopen { reason, .. } => serde_json::json!({ "reason": reason }),
        }
    }
}

/// One action as the caller sees it before asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possible {
    /// The action.
    pub action: Action,
    /// What stands in the way whatever the body says; empty when it may be asked for.
    pub refusals: Vec<Refusal>,
}

/// Decides a transition.
///
/// # Errors
/// Every rule that stands in the way, each once.
pub fn decide(facts: &Facts, actor: &Actor, request: &Request) -> Result<Change, Vec<Refusal>> {
    let mut refusals = guards::standing(request.action(), facts, actor);
    for refusal in guards::by_body(request, facts, actor) {
        if !refusals.contains(&refusal) {
            refusals.push(refusal);
        }
    }
    if refusals.is_empty() { Ok(effects::of(facts, actor, request)) } else { Err(refusals) }
}

/// Every action with what stands in its way for this caller, from the guards that need no body.
#[must_use]
pub fn possible_actions(facts: &Facts, actor: &Actor) -> Vec<Possible> {
    let possible = |action: &Action| Possible { action: *action, refusals: guards::standing(*action, facts, actor) };
    Action::ALL.iter().map(possible).collect()
}

/// The actions this caller may ask for now.
#[must_use]
pub fn allowed_actions(facts: &Facts, actor: &Actor) -> Vec<Action> {
    let open = |one: Possible| one.refusals.is_empty().then_some(one.action);
    possible_actions(facts, actor).into_iter().filter_map(open).collect()
}
