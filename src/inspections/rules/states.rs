//! The states of an inspection and who may move it.
//!
//! ```text
//! planned ──check_in──▶ in_progress ──submit──▶ submitted ──confirm──▶ confirmed
//!    │                      │                      ▲  │                │
//!    │                      │                      │  │◀─────amend─────┘
//!    └──────────────────────┴───────void───────────┼──┴───▶ void
//!                                                  └─amend (a new version of the record)
//! ```
//!
//! What is confirmed is a version: an amended record waits for its confirmation again, and for a new acknowledgement.

use self::{InspectionAction as Action, InspectionRefusal as Refusal, InspectionStatus as Status};
use super::kinds::InspectionKind as Kind;

crate::text_enum! {
    /// Where an inspection stands.
    pub enum InspectionStatus {
        /// Planned; the team has not arrived.
        Planned = "planned",
        /// The team has checked in.
        InProgress = "in_progress",
        /// Handed in; its hazards exist.
        Submitted = "submitted",
        /// Confirmed by the bureau.
        Confirmed = "confirmed",
        /// Should not have been; kept with its reason.
        Void = "void",
    }
}

crate::text_enum! {
    /// What can be done with an inspection.
    pub enum InspectionAction {
        /// Change of plan: date, title, team, checklists.
        Edit = "edit",
        /// The team arrives.
        CheckIn = "check_in",
        /// An item is answered.
        Answer = "answer",
        /// The record is handed in.
        Submit = "submit",
        /// The school signs or objects, or the lead records its refusal.
        Acknowledge = "acknowledge",
        /// What was handed in is put right, as a new version.
        Amend = "amend",
        /// The bureau answers an objection of the school.
        ReplyObjection = "reply_objection",
        /// The bureau confirms.
        Confirm = "confirm",
        /// It should not have been.
        Void = "void",
    }
}

crate::text_enum! {
    /// What became of the record at the school.
    pub enum AcknowledgementOutcome {
        /// Signed by the school.
        Signed = "signed",
        /// Signed with an objection.
        Objected = "objected",
        /// The school would not sign; a legal outcome with its own record, not an error.
        Refused = "refused",
    }
}

crate::text_enum! {
    /// What the bureau makes of an objection.
    pub enum ObjectionDecision {
        /// The school is right: the team has to amend the record.
        Upheld = "upheld",
        /// The record stands.
        Dismissed = "dismissed",
    }
}

crate::text_enum! {
    /// Why an action is not possible; all that stand in the way are named.
    pub enum InspectionRefusal {
        /// Not from this state.
        WrongState = "wrong_state",
        /// Only the team performs.
        NotOnTeam = "not_on_team",
        /// Only the lead of the team.
        NotLead = "not_lead",
        /// Only the school that was inspected.
        NotOfSchool = "not_of_school",
        /// The caller lacks the right for this step.
        NeedsBureau = "needs_bureau",
        /// Who performed does not confirm.
        SamePerson = "same_person",
        /// There is one acknowledgement, and it stands.
        AlreadyAcknowledged = "already_acknowledged",
        /// The record has become another one since it was read.
        OtherVersion = "other_version",
        /// The school has not objected to this version.
        NotObjected = "not_objected",
        /// The objection has its answer.
        AlreadyReplied = "already_replied",
        /// The school's objection waits for its answer.
        ObjectionOpen = "objection_open",
        /// The objection was upheld: the record has to be amended first.
        AmendmentDue = "amendment_due",
        /// Not at this kind of inspection.
        NotForThisKind = "not_for_this_kind",
    }
}

/// What the decision needs to know of the inspection.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Its kind.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Whether an acknowledgement of the version that stands is on record.
    pub acknowledged: bool,
    /// Whether it is an objection.
    pub objected: bool,
    /// Whether it is the lead's record that the school would not sign.
    pub refused: bool,
    /// What the bureau made of the objection.
    pub reply: Option<ObjectionDecision>,
}

/// What the decision needs to know of the caller, settled beforehand from memberships over this inspection.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each asked by name")]
pub struct Actor {
    /// Holds the right to plan it.
    pub plans: bool,
    /// Holds the right to perform and is on its team.
    pub on_team: bool,
    /// Is the lead of its team.
    pub is_lead: bool,
    /// Is on its team, whatever rights are left: who took part does not judge it.
    pub took_part: bool,
    /// Holds the right to acknowledge for the school.
    pub of_school: bool,
    /// Holds the right to confirm and void.
    pub confirms: bool,
}

/// The state after an action, or every rule that stands in its way.
///
/// # Errors
/// The refusals, in the order of [`InspectionRefusal`].
pub fn decide(action: Action, facts: Facts, actor: Actor) -> Result<Status, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let next = match (action, facts.status) {
        (Action::Edit, Status::Planned) => Some(Status::Planned),
        (Action::CheckIn, Status::Planned) | (Action::Answer, Status::InProgress) => Some(Status::InProgress),
        (Action::Submit, Status::InProgress) => Some(Status::Submitted),
        // The school may sign after the bureau has confirmed: its signature is late, not lost.
        (Action::Acknowledge, Status::Submitted | Status::Confirmed) => Some(facts.status),
        // A confirmed record may turn out wrong as well; what was confirmed was the version before.
        (Action::Amend, Status::Submitted | Status::Confirmed) => Some(Status::Submitted),
        (Action::ReplyObjection, Status::Submitted | Status::Confirmed) => Some(facts.status),
        (Action::Confirm, Status::Submitted) => Some(Status::Confirmed),
        (Action::Void, Status::Planned | Status::InProgress | Status::Submitted) => Some(Status::Void),
        _ => None,
    };
    if next.is_none() {
        refusals.push(Refusal::WrongState);
    }
    match action {
        Action::Edit => {
            if !actor.plans {
                refusals.push(Refusal::NeedsBureau);
            }
        }
        Action::CheckIn | Action::Answer | Action::Submit | Action::Amend => {
            if !actor.on_team {
                refusals.push(Refusal::NotOnTeam);
            }
        }
        Action::Acknowledge => {
            if !actor.of_school && !actor.is_lead {
                refusals.push(Refusal::NotOfSchool);
            }
            // A refusal is the team's word about the school; the school's own may still come.
            if facts.acknowledged && !(facts.refused && actor.of_school) {
                refusals.push(Refusal::AlreadyAcknowledged);
            }
        }
        Action::Confirm => {
            if !actor.confirms {
                refusals.push(Refusal::NeedsBureau);
            }
            if actor.took_part {
                refusals.push(Refusal::SamePerson);
            }
            match facts.reply {
                None if facts.objected => refusals.push(Refusal::ObjectionOpen),
                Some(ObjectionDecision::Upheld) => refusals.push(Refusal::AmendmentDue),
                _ => {}
            }
        }
        Action::ReplyObjection => {
            if !actor.confirms {
                refusals.push(Refusal::NeedsBureau);
            }
            if actor.took_part {
                refusals.push(Refusal::SamePerson);
            }
            if !facts.objected {
                refusals.push(Refusal::NotObjected);
            }
            if facts.reply.is_some() {
                refusals.push(Refusal::AlreadyReplied);
            }
        }
        Action::Void => {
            // Who planned it may take it back until the team is there; later only the bureau.
            if !(actor.confirms || actor.plans && facts.status == Status::Planned) {
                refusals.push(Refusal::NeedsBureau);
            }
        }
    }
    match next {
        Some(next) if refusals.is_empty() => Ok(next),
        _ => Err(refusals),
    }
}

/// Whether this caller may record this outcome: the school signs or objects, the lead records a refusal.
///
/// # Errors
/// The refusals.
pub fn may_acknowledge(outcome: AcknowledgementOutcome, facts: Facts, actor: Actor) -> Result<(), Vec<Refusal>> {
    let narrowed = match outcome {
        AcknowledgementOutcome::Signed | AcknowledgementOutcome::Objected => Actor { is_lead: false, ..actor },
        AcknowledgementOutcome::Refused => Actor { of_school: false, ..actor },
    };
    decide(Action::Acknowledge, facts, narrowed).map(|_| ()).map_err(|mut refusals| {
        if outcome == AcknowledgementOutcome::Refused {
            for refusal in &mut refusals {
                if *refusal == Refusal::NotOfSchool {
                    *refusal = Refusal::NotLead;
                }
            }
        }
        refusals
    })
}

/// What this caller may do with it now, from the same function that decides.
#[must_use]
pub fn allowed_actions(facts: Facts, actor: Actor) -> Vec<Action> {
    Action::ALL.iter().copied().filter(|action| decide(*action, facts, actor).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(status: Status) -> Facts {
        Facts { kind: Kind::Routine, status, acknowledged: false, objected: false, refused: false, reply: None }
    }

    const NOBODY: Actor =
        Actor { plans: false, on_team: false, is_lead: false, took_part: false, of_school: false, confirms: false };
    const TEAM: Actor = Actor { on_team: true, took_part: true, ..NOBODY };
    const BUREAU: Actor = Actor { plans: true, confirms: true, ..NOBODY };

    #[test]
    fn the_whole_way_from_plan_to_confirmation() {
        assert_eq!(decide(Action::CheckIn, facts(Status::Planned), TEAM), Ok(Status::InProgress));
        assert_eq!(decide(Action::Answer, facts(Status::InProgress), TEAM), Ok(Status::InProgress));
        assert_eq!(decide(Action::Submit, facts(Status::InProgress), TEAM), Ok(Status::Submitted));
        assert_eq!(decide(Action::Confirm, facts(Status::Submitted), BUREAU), Ok(Status::Confirmed));
    }

    #[test]
    fn every_rule_in_the_way_is_named() {
        let both = Actor { confirms: true, ..TEAM };
        assert_eq!(
            decide(Action::Confirm, facts(Status::Planned), both),
            Err(vec![Refusal::WrongState, Refusal::SamePerson])
        );
        assert_eq!(
            decide(Action::Submit, facts(Status::Void), BUREAU),
            Err(vec![Refusal::WrongState, Refusal::NotOnTeam])
        );
        // Whose right to perform has ended took part all the same.
        let former = Actor { took_part: true, ..BUREAU };
        assert_eq!(decide(Action::Confirm, facts(Status::Submitted), former), Err(vec![Refusal::SamePerson]));
    }

    #[test]
    fn a_planner_may_take_back_a_plan_but_not_a_visit() {
        let planner = Actor { plans: true, ..NOBODY };
        assert_eq!(decide(Action::Void, facts(Status::Planned), planner), Ok(Status::Void));
        assert_eq!(decide(Action::Void, facts(Status::InProgress), planner), Err(vec![Refusal::NeedsBureau]));
        assert_eq!(decide(Action::Void, facts(Status::Submitted), BUREAU), Ok(Status::Void));
        assert_eq!(decide(Action::Void, facts(Status::Confirmed), BUREAU), Err(vec![Refusal::WrongState]));
    }

    #[test]
    fn the_school_signs_and_the_lead_records_a_refusal() {
        let school = Actor { of_school: true, ..NOBODY };
        let lead = Actor { is_lead: true, ..TEAM };
        let at = facts(Status::Submitted);
        assert_eq!(may_acknowledge(AcknowledgementOutcome::Objected, at, school), Ok(()));
        assert_eq!(may_acknowledge(AcknowledgementOutcome::Refused, at, lead), Ok(()));
        assert_eq!(may_acknowledge(AcknowledgementOutcome::Signed, at, lead), Err(vec![Refusal::NotOfSchool]));
        assert_eq!(may_acknowledge(AcknowledgementOutcome::Refused, at, school), Err(vec![Refusal::NotLead]));
        let twice = Facts { acknowledged: true, ..at };
        assert_eq!(
            may_acknowledge(AcknowledgementOutcome::Signed, twice, school),
            Err(vec![Refusal::AlreadyAcknowledged])
        );
        let refused = Facts { refused: true, ..twice };
        assert_eq!(may_acknowledge(AcknowledgementOutcome::Objected, refused, school), Ok(()));
        assert_eq!(
            may_acknowledge(AcknowledgementOutcome::Refused, refused, lead),
            Err(vec![Refusal::AlreadyAcknowledged])
        );
    }

    #[test]
    fn an_objection_is_answered_before_the_bureau_confirms_and_an_upheld_one_asks_for_an_amendment() {
        let open = Facts { acknowledged: true, objected: true, ..facts(Status::Submitted) };
        let answered = |decision| Facts { reply: Some(decision), ..open };
        assert_eq!(decide(Action::Confirm, open, BUREAU), Err(vec![Refusal::ObjectionOpen]));
        assert_eq!(decide(Action::ReplyObjection, open, BUREAU), Ok(Status::Submitted));
        assert_eq!(decide(Action::ReplyObjection, facts(Status::Submitted), BUREAU), Err(vec![Refusal::NotObjected]));
        let upheld = answered(ObjectionDecision::Upheld);
        assert_eq!(decide(Action::Confirm, upheld, BUREAU), Err(vec![Refusal::AmendmentDue]));
        assert_eq!(decide(Action::ReplyObjection, upheld, BUREAU), Err(vec![Refusal::AlreadyReplied]));
        assert_eq!(decide(Action::Confirm, answered(ObjectionDecision::Dismissed), BUREAU), Ok(Status::Confirmed));
        assert_eq!(decide(Action::Amend, upheld, TEAM), Ok(Status::Submitted));
        assert_eq!(decide(Action::Amend, facts(Status::Confirmed), TEAM), Ok(Status::Submitted));
        assert_eq!(decide(Action::Amend, facts(Status::InProgress), TEAM), Err(vec![Refusal::WrongState]));
        assert_eq!(decide(Action::Amend, facts(Status::Submitted), BUREAU), Err(vec![Refusal::NotOnTeam]));
    }

    proptest! {
        #[test]
        fn no_sequence_leaves_the_five_states_or_comes_back_from_void(
            steps in proptest::collection::vec((0..Action::ALL.len(), any::<[bool; 5]>()), 0..40)
        ) {
            let mut now = facts(Status::Planned);
            for (step, [plans, on_team, is_lead, of_school, confirms]) in steps {
                let actor = Actor { plans, on_team, is_lead, took_part: on_team, of_school, confirms };
                let action = Action::ALL[step];
                let allowed = allowed_actions(now, actor);
                match decide(action, now, actor) {
                    Ok(next) => {
                        prop_assert!(allowed.contains(&action));
                        prop_assert!(!matches!(now.status, Status::Void));
                        prop_assert!(next != Status::Confirmed || confirms && !on_team || now.status == Status::Confirmed);
                        prop_assert!(action != Action::Amend || on_team && next == Status::Submitted);
                        now.status = next;
                    }
                    Err(refusals) => prop_assert!(!refusals.is_empty() && !allowed.contains(&action)),
                }
            }
        }
    }
}
