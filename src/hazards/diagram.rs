//! The remediation loop as a drawing and a table, found out by asking the rules themselves: every arrow is a decision
//! that [`rules::decide`] took, every role one that it let through. `anxiao states` prints it for `docs/hazards.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{DateTime, Days};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::TransitionBody;
use super::marks::Marks;
use super::rules::{self, Actor, Facts, IssueReach, Rechecker, RectifyReach, Request, Side, VoidReach};
use super::status::{Action, Level, Refusal, Source, Status};
use super::store::{powers, transition};
use crate::access::{Limit, Permission, Role, policy};
use crate::platform::db::types::Timestamp;

const INTRODUCTION: &str = "# The remediation loop

Printed by `anxiao states`: the drawing and the table are found out by asking the rules that decide every transition \
(`src/hazards/rules`); a test compares this file with them.

A hazard is one row and one number for ever. Its `status` moves only by `POST /api/v1/hazards/{id}/transitions` (or \
`/hazards/bulk`, by the same code). Whether it is overdue, how many days are left and which colour it shows are computed \
when somebody looks. Every record says for the caller who asks what is open (`allowed_actions`) and what stands in the way \
of the rest (`refused_actions`); a refused transition answers 409 with the same reasons.
";

const NOTES: &str = "A school that reported its own finding done and has nobody left to recheck it is also told \
`no_second_person` and `needs_bureau`. A request for more time is withdrawn when the deadline it asks to move stops (reported \
done, refused, void) or is moved by another action. A stop of use, a listing and a referral are no states: they accompany the \
hazard as `marks`.
";

const ME: Uuid = Uuid::from_u128(1);
const COLLEAGUE: Uuid = Uuid::from_u128(2);
const WORKER: Uuid = Uuid::from_u128(3);

/// The whole of `docs/hazards.md`.
#[must_use]
pub fn document() -> String {
    let mut text = format!("{INTRODUCTION}\n## States\n\n{}\n## Actions\n\n", drawing());
    text.push_str("| action | from | to | who | must carry | may carry | rules that may refuse it |\n|---|---|---|---|---|---|---|\n");
    for action in Action::ALL {
        let (must, may) = carries(*action);
        let cells = [from(*action), to(*action), who(*action), list(&must), list(&may), guards(*action)];
        // Writing into a string never fails.
        let _ = writeln!(text, "| `{action}` | {} |", cells.join(" | "));
    }
    let _ = write!(text, "\n{NOTES}\n## Refusals\n\n| code | meaning |\n|---|---|\n");
    for refusal in Refusal::ALL {
        let _ = writeln!(text, "| `{refusal}` | {} |", transition::words(*refusal).1);
    }
    text
}

/// What a hazard can be, as far as rights go: its level, and whether it is the school's own finding.
const KINDS: [(Level, bool); 4] =
    [(Level::General, false), (Level::General, true), (Level::Major, false), (Level::Major, true)];

fn facts(status: Status, (level, own): (Level, bool)) -> Facts {
    Facts {
        status,
        level,
        proposed_level: level,
        level_decided: status != Status::Registered,
        source: if own { Source::SelfCheck } else { Source::Routine },
        bureau_side: !own,
        has_basis: true,
        has_plan: true,
        responsible_user_id: Some(WORKER),
        rectifiers: vec![WORKER],
        recheckers: Vec::new(),
        round: 1,
        due_at: None,
        marks: Marks::default(),
    }
}

/// Somebody who may everything, for what a transition does whoever it is.
fn almighty() -> Actor {
    Actor {
        user_id: ME,
        issue: Some(IssueReach::Any),
        respond: true,
        rectify: Some(RectifyReach::Any),
        recheck: Some(Side::Bureau),
        approve: true,
        reopen: true,
        void: Some(VoidReach::Any),
    }
}

fn of_role(role: Role, own_inspection: bool) -> Actor {
    let limit = |permission| policy::cell(role, permission);
    Actor {
        user_id: ME,
        issue: limit(Permission::HazardIssue).and_then(|limit: Limit| powers::issue_reach(limit, own_inspection)),
        respond: limit(Permission::HazardRespond).is_some(),
        rectify: limit(Permission::HazardRectify).and_then(powers::rectify_reach),
        recheck: limit(Permission::HazardRecheck).and_then(powers::recheck_side),
        approve: limit(Permission::HazardApprove).is_some(),
        reopen: limit(Permission::HazardReopen).is_some(),
        void: limit(Permission::HazardVoid).and_then(powers::void_reach),
    }
}

/// Every field a transition knows, with a value that is good for it.
fn full() -> Value {
    json!({
        "level": "major", "determination": "direct", "due_at": "2026-01-02T00:00:00Z", "responsible_org_id": ME,
        "basis": "x", "requirement": "x", "lead_section": "x", "remedy": "simple", "responsible_user_id": WORKER,
        "leader_user_id": COLLEAGUE, "measures": "x", "budget_fen": 0, "contingency": "x", "measures_taken": "x",
        "cost_fen": 0, "evidence_ids": [], "signed_off_by": COLLEAGUE, "opinion": "x", "recheckers": [ME, COLLEAGUE],
        "on_site": true, "reason": "x",
    })
}

fn now() -> Timestamp {
    DateTime::UNIX_EPOCH.checked_add_days(Days::new(365 * 50)).unwrap_or_default().into()
}

/// The request of a body with these fields, or the faults it has: pointer and code.
fn read(action: Action, fields: &Value) -> Result<Request, Vec<(String, &'static str)>> {
    let mut body = fields.clone();
    if let Some(object) = body.as_object_mut() {
        object.insert("action".to_owned(), json!(action));
    }
    let body: TransitionBody = serde_json::from_value(body).map_err(|_no_body_at_all| Vec::new())?;
    body.request(now()).map_err(|problem| problem.errors.into_iter().map(|one| (one.pointer, one.code)).collect())
}

fn named(faults: Vec<(String, &'static str)>, wanted: &str) -> Vec<String> {
    let names = faults.into_iter().filter(|(_, code)| *code == wanted);
    names.map(|(pointer, _)| pointer.trim_start_matches('/').to_owned()).collect()
}

/// What a body must and what it may hold: an empty one is told what is missing, a full one what is too much.
fn carries(action: Action) -> (Vec<String>, Vec<String>) {
    let must = read(action, &json!({})).err().map_or_else(Vec::new, |faults| named(faults, "required"));
    let foreign = read(action, &full()).err().map_or_else(Vec::new, |faults| named(faults, "not_of_this_action"));
    let fields = full();
    let known = fields.as_object().into_iter().flat_map(|fields| fields.keys());
    let may = known.filter(|name| !foreign.contains(*name) && !must.contains(*name)).cloned().collect();
    (must, may)
}

/// A request with everything good in it, at this level where it names one.
fn good(action: Action, level: Level) -> Option<Request> {
    let mut fields = full();
    if let Some(object) = fields.as_object_mut() {
        object.insert("level".to_owned(), json!(level));
        if level == Level::General {
            object.remove("determination");
        }
        let foreign = read(action, &Value::Object(object.clone())).err();
        for name in foreign.map_or_else(Vec::new, |faults| named(faults, "not_of_this_action")) {
            object.remove(&name);
        }
    }
    let mut request = read(action, &fields).ok()?;
    if let Request::Pass { recheckers, .. } = &mut request {
        recheckers.iter_mut().for_each(|one| one.side = Some(Side::Bureau));
    }
    Some(request)
}

/// Where an action leads from a state, and at which levels.
fn leads(action: Action, from: Status) -> BTreeMap<Status, BTreeSet<Level>> {
    let mut all: BTreeMap<Status, BTreeSet<Level>> = BTreeMap::new();
    for kind in KINDS.iter().filter(|kind| from != Status::AwaitingApproval || kind.0 == Level::Major) {
        for wanted in Level::ALL {
            let Some(request) = good(action, *wanted) else { continue };
            if let Ok(change) = rules::decide(&facts(from, *kind), &almighty(), &request) {
                all.entry(change.status).or_default().insert(change.level);
            }
        }
    }
    all
}

fn drawing() -> String {
    let mut text =
        "```mermaid\nstateDiagram-v2\n    [*] --> registered: found\n    [*] --> closed: fixed on the spot\n"
            .to_owned();
    for from in Status::ALL {
        for action in Action::ALL.iter().filter(|action| rules::starts_from(**action).contains(from)) {
            let ways = leads(*action, *from);
            for (to, levels) in ways.iter().filter(|(to, _)| *to != from) {
                let _ = writeln!(text, "    {from} --> {to}: {action}{}", at_levels(levels, ways.len()));
            }
        }
    }
    text.push_str("    closed --> [*]\n    void --> [*]\n```\n");
    text
}

/// At which levels, where others lead elsewhere.
fn at_levels(levels: &BTreeSet<Level>, ways: usize) -> String {
    let names: Vec<&str> = levels.iter().map(|level| level.as_str()).collect();
    if ways > 1 && names.len() < Level::ALL.len() { format!(" ({})", names.join(", ")) } else { String::new() }
}

fn from(action: Action) -> String {
    list(&rules::starts_from(action).iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn to(action: Action) -> String {
    let mut ends: BTreeMap<Option<Status>, BTreeSet<Level>> = BTreeMap::new();
    for from in rules::starts_from(action) {
        for (end, levels) in leads(action, *from) {
            ends.entry((end != *from).then_some(end)).or_default().extend(levels);
        }
    }
    let count = ends.len();
    let told = ends.iter().map(|(end, levels)| {
        let name = end.map_or_else(|| "stays".to_owned(), |end| format!("`{end}`"));
        if count > 1 && end.is_some() { format!("{name}{}", at_levels(levels, count)) } else { name }
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Whether rights let this actor through, the state and the rest of the rules apart.
fn lets(action: Action, facts: &Facts, actor: &Actor) -> bool {
    let about_rights = [Refusal::NotPermitted, Refusal::NeedsBureau, Refusal::NeedsLeader];
    let mut possible = rules::possible_actions(facts, actor).into_iter();
    possible.any(|one| one.action == action && !one.refusals.iter().any(|why| about_rights.contains(why)))
}

fn who(action: Action) -> String {
    let roles = Role::ALL.iter().filter_map(|role| {
        let may = |own_inspection: bool, assigned: bool| -> BTreeSet<(Status, (Level, bool))> {
            let actor = of_role(*role, own_inspection);
            let cases = rules::starts_from(action).iter().flat_map(|from| KINDS.map(|kind| (*from, kind)));
            let real = cases.filter(|(from, kind)| *from != Status::AwaitingApproval || kind.0 == Level::Major);
            real.filter(|(from, kind)| {
                let mut facts = facts(*from, *kind);
                facts.responsible_user_id = if assigned { Some(ME) } else { facts.responsible_user_id };
                lets(action, &facts, &actor)
            })
            .collect()
        };
        let (plain, inspecting, assigned) = (may(false, false), may(true, false), may(false, true));
        let (cases, condition) = match (plain.is_empty(), inspecting.is_empty(), assigned.is_empty()) {
            (false, _, _) => (plain, ""),
            (true, false, _) => (inspecting, "of their own inspection"),
            (true, true, false) => (assigned, "assigned to them"),
            _ => return None,
        };
        let mut words = vec![narrowed(action, &cases), condition.to_owned()];
        words.retain(|word| !word.is_empty());
        Some(if words.is_empty() { format!("`{role}`") } else { format!("`{role}` ({})", words.join(", ")) })
    });
    roles.collect::<Vec<_>>().join(", ")
}

/// Which of all cases these are, in words; nothing where it is all of them.
fn narrowed(action: Action, cases: &BTreeSet<(Status, (Level, bool))>) -> String {
    let kinds: BTreeSet<(Level, bool)> = cases.iter().map(|(_, kind)| *kind).collect();
    let states: BTreeSet<Status> = cases.iter().map(|(from, _)| *from).collect();
    let general = kinds.iter().all(|(level, _)| *level == Level::General);
    let own = kinds.iter().all(|(_, own)| *own);
    // What awaits its approval is a major: no other level could be there.
    let possible = if states.iter().eq([&Status::AwaitingApproval]) { 2 } else { KINDS.len() };
    let mut words = match (kinds.len() == possible, own, general) {
        (true, _, _) => String::new(),
        (_, true, true) => "the school's own general".to_owned(),
        (_, true, _) => "the school's own".to_owned(),
        (_, _, true) => "general".to_owned(),
        _ => "some".to_owned(),
    };
    let reachable = rules::starts_from(action).iter().filter(|from| !general || **from != Status::AwaitingApproval);
    if states.len() < reachable.count() {
        let names: Vec<&str> = states.iter().map(|status| status.as_str()).collect();
        let _ = write!(words, "{}while {}", if words.is_empty() { "" } else { ", " }, names.join(" or "));
    }
    words
}

/// Every rule that ever stands in the way of an action from a right state by somebody with some right to it.
fn guards(action: Action) -> String {
    let mut found = BTreeSet::new();
    let somebody = almighty();
    let actors = [
        somebody,
        Actor { recheck: Some(Side::School), issue: Some(IssueReach::OwnGeneral), ..somebody },
        Actor { issue: Some(IssueReach::General), void: Some(VoidReach::OwnRegistered), approve: false, ..somebody },
    ];
    for from in rules::starts_from(action) {
        for kind in KINDS {
            let plain = facts(*from, kind);
            let me = || vec![ME];
            let cases = [
                Facts { has_plan: false, has_basis: false, ..plain.clone() },
                Facts { rectifiers: me(), ..plain.clone() },
                Facts { recheckers: me(), ..plain.clone() },
                plain,
            ];
            for (case, actor) in cases.iter().flat_map(|case| actors.iter().map(move |actor| (case, actor))) {
                let asked = Level::ALL.iter().filter_map(|level| good(action, *level)).flat_map(worse);
                found.extend(asked.filter_map(|request| rules::decide(case, actor, &request).err()).flatten());
            }
        }
    }
    list(&found.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// A good request, and the same with what makes it worse.
fn worse(request: Request) -> Vec<Request> {
    let mut all = vec![request.clone()];
    match request {
        Request::Pass { opinion, recheckers, evidence_ids, .. } => {
            let one = |user_id, side| vec![Rechecker { user_id, side }];
            for people in
                [one(ME, Some(Side::Bureau)), one(COLLEAGUE, None), one(WORKER, Some(Side::School)), recheckers]
            {
                let (opinion, evidence_ids) = (opinion.clone(), evidence_ids.clone());
                all.push(Request::Pass { opinion, recheckers: people, on_site: false, evidence_ids });
            }
        }
        Request::Issue {
            level, determination, due_at, responsible_org_id, requirement, lead_section, remedy, ..
        } => {
            let basis = None;
            let request = Request::Issue {
                level,
                determination,
                due_at,
                responsible_org_id,
                basis,
                requirement,
                lead_section,
                remedy,
            };
            all.push(request);
        }
        Request::Regrade { level, determination, reason, .. } => {
            all.push(Request::Regrade { level, basis: None, determination, reason });
        }
        _ => {}
    }
    all
}

fn list(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
