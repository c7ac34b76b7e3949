//! Bringing plans into force, pausing, resuming and ending them.

use diesel::prelude::*;
use serde_json::json;

use super::changes::zone_of;
use super::making::{inspect, places, put, told};
use super::record::{PlanRow, PlanView, finish, kinds_of};
use crate::access::Rights;
use crate::hazards::deadline::local_date;
use crate::plans::rules::PlanStatus;
use crate::platform::db::schema::{plan_pauses, plans};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// Most faults told of one activation.
const TOLD: usize = 100;

fn refused(row: &PlanRow, code: &'static str, zh: &str, en: &str) -> Problem {
    let current = json!({"id": row.id, "status": row.status, "version": row.version});
    Problem::new(Code::StateConflict).errors(vec![FieldError::new("", code, zh, en)]).current(current)
}

fn must_be(row: &PlanRow, allowed: &[PlanStatus]) -> Result<(), Problem> {
    if allowed.contains(&row.status) {
        return Ok(());
    }
    Err(refused(row, "wrong_state", "计划当前状态不允许", "the plan is not in a state for this"))
}

/// Brings a draft into force. One that happens once makes all its inspections now, or none; a recurring one makes them
/// when their day has come.
///
/// # Errors
/// 409 where it is no draft, its period is over, or an inspection cannot be made, naming every school and reason.
pub fn activate(tx: &mut Tx<'_>, rights: &Rights, row: &PlanRow) -> Result<(Receipt, PlanView), Problem> {
    must_be(row, &[PlanStatus::Draft])?;
    let today = local_date(tx.now.utc(), zone_of(tx.conn, row.org_id)?);
    if row.to_on.is_some_and(|to| to < today) {
        return Err(refused(row, "period_over", "计划期限已过", "its period is over"));
    }
    let mut made: Vec<Id> = Vec::new();
    if !row.recurring {
        let mut faults: Vec<FieldError> = Vec::new();
        let kinds = kinds_of(tx.conn, row.id)?;
        for place in places(tx.conn, row.id)? {
            for kind in &kinds {
                match tx.attempt(|tx| inspect(tx, rights, row, &place, (row.from_on, *kind))) {
                    Ok(id) => {
                        put(tx, row.id, (place.0.id, row.from_on, *kind), Ok(id))?;
                        made.push(id);
                    }
                    Err(problem) if problem.is_ours() => return Err(problem),
                    Err(problem) => faults.extend(told(&place.0, &problem)),
                }
            }
            if faults.len() >= TOLD {
                break;
            }
        }
        if !faults.is_empty() {
            faults.truncate(TOLD);
            return Err(Problem::new(Code::StateConflict)
                .errors(faults)
                .detail("有学校的检查无法生成，全部未生成", "an inspection cannot be made, so none was"));
        }
    }
    diesel::update(plans::table.find(row.id))
        .set((
            plans::version.eq(row.version + 1),
            plans::updated_at.eq(tx.now),
            plans::status.eq(PlanStatus::Active),
            plans::activated_at.eq(tx.now),
            plans::activated_by.eq(rights.user_id()),
        ))
        .execute(tx.conn)?;
    finish(tx, rights, row.id, "activated", json!({"inspections": made}))
}

fn set(tx: &mut Tx<'_>, row: &PlanRow, status: PlanStatus) -> Result<(), Problem> {
    diesel::update(plans::table.find(row.id))
        .set((plans::version.eq(row.version + 1), plans::updated_at.eq(tx.now), plans::status.eq(status)))
        .execute(tx.conn)?;
    Ok(())
}

/// Pauses a plan: occurrences whose day begins before it is resumed are skipped.
///
/// # Errors
/// 409 where it is not in force.
pub fn pause(tx: &mut Tx<'_>, rights: &Rights, row: &PlanRow, reason: &str) -> Result<(Receipt, PlanView), Problem> {
    must_be(row, &[PlanStatus::Active])?;
    let reason = reason.trim();
    diesel::insert_into(plan_pauses::table)
        .values((plan_pauses::plan_id.eq(row.id), plan_pauses::from_at.eq(tx.now), plan_pauses::reason.eq(reason)))
        .execute(tx.conn)?;
    set(tx, row, PlanStatus::Paused)?;
    finish(tx, rights, row.id, "paused", json!({"reason": reason}))
}

fn end_pause(tx: &mut Tx<'_>, row: &PlanRow, reason: &str) -> Result<(), Problem> {
    let running = plan_pauses::table.filter(plan_pauses::plan_id.eq(row.id)).filter(plan_pauses::to_at.is_null());
    diesel::update(running)
        .set((plan_pauses::to_at.eq(Some::<Timestamp>(tx.now)), plan_pauses::resume_reason.eq(reason)))
        .execute(tx.conn)?;
    Ok(())
}

/// Resumes a paused plan.
///
/// # Errors
/// 409 where it is not paused.
pub fn resume(tx: &mut Tx<'_>, rights: &Rights, row: &PlanRow, reason: &str) -> Result<(Receipt, PlanView), Problem> {
    must_be(row, &[PlanStatus::Paused])?;
    end_pause(tx, row, reason.trim())?;
    set(tx, row, PlanStatus::Active)?;
    finish(tx, rights, row.id, "resumed", json!({"reason": reason.trim()}))
}

/// Ends a plan for good. Inspections that are there stay; no occurrence begins after this.
///
/// # Errors
/// 409 where it has ended.
pub fn end(tx: &mut Tx<'_>, rights: &Rights, row: &PlanRow, reason: &str) -> Result<(Receipt, PlanView), Problem> {
    must_be(row, &[PlanStatus::Draft, PlanStatus::Active, PlanStatus::Paused])?;
    let reason = reason.trim();
    diesel::update(plans::table.find(row.id))
        .set((
            plans::version.eq(row.version + 1),
            plans::updated_at.eq(tx.now),
            plans::status.eq(PlanStatus::Ended),
            plans::ended_at.eq(tx.now),
            plans::ended_by.eq(rights.user_id()),
            plans::end_reason.eq(reason),
        ))
        .execute(tx.conn)?;
    finish(tx, rights, row.id, "ended", json!({"reason": reason}))
}
