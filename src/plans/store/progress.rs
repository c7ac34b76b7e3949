//! How far the schools of a plan have come, in a fixed number of statements however many there are.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::making::Asked;
use super::record::{PlanRow, kinds_of};
use super::sight::schools_in;
use super::timeline::Timeline;
use crate::access::Rights;
use crate::inspections::rules::{InspectionKind, InspectionStatus};
use crate::plans::rules::{Facts, MatrixStatus, Occurrence, OccurrenceStatus, outcome};
use crate::platform::db::Conn;
use crate::platform::db::schema::{inspections, orgs, plan_inspections, plan_schools};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::statistics::rules::Rate;

/// Most rows of occurrences in one answer.
const MAX_ROWS: usize = 10_000;

/// What is known of an occurrence at a school.
#[derive(Debug, Clone, Default)]
struct Link {
    inspection_id: Option<Id>,
    failure: Option<String>,
    started_at: Option<Timestamp>,
    submitted_at: Option<Timestamp>,
}

type LinkRow = (Asked, Option<Id>, Option<String>, Option<InspectionStatus>, Option<Timestamp>, Option<Timestamp>);

/// What is known between two days. A void inspection counts as none.
fn links(conn: &mut Conn, plan_id: Id, from: NaiveDate, to: NaiveDate) -> Result<HashMap<Asked, Link>, Problem> {
    use plan_inspections as p;
    let rows: Vec<LinkRow> = p::table
        .left_join(inspections::table.on(inspections::id.nullable().eq(p::inspection_id)))
        .filter(p::plan_id.eq(plan_id))
        .filter(p::occurrence_on.ge(from))
        .filter(p::occurrence_on.le(to))
        .select((
            (p::org_id, p::occurrence_on, p::kind),
            p::inspection_id,
            p::failure,
            inspections::status.nullable(),
            inspections::started_at.nullable(),
            inspections::submitted_at.nullable(),
        ))
        .load(conn)?;
    let link = |(asked, inspection_id, failure, status, started_at, submitted_at): LinkRow| {
        let counts = status != Some(InspectionStatus::Void);
        let link = Link {
            inspection_id: inspection_id.filter(|_| counts),
            failure,
            started_at: started_at.filter(|_| counts),
            submitted_at: submitted_at.filter(|_| counts),
        };
        (asked, link)
    };
    Ok(rows.into_iter().map(link).collect())
}

/// Schools in sight: id, name, team.
fn schools(conn: &mut Conn, rights: &Rights, plan_id: Id) -> Result<Vec<(Id, String, Vec<Id>)>, Problem> {
    let rows: Vec<(Id, Doc)> = plan_schools::table
        .filter(plan_schools::plan_id.eq(plan_id))
        .filter(schools_in(rights))
        .order(plan_schools::position)
        .select((plan_schools::org_id, plan_schools::team))
        .load(conn)?;
    let named = plan_schools::table.filter(plan_schools::plan_id.eq(plan_id)).select(plan_schools::org_id);
    let names: Vec<(Id, String)> =
        orgs::table.filter(orgs::id.eq_any(named)).select((orgs::id, orgs::name)).load(conn)?;
    let names: HashMap<Id, String> = names.into_iter().collect();
    Ok(rows.into_iter().map(|(id, team)| (id, names.get(&id).cloned().unwrap_or_default(), team.read())).collect())
}

fn status(timeline: &Timeline, occurrence: Occurrence, link: &Link, now: Timestamp) -> OccurrenceStatus {
    let window = timeline.window(occurrence);
    let facts = Facts {
        started: link.started_at.is_some(),
        submitted_at: link.submitted_at.map(Timestamp::utc),
        paused: timeline.is_paused(window),
    };
    outcome(window, facts, now.utc())
}

/// A school in the matrix; with several kinds, one row for each.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PlanMatrixRow)]
pub struct MatrixRow {
    /// The school.
    pub org_id: Id,
    /// Its name.
    pub org_name: String,
    /// The kind of the inspection.
    pub kind: InspectionKind,
    /// How far it has come.
    pub status: MatrixStatus,
    /// Who goes there, the lead first.
    pub team: Vec<Id>,
    /// Its inspection.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// When the team checked in.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it was handed in.
    #[schema(required)]
    pub submitted_at: Option<Timestamp>,
    /// Why there is no inspection although its day has come.
    #[schema(required)]
    pub failure: Option<String>,
}

/// How many schools, and what has become of the inspections asked for: one at each school for each kind.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[schema(as = PlanMatrixCounts)]
pub struct MatrixCounts {
    /// All in sight.
    pub schools: i64,
    /// All that is asked for: schools times kinds.
    pub asked: i64,
    /// Handed in within the period.
    pub done: i64,
    /// Handed in after it.
    pub late: i64,
    /// Begun and not handed in.
    pub in_progress: i64,
    /// Not begun, the period not over.
    pub pending: i64,
    /// Not begun, the period over.
    pub missing: i64,
    /// Nothing is asked.
    pub skipped: i64,
}

impl MatrixCounts {
    const fn add(&mut self, status: MatrixStatus) {
        self.asked += 1;
        let count = match status {
            MatrixStatus::Done => &mut self.done,
            MatrixStatus::Late => &mut self.late,
            MatrixStatus::InProgress => &mut self.in_progress,
            MatrixStatus::Pending => &mut self.pending,
            MatrixStatus::Missing => &mut self.missing,
            MatrixStatus::Skipped => &mut self.skipped,
        };
        *count += 1;
    }
}

/// How far the schools of a plan have come.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PlanMatrix)]
pub struct Matrix {
    /// The plan.
    pub plan_id: Id,
    /// The instant of this answer.
    pub as_of: Timestamp,
    /// The first day; of a recurring plan that of its latest occurrence, null before there is one.
    #[schema(required)]
    pub from: Option<NaiveDate>,
    /// The last day in time.
    #[schema(required)]
    pub until: Option<NaiveDate>,
    /// Counts of the rows.
    pub counts: MatrixCounts,
    /// 完成率: handed in, in time or late ÷ asked for and not skipped.
    pub completion: Rate,
    /// 按期完成率: handed in in time ÷ asked for and not skipped.
    pub on_time: Rate,
    /// The schools in the order of the plan, the kinds of each in theirs.
    pub rows: Vec<MatrixRow>,
}

/// The matrix of a plan; of a recurring one, of its latest occurrence.
///
/// # Errors
/// Whatever the engine says.
pub fn matrix(conn: &mut Conn, rights: &Rights, row: &PlanRow) -> Result<Matrix, Problem> {
    let now = rights.now;
    let timeline = Timeline::of(conn, row)?;
    let occurrence = timeline.latest(now);
    let links = match occurrence {
        Some(one) => links(conn, row.id, one.on, one.on)?,
        None => HashMap::new(),
    };
    let kinds = kinds_of(conn, row.id)?;
    let mut counts = MatrixCounts::default();
    let mut rows = Vec::new();
    for (org_id, org_name, team) in schools(conn, rights, row.id)? {
        counts.schools += 1;
        for kind in &kinds {
            let link = occurrence.and_then(|one| links.get(&(org_id, one.on, *kind)).cloned()).unwrap_or_default();
            let status = occurrence.map_or(OccurrenceStatus::Pending, |one| status(&timeline, one, &link, now)).into();
            counts.add(status);
            rows.push(MatrixRow {
                org_id,
                org_name: org_name.clone(),
                kind: *kind,
                status,
                team: team.clone(),
                inspection_id: link.inspection_id,
                started_at: link.started_at,
                submitted_at: link.submitted_at,
                failure: link.failure,
            });
        }
    }
    let asked = counts.asked - counts.skipped;
    Ok(Matrix {
        plan_id: row.id,
        as_of: now,
        from: occurrence.map(|one| one.on),
        until: occurrence.map(|one| one.until),
        completion: Rate::of(counts.done + counts.late, asked),
        on_time: Rate::of(counts.done, asked),
        counts,
        rows,
    })
}

/// An occurrence at a school.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PlanOccurrence)]
pub struct OccurrenceRow {
    /// Its day.
    pub occurrence_on: NaiveDate,
    /// The last day in time.
    pub until: NaiveDate,
    /// The school.
    pub org_id: Id,
    /// Its name.
    pub org_name: String,
    /// The kind of the inspection.
    pub kind: InspectionKind,
    /// What has become of it.
    pub status: OccurrenceStatus,
    /// Its inspection, made when its day has come.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// When it was handed in.
    #[schema(required)]
    pub submitted_at: Option<Timestamp>,
    /// Why there is no inspection although its day has come.
    #[schema(required)]
    pub failure: Option<String>,
}

/// The occurrences of a plan within some days, school by school; those to come as well.
///
/// # Errors
/// 400 where there are more than an answer holds.
pub fn occurrences(
    conn: &mut Conn,
    rights: &Rights,
    row: &PlanRow,
    (from, to): (NaiveDate, NaiveDate),
    only: Option<Id>,
) -> Result<Vec<OccurrenceRow>, Problem> {
    let timeline = Timeline::of(conn, row)?;
    let mut schools = schools(conn, rights, row.id)?;
    schools.retain(|(id, _, _)| only.is_none_or(|only| only == *id));
    let days = timeline.occurrences(from, to);
    let kinds = kinds_of(conn, row.id)?;
    if days.len().saturating_mul(schools.len()).saturating_mul(kinds.len()) > MAX_ROWS {
        return Err(Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(
            "to",
            "too_many",
            "结果过多，请缩短时间或指定学校",
            "asks for too much: name a school or fewer days",
        )]));
    }
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
    let links = links(conn, row.id, first.on, last.on)?;
    let kinds = &kinds;
    let rows = days.iter().flat_map(|one| schools.iter().map(move |school| (*one, school)));
    Ok(rows
        .flat_map(|(one, school)| kinds.iter().map(move |kind| (one, school, *kind)))
        .map(|(one, (org_id, org_name, _), kind)| {
            let link = links.get(&(*org_id, one.on, kind)).cloned().unwrap_or_default();
            OccurrenceRow {
                occurrence_on: one.on,
                until: one.until,
                org_id: *org_id,
                org_name: org_name.clone(),
                kind,
                status: status(&timeline, one, &link, rights.now),
                inspection_id: link.inspection_id,
                submitted_at: link.submitted_at,
                failure: link.failure,
            }
        })
        .collect())
}
