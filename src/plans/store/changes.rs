//! Drawing up plans and changing them.

use diesel::prelude::*;
use serde_json::json;

use super::prepare::{Asked, Prepared, prepare};
use super::record::{Named, PlanRow, PlanView, finish, kinds_of, view};
use super::sight::{plans_in, seen};
use crate::access::{Permission, Rights};
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::zone;
use crate::inspections::rules::InspectionKind;
use crate::on_conn;
use crate::plans::bodies::{NewPlan, Period, PlanEdit, PlanSchools};
use crate::plans::rules::{PlanStatus, Recurrence};
use crate::platform::db::schema::{orgs, plan_domains, plan_kinds, plan_schedules, plan_schools, plans};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, FieldError};

/// Refuses to answer again about a plan that its maker has lost sight of: who comes to a school of a secret plan knows
/// nothing of it any more.
///
/// # Errors
/// 404.
pub fn still_seen(conn: &mut Conn, rights: &Rights, hash: &[u8]) -> Result<(), Problem> {
    let me = rights.user_id();
    let made = || plans::table.filter(plans::created_by.eq(me)).filter(plans::body_hash.eq(hash.to_vec()));
    let all: i64 = made().count().get_result(conn)?;
    let seen: i64 = made().filter(plans_in(rights)).count().get_result(conn)?;
    if all > 0 && seen == 0 { Err(Problem::not_found()) } else { Ok(()) }
}

/// The plan already drawn up with this id by this caller with this body. That an id is taken by anything else is said
/// last of all, by the row that does not go in.
///
/// # Errors
/// 404 where it has gone out of the caller's sight.
pub fn stored(conn: &mut Conn, rights: &Rights, id: Option<Id>, hash: &[u8]) -> Result<Option<PlanView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<PlanRow> = plans::table.find(id).select(PlanRow::as_select()).first(conn).optional()?;
    match found {
        None => Ok(None),
        Some(row) if row.created_by == rights.user_id() && row.body_hash.as_deref() == Some(hash) => {
            let row = seen(conn, rights, row.id)?;
            view(conn, rights, row).map(Some)
        }
        Some(_) => Ok(None),
    }
}

/// Draws up a plan; nothing comes of it before it is activated.
///
/// # Errors
/// 404 for schools, people and checklists out of sight; 403; 422.
pub fn create(tx: &mut Tx<'_>, rights: &Rights, new: &NewPlan, hash: &[u8]) -> Result<(Receipt, PlanView), Problem> {
    let named = Named { schools: new.schools.clone(), inspectors: new.inspectors.clone() };
    let asked =
        Asked { kinds: &new.kinds, announced: new.is_announced(), checklist_ids: &new.checklist_ids, named: &named };
    let prepared = prepare(tx.conn, rights, &asked, tx.now)?;
    let announced = new.is_announced();
    // Ids of this form are kept for what is hidden: that one is taken would tell people of a school that there is
    // something.
    let secret = new.id.is_some_and(|id| id.0.get_version_num() == 4);
    if secret && !rights.of(Permission::InspectionPlan).own_schools.is_empty() {
        let (zh, en) = ("学校人员不得使用 UUIDv4", "must not be a UUIDv4 of people of a school");
        return Err(Problem::invalid(FieldError::new("/id", "uuid_v4", zh, en)));
    }
    let id = new.id.unwrap_or_else(|| if announced { tx.new_id() } else { tx.ids.hidden() });
    let row = PlanRow {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        body_hash: Some(hash.to_vec()),
        bureau_id: prepared.owner.bureau_id,
        org_id: prepared.owner.id,
        title: new.title.trim().to_owned(),
        announced: new.is_announced(),
        campaign: new.campaign,
        recurring: new.recurrence.is_some(),
        status: PlanStatus::Draft,
        checklist_ids: Doc::of(&new.checklist_ids),
        asked: Doc::of(&named),
        from_on: new.period.from,
        to_on: new.period.to,
        activated_at: None,
        activated_by: None,
        ended_at: None,
        ended_by: None,
        end_reason: None,
    };
    diesel::insert_into(plans::table).values(&row).execute(tx.conn)?;
    put_kinds(tx.conn, id, &new.kinds)?;
    put_schools(tx.conn, &row, &prepared)?;
    put_schedule(tx.conn, id, row.from_on, new.recurrence)?;
    let payload = json!({
        "kinds": new.kinds, "checklist_ids": new.checklist_ids, "period": new.period, "recurrence": new.recurrence,
        "announced": row.announced, "campaign": row.campaign, "schools": prepared.schools.len(),
    });
    finish(tx, rights, id, "created", payload)
}

fn put_kinds(conn: &mut Conn, plan_id: Id, kinds: &[InspectionKind]) -> Result<(), Problem> {
    for (kind, place) in kinds.iter().zip(0_i32..) {
        let row = (plan_kinds::plan_id.eq(plan_id), plan_kinds::kind.eq(*kind), plan_kinds::position.eq(place));
        diesel::insert_into(plan_kinds::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// A school of a plan as a row: plan, school, bureau, place in the order, team.
type SchoolRow = (
    diesel::dsl::Eq<plan_schools::plan_id, Id>,
    diesel::dsl::Eq<plan_schools::org_id, Id>,
    diesel::dsl::Eq<plan_schools::bureau_id, Id>,
    diesel::dsl::Eq<plan_schools::position, i32>,
    diesel::dsl::Eq<plan_schools::team, Doc>,
);

/// Puts the schools, teams and domains of a plan in the place of those it had.
fn put_schools(conn: &mut Conn, row: &PlanRow, prepared: &Prepared) -> Result<(), Problem> {
    diesel::delete(plan_schools::table.filter(plan_schools::plan_id.eq(row.id))).execute(conn)?;
    diesel::delete(plan_domains::table.filter(plan_domains::plan_id.eq(row.id))).execute(conn)?;
    let rows: Vec<SchoolRow> = prepared
        .schools
        .iter()
        .zip(0_i32..)
        .map(|((school, team), place)| {
            (
                plan_schools::plan_id.eq(row.id),
                plan_schools::org_id.eq(school.id),
                plan_schools::bureau_id.eq(school.bureau_id),
                plan_schools::position.eq(place),
                plan_schools::team.eq(Doc::of(team)),
            )
        })
        .collect();
    on_conn!(&mut *conn, conn => diesel::insert_into(plan_schools::table).values(&rows).execute(conn)?);
    for domain in &prepared.domains {
        diesel::insert_into(plan_domains::table)
            .values((plan_domains::plan_id.eq(row.id), plan_domains::domain.eq(domain)))
            .execute(conn)?;
    }
    Ok(())
}

/// Puts how often from a day on, in the place of what was meant from that day or later.
fn put_schedule(
    conn: &mut Conn,
    plan_id: Id,
    from_on: chrono::NaiveDate,
    recurrence: Option<Recurrence>,
) -> Result<(), Problem> {
    let Some(recurrence) = recurrence else { return Ok(()) };
    let later =
        plan_schedules::table.filter(plan_schedules::plan_id.eq(plan_id)).filter(plan_schedules::from_on.ge(from_on));
    diesel::delete(later).execute(conn)?;
    diesel::insert_into(plan_schedules::table)
        .values((
            plan_schedules::plan_id.eq(plan_id),
            plan_schedules::from_on.eq(from_on),
            plan_schedules::recurrence.eq(Doc::of(&recurrence)),
        ))
        .execute(conn)?;
    Ok(())
}

fn conflict(code: &'static str, zh: &str, en: &str) -> Problem {
    Problem::new(Code::StateConflict).errors(vec![FieldError::new("", code, zh, en)])
}

/// Changes a plan: all of a draft; of a recurring plan in force what concerns days to come.
///
/// # Errors
/// 404, 403 and 422 as for drawing up; 409 for what can no longer change.
pub fn edit(tx: &mut Tx<'_>, rights: &Rights, row: &PlanRow, edit: &PlanEdit) -> Result<(Receipt, PlanView), Problem> {
    let in_force = match row.status {
        PlanStatus::Draft => false,
        PlanStatus::Active | PlanStatus::Paused if row.recurring => true,
        _ => return Err(conflict("already_active", "计划已启用，不得修改", "the plan is in force and cannot change")),
    };
    let today = local_date(tx.now.utc(), zone_of(tx.conn, row.org_id)?);
    let mut faults = Faults::default();
    let period = edit.period.unwrap_or(Period { from: row.from_on, to: row.to_on });
    if !row.recurring && period.to.is_none() {
        faults.add(FieldError::required("/period/to"));
    }
    if !row.recurring && edit.recurrence.is_some() {
        faults.say("/recurrence", "not_recurring", "该计划不重复", "the plan does not recur");
    }
    faults.finish()?;
    if in_force {
        still_open(row, edit, today)?;
    }
    let before: Named = row.asked.read();
    let named = Named {
        schools: edit.schools.clone().unwrap_or_else(|| before.schools.clone()),
        inspectors: edit.inspectors.clone().unwrap_or_else(|| before.inspectors.clone()),
    };
    let checklist_ids: Vec<Id> = edit.checklist_ids.clone().unwrap_or_else(|| row.checklist_ids.read());
    if edit.schools.is_some() || edit.inspectors.is_some() || edit.checklist_ids.is_some() {
        // In force, the schools are those it has; a filter is not asked again.
        let kept =
            if in_force { Named { schools: schools_of(tx.conn, row.id)?, ..named.clone() } } else { named.clone() };
        let kinds = kinds_of(tx.conn, row.id)?;
        let asked = Asked { kinds: &kinds, announced: row.announced, checklist_ids: &checklist_ids, named: &kept };
        let prepared = prepare(tx.conn, rights, &asked, tx.now)?;
        if prepared.owner.id != row.org_id {
            return Err(Problem::invalid(FieldError::new(
                "/schools",
                "other_bureau",
                "须属于同一教育局",
                "must be of the same bureau",
            )));
        }
        put_schools(tx.conn, row, &prepared)?;
    }
    if in_force {
        let tomorrow = today.succ_opt().unwrap_or(today).max(row.from_on);
        put_schedule(tx.conn, row.id, tomorrow, edit.recurrence)?;
    } else if row.recurring && (edit.recurrence.is_some() || edit.period.is_some()) {
        let now: Option<Doc> = plan_schedules::table
            .filter(plan_schedules::plan_id.eq(row.id))
            .select(plan_schedules::recurrence)
            .first(tx.conn)
            .optional()?;
        let kept = now.and_then(|doc| serde_json::from_value(doc.0).ok());
        diesel::delete(plan_schedules::table.filter(plan_schedules::plan_id.eq(row.id))).execute(tx.conn)?;
        put_schedule(tx.conn, row.id, period.from, edit.recurrence.or(kept))?;
    }
    let title = edit.title.as_deref().map_or_else(|| row.title.clone(), |title| title.trim().to_owned());
    diesel::update(plans::table.find(row.id))
        .set((
            plans::version.eq(row.version + 1),
            plans::updated_at.eq(tx.now),
            plans::title.eq(title),
            plans::checklist_ids.eq(Doc::of(&checklist_ids)),
            plans::asked.eq(Doc::of(&named)),
            plans::from_on.eq(period.from),
            plans::to_on.eq(period.to),
        ))
        .execute(tx.conn)?;
    let payload = json!({
        "checklist_ids": checklist_ids, "period": period, "recurrence": edit.recurrence,
        "schools": edit.schools.is_some(), "inspectors": edit.inspectors.is_some(),
    });
    finish(tx, rights, row.id, "edited", payload)
}

/// What lies behind a plan in force does not change.
fn still_open(row: &PlanRow, edit: &PlanEdit, today: chrono::NaiveDate) -> Result<(), Problem> {
    let mut closed = Vec::new();
    let mut close = |pointer: &str, code, zh: &str, en: &str| closed.push(FieldError::new(pointer, code, zh, en));
    if edit.schools.is_some() {
        close("/schools", "already_active", "计划已启用，学校不得修改", "cannot change once the plan is in force");
    }
    if edit.checklist_ids.is_some() {
        let at = "/checklist_ids";
        close(at, "already_active", "计划已启用，清单不得修改", "cannot change once the plan is in force");
    }
    if let Some(period) = edit.period {
        if period.from != row.from_on {
            let at = "/period/from";
            close(at, "already_active", "计划已启用，开始日不得修改", "cannot change once the plan is in force");
        }
        // A last day that has passed, or would have, has decided occurrences already.
        let past = |day: Option<chrono::NaiveDate>| day.is_some_and(|day| day < today);
        if period.to != row.to_on && (past(period.to) || past(row.to_on)) {
            close("/period/to", "in_the_past", "不得改动已过去的日期", "must not change what lies in the past");
        }
    }
    if closed.is_empty() { Ok(()) } else { Err(Problem::new(Code::StateConflict).errors(closed)) }
}

fn schools_of(conn: &mut Conn, plan_id: Id) -> Result<PlanSchools, Problem> {
    let ids: Vec<Id> = plan_schools::table
        .filter(plan_schools::plan_id.eq(plan_id))
        .order(plan_schools::position)
        .select(plan_schools::org_id)
        .load(conn)?;
    Ok(PlanSchools { org_ids: Some(ids), ..PlanSchools::default() })
}

/// The zone of whoever keeps a plan.
pub(super) fn zone_of(conn: &mut Conn, org_id: Id) -> Result<chrono_tz::Tz, Problem> {
    let name: String = orgs::table.find(org_id).select(orgs::time_zone).first(conn)?;
    Ok(zone(&name))
}
