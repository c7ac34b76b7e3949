//! The row of an inspection, and what is shown of it.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::arrival::Location;
use super::scores::{InspectionScores, scores_of};
use super::sight::Seen;
use crate::inspections::rules::{Kind, Outcome, Status};
use crate::platform::db::schema::{answers, inspection_checklists, inspection_team, inspections};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::Record;
use crate::platform::journal::Event;

/// An inspection as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inspections)]
#[expect(missing_docs, reason = "the columns are explained in the migrations")]
pub struct InspectionRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Option<Id>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub kind: Kind,
    pub title: String,
    pub announced: bool,
    pub status: Status,
    pub planned_on: Option<NaiveDate>,
    pub lead_id: Id,
    pub started_at: Option<Timestamp>,
    pub started_by: Option<Id>,
    pub start_location: Option<Doc>,
    pub start_device_time: Option<Timestamp>,
    pub submitted_at: Option<Timestamp>,
    pub submitted_by: Option<Id>,
    pub conclusion: Option<String>,
    pub signatures: Option<Doc>,
    pub acknowledgement: Option<Doc>,
    pub confirmed_at: Option<Timestamp>,
    pub confirmed_by: Option<Id>,
    pub voided_at: Option<Timestamp>,
    pub voided_by: Option<Id>,
    pub void_reason: Option<String>,
    pub start_skew_s: Option<i64>,
    pub start_distance_m: Option<f64>,
    pub score: Option<Doc>,
    pub revision: i32,
    pub objection_reply: Option<Doc>,
}

/// An inspection as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Inspection)]
pub struct InspectionView {
    /// Of the inspection.
    pub id: Id,
    /// Counts its changes; answers have versions of their own.
    pub version: i64,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who planned it.
    #[schema(required)]
    pub created_by: Option<Id>,
    /// The bureau.
    pub bureau_id: Id,
    /// The school.
    pub org_id: Id,
    /// Which kind.
    pub kind: Kind,
    /// Its name.
    pub title: String,
    /// Whether the school knows beforehand.
    pub announced: bool,
    /// Where it stands.
    pub status: Status,
    /// The day it is planned for, in the bureau's zone.
    #[schema(required)]
    pub planned_on: Option<NaiveDate>,
    /// With which checklists.
    pub checklist_ids: Vec<Id>,
    /// Who performs it.
    pub team: Vec<Id>,
    /// Who leads the team.
    pub lead_id: Id,
    /// When the team checked in.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// Who checked in.
    #[schema(required)]
    pub started_by: Option<Id>,
    /// Where the device was at check-in.
    #[schema(required, value_type = Option<Location>)]
    pub location: Option<Value>,
    /// What the device's clock said at check-in; proves nothing.
    #[schema(required)]
    pub device_time: Option<Timestamp>,
    /// How many seconds the device's clock was ahead of the server's at check-in; behind where negative.
    #[schema(required)]
    pub clock_skew_s: Option<i64>,
    /// How far the device was from the school at check-in, in whole metres; null where one of the two places is not
    /// known. Places of different grids are compared in GCJ-02.
    #[schema(required)]
    pub distance_m: Option<f64>,
    /// When it was handed in.
    #[schema(required)]
    pub submitted_at: Option<Timestamp>,
    /// Who handed it in.
    #[schema(required)]
    pub submitted_by: Option<Id>,
    /// What the team concludes.
    #[schema(required)]
    pub conclusion: Option<String>,
    /// Who signed on the spot.
    #[schema(required, value_type = Option<Object>)]
    pub signatures: Option<Value>,
    /// Which version of the record this is: 0 before it is handed in, then 1, one more with each amendment.
    pub revision: i32,
    /// What became of this version at the school: outcome, who, when, and the words that go with it.
    #[schema(required, value_type = Option<Object>)]
    pub acknowledgement: Option<Value>,
    /// The bureau's answer to the school's objection: decision, reason, who, when.
    #[schema(required, value_type = Option<Object>)]
    pub objection_reply: Option<Value>,
    /// When the bureau confirmed it.
    #[schema(required)]
    pub confirmed_at: Option<Timestamp>,
    /// Who confirmed it.
    #[schema(required)]
    pub confirmed_by: Option<Id>,
    /// When it was declared void.
    #[schema(required)]
    pub voided_at: Option<Timestamp>,
    /// Who declared it void.
    #[schema(required)]
    pub voided_by: Option<Id>,
    /// Why it is void.
    #[schema(required)]
    pub void_reason: Option<String>,
    /// How far the answers have come.
    pub progress: Progress,
    /// What the answers came to, frozen when it is handed in. While the team is at work a single record shows it of the
    /// answers given so far, and lists show null.
    #[schema(required, value_type = Option<InspectionScores>)]
    pub score: Option<Value>,
    /// No photo of its answers is missing: all that are claimed have been received, and so has one of each failed item
    /// that demands it. Apart from `status`: what was handed in may still be complete or not.
    pub evidence_complete: bool,
}

/// Counts of an inspection's items.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[schema(as = InspectionProgress)]
pub struct Progress {
    /// Items that apply.
    pub items: i64,
    /// Answered, whatever the result.
    pub answered: i64,
    /// Passed.
    pub passed: i64,
    /// Failed.
    pub failed: i64,
    /// Not applicable; left out of every denominator.
    pub na: i64,
}

impl Record for InspectionView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The counts of inspections, and how many photos are missing.
fn progress(conn: &mut Conn, ids: &[Id]) -> Result<Vec<(Id, Progress, i64)>, Problem> {
    let rows: Vec<(Id, Option<Outcome>, i64, Option<i64>)> = answers::table
        .filter(answers::inspection_id.eq_any(ids.to_vec()))
        .group_by((answers::inspection_id, answers::result))
        .select((
            answers::inspection_id,
            answers::result,
            diesel::dsl::count_star(),
            diesel::dsl::sum(answers::evidence_gaps),
        ))
        .load(conn)?;
    let mut all: Vec<(Id, Progress, i64)> = ids.iter().map(|id| (*id, Progress::default(), 0)).collect();
    for (id, result, count, missing) in rows {
        let Some((_, progress, gaps)) = all.iter_mut().find(|(one, ..)| *one == id) else { continue };
        *gaps += missing.unwrap_or(0);
        progress.items += count;
        progress.answered += if result.is_some() { count } else { 0 };
        match result {
            Some(Outcome::Pass) => progress.passed += count,
            Some(Outcome::Fail) => progress.failed += count,
            Some(Outcome::Na) => progress.na += count,
            None => {}
        }
    }
    Ok(all)
}

/// Rows as they are shown: three more statements, however many rows.
///
/// # Errors
/// Whatever the engine says.
pub fn views(conn: &mut Conn, rows: Vec<InspectionRow>) -> Result<Vec<InspectionView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let teams: Vec<(Id, Id)> = inspection_team::table
        .filter(inspection_team::inspection_id.eq_any(ids.clone()))
        .order((inspection_team::inspection_id, inspection_team::position))
        .select((inspection_team::inspection_id, inspection_team::user_id))
        .load(conn)?;
    let checklists: Vec<(Id, Id)> = inspection_checklists::table
        .filter(inspection_checklists::inspection_id.eq_any(ids.clone()))
        .order((inspection_checklists::inspection_id, inspection_checklists::position))
        .select((inspection_checklists::inspection_id, inspection_checklists::checklist_id))
        .load(conn)?;
    let progress = progress(conn, &ids)?;
    let of = |pairs: &[(Id, Id)], id: Id| pairs.iter().filter(|(one, _)| *one == id).map(|(_, other)| *other).collect();
    Ok(rows
        .into_iter()
        .map(|row| {
            let id = row.id;
            let (counts, gaps) = progress
                .iter()
                .find(|(one, ..)| *one == id)
                .map(|(_, counts, gaps)| (*counts, *gaps))
                .unwrap_or_default();
            shown(row, of(&teams, id), of(&checklists, id), (counts, gaps))
        })
        .collect())
}

fn shown(
    row: InspectionRow,
    team: Vec<Id>,
    checklist_ids: Vec<Id>,
    (progress, gaps): (Progress, i64),
) -> InspectionView {
    InspectionView {
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        created_by: row.created_by,
        bureau_id: row.bureau_id,
        org_id: row.org_id,
        kind: row.kind,
        title: row.title,
        announced: row.announced,
        status: row.status,
        planned_on: row.planned_on,
        checklist_ids,
        team,
        lead_id: row.lead_id,
        started_at: row.started_at,
        started_by: row.started_by,
        location: row.start_location.map(|doc| doc.0),
        device_time: row.start_device_time,
        clock_skew_s: row.start_skew_s,
        distance_m: row.start_distance_m,
        submitted_at: row.submitted_at,
        submitted_by: row.submitted_by,
        conclusion: row.conclusion,
        signatures: row.signatures.map(|doc| doc.0),
        revision: row.revision,
        acknowledgement: row.acknowledgement.map(|doc| doc.0),
        objection_reply: row.objection_reply.map(|doc| doc.0),
        confirmed_at: row.confirmed_at,
        confirmed_by: row.confirmed_by,
        voided_at: row.voided_at,
        voided_by: row.voided_by,
        void_reason: row.void_reason,
        progress,
        score: row.score.map(|doc| doc.0),
        evidence_complete: gaps == 0,
    }
}

/// One inspection as it is shown, read anew.
///
/// # Errors
/// 404 where there is none.
pub fn view(conn: &mut Conn, id: Id) -> Result<InspectionView, Problem> {
    let row: InspectionRow = inspections::table.find(id).select(InspectionRow::as_select()).first(conn)?;
    let under_way = row.status == Status::InProgress && row.score.is_none();
    let mut view = views(conn, vec![row])?.pop().ok_or_else(Problem::not_found)?;
    if under_way {
        view.score = scores_of(conn, id)?.map(|score| json!(score));
    }
    Ok(view)
}

/// Ends a change: the record as it is now, with its journal entry.
///
/// # Errors
/// Whatever the engine says.
pub fn finish(
    tx: &mut Tx<'_>,
    seen: &Seen,
    action: &'static str,
    payload: Value,
) -> Result<(Receipt, InspectionView), Problem> {
    let view = view(tx.conn, seen.row.id)?;
    let event = Event::of("inspection", seen.row.id, action).at(seen.row.bureau_id, seen.row.org_id).with(payload);
    Ok((tx.record(event.stream(seen.stream()))?, view))
}
