//! The inspections of a draw: what was drawn becomes visits, once, and nobody chooses anything of it any more.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::record::{DrawRecord, Seen};
use super::steps::{allow, finish};
use crate::access::Rights;
use crate::access::scope::org_ref;
use crate::catalogue::store::readable;
use crate::draws::algorithm::Pick;
use crate::draws::bodies::DrawnInspections;
use crate::draws::pool::Pool;
use crate::draws::rules::{DrawStatus, Step};
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::zone_of;
use crate::inspections::rules::InspectionKind;
use crate::inspections::store::{NewInspection, create};
use crate::platform::db::schema::{checklists, draw_results, draws};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// Whether an inspection was drawn.
///
/// # Errors
/// Whatever the engine says.
pub fn is_drawn(conn: &mut Conn, inspection_id: Id) -> Result<bool, Problem> {
    let found: i64 =
        draw_results::table.filter(draw_results::inspection_id.eq(inspection_id)).count().get_result(conn)?;
    Ok(found > 0)
}

fn ids(texts: &[String]) -> Result<Vec<Id>, Problem> {
    texts.iter().map(|text| text.parse().map_err(Problem::internal)).collect()
}

/// Of which checklist each of these is a revision.
fn lineages(conn: &mut Conn, ids: &[Id]) -> Result<BTreeSet<Id>, Problem> {
    let found: Vec<Id> =
        checklists::table.filter(checklists::id.eq_any(ids)).select(checklists::lineage_id).load(conn)?;
    Ok(found.into_iter().collect())
}

/// The checklists: those frozen, or later revisions of the very same.
fn checklists_of(conn: &mut Conn, rights: &Rights, seen: &Seen, body: &DrawnInspections) -> Result<Vec<Id>, Problem> {
    let frozen = ids(&seen.pool.visit.checklist_ids)?;
    let Some(given) = &body.checklist_ids else { return Ok(frozen) };
    for id in given {
        readable(conn, rights, *id)?;
    }
    if given.len() != frozen.len() || lineages(conn, given)? != lineages(conn, &frozen)? {
        let (zh, en) = ("须为冻结时确定的检查清单或其修订版", "must be those that were frozen, or revisions of them");
        return Err(Problem::invalid(FieldError::new("/checklist_ids", "not_as_frozen", zh, en)));
    }
    Ok(given.clone())
}

/// The first and the last of the days frozen.
fn days(pool: &Pool) -> Result<(NaiveDate, NaiveDate), Problem> {
    let day = |text: &str| text.parse().map_err(Problem::internal);
    Ok((day(&pool.visit.planned_from)?, day(&pool.visit.planned_to)?))
}

fn not_as_frozen((first, last): (NaiveDate, NaiveDate)) -> Problem {
    let words = (
        format!("须在冻结时确定的 {first} 至 {last} 之间且未过"),
        format!("must lie between {first} and {last}, as frozen, and not have passed"),
    );
    Problem::invalid(FieldError::new("/planned_on", "not_as_frozen", words.0, words.1))
}

/// The day: within those frozen, and not past.
fn day_of(seen: &Seen, wanted: Option<NaiveDate>, today: NaiveDate) -> Result<NaiveDate, Problem> {
    let (first, last) = days(&seen.pool)?;
    let day = wanted.unwrap_or_else(|| first.max(today));
    if day < today || !(first..=last).contains(&day) {
        return Err(not_as_frozen((first, last)));
    }
    Ok(day)
}

/// Checks that a drawn inspection is not put off beyond the days frozen with its draw; any other goes on any day.
///
/// # Errors
/// 422 for another day, for none, and for one that has passed.
pub fn day_as_frozen(tx: &mut Tx<'_>, inspection_id: Id, wanted: Option<NaiveDate>) -> Result<(), Problem> {
    let found: Option<(Doc, Id)> = draws::table
        .inner_join(draw_results::table.on(draw_results::draw_id.eq(draws::id)))
        .filter(draw_results::inspection_id.eq(inspection_id))
        .select((draws::pool, draws::bureau_id))
        .first(tx.conn)
        .optional()?;
    let Some((pool, bureau_id)) = found else { return Ok(()) };
    let (first, last) = days(&serde_json::from_value(pool.0).map_err(Problem::internal)?)?;
    let today = local_date(tx.now.utc(), zone_of(tx.conn, bureau_id)?);
    let fits = wanted.is_some_and(|day| day >= today && (first..=last).contains(&day));
    if fits { Ok(()) } else { Err(not_as_frozen((first, last))) }
}

/// Makes the inspections of a draw, one for each school drawn.
///
/// # Errors
/// 403 for whoever may not plan inspections of the kind; 404 for checklists out of sight; 409 by the rules; 422 for
/// days and checklists other than those frozen, and, at `/results/{n}`, for a team that cannot go any more: somebody of
/// it has left or is recused since. Nothing is made then.
pub fn make(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &DrawnInspections,
) -> Result<(Receipt, DrawRecord), Problem> {
    let checklist_ids = checklists_of(tx.conn, rights, seen, body)?;
    let today = local_date(tx.now.utc(), zone_of(tx.conn, seen.row.bureau_id)?);
    let day = day_of(seen, body.planned_on, today)?;
    allow(Step::Inspect, &seen.facts(rights))?;
    let picks: Vec<Pick> = seen.picks().map(|(pick, _)| pick).collect();
    let (mut made, mut faults) = (Vec::new(), Vec::new());
    for (place, pick) in picks.iter().enumerate() {
        let school: Id = pick.school.parse().map_err(Problem::internal)?;
        let org = org_ref(tx.conn, school)?;
        let new = NewInspection {
            id: None,
            kind: InspectionKind::Random,
            org_id: school,
            checklist_ids: checklist_ids.clone(),
            team: ids(&pick.team)?,
            lead_id: None,
            announced: Some(body.announced.unwrap_or(false)),
            planned_on: Some(day),
            title: None,
        };
        match create(tx, rights, &org, &new, &[]) {
            Ok((_, view)) => {
                let position = i32::try_from(pick.position).map_err(Problem::internal)?;
                diesel::update(draw_results::table.find((seen.row.id, position)))
                    .set(draw_results::inspection_id.eq(view.id))
                    .execute(tx.conn)?;
                made.push(view.id);
            }
            Err(problem) if problem.code == Code::ValidationFailed => {
                faults.extend(problem.errors.into_iter().map(|fault| here(fault, place)));
            }
            Err(problem) => return Err(problem),
        }
    }
    if !faults.is_empty() {
        return Err(Problem::new(Code::ValidationFailed).errors(faults));
    }
    let payload = json!({"inspections": made, "planned_on": day, "announced": body.announced.unwrap_or(false)});
    finish(tx, rights, seen, Some(DrawStatus::Drawn), ("inspections_made", payload))
}

/// A fault of the team at the result it belongs to; that of a checklist where the body has it.
fn here(fault: FieldError, place: usize) -> FieldError {
    if fault.pointer.starts_with("/team") {
        FieldError { pointer: format!("/results/{place}{}", fault.pointer), ..fault }
    } else {
        fault
    }
}
