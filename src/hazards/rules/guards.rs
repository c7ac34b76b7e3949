//! The guard table: for each action the states it starts from, who may, and what else must hold.

use uuid::Uuid;

use super::{Actor, Facts, IssueReach, RectifyReach, Request, Side, VoidReach};
use crate::hazards::status::{Action, Level, Refusal, Status};

/// The states an action starts from.
#[must_use]
pub const fn starts_from(action: Action) -> &'static [Status] {
    use Status::{AwaitingApproval, AwaitingRecheck, Closed, Issued, Rectifying, Registered};
    match action {
        Action::Issue => &[Registered],
        Action::Assign | Action::FilePlan => &[Issued, Rectifying],
        Action::RejectAssignment | Action::Acknowledge => &[Issued],
        Action::ReportDone => &[Rectifying],
        Action::Pass => &[AwaitingRecheck],
        Action::Return => &[AwaitingRecheck, AwaitingApproval],
        Action::Approve => &[AwaitingApproval],
        Action::Regrade | Action::ReassignDue | Action::Void => {
            &[Registered, Issued, Rectifying, AwaitingRecheck, AwaitingApproval]
        }
        Action::Reopen => &[Closed],
    }
}

/// What stands in the way whatever the body says.
pub(super) fn standing(action: Action, facts: &Facts, actor: &Actor) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if !starts_from(action).contains(&facts.status) {
        refusals.push(Refusal::WrongState);
    }
    refusals.extend(permission(action, facts, actor));
    if separated(action, facts, actor.user_id) {
        refusals.push(Refusal::SamePerson);
    }
    if action == Action::ReportDone && facts.level == Level::Major && !facts.has_plan {
        refusals.push(Refusal::PlanMissing);
    }
    refusals
}

/// Who may, as the table of roles reaches this hazard.
fn permission(action: Action, facts: &Facts, actor: &Actor) -> Option<Refusal> {
    match action {
        Action::Assign if actor.respond => None,
        // Once reported done, a new deadline would only make a late report look as if it came in time.
        Action::ReassignDue if actor.issue == Some(IssueReach::OwnGeneral) && reported(facts) => {
            Some(Refusal::NeedsBureau)
        }
        Action::Issue | Action::ReassignDue | Action::Assign => issue(facts, actor),
        // A change of level is the bureau's word: lesser reaches end at general and have nothing to change.
        Action::Regrade => match actor.issue {
            Some(IssueReach::Any) => None,
            Some(_) => Some(Refusal::NeedsBureau),
            None => Some(Refusal::NotPermitted),
        },
        Action::RejectAssignment | Action::Acknowledge => refuse_unless(actor.respond),
        Action::FilePlan | Action::ReportDone => refuse_unless(match actor.rectify {
            Some(RectifyReach::Any) => true,
            Some(RectifyReach::Assigned) => facts.responsible_user_id == Some(actor.user_id),
            None => false,
        }),
        Action::Return if facts.status == Status::AwaitingApproval && actor.approve => None,
        Action::Pass | Action::Return => match actor.recheck {
            Some(side) => (!side_may_close(side, facts)).then_some(Refusal::NeedsBureau),
            None => Some(Refusal::NotPermitted),
        },
        Action::Approve => (!actor.approve).then_some(Refusal::NeedsLeader),
        Action::Void => match actor.void {
            Some(VoidReach::Any) => None,
            Some(VoidReach::OwnRegistered) => {
                // What the bureau has ordered, in whatever way, is not undone by refusing the order first.
                let ordered = facts.bureau_side || facts.marks.bureau_ordered;
                let own = facts.source.is_schools_own() && !ordered && facts.status == Status::Registered;
                (!own).then_some(Refusal::NeedsBureau)
            }
            None => Some(Refusal::NotPermitted),
        },
        Action::Reopen => refuse_unless(actor.reopen),
    }
}

fn refuse_unless(permitted: bool) -> Option<Refusal> {
    (!permitted).then_some(Refusal::NotPermitted)
}

fn issue(facts: &Facts, actor: &Actor) -> Option<Refusal> {
    let within = match actor.issue {
        None => return Some(Refusal::NotPermitted),
        Some(IssueReach::Any) => true,
        Some(IssueReach::General) => !waits_as_major(facts),
        Some(IssueReach::OwnGeneral) => facts.source.is_schools_own() && !facts.bureau_side && !waits_as_major(facts),
    };
    (!within).then_some(Refusal::NeedsBureau)
}

const fn reported(facts: &Facts) -> bool {
    matches!(facts.status, Status::AwaitingRecheck | Status::AwaitingApproval)
}

/// Major, or proposed as one and not decided yet: the bureau's to grade.
fn waits_as_major(facts: &Facts) -> bool {
    facts.level == Level::Major || (facts.proposed_level == Level::Major && !facts.level_decided)
}

/// Who may close: the school only its own general findings that no bureau role issued or regraded.
fn side_may_close(side: Side, facts: &Facts) -> bool {
    match side {
        Side::Bureau => true,
        Side::School => facts.source.is_schools_own() && !facts.bureau_side && facts.level == Level::General,
    }
}

/// Separation of duties, by person and over all rounds: whether what this person did for the hazard bars the action.
#[must_use]
pub fn separated(action: Action, facts: &Facts, person: Uuid) -> bool {
    match action {
        Action::Pass | Action::Return => facts.rectifiers.contains(&person),
        Action::Approve => facts.rectifiers.contains(&person) || facts.recheckers.contains(&person),
        _ => false,
    }
}

/// A major names the clause it matches.
fn without_basis(facts: &Facts, basis: Option<&String>) -> Option<Refusal> {
    (!facts.has_basis && basis.is_none()).then_some(Refusal::BasisMissing)
}

/// What stands in the way because of what the body says.
pub(super) fn by_body(request: &Request, facts: &Facts, actor: &Actor) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    match request {
        Request::Issue { level: Level::Major, basis, .. } => {
            if actor.issue.is_some_and(|reach| reach < IssueReach::Any) {
                refusals.push(Refusal::NeedsBureau);
            }
            refusals.extend(without_basis(facts, basis.as_ref()));
        }
        Request::Regrade { level: Level::Major, basis, .. } => refusals.extend(without_basis(facts, basis.as_ref())),
        Request::Pass { recheckers, on_site, .. } => {
            if !recheckers.iter().any(|named| named.user_id == actor.user_id)
                || recheckers.iter().any(|named| named.side.is_none())
            {
                refusals.push(Refusal::NotARechecker);
            }
            if recheckers.iter().any(|named| facts.rectifiers.contains(&named.user_id)) {
                refusals.push(Refusal::SamePerson);
            }
            if recheckers.iter().any(|named| named.side.is_some_and(|side| !side_may_close(side, facts))) {
                refusals.push(Refusal::NeedsBureau);
            }
            if facts.level == Level::Major {
                let different = recheckers
                    .iter()
                    .enumerate()
                    .filter(|(at, named)| !recheckers.iter().take(*at).any(|earlier| earlier.user_id == named.user_id));
                if different.count() < 2 {
                    refusals.push(Refusal::NeedsTwoRecheckers);
                }
                if !on_site {
                    refusals.push(Refusal::NeedsOnSite);
                }
            }
        }
        _ => {}
    }
    refusals
}
