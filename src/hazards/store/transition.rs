//! Carrying out a decided transition: the row, its round, the counters, the journal.

use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::days::Days;
use super::people;
use super::powers::Powers;
use super::row::{Moved, Round, Row, ids};
use crate::access::Rights;
use crate::evidence;
use crate::hazards::deadline;
use crate::hazards::marks::Marks;
use crate::hazards::policy::Case;
use crate::hazards::rules::{self, Change, Due, Request};
use crate::hazards::status::{Action, Level, Refusal, Remedy, Status};
use crate::notices::occasions;
use crate::platform::db::schema::{hazard_extensions, hazard_rounds, hazards};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::Event;
use crate::statistics::counters;

/// Moves a hazard that was loaded with [`read::one_to_change`].
///
/// # Errors
/// 409 with every rule that stood in the way; 404 and 422 for people who cannot be named; whatever the engine says.
pub fn transition(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    mut request: Request,
    zone: Tz,
) -> Result<(Row, Receipt), Problem> {
    people::settle(tx.conn, rights, row, &mut request, tx.now)?;
    let actor = Powers::over(tx.conn, rights, [row])?.actor(row);
    let facts = row.facts();
    let change = match rules::decide(&facts, &actor, &request) {
        Ok(change) => change,
        Err(mut refusals) => {
            if people::school_has_no_second(tx.conn, row, &actor, &refusals, tx.now)? {
                refusals.extend([Refusal::NoSecondPerson, Refusal::NeedsBureau]);
            }
            return Err(refused(&refusals));
        }
    };
    if change.closed.is_some() {
        closable(tx, row, &request)?;
    }
    carry_out(tx, rights.user_id(), row, (&request, &change), zone, Map::new())
}

/// Carries out what was decided: row, round, counters, journal, notices. `beside` goes into the journal entry too.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn carry_out(
    tx: &mut Tx<'_>,
    actor: Id,
    row: &Row,
    (request, change): (&Request, &Change),
    zone: Tz,
    beside: Map<String, Value>,
) -> Result<(Row, Receipt), Problem> {
    let mut after = row.clone();
    after.version += 1;
    after.updated_at = tx.now;
    take(&mut after, change, request, actor, tx.now);
    let given = (change.due, change.plan_due, change.recheck_due);
    let days = if matches!(given, (Due::ByPolicy, _, _) | (_, Due::ByPolicy, _) | (_, _, Due::ByPolicy)) {
        Some(Days::of(tx.conn, row.bureau_id, zone)?)
    } else {
        None
    };
    set_deadlines(&mut after, change, days.as_ref(), zone, tx.now)?;
    let withdrawn = withdraw_request(tx, row, &mut after)?;
    round(tx, &after, row, request, actor)?;
    people::remember_recheckers(tx, row, request, actor)?;
    save(tx, row, &after, zone)?;
    let mut payload = difference(row, &after)?;
    payload.insert("from".to_owned(), json!(row.status));
    payload.insert("to".to_owned(), json!(after.status));
    payload.insert("round".to_owned(), json!(after.round));
    if withdrawn {
        payload.insert("extension".to_owned(), json!(WITHDRAWN));
    }
    if let Value::Object(words) = request.journal() {
        payload.extend(words.into_iter().filter(|(_, word)| !word.is_null()));
    }
    payload.extend(beside);
    let event = Event::of("hazard", row.id, change.action.as_str()).at(row.bureau_id, row.org_id);
    let receipt = tx.record(event.with(Value::Object(payload)))?;
    occasions::hazard_moved(tx, change.action, row, &after)?;
    Ok((after, receipt))
}

/// Where the bureau wants it so, a hazard is not closed before its photos are there.
fn closable(tx: &mut Tx<'_>, row: &Row, request: &Request) -> Result<(), Problem> {
    let recheck: &[Uuid] = match request {
        Request::Pass { evidence_ids, .. } => evidence_ids,
        _ => &[],
    };
    let missing = evidence::store::missing_at_closing(tx.conn, row, recheck)?;
    if missing.is_empty() { Ok(()) } else { Err(Problem::new(Code::TransitionNotAllowed).errors(missing)) }
}

/// The status of a request for more time that lost its object.
pub const WITHDRAWN: &str = "withdrawn";

/// A request for more time stands as long as the deadline it asks to move stands and runs. Reporting done, a refused
/// order, a void stop the clock; a deadline given by hand answers the request in another way. Nobody is then left with
/// a decision that would move a deadline nobody asked about.
fn withdraw_request(tx: &mut Tx<'_>, before: &Row, after: &mut Row) -> Result<bool, Problem> {
    use hazard_extensions as e;
    let mut marks = after.marks();
    if !marks.extension_pending || (after.status.clock_runs() && after.due_at == before.due_at) {
        return Ok(false);
    }
    marks.extension_pending = false;
    after.marks = Doc::of(&marks);
    diesel::update(e::table.filter(e::hazard_id.eq(before.id)).filter(e::status.eq("pending")))
        .set((e::status.eq(WITHDRAWN), e::version.eq(e::version + 1), e::updated_at.eq(tx.now)))
        .execute(tx.conn)?;
    Ok(true)
}

/// The refusal without the record; the caller adds what may be seen.
pub(in crate::hazards) fn refused(refusals: &[Refusal]) -> Problem {
    let errors = refusals.iter().map(|refusal| {
        let (zh, en) = words(*refusal);
        FieldError::new("", refusal.as_str(), zh, en)
    });
    Problem::new(Code::TransitionNotAllowed).errors(errors.collect())
}

/// A refusal in words, Chinese and English.
#[must_use]
pub const fn words(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::WrongState => ("当前状态不能进行此操作", "not from this state"),
        Refusal::NotPermitted => ("对该隐患没有此项权限", "you hold no right to this over this hazard"),
        Refusal::NeedsBureau => ("须由教育局处理", "a bureau role has to do this"),
        Refusal::NeedsLeader => ("须由局领导批准", "a leader has to do this"),
        Refusal::SamePerson => {
            ("整改、复查、批准须由不同的人进行", "rectifying, rechecking and approving are for different people")
        }
        Refusal::NotARechecker => {
            ("复查人须包括本人且均有复查权限", "you must be among the recheckers, and each needs the right to recheck")
        }
        Refusal::NeedsTwoRecheckers => ("重大隐患须两人以上复查", "a major is rechecked by two or more"),
        Refusal::NeedsOnSite => ("重大隐患须现场复查", "a major is rechecked on site"),
        Refusal::PlanMissing => ("重大隐患须先提交整改方案", "a major needs its plan first"),
        Refusal::BasisMissing => ("重大隐患须注明判定依据", "a major names the clause it matches"),
        Refusal::NoSecondPerson => (
            "须由第二人进行；本校没有其他人时由教育局处理",
            "a second person is needed; where the school has none, the bureau",
        ),
        Refusal::NotGeneral => ("只有一般隐患可以立查立改", "only a general hazard is closed on the spot"),
        Refusal::NoDeadline => ("尚无整改期限，无可延期", "there is no deadline yet to extend"),
        Refusal::ExtensionTooLate => {
            ("整改期限已过，不能再申请延期", "the deadline has passed: too late to ask for more time")
        }
        Refusal::NeedsFifteenWorkingDays => (
            "挂牌督办的重大隐患须提前十五个工作日申请延期",
            "more time for a listed major is asked for at least fifteen working days ahead",
        ),
        Refusal::ExtensionLimit => ("延期已达两次", "two extensions were granted already"),
        Refusal::ExtensionPending => ("已有延期申请待审批", "a request for more time waits for its decision already"),
        Refusal::AlreadyDecided => ("该申请已经审批", "the request was decided before"),
        Refusal::ExtensionWithdrawn => ("该申请已失效", "the request lapsed"),
        Refusal::DeadlineMoved => {
            ("现行期限已不早于申请的期限", "the deadline in force is no earlier than the one asked for")
        }
        Refusal::NotTheIssuer => ("只能审批本人交办的隐患", "you decide only of what you issued yourself"),
        Refusal::NotMajor => ("只适用于重大隐患", "only for a major"),
        Refusal::AlreadyListed => ("已挂牌督办", "under supervised listing already"),
        Refusal::NotListed => ("未挂牌督办", "not under supervised listing"),
        Refusal::NotClosed => ("销号之前不能办理", "not before it is closed"),
        Refusal::AlreadySuspended => ("已处于停用状态", "a stop of use is in force already"),
        Refusal::NotSuspended => ("未处于停用状态", "no stop of use is in force"),
        Refusal::AlreadyReplied => ("已登记过回复", "the reply was recorded before"),
    }
}

/// What the decision and the request put on the row, deadlines apart.
fn take(row: &mut Row, change: &Change, request: &Request, actor: Id, now: Timestamp) {
    row.status = change.status;
    row.level = change.level;
    row.bureau_side = change.bureau_side;
    row.round = change.round;
    row.responsible_user_id = change.responsible_user_id.map(Id);
    row.rectifiers = ids(&change.rectifiers);
    row.recheckers = ids(&change.recheckers);
    if change.bureau_ordered && !row.marks().bureau_ordered {
        row.marks = Doc::of(&Marks { bureau_ordered: true, ..row.marks() });
    }
    if change.decides_level {
        row.level_decided_by = Some(actor);
    }
    if let Some(basis) = &change.basis {
        row.basis = Some(basis.clone());
    }
    if let Request::Issue { determination, .. } | Request::Regrade { determination, .. } = request {
        let mut marks = row.marks();
        marks.determination = determination.or(marks.determination).filter(|_| change.level == Level::Major);
        row.marks = Doc::of(&marks);
    }
    match request {
        Request::Issue { responsible_org_id, requirement, lead_section, remedy, .. } => {
            row.responsible_org_id = responsible_org_id.map_or(row.org_id, Id);
            row.requirement.clone_from(requirement);
            row.lead_section.clone_from(lead_section);
            row.remedy = *remedy;
            (row.issued_at, row.issued_by) = (Some(now), Some(actor));
            // The original deadline is that of the bureau's order, not one given before there was an order. Among a
            // school's own orders the first one counts: it cannot shake it off by issuing anew.
            if change.bureau_side && change.due != Due::Keep {
                row.original_due_at = None;
            }
        }
        Request::RejectAssignment { .. } => {
            (row.issued_at, row.issued_by) = (None, None);
            (row.plan, row.plan_filed_at, row.leader_user_id) = (None, None, None);
            row.responsible_org_id = row.org_id;
            // A school that refuses its own order is still judged by the deadline it gave itself.
            row.original_due_at = row.original_due_at.filter(|_| !row.bureau_side);
        }
        Request::Acknowledge => (row.acknowledged_at, row.acknowledged_by) = (Some(now), Some(actor)),
        Request::FilePlan(plan) => {
            row.plan = Some(Doc(json!({
                "measures": plan.measures,
                "responsible_user_id": plan.responsible_user_id,
                "leader_user_id": plan.leader_user_id,
                "budget_fen": plan.budget_fen,
                "due_at": Timestamp::from(plan.due_at),
                "contingency": plan.contingency,
            })));
            row.plan_filed_at = Some(now);
            row.leader_user_id = Some(Id(plan.leader_user_id));
        }
        Request::ReportDone { .. } => {
            row.submissions += 1;
            (row.reported_done_at, row.reported_done_by) = (Some(now), Some(actor));
        }
        Request::Pass { .. } => row.passed_at = Some(now),
        Request::Approve { .. } => row.approved_by = Some(actor),
        Request::Return { .. } => {
            row.returns += 1;
            not_done(row, now);
        }
        Request::Reopen { .. } => {
            row.reopened += 1;
            not_done(row, now);
            (row.closed_at, row.closed_by, row.closed_kind, row.approved_by) = (None, None, None, None);
        }
        // What went back from its approval has to be passed again.
        Request::Regrade { .. } if change.from == Status::AwaitingApproval && change.status != change.from => {
            row.passed_at = None;
        }
        Request::Void { reason } => row.void_reason = Some(reason.clone()),
        Request::Assign { .. } | Request::Regrade { .. } | Request::ReassignDue { .. } => {}
    }
    if let Some(kind) = change.closed {
        (row.closed_at, row.closed_by, row.closed_kind) = (Some(now), Some(actor), Some(kind));
    }
}

fn not_done(row: &mut Row, now: Timestamp) {
    (row.reported_done_at, row.reported_done_by, row.passed_at) = (None, None, None);
    row.marks = Doc::of(&Marks { resumed_at: Some(now), ..row.marks() });
}

fn set_deadlines(row: &mut Row, change: &Change, days: Option<&Days>, zone: Tz, now: Timestamp) -> Result<(), Problem> {
    let days = || days.ok_or_else(|| Problem::internal("a deadline by policy without policies"));
    let case =
        |level| Case { level, domain: &row.domain, source: row.source, remedy: row.remedy.unwrap_or(Remedy::Simple) };
    let due = match change.due {
        Due::Keep => None,
        Due::Clear => Some(None),
        Due::Given(at) => Some(Some((deadline::given(at, zone), None))),
        Due::ByPolicy => Some(Some(days()?.due(case(row.level), now)?).map(|(due, id)| (due, Some(id)))),
    };
    let plan_due_at = match change.plan_due {
        Due::Keep => row.plan_due_at,
        Due::Clear => None,
        Due::Given(at) => Some(at.into()),
        Due::ByPolicy => Some(days()?.due(case(row.level), now)?.0.at.into()),
    };
    row.recheck_due_at = match change.recheck_due {
        Due::Keep => row.recheck_due_at,
        Due::Clear => None,
        Due::Given(at) => Some(at.into()),
        Due::ByPolicy => Some(days()?.recheck_due(now).at.into()),
    };
    row.plan_due_at = plan_due_at;
    if let Some(due) = due {
        row.due_at = due.map(|(due, _)| due.at.into());
        row.due_on = due.map(|(due, _)| due.date);
        row.policy_id = due.and_then(|(_, policy)| policy);
        row.calendar_provisional = due.is_some_and(|(due, _)| due.provisional);
        row.original_due_at = row.original_due_at.or(row.due_at);
    }
    Ok(())
}

/// What the round keeps: measures and photos when reported done, opinions when rechecked and approved.
fn round(tx: &mut Tx<'_>, after: &Row, before: &Row, request: &Request, actor: Id) -> Result<(), Problem> {
    use hazard_rounds as r;
    let this = r::table.find((before.id, before.round));
    let changed = match request {
        Request::ReportDone { measures_taken, cost_fen, evidence_ids, signed_off_by } => diesel::insert_into(r::table)
            .values(Round {
                hazard_id: after.id,
                round: after.round,
                due_at: after.due_at,
                measures_taken: Some(measures_taken.clone()),
                cost_fen: *cost_fen,
                evidence_ids: ids(evidence_ids),
                signed_off_by: signed_off_by.map(Id),
                reported_by: Some(actor),
                reported_at: Some(tx.now),
                outcome: None,
                opinion: None,
                recheckers: ids(&[]),
                on_site: None,
                recheck_evidence_ids: ids(&[]),
                rechecked_by: None,
                rechecked_at: None,
                approval_opinion: None,
                approved_by: None,
                approved_at: None,
            })
            .execute(tx.conn)?,
        Request::Pass { opinion, recheckers, on_site, evidence_ids } => {
            let people: Vec<Uuid> = recheckers.iter().map(|named| named.user_id).collect();
            diesel::update(this)
                .set((
                    r::outcome.eq("passed"),
                    r::opinion.eq(opinion),
                    r::recheckers.eq(ids(&people)),
                    r::on_site.eq(*on_site),
                    r::recheck_evidence_ids.eq(ids(evidence_ids)),
                    r::rechecked_by.eq(actor),
                    r::rechecked_at.eq(tx.now),
                ))
                .execute(tx.conn)?
        }
        // Returned by the approver: the recheckers' opinion stays beside the approver's.
        Request::Return { reason, .. } if before.status == Status::AwaitingApproval => diesel::update(this)
            .set((
                r::outcome.eq("returned"),
                r::approval_opinion.eq(reason),
                r::approved_by.eq(actor),
                r::approved_at.eq(tx.now),
            ))
            .execute(tx.conn)?,
        Request::Return { reason, .. } => diesel::update(this)
            .set((
                r::outcome.eq("returned"),
                r::opinion.eq(reason),
                r::recheckers.eq(ids(&[actor.0])),
                r::rechecked_by.eq(actor),
                r::rechecked_at.eq(tx.now),
            ))
            .execute(tx.conn)?,
        Request::Approve { opinion } => diesel::update(this)
            .set((r::approval_opinion.eq(opinion), r::approved_by.eq(actor), r::approved_at.eq(tx.now)))
            .execute(tx.conn)?,
        _ => return Ok(()),
    };
    if changed == 1 { Ok(()) } else { Err(Problem::internal("a round that was never reported done")) }
}

/// Writes what moved, and the counters with it.
pub(in crate::hazards) fn save(tx: &mut Tx<'_>, before: &Row, after: &Row, zone: Tz) -> Result<(), Problem> {
    counters::apply(tx, Some(&before.contribution(zone)), Some(&after.contribution(zone)))?;
    diesel::update(hazards::table.find(after.id)).set(Moved::from(after)).execute(tx.conn)?;
    Ok(())
}

/// The columns that differ, as the journal keeps them: applied in order they give the row again.
pub(in crate::hazards) fn difference(before: &Row, after: &Row) -> Result<Map<String, Value>, Problem> {
    let (old, new) = (tree(before)?, tree(after)?);
    let moved = |name: &str, value: &Value| !matches!(name, "version" | "updated_at") && old.get(name) != Some(value);
    let set: Map<String, Value> = new.into_iter().filter(|(name, value)| moved(name, value)).collect();
    let mut payload = Map::new();
    payload.insert("set".to_owned(), Value::Object(set));
    Ok(payload)
}

fn tree(row: &Row) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(row).map_err(Problem::internal)? {
        Value::Object(tree) => Ok(tree),
        _ => Err(Problem::internal("a row is an object")),
    }
}

/// Which permissions open an action at all; whoever holds none of them anywhere is answered 403.
#[must_use]
pub const fn opened_by(action: Action) -> &'static [crate::access::Permission] {
    use crate::access::Permission as P;
    match action {
        Action::Issue | Action::Regrade | Action::ReassignDue => &[P::HazardIssue],
        Action::Assign => &[P::HazardIssue, P::HazardRespond],
        Action::RejectAssignment | Action::Acknowledge => &[P::HazardRespond],
        Action::FilePlan | Action::ReportDone => &[P::HazardRectify],
        Action::Pass => &[P::HazardRecheck],
        Action::Return => &[P::HazardRecheck, P::HazardApprove],
        Action::Approve => &[P::HazardApprove],
        Action::Void => &[P::HazardVoid],
        Action::Reopen => &[P::HazardReopen],
    }
}
