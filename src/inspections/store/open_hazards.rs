//! The open hazards of the school, offered to the team for checking off. What it notes is an observation: it stands in
//! the history of the inspection and of the hazard, and closes nothing.

use diesel::dsl::exists;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::rights::{actor, may, refused};
use super::sight::{Seen, domains_in_sight};
use crate::access::Rights;
use crate::hazards::status::{Level, Status};
use crate::hazards::store::{by_record, read};
use crate::inspections::rules::{Action, Refusal};
use crate::on_conn;
use crate::platform::db::schema::{hazard_observations, hazards};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Check, Faults};
use crate::platform::journal::Event;

crate::text_enum! {
    /// What a team saw of an open hazard.
    pub enum Observed {
        /// It is as it was.
        StillThere = "still_there",
        /// It looks put right; whether it is, a recheck says.
        LooksFixed = "looks_fixed",
        /// The team did not come there.
        NotSeen = "not_seen",
    }
}

/// An observation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = NewHazardObservation)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What was seen.
    pub observed: Observed,
    /// A remark, at most 1000 characters.
    pub note: Option<String>,
}

impl Check for Observation {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/note", self.note.as_deref(), 1000);
    }
}

/// An open hazard of the school, with what this team saw of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OpenHazard {
    /// Of the hazard.
    pub hazard_id: Id,
    /// Its number.
    pub number: String,
    /// What is wrong, in a line.
    pub title: String,
    /// Where it stands now.
    pub status: Status,
    /// Its level.
    pub level: Level,
    /// One of the ten.
    pub category: String,
    /// The second axis.
    pub domain: String,
    /// Where in the school.
    #[schema(required)]
    pub site_id: Option<Id>,
    /// When it was found.
    pub found_at: Timestamp,
    /// Its deadline.
    #[schema(required)]
    pub due_at: Option<Timestamp>,
    /// What the team saw; null until it has said so.
    #[schema(required)]
    pub observed: Option<Observed>,
    /// Its remark.
    #[schema(required)]
    pub note: Option<String>,
    /// Who saw it.
    #[schema(required)]
    pub observed_by: Option<Id>,
    /// When.
    #[schema(required)]
    pub observed_at: Option<Timestamp>,
}

type Row = (Id, String, String, Status, Level, String, String, Option<Id>, Timestamp, Option<Timestamp>);
type Noted = (Id, Observed, Option<String>, Id, Timestamp);

fn noted(conn: &mut Conn, inspection_id: Id) -> Result<Vec<Noted>, Problem> {
    use hazard_observations as o;
    Ok(o::table
        .filter(o::inspection_id.eq(inspection_id))
        .select((o::hazard_id, o::observed, o::note, o::observed_by, o::observed_at))
        .load(conn)?)
}

fn shown(row: Row, noted: &[Noted]) -> OpenHazard {
    let seen = noted.iter().find(|one| one.0 == row.0);
    OpenHazard {
        hazard_id: row.0,
        number: row.1,
        title: row.2,
        status: row.3,
        level: row.4,
        category: row.5,
        domain: row.6,
        site_id: row.7,
        found_at: row.8,
        due_at: row.9,
        observed: seen.map(|one| one.1),
        note: seen.and_then(|one| one.2.clone()),
        observed_by: seen.map(|one| one.3),
        observed_at: seen.map(|one| one.4),
    }
}

/// What is open at the school of an inspection in sight, and what this team has seen of it: all of it for the team,
/// what they see anyway for others. Nothing at a school's own checks: it has its hazards before it.
///
/// # Errors
/// Whatever the engine says.
pub fn open_hazards(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Vec<OpenHazard>, Problem> {
    if seen.row.kind.of_school() {
        return Ok(Vec::new());
    }
    let noted_here = hazard_observations::table
        .filter(hazard_observations::inspection_id.eq(seen.row.id))
        .filter(hazard_observations::hazard_id.eq(hazards::id));
    let mut rows: Vec<Row> = hazards::table
        .filter(hazards::org_id.eq(seen.row.org_id))
        .filter(hazards::status.ne_all([Status::Closed, Status::Void]).or(exists(noted_here)))
        // What this very visit found is no hazard that was there before it.
        .filter(hazards::inspection_id.is_null().or(hazards::inspection_id.assume_not_null().ne(seen.row.id)))
        .order((hazards::created_at, hazards::id))
        .select((
            hazards::id,
            hazards::number,
            hazards::title,
            hazards::status,
            hazards::level,
            hazards::category,
            hazards::domain,
            hazards::site_id,
            hazards::found_at,
            hazards::due_at,
        ))
        .load(conn)?;
    if let Some(domains) = domains_in_sight(conn, rights, seen)? {
        rows.retain(|row| domains.contains(&row.6));
    }
    if !actor(conn, rights, seen)?.on_team {
        let ids: Vec<Id> = rows.iter().map(|row| row.0).collect();
        let sight = read::among(conn, rights, &ids)?;
        rows.retain(|row| sight.contains(&row.0));
    }
    let noted = noted(conn, seen.row.id)?;
    Ok(rows.into_iter().map(|row| shown(row, &noted)).collect())
}

/// One of them.
///
/// # Errors
/// 404 where it is none of them.
pub fn open_hazard(conn: &mut Conn, rights: &Rights, seen: &Seen, hazard_id: Id) -> Result<OpenHazard, Problem> {
    let all = open_hazards(conn, rights, seen)?;
    all.into_iter().find(|one| one.hazard_id == hazard_id).ok_or_else(Problem::not_found)
}

/// Notes what the team saw, in the place of what it noted before. No receipt where it says the same again.
///
/// # Errors
/// 409 by the rules.
pub fn observe(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    before: &OpenHazard,
    body: &Observation,
) -> Result<(Option<Receipt>, OpenHazard), Problem> {
    use hazard_observations as o;
    if seen.row.kind.of_school() {
        let actor = actor(tx.conn, rights, seen)?;
        return Err(refused(&[Refusal::NotForThisKind], seen, actor));
    }
    may(tx.conn, rights, seen, Action::Answer)?;
    let note = body.note.as_deref().map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    let by = rights.user_id();
    if before.observed == Some(body.observed) && before.note == note && before.observed_by == Some(by) {
        return Ok((None, before.clone()));
    }
    let values = (
        (o::inspection_id.eq(seen.row.id), o::hazard_id.eq(before.hazard_id)),
        (o::observed.eq(body.observed), o::note.eq(&note), o::observed_by.eq(by), o::observed_at.eq(tx.now)),
    );
    let again = (o::observed.eq(body.observed), o::note.eq(&note), o::observed_by.eq(by), o::observed_at.eq(tx.now));
    on_conn!(&mut *tx.conn, conn => diesel::insert_into(o::table)
        .values(values)
        .on_conflict((o::inspection_id, o::hazard_id))
        .do_update()
        .set(again)
        .execute(conn)?);
    let facts = json!({"inspection_id": seen.row.id, "observed": body.observed, "note": note});
    let Value::Object(facts) = facts else { return Err(Problem::internal("an object")) };
    let place = (before.hazard_id, seen.row.bureau_id, seen.row.org_id);
    by_record::observed(tx, place, facts)?;
    let event = Event::of("inspection", seen.row.id, "hazard_observed").at(seen.row.bureau_id, seen.row.org_id);
    let facts = json!({"hazard_id": before.hazard_id, "observed": body.observed, "from": before.observed});
    let receipt = tx.record(event.with(facts))?;
    let after = OpenHazard {
        observed: Some(body.observed),
        note,
        observed_by: Some(by),
        observed_at: Some(tx.now),
        ..before.clone()
    };
    Ok((Some(receipt), after))
}
