//! At the visit: what the team says of each hazard, and what comes of it when the visit is handed in.

use std::collections::HashSet;

use diesel::dsl::exists;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::access::Rights;
use crate::hazards::status::Level;
use crate::hazards::store::by_record::{self, Relapse};
use crate::hazards::store::read;
use crate::inspections::rules::{InspectionAction, InspectionRefusal};
use crate::inspections::store::{Seen, actor, domains_in_sight, may, refused};
use crate::look_backs::bodies::{Finding, LookBackToHandIn};
use crate::look_backs::rules::LookBackOutcome;
use crate::platform::db::schema::{hazards, look_back_hazards};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::FieldError;
use crate::platform::journal::Event;
use crate::reports::store::suggest::{Finders, suggests};

/// A closed hazard that a visit looks back at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Queryable, ToSchema)]
#[schema(as = InspectionLookBack)]
pub struct Carried {
    /// Of the hazard.
    pub hazard_id: Id,
    /// Its number.
    pub number: String,
    /// What was wrong, in a line.
    pub title: String,
    /// Its level.
    pub level: Level,
    /// One of the ten.
    pub category: String,
    /// The second axis.
    pub domain: String,
    /// Where in the school.
    #[schema(required)]
    pub site_id: Option<Id>,
    /// The closing that is looked back at.
    pub closed_at: Timestamp,
    /// What the team found; null until it has said so.
    #[schema(required)]
    pub outcome: Option<LookBackOutcome>,
    /// What was seen.
    #[schema(required)]
    pub note: Option<String>,
    /// The deadline to be given where it failed; null for the policy's.
    #[schema(required)]
    pub due_at: Option<Timestamp>,
    /// Who said so.
    #[schema(required)]
    pub judged_by: Option<Id>,
    /// When.
    #[schema(required)]
    pub judged_at: Option<Timestamp>,
    /// Whether handing in opened the hazard again; not where somebody else had done so.
    pub reopened: bool,
}

fn all(conn: &mut Conn, inspection_id: Id) -> Result<Vec<Carried>, Problem> {
    use look_back_hazards as h;
    Ok(h::table
        .inner_join(hazards::table.on(hazards::id.eq(h::hazard_id)))
        .filter(h::inspection_id.eq(inspection_id))
        .order(h::position)
        .select((
            h::hazard_id,
            hazards::number,
            hazards::title,
            h::level,
            hazards::category,
            h::domain,
            hazards::site_id,
            h::closed_at,
            h::outcome,
            h::note,
            h::due_at,
            h::judged_by,
            h::judged_at,
            h::reopened,
        ))
        .load(conn)?)
}

/// Whether an inspection looks back at hazards.
///
/// # Errors
/// Whatever the engine says.
pub fn carries(conn: &mut Conn, inspection_id: Id) -> Result<bool, Problem> {
    use look_back_hazards as h;
    Ok(diesel::select(exists(h::table.filter(h::inspection_id.eq(inspection_id)))).get_result(conn)?)
}

/// What an external inspector finds waits for the bureau's word; nothing waits here, so it is the others of the team who
/// say whether a hazard has held.
fn for_the_bureau(conn: &mut Conn, rights: &Rights, seen: &Seen, domain: &str) -> Result<(), Problem> {
    if suggests(conn, (&mut Finders::default(), rights.user_id()), &seen.org, domain, (false, rights.now))?.is_none() {
        return Ok(());
    }
    let actor = actor(conn, rights, seen)?;
    Err(refused(&[InspectionRefusal::NeedsBureau], seen, actor))
}

/// What a visit in sight looks back at: all of it for the team, for others what they see anyway.
///
/// # Errors
/// Whatever the engine says.
pub fn carried(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Vec<Carried>, Problem> {
    let mut rows = all(conn, seen.row.id)?;
    if let Some(domains) = domains_in_sight(conn, rights, seen)? {
        rows.retain(|row| domains.contains(&row.domain));
    }
    if !rows.is_empty() && !actor(conn, rights, seen)?.on_team {
        let ids: Vec<Id> = rows.iter().map(|row| row.hazard_id).collect();
        let sight = read::among(conn, rights, &ids)?;
        rows.retain(|row| sight.contains(&row.hazard_id));
    }
    Ok(rows)
}

/// One of them.
///
/// # Errors
/// 404 where it is none of them.
pub fn carried_one(conn: &mut Conn, rights: &Rights, seen: &Seen, hazard_id: Id) -> Result<Carried, Problem> {
    carried(conn, rights, seen)?.into_iter().find(|row| row.hazard_id == hazard_id).ok_or_else(Problem::not_found)
}

/// A deadline lies ahead when it is given.
fn in_time(finding: &Finding, at: &str, now: Timestamp) -> Option<FieldError> {
    let past = finding.due_at.is_some_and(|due| due <= now);
    past.then(|| FieldError::new(format!("{at}/due_at"), "in_the_past", "须晚于当前时间", "must lie in the future"))
}

/// Notes what the team found, in the place of what it said before. No receipt where it says the same again.
///
/// # Errors
/// 422; 409 by the rules.
pub fn judge(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    before: &Carried,
    finding: &Finding,
) -> Result<(Option<Receipt>, Carried), Problem> {
    if let Some(fault) = in_time(finding, "", tx.now) {
        return Err(Problem::invalid(fault));
    }
    may(tx.conn, rights, seen, InspectionAction::Answer)?;
    for_the_bureau(tx.conn, rights, seen, &before.domain)?;
    let after = put(tx, rights, seen, before, finding)?;
    if after == *before {
        return Ok((None, after));
    }
    let event = Event::of("inspection", seen.row.id, "look_back_judged").at(seen.row.bureau_id, seen.row.org_id);
    let facts = json!({"hazard_id": before.hazard_id, "outcome": finding.outcome, "from": before.outcome});
    Ok((Some(tx.record(event.with(facts))?), after))
}

fn put(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen, before: &Carried, finding: &Finding) -> Result<Carried, Problem> {
    use look_back_hazards as h;
    let note = finding.note.as_deref().map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    let by = rights.user_id();
    if (before.outcome, &before.note, before.due_at, before.judged_by)
        == (Some(finding.outcome), &note, finding.due_at, Some(by))
    {
        return Ok(before.clone());
    }
    diesel::update(h::table.find((seen.row.id, before.hazard_id)))
        .set((
            h::outcome.eq(finding.outcome),
            h::note.eq(&note),
            h::due_at.eq(finding.due_at),
            h::judged_by.eq(by),
            h::judged_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(Carried {
        outcome: Some(finding.outcome),
        note,
        due_at: finding.due_at,
        judged_by: Some(by),
        judged_at: Some(tx.now),
        ..before.clone()
    })
}

/// What is said of the hazards of a visit that is to be handed in, with what comes in its body; an outcome for each.
///
/// # Errors
/// 404 for a hazard that the visit does not look back at.
pub fn said(
    conn: &mut Conn,
    seen: &Seen,
    handed: &[LookBackToHandIn],
) -> Result<(Vec<(Carried, Option<Finding>)>, Vec<FieldError>), Problem> {
    let rows = all(conn, seen.row.id)?;
    let known: HashSet<Id> = rows.iter().map(|row| row.hazard_id).collect();
    if handed.iter().any(|one| !known.contains(&one.hazard_id)) {
        return Err(Problem::not_found());
    }
    let said: Vec<(Carried, Option<Finding>)> = rows
        .into_iter()
        .map(|row| {
            let one = handed.iter().find(|one| one.hazard_id == row.hazard_id).map(LookBackToHandIn::finding);
            (row, one)
        })
        .collect();
    let open = said.iter().filter(|(row, given)| row.outcome.is_none() && given.is_none());
    let faults = open.map(|(row, _)| {
        let (zh, en) = (format!("隐患 {} 尚无回头看结论", row.number), format!("hazard {} has no outcome", row.number));
        FieldError::new(format!("/look_backs/{}", row.hazard_id), "outcome_missing", zh, en)
    });
    let faults = faults.collect();
    Ok((said, faults))
}

/// What was found of each hazard, and which of them are open again.
#[derive(Debug, Default)]
pub struct Concluded {
    /// All that was found, as the journal keeps it.
    pub outcomes: Vec<Value>,
    /// What was opened.
    pub reopened: Vec<Id>,
}

/// Puts down what came with the visit, and opens again what failed.
///
/// # Errors
/// 409 where an outcome comes from somebody whose findings wait for the bureau's word.
pub fn conclude(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    said: Vec<(Carried, Option<Finding>)>,
) -> Result<Concluded, Problem> {
    use look_back_hazards as h;
    let mut concluded = Concluded::default();
    let mut failed = Vec::new();
    for (row, given) in said {
        let row = match &given {
            Some(finding) => {
                for_the_bureau(tx.conn, rights, seen, &row.domain)?;
                put(tx, rights, seen, &row, finding)?
            }
            None => row,
        };
        concluded.outcomes.push(json!({"hazard_id": row.hazard_id, "outcome": row.outcome}));
        if row.outcome == Some(LookBackOutcome::Failed) {
            failed.push(row);
        }
    }
    if failed.is_empty() {
        return Ok(concluded);
    }
    let zone = read::zone_of(tx.conn, seen.row.bureau_id)?;
    let ids: Vec<Id> = failed.iter().map(|row| row.hazard_id).collect();
    for hazard in by_record::held(tx.conn, &ids)? {
        let Some(row) = failed.iter().find(|row| row.hazard_id == hazard.id) else { continue };
        // Opened and closed again meanwhile: that closing is another.
        if hazard.closed_at != Some(row.closed_at) {
            continue;
        }
        let link =
            Map::from_iter([("inspection_id".to_owned(), json!(seen.row.id)), ("look_back".to_owned(), json!(true))]);
        let relapse = Relapse {
            by: row.judged_by.unwrap_or_else(|| rights.user_id()),
            reason: row.note.clone().unwrap_or_default(),
            // A deadline that has passed before the visit was handed in is none.
            due_at: row.due_at.filter(|due| *due > tx.now),
            link,
        };
        if by_record::relapsed(tx, &hazard, relapse, zone)? {
            diesel::update(h::table.find((seen.row.id, hazard.id))).set(h::reopened.eq(true)).execute(tx.conn)?;
            concluded.reopened.push(hazard.id);
        }
    }
    Ok(concluded)
}

/// The faults of what comes in the body of handing in.
#[must_use]
pub fn late(handed: &[LookBackToHandIn], now: Timestamp) -> Vec<FieldError> {
    let faults = handed.iter().enumerate();
    faults.filter_map(|(place, one)| in_time(&one.finding(), &format!("/look_backs/{place}"), now)).collect()
}
