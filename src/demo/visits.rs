//! The inspections of the term: planned, under way, handed in, confirmed, void.

use serde_json::json;

use super::stories;
use super::world::{School, World};
use crate::access::Permission;
use crate::catalogue::builtin;
use crate::catalogue::rules::{Item, Response, Severity};
use crate::inspections::rules::{AcknowledgementOutcome, InspectionKind as Kind, ObjectionDecision, Outcome};
use crate::inspections::store::{
    self, Acknowledgement, AnswerBody, CheckIn, NewInspection, ObjectionReply, Reason, Submit,
};
use crate::platform::db::Tx;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// How far an inspection comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Planned,
    VoidedPlan,
    InProgress,
    Submitted,
    VoidedRecord,
    Confirmed,
}

/// One visit of the story.
#[derive(Debug, Clone)]
struct Visit {
    /// Which of all visits; what it finds follows from it.
    number: usize,
    /// The school, by its place in the list.
    school: usize,
    kind: Kind,
    /// Categories of the built-in checklists.
    lists: Vec<&'static str>,
    planner: String,
    /// The first leads and answers.
    team: Vec<String>,
    /// Working days before the date; ahead of it where negative.
    back: i64,
    /// Items that fail.
    fails: usize,
    /// One of them is major by default, where the lists have such an item.
    major: bool,
    end: End,
}

const CATEGORIES: [&str; 10] = ["fang", "cha", "gai", "jiao", "qiang", "ji", "zhi", "du", "jiu", "diao"];
const INSPECTED: [&str; 5] = ["fang", "qiang", "ji", "zhi", "cha"];

fn pick<'a>(words: &[&'a str], at: usize) -> &'a str {
    at.checked_rem(words.len()).and_then(|at| words.get(at)).copied().unwrap_or_default()
}

/// Puts all visits into the story.
pub fn plan_all(world: &mut World) {
    let mut visits = Vec::new();
    for school in world.schools.clone() {
        visits.extend(of_school(&school));
    }
    visits.extend(rounds());
    visits.extend(special());
    for (number, mut visit) in visits.into_iter().enumerate() {
        visit.number = number;
        let back = if visit.back > 0 { visit.back + 3 } else { 2 };
        world.at((back, 10), move |world, tx| plan(world, tx, visit));
    }
}

/// Every school checks itself once; some walk a round besides.
fn of_school(school: &School) -> Vec<Visit> {
    let at = school.number - 1;
    let back = 72 - i64::try_from(at).unwrap_or(0);
    let visit = |kind, list, back, fails, end| Visit {
        number: 0,
        school: at,
        kind,
        lists: vec![list],
        planner: school.officer(),
        team: vec![school.officer()],
        back,
        fails,
        major: false,
        end,
    };
    let mut visits = vec![visit(Kind::SelfCheck, pick(&CATEGORIES, at), back, at % 3, End::Submitted)];
    if school.number == 1 {
        let own = |back, end| Visit {
            planner: "staff1".to_owned(),
            team: team(["staff1"]),
            ..visit(Kind::Patrol, "cha", back, 1, end)
        };
        visits.extend([own(7, End::Submitted), own(0, End::Planned)]);
    }
    if at.is_multiple_of(5) {
        visits.push(visit(Kind::Patrol, "cha", back / 2, 1, End::Submitted));
    }
    visits
}

/// The bureau's routine inspections, two lists each, by two inspectors; the latest ones are still under way.
fn rounds() -> Vec<Visit> {
    let end = |at: usize| match at {
        0 => End::InProgress,
        1 | 2 => End::Submitted,
        _ => End::Confirmed,
    };
    let round = |at: usize| Visit {
        number: 0,
        school: at * 7 + 1,
        kind: Kind::Routine,
        lists: vec![pick(&INSPECTED, at), pick(&INSPECTED, at + 2)],
        planner: "office".to_owned(),
        team: if at.is_multiple_of(2) {
            team(["inspector1", "inspector2"])
        } else {
            team(["inspector2", "inspector1"])
        },
        back: 1 + 3 * i64::try_from(at).unwrap_or(0),
        fails: 1 + at % 4,
        major: at % 6 == 4,
        end: end(at),
    };
    (0..20).map(round).collect()
}

fn team<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// One of each other kind, what was called off, and what is still to come.
fn special() -> Vec<Visit> {
    let visit = |school, kind, list, members: Vec<String>, back, end| Visit {
        number: 0,
        school,
        kind,
        lists: vec![list],
        planner: "office".to_owned(),
        team: members,
        back,
        fails: 2,
        major: false,
        end,
    };
    let two = || team(["inspector1", "inspector2"]);
    let mut visits = vec![
        visit(2, Kind::Special, "fang", two(), 34, End::Confirmed),
        visit(9, Kind::Special, "ji", two(), 31, End::Confirmed),
        visit(12, Kind::Random, "qiang", two(), 28, End::Confirmed),
        visit(1, Kind::Random, "fang", two(), 25, End::Submitted),
        visit(17, Kind::Peer, "zhi", two(), 22, End::Confirmed),
        visit(5, Kind::Joint, "diao", two(), 19, End::Confirmed),
        visit(0, Kind::LookBack, "gai", two(), 16, End::Confirmed),
        visit(1, Kind::ThirdParty, "ji", team(["inspector2", "external1"]), 13, End::Submitted),
        visit(0, Kind::Supervision, "jiao", team(["supervisor", "inspector1"]), 11, End::Confirmed),
        visit(3, Kind::Supervision, "fang", team(["supervisor", "inspector1"]), 4, End::Submitted),
        visit(6, Kind::Supervision, "qiang", team(["supervisor", "inspector1"]), 1, End::InProgress),
        visit(20, Kind::Routine, "zhi", two(), 8, End::VoidedPlan),
        visit(21, Kind::Routine, "cha", two(), 6, End::VoidedRecord),
        visit(1, Kind::Routine, "fang", two(), 0, End::Planned),
        visit(0, Kind::ThirdParty, "ji", team(["external1", "inspector2"]), -1, End::Planned),
        visit(7, Kind::Joint, "fang", two(), -3, End::Planned),
        visit(11, Kind::Special, "qiang", team(["inspector2", "inspector1"]), -5, End::Planned),
        visit(4, Kind::Supervision, "jiao", team(["supervisor", "inspector1"]), -2, End::Planned),
    ];
    for visit in &mut visits {
        if visit.kind == Kind::Supervision {
            "supervisor".clone_into(&mut visit.planner);
        }
    }
    visits
}

fn plan(world: &mut World, tx: &mut Tx<'_>, visit: Visit) -> Result<(), Problem> {
    let org = world.school(visit.school)?.org.clone();
    let id = tx.new_id();
    let team = visit.team.iter().map(|name| world.person(name)).collect::<Result<Vec<Id>, _>>()?;
    let new = NewInspection {
        id: Some(id),
        kind: visit.kind,
        org_id: org.id,
        checklist_ids: visit.lists.iter().map(|list| Id(builtin::checklist_id(list, 1))).collect(),
        team,
        lead_id: None,
        announced: None,
        planned_on: Some(world.term.day(visit.back)),
        title: None,
    };
    world.has(tx, &visit.planner, &[Permission::InspectionPlan], |tx, rights| {
        store::create(tx, rights, &org, &new, &[]).map(drop)
    })?;
    let back = visit.back;
    match visit.end {
        End::Planned => {}
        End::VoidedPlan => {
            world.at((back + 1, 16), move |world, tx| void(world, tx, id, "学校当日组织中考，改期另行安排"))
        }
        _ => world.at((back, 9), move |world, tx| arrive(world, tx, visit, id)),
    }
    Ok(())
}

fn void(world: &mut World, tx: &mut Tx<'_>, id: Id, reason: &str) -> Result<(), Problem> {
    world.has(tx, "office", &[Permission::InspectionVoid], |tx, rights| {
        let seen = store::seen_to_change(tx.conn, rights, id)?;
        store::void(tx, rights, &seen, &Reason { reason: reason.to_owned() }).map(drop)
    })
}

fn lead(visit: &Visit) -> &str {
    visit.team.first().map_or("", String::as_str)
}

fn arrive(world: &mut World, tx: &mut Tx<'_>, visit: Visit, id: Id) -> Result<(), Problem> {
    world.has(tx, lead(&visit), &[Permission::InspectionPerform], |tx, rights| {
        let seen = store::seen_to_change(tx.conn, rights, id)?;
        store::check_in(tx, rights, &seen, &CheckIn::default()).map(drop)
    })?;
    world.at((visit.back, 11), move |world, tx| answer(world, tx, visit, id));
    Ok(())
}

fn answer(world: &mut World, tx: &mut Tx<'_>, visit: Visit, id: Id) -> Result<(), Problem> {
    let school = world.school(visit.school)?.clone();
    // Who puts something right on the spot is of the school and not of the team.
    let fixer = world.person(&if visit.kind.of_school() { school.principal() } else { school.officer() })?;
    world.has(tx, lead(&visit), &[Permission::InspectionPerform], |tx, rights| {
        let seen = store::seen_to_change(tx.conn, rights, id)?;
        let views = store::answers_of(tx.conn, rights, &seen)?;
        let items: Vec<&Item> = views.iter().map(|view| &view.item).collect();
        let failing = failing(&visit, &items);
        let done = if visit.end == End::InProgress { items.len() * 2 / 3 } else { items.len() };
        let mut bodies = Vec::new();
        for (at, item) in items.iter().take(done).enumerate() {
            let mut body = judged(item, failing.contains(&at), at + visit.number);
            body.item_code = Some(item.code.clone());
            if failing.contains(&at) {
                body.site_id = school.sites.get((at + visit.number) % school.sites.len().max(1)).copied();
                body.evidence_ids = vec![tx.new_id()];
                if visit.number % 4 == 2 && failing.first() == Some(&at) && item.fail_severity == Severity::General {
                    on_the_spot(tx, &mut body, fixer);
                }
            }
            bodies.push(body);
        }
        store::answer(tx, rights, &seen, &bodies, |at| format!("/answers/{at}"))
    })?;
    if visit.end != End::InProgress {
        world.at((visit.back, 12), move |world, tx| submit(world, tx, visit, id));
    }
    Ok(())
}

/// Which items fail, by place. Items that are major by default fail only where the visit is to find one.
fn failing(visit: &Visit, items: &[&Item]) -> Vec<usize> {
    let of = |severity| {
        let places = items.iter().enumerate().filter(move |(_, item)| item.fail_severity == severity);
        places.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (general, major) = (of(Severity::General), of(Severity::Major));
    let mut found: Vec<usize> = (0..visit.fails)
        .filter_map(|n| general.get((visit.number * 5 + n * 7).checked_rem(general.len())?).copied())
        .collect();
    if visit.major {
        found.extend(visit.number.checked_rem(major.len()).and_then(|at| major.get(at)));
    }
    found.dedup();
    found
}

fn judged(item: &Item, fails: bool, seed: usize) -> AnswerBody {
    let mut body = AnswerBody::default();
    let limit = |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
    match item.response {
        Response::PassFail => body.result = Some(if fails { Outcome::Fail } else { Outcome::Pass }),
        Response::Number => {
            let (min, max) = (limit(&item.min), limit(&item.max));
            let value = match (fails, min, max) {
                (false, Some(min), _) => min,
                (false, None, Some(max)) => max,
                (true, Some(min), _) if min > 0.0 => min / 2.0,
                (true, _, Some(max)) => max + 1.0,
                (true, Some(min), None) => min - 1.0,
                (_, None, None) => 1.0,
            };
            body.value = Some(json!(value));
        }
        Response::Choice => {
            let options = item.options.as_deref().unwrap_or_default();
            body.value = options.iter().find(|option| option.fail == fails).map(|option| json!(option.value));
        }
        Response::Text => {
            body.value = Some(json!(if fails {
                "现场提问未能说清，记录不全。"
            } else {
                "查阅记录并现场询问，情况属实。"
            }));
            body.result = fails.then_some(Outcome::Fail);
        }
    }
    if !fails && item.allow_na && seed.is_multiple_of(11) {
        return AnswerBody {
            result: Some(Outcome::Na),
            reason: Some("该校无此项".to_owned()),
            ..AnswerBody::default()
        };
    }
    if fails {
        body.note = Some(format!("{}，{}", item.title_zh.trim_end_matches('。'), stories::remark(seed)));
    }
    body
}

fn on_the_spot(tx: &Tx<'_>, body: &mut AnswerBody, fixer: Id) {
    body.on_the_spot = true;
    body.evidence_ids.clear();
    body.before_evidence_ids = vec![tx.new_id()];
    body.after_evidence_ids = vec![tx.new_id()];
    body.measures_taken = Some("现场立即整改，检查组复看合格。".to_owned());
    body.fixed_by = Some(fixer);
}

fn submit(world: &mut World, tx: &mut Tx<'_>, visit: Visit, id: Id) -> Result<(), Problem> {
    let body = Submit {
        conclusion: Some("总体情况良好，所列问题限期整改。（虚构）".to_owned()),
        signatures: None,
        look_backs: None,
    };
    let submitted = world.has(tx, lead(&visit), &[Permission::InspectionPerform], |tx, rights| {
        let seen = store::seen_to_change(tx.conn, rights, id)?;
        store::submit(tx, rights, &seen, &body).map(|(_, submitted)| submitted)
    })?;
    let back = visit.back;
    if visit.end == End::VoidedRecord {
        world.at((back, 17), move |world, tx| {
            for hazard in submitted.hazards.iter().filter(|hazard| hazard.status.is_open()) {
                world.moves(
                    (back - 1, 9),
                    "office",
                    hazard.id,
                    json!({"action": "void", "reason": "检查作废，随之作废"}),
                );
            }
            void(world, tx, id, "误选学校，记录作废")
        });
        return Ok(());
    }
    for hazard in submitted.hazards.iter().filter(|hazard| hazard.status.is_open()) {
        stories::tell(world, hazard.id, (visit.school, back), hazard.source, hazard.proposed_level)?;
    }
    if visit.kind.of_school() {
        return Ok(());
    }
    if visit.number % 9 != 4 {
        world.at((back, 15), move |world, tx| acknowledge(world, tx, &visit, id));
    }
    Ok(())
}

fn acknowledge(world: &mut World, tx: &mut Tx<'_>, visit: &Visit, id: Id) -> Result<(), Problem> {
    let principal = world.school(visit.school)?.principal();
    let objects = visit.number % 9 == 7;
    let body = Acknowledgement {
        outcome: if objects { AcknowledgementOutcome::Objected } else { AcknowledgementOutcome::Signed },
        statement: objects.then(|| "对第二项认定有异议，已附说明。".to_owned()),
        reason: None,
        witness: None,
        revision: None,
    };
    world.has(tx, &principal, &[Permission::InspectionAcknowledge], |tx, rights| {
        let seen = store::seen_to_change(tx.conn, rights, id)?;
        store::acknowledge(tx, rights, &seen, &body).map(drop)
    })?;
    if visit.end == End::Confirmed {
        world.at((visit.back - 1, 10), move |world, tx| {
            world.has(tx, "office", &[Permission::InspectionConfirm], |tx, rights| {
                let mut seen = store::seen_to_change(tx.conn, rights, id)?;
                if objects {
                    let reply = ObjectionReply {
                        decision: ObjectionDecision::Dismissed,
                        reason: "经复核，现场照片与记录一致，认定不变。".to_owned(),
                    };
                    let _ = store::reply_objection(tx, rights, &seen, &reply)?;
                    seen = store::seen_to_change(tx.conn, rights, id)?;
                }
                store::confirm(tx, rights, &seen, &[]).map(drop)
            })
        });
    }
    Ok(())
}
