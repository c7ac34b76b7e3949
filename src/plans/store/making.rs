//! Making the inspections of a plan, by the one function that makes inspections.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::record::{PlanRow, event, kinds_of, row_of};
use super::sight::lock;
use super::timeline::Timeline;
use crate::access::scope::{ORG_REF, OrgRef};
use crate::access::{Permission, Rights};
use crate::hazards::store::people::person;
use crate::inspections::rules::InspectionKind;
use crate::inspections::store::{self as inspections, NewInspection};
use crate::plans::rules::PlanStatus;
use crate::platform::db::schema::{orgs, plan_inspections, plan_schools, plans};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Commit, Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// What a plan asks for: at which school, on which day, of which kind.
pub type Asked = (Id, NaiveDate, InspectionKind);

/// A school of a plan with its team.
pub type Place = (OrgRef, Vec<Id>);

/// The schools of a plan in their order.
///
/// # Errors
/// Whatever the engine says.
pub fn places(conn: &mut Conn, plan_id: Id) -> Result<Vec<Place>, Problem> {
    let rows: Vec<(OrgRef, Doc)> = plan_schools::table
        .inner_join(orgs::table.on(orgs::id.eq(plan_schools::org_id)))
        .filter(plan_schools::plan_id.eq(plan_id))
        .order(plan_schools::position)
        .select((ORG_REF, plan_schools::team))
        .load(conn)?;
    Ok(rows.into_iter().map(|(org, team)| (org, team.read())).collect())
}

/// Makes an inspection of one school.
///
/// # Errors
/// As [`inspections::create`].
pub fn inspect(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &PlanRow,
    place: &Place,
    (on, kind): (NaiveDate, InspectionKind),
) -> Result<Id, Problem> {
    let (school, team) = place;
    let new = NewInspection {
        id: None,
        kind,
        org_id: school.id,
        checklist_ids: row.checklist_ids.read(),
        team: team.clone(),
        lead_id: None,
        announced: Some(row.announced),
        planned_on: Some(on),
        title: Some(row.title.clone()),
    };
    let (_receipt, view) = inspections::create(tx, rights, school, &new, &[])?;
    Ok(view.id)
}

/// Puts down what became of an occurrence at a school.
///
/// # Errors
/// Whatever the engine says.
pub fn put(tx: &mut Tx<'_>, plan_id: Id, (org_id, on, kind): Asked, made: Result<Id, &str>) -> Result<(), Problem> {
    use plan_inspections as p;
    // A try that failed makes room for the next.
    diesel::delete(p::table.find((plan_id, org_id, on, kind)).filter(p::inspection_id.is_null())).execute(tx.conn)?;
    diesel::insert_into(p::table)
        .values((
            p::plan_id.eq(plan_id),
            p::org_id.eq(org_id),
            p::occurrence_on.eq(on),
            p::kind.eq(kind),
            p::created_at.eq(tx.now),
            p::inspection_id.eq(made.ok()),
            p::failure.eq(made.err()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// What stood in the way of an inspection, told of its school.
pub fn told(school: &OrgRef, problem: &Problem) -> Vec<FieldError> {
    let at = |rest: &str| format!("/schools/{}{rest}", school.id);
    if problem.errors.is_empty() {
        let (zh, en) = problem.code.title();
        return vec![FieldError::new(at(""), problem.code.as_str(), zh, en)];
    }
    let errors = problem.errors.iter();
    errors.map(|error| FieldError { pointer: at(&error.pointer), ..error.clone() }).collect()
}

/// The recurring plans in force after this one, in the order of ids, with what each still wants.
///
/// # Errors
/// Whatever the engine says.
pub fn wanted(
    conn: &mut Conn,
    after: Option<Id>,
    now: crate::platform::db::types::Timestamp,
) -> Result<Option<(Id, Wanted)>, Problem> {
    let mut query = plans::table
        .filter(plans::status.eq(PlanStatus::Active))
        .filter(plans::recurring.eq(true))
        .order(plans::id)
        .select(PlanRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(plans::id.gt(after));
    }
    let Some(row) = query.first::<PlanRow>(conn).optional()? else { return Ok(None) };
    let wanted = wants(conn, &row, now)?;
    Ok(Some((row.id, wanted)))
}

/// What is asked for and has no inspection yet, with the failure of an earlier try.
pub type Wanted = Vec<(Asked, Option<String>)>;

fn wants(conn: &mut Conn, row: &PlanRow, now: crate::platform::db::types::Timestamp) -> Result<Wanted, Problem> {
    let days: Vec<NaiveDate> = Timeline::of(conn, row)?.current(now).into_iter().map(|one| one.on).collect();
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let schools: Vec<Id> = plan_schools::table
        .filter(plan_schools::plan_id.eq(row.id))
        .order(plan_schools::position)
        .select(plan_schools::org_id)
        .load(conn)?;
    let kinds = kinds_of(conn, row.id)?;
    let there: Vec<(Asked, Option<Id>, Option<String>)> = plan_inspections::table
        .filter(plan_inspections::plan_id.eq(row.id))
        .filter(plan_inspections::occurrence_on.eq_any(days.clone()))
        .select((
            (plan_inspections::org_id, plan_inspections::occurrence_on, plan_inspections::kind),
            plan_inspections::inspection_id,
            plan_inspections::failure,
        ))
        .load(conn)?;
    let made: HashSet<Asked> = there.iter().filter(|one| one.1.is_some()).map(|one| one.0).collect();
    let failures: HashMap<Asked, String> = there.into_iter().filter_map(|one| Some((one.0, one.2?))).collect();
    let mut wanted = Vec::new();
    for on in days {
        for org in &schools {
            let asked = kinds.iter().map(|kind| (*org, on, *kind)).filter(|asked| !made.contains(asked));
            wanted.extend(asked.map(|asked| (asked, failures.get(&asked).cloned())));
        }
    }
    Ok(wanted)
}

/// Makes at most `most` of the inspections that a plan wants now, with the rights of who brought it into force. Asked
/// again under the plan's lock: what another node has made, or a pause has taken back, is not made.
///
/// One that cannot be made is put down with its reason and tried again at the next run, until its days are over. Gives
/// how many were made.
///
/// # Errors
/// Whatever the engine says.
pub fn make(tx: &mut Tx<'_>, plan_id: Id, tried: &HashSet<Asked>, most: usize) -> Result<Commit<Made>, Problem> {
    lock(tx.conn, plan_id)?;
    let row = row_of(tx.conn, plan_id)?;
    if row.status != PlanStatus::Active {
        return Ok(Commit::unchanged(Made::default()));
    }
    let mut wanted = wants(tx.conn, &row, tx.now)?;
    wanted.retain(|(asked, _)| !tried.contains(asked));
    wanted.truncate(most);
    let places = places(tx.conn, plan_id)?;
    let by = row.activated_by.unwrap_or(row.created_by);
    let rights = person(tx.conn, by)?.map(|who| Rights::of_caller(who, tx.now).asking(&[Permission::InspectionPlan]));
    let mut made = Made::default();
    let (mut ids, mut failed) = (Vec::new(), Vec::new());
    for (asked, failure) in wanted {
        made.tried.push(asked);
        let (org_id, on, kind) = asked;
        let Some(place) = places.iter().find(|(org, _)| org.id == org_id) else { continue };
        let outcome = match &rights {
            None => Err(Problem::new(Code::Forbidden)),
            Some(rights) => tx.attempt(|tx| inspect(tx, rights, &row, place, (on, kind))),
        };
        match outcome {
            Ok(id) => {
                put(tx, plan_id, asked, Ok(id))?;
                ids.push(id);
            }
            Err(problem) if problem.is_ours() => return Err(problem),
            Err(problem) => {
                let why = told(&place.0, &problem).first().map_or(problem.code.as_str(), |error| error.code);
                if failure.as_deref() != Some(why) {
                    put(tx, plan_id, asked, Err(why))?;
                    failed.push(json!({"org_id": org_id, "occurrence_on": on, "kind": kind, "failure": why}));
                }
            }
        }
    }
    made.made = ids.len();
    if ids.is_empty() && failed.is_empty() {
        return Ok(Commit::unchanged(made));
    }
    let receipt: Receipt = tx.record(event(&row, "due").with(json!({"inspections": ids, "failed": failed})))?;
    Ok(receipt.with(made))
}

/// What came of one step.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// How many inspections.
    pub made: usize,
    /// What was looked at, made or not.
    pub tried: Vec<Asked>,
}
