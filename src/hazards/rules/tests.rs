//! Random people doing random things, and what must hold whatever they do.

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::hazards::status::ClosedKind;

fn person(n: u8) -> Uuid {
    Uuid::from_u128(u128::from(n) + 1)
}

fn day(n: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::days(n)
}

/// Who the seven people of the little world are. Two of them wear two hats.
fn actor(n: u8) -> Actor {
    let none = Actor::nobody(person(n));
    let school = Actor {
        issue: Some(IssueReach::OwnGeneral),
        respond: true,
        rectify: Some(RectifyReach::Any),
        recheck: Some(Side::School),
        void: Some(VoidReach::OwnRegistered),
        ..none
    };
    let supervisor = Actor { issue: Some(IssueReach::General), recheck: Some(Side::Bureau), reopen: true, ..none };
    match n {
        0 => Actor { issue: Some(IssueReach::Any), approve: true, reopen: true, ..none },
        1 => Actor {
            issue: Some(IssueReach::Any),
            recheck: Some(Side::Bureau),
            reopen: true,
            void: Some(VoidReach::Any),
            ..none
        },
        2 => supervisor,
        3 => Actor { recheck: Some(Side::Bureau), ..none },
        4 => school,
        5 => Actor { issue: Some(IssueReach::General), recheck: Some(Side::Bureau), reopen: true, ..school },
        6 => Actor { rectify: Some(RectifyReach::Assigned), ..none },
        // A leader who is also an officer of this school.
        _ => Actor { approve: true, recheck: Some(Side::Bureau), ..school },
    }
}

fn request(action: Action, level: Level, who: &[u8], on_site: bool, basis: bool) -> Request {
    let text = || "x".to_owned();
    let basis = basis.then(text);
    let first = who.first().copied().unwrap_or_default();
    match action {
        Action::Issue => Request::Issue {
            level,
            determination: None,
            due_at: None,
            responsible_org_id: None,
            basis,
            requirement: None,
            lead_section: None,
            remedy: None,
        },
        Action::Assign => Request::Assign { responsible_user_id: person(first) },
        Action::RejectAssignment => Request::RejectAssignment { reason: text() },
        Action::Acknowledge => Request::Acknowledge,
        Action::FilePlan => Request::FilePlan(Plan {
            measures: text(),
            responsible_user_id: person(first),
            leader_user_id: person(0),
            budget_fen: 0,
            due_at: day(40),
            contingency: text(),
        }),
        Action::ReportDone => Request::ReportDone {
            measures_taken: text(),
            cost_fen: None,
            evidence_ids: Vec::new(),
            signed_off_by: Some(person(first)),
        },
        Action::Pass => Request::Pass {
            opinion: text(),
            recheckers: who.iter().map(|n| Rechecker { user_id: person(*n), side: actor(*n).recheck }).collect(),
            on_site,
            evidence_ids: Vec::new(),
        },
        Action::Return => Request::Return { reason: text(), due_at: day(50) },
        Action::Approve => Request::Approve { opinion: text() },
        Action::Regrade => Request::Regrade { level, basis, determination: None, reason: text() },
        Action::ReassignDue => Request::ReassignDue { due_at: day(60), reason: text() },
        Action::Void => Request::Void { reason: text() },
        Action::Reopen => Request::Reopen { reason: text(), due_at: day(70) },
    }
}

fn start(level: Level, proposed_level: Level, source: Source) -> Facts {
    Facts {
        marks: Default::default(),
        status: Status::Registered,
        level,
        proposed_level,
        level_decided: false,
        source,
        bureau_side: false,
        has_basis: false,
        has_plan: false,
        responsible_user_id: None,
        rectifiers: Vec::new(),
        recheckers: Vec::new(),
        round: 1,
        due_at: None,
    }
}

fn apply(facts: &Facts, change: &Change) -> Facts {
    Facts {
        marks: crate::hazards::marks::Marks { bureau_ordered: change.bureau_ordered, ..facts.marks },
        status: change.status,
        level: change.level,
        proposed_level: facts.proposed_level,
        level_decided: facts.level_decided || change.decides_level,
        source: facts.source,
        bureau_side: change.bureau_side,
        has_basis: facts.has_basis || change.basis.is_some(),
        has_plan: change.has_plan,
        responsible_user_id: change.responsible_user_id,
        rectifiers: change.rectifiers.clone(),
        recheckers: change.recheckers.clone(),
        round: change.round,
        due_at: match change.due {
            Due::Keep => facts.due_at,
            Due::Clear => None,
            Due::Given(at) => Some(at),
            Due::ByPolicy => Some(day(7)),
        },
    }
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

/// Who tries what: a blind try, or (mostly) one of the things somebody may do now, so that walks reach the end.
#[derive(Debug, Clone)]
struct Step {
    who: u8,
    action: Action,
    guided: Option<prop::sample::Index>,
    level: Level,
    others: Vec<u8>,
    on_site: bool,
    basis: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let guided = prop::option::weighted(0.8, any::<prop::sample::Index>());
    let people = proptest::collection::vec(0_u8..8, 0..3);
    let step =
        (0_u8..8, any_of(Action::ALL), guided, any_of(Level::ALL), people, any::<bool>(), prop::bool::weighted(0.8));
    let step = step.prop_map(|(who, action, guided, level, others, on_site, basis)| Step {
        who,
        action,
        guided,
        level,
        others,
        on_site,
        basis,
    });
    proptest::collection::vec(step, 1..60)
}

impl Step {
    /// Who asks for what, and with whom. Guided steps leave out what ends or undoes a walk.
    fn ask(&self, facts: &Facts) -> (u8, Request, Vec<u8>) {
        let onward = |action: &Action| {
            !matches!(action, Action::Void | Action::RejectAssignment | Action::Regrade | Action::ReassignDue)
        };
        let possible: Vec<(u8, Action)> = (0..8)
            .flat_map(|who| allowed_actions(facts, &actor(who)).into_iter().map(move |action| (who, action)))
            .filter(|(_, action)| onward(action))
            .collect();
        let (who, action) = match &self.guided {
            Some(index) if !possible.is_empty() => *index.get(&possible),
            _ => (self.who, self.action),
        };
        let mut others = self.others.clone();
        if !others.contains(&who) && (self.guided.is_some() || self.on_site) {
            others.insert(0, who);
        }
        (who, request(action, self.level, &others, self.on_site, self.basis), others)
    }
}

/// The arrows of the drawing, and nothing else.
fn drawn(from: Status, action: Action, to: Status) -> bool {
    use Status::{AwaitingApproval, AwaitingRecheck, Closed, Issued, Rectifying, Registered, Void};
    match action {
        Action::Issue => (from, to) == (Registered, Issued),
        Action::RejectAssignment => (from, to) == (Issued, Registered),
        Action::Acknowledge => (from, to) == (Issued, Rectifying),
        Action::ReportDone => (from, to) == (Rectifying, AwaitingRecheck),
        Action::Pass => from == AwaitingRecheck && matches!(to, Closed | AwaitingApproval),
        Action::Approve => (from, to) == (AwaitingApproval, Closed),
        Action::Return => matches!(from, AwaitingRecheck | AwaitingApproval) && to == Rectifying,
        Action::Reopen => (from, to) == (Closed, Rectifying),
        Action::Void => from.is_open() && to == Void,
        Action::Regrade => from == to || (from, to) == (AwaitingApproval, AwaitingRecheck),
        Action::Assign | Action::FilePlan | Action::ReassignDue => from == to,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_do_the_promises_hold(
        level in any_of(Level::ALL), source in any_of(Source::ALL), steps in steps()
    ) {
        let mut facts = start(level, level, source);
        let mut two_on_site = false;
        for step in steps {
            let (who, request, others) = step.ask(&facts);
            let (caller, action, on_site) = (actor(who), request.action(), step.on_site);
            let allowed = allowed_actions(&facts, &caller);
            let Ok(change) = decide(&facts, &caller, &request) else { continue };

            prop_assert!(allowed.contains(&action), "decided {action} that was not among {allowed:?}");
            prop_assert!(drawn(facts.status, action, change.status), "{} {action} {}", facts.status, change.status);
            prop_assert!(facts.status != Status::Void, "a void hazard moved");
            if matches!(action, Action::Return | Action::Reopen) {
                prop_assert_eq!(change.round, facts.round + 1);
            } else {
                prop_assert_eq!(change.round, facts.round);
            }
            if action == Action::Pass {
                let mut people = others.clone();
                people.sort_unstable();
                people.dedup();
                two_on_site = people.len() >= 2 && on_site;
            }
            if change.status == Status::Closed && action != Action::Void {
                prop_assert_eq!(change.closed, Some(ClosedKind::Rechecked));
                prop_assert!(!facts.rectifiers.contains(&caller.user_id), "closed by who rectified");
                prop_assert!(change.recheckers.iter().all(|one| !facts.rectifiers.contains(one)));
                if facts.level == Level::Major {
                    prop_assert!(action == Action::Approve && caller.approve && two_on_site);
                    prop_assert!(!facts.recheckers.contains(&caller.user_id), "approved by a rechecker");
                }
                let by_school_alone = caller.recheck == Some(Side::School);
                if by_school_alone {
                    prop_assert!(source.is_schools_own() && !facts.bureau_side && facts.level == Level::General);
                }
            }
            facts = apply(&facts, &change);

            prop_assert!(facts.status != Status::AwaitingApproval || facts.level == Level::Major);
            if facts.status.clock_runs() {
                prop_assert!(facts.due_at.is_some() || (facts.level == Level::Major && !facts.has_plan), "a clock without end");
            }
            prop_assert!(facts.level == Level::General || !facts.level_decided || facts.has_basis, "a major without clause");
        }
    }

    #[test]
    fn what_is_offered_can_be_done_with_a_good_body(
        level in any_of(Level::ALL), source in any_of(Source::ALL), steps in steps(), last in 0_u8..8
    ) {
        let mut facts = start(level, level, source);
        for step in steps {
            let (who, request, _) = step.ask(&facts);
            if let Ok(change) = decide(&facts, &actor(who), &request) {
                facts = apply(&facts, &change);
            }
        }
        let caller = actor(last);
        // Inspector 3 is the second pair of eyes, unless a responsible school let that person be assigned the work.
        if facts.rectifiers.contains(&person(3)) {
            return Ok(());
        }
        let with = [last, 3];
        for Possible { action, refusals } in possible_actions(&facts, &caller) {
            let answer = decide(&facts, &caller, &request(action, facts.level, &with, true, true));
            if refusals.is_empty() && action == Action::Pass && facts.level == Level::Major && last == 3 {
                prop_assert_eq!(answer, Err(vec![Refusal::NeedsTwoRecheckers]));
            } else if refusals.is_empty() {
                prop_assert!(answer.is_ok(), "{action} was offered to {last}: {answer:?} {facts:?}");
            } else {
                let answer = answer.err().unwrap_or_default();
                prop_assert!(refusals.iter().all(|refusal| answer.contains(refusal)), "{refusals:?} {answer:?}");
            }
        }
    }
}

/// Walks a way that must be open.
fn walk(mut facts: Facts, way: &[(u8, Request)]) -> Facts {
    for (who, request) in way {
        let change = decide(&facts, &actor(*who), request).unwrap_or_else(|no| panic!("{request:?}: {no:?}"));
        facts = apply(&facts, &change);
    }
    facts
}

fn simple(action: Action, level: Level) -> Request {
    request(action, level, &[4], true, true)
}

#[test]
fn a_major_needs_plan_two_recheckers_on_site_and_a_leader() {
    let major = Level::Major;
    let facts = walk(
        start(major, major, Source::Routine),
        &[(1, simple(Action::Issue, major)), (4, simple(Action::Acknowledge, major))],
    );
    assert_eq!(facts.due_at, None);
    assert_eq!(decide(&facts, &actor(4), &simple(Action::ReportDone, major)), Err(vec![Refusal::PlanMissing]));
    let facts = walk(facts, &[(4, simple(Action::FilePlan, major)), (4, simple(Action::ReportDone, major))]);
    assert_eq!(facts.due_at, Some(day(40)));
    assert_eq!(
        decide(&facts, &actor(3), &request(Action::Pass, major, &[3], false, false)),
        Err(vec![Refusal::NeedsTwoRecheckers, Refusal::NeedsOnSite])
    );
    let facts = walk(facts, &[(3, request(Action::Pass, major, &[3, 2], true, false))]);
    assert_eq!(facts.status, Status::AwaitingApproval);
    assert_eq!(decide(&facts, &actor(1), &simple(Action::Approve, major)), Err(vec![Refusal::NeedsLeader]));
    assert_eq!(walk(facts, &[(0, simple(Action::Approve, major))]).status, Status::Closed);
}

#[test]
fn a_school_closes_its_own_by_a_second_person_and_nothing_of_the_bureau() {
    let general = Level::General;
    let way = [
        (4, simple(Action::Issue, general)),
        (4, simple(Action::Acknowledge, general)),
        (4, simple(Action::ReportDone, general)),
    ];
    let own = walk(start(general, general, Source::SelfCheck), &way);
    assert_eq!(
        decide(&own, &actor(4), &request(Action::Pass, general, &[4], false, false)),
        Err(vec![Refusal::SamePerson])
    );
    assert_eq!(walk(own, &[(5, request(Action::Pass, general, &[5], false, false))]).status, Status::Closed);

    assert_eq!(
        decide(&start(general, general, Source::Routine), &actor(4), &simple(Action::Issue, general)),
        Err(vec![Refusal::NeedsBureau])
    );
}

#[test]
fn what_is_major_by_default_waits_for_the_bureau_even_when_proposed_as_general() {
    let waiting = start(Level::General, Level::Major, Source::Routine);
    assert_eq!(decide(&waiting, &actor(2), &simple(Action::Issue, Level::General)), Err(vec![Refusal::NeedsBureau]));
    assert!(decide(&waiting, &actor(1), &simple(Action::Issue, Level::General)).is_ok());
}

#[test]
fn a_regrade_to_general_sends_what_awaits_approval_back_to_its_recheck() {
    let major = Level::Major;
    let mut facts = start(major, major, Source::Routine);
    facts.status = Status::AwaitingApproval;
    facts.recheckers = vec![person(3), person(2)];
    let facts = walk(facts, &[(1, simple(Action::Regrade, Level::General))]);
    assert_eq!((facts.status, facts.recheckers.len()), (Status::AwaitingRecheck, 0));
}
