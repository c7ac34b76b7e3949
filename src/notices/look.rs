//! One page of running clocks, and what of it has not been told yet.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use chrono_tz::Tz;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;

use super::audience::{Audience, Directory};
use super::kind::Kind;
use super::occasions::{LEADERS, OFFICE, SCHOOL};
use super::store::{Notice, known};
use crate::access::Role;
use crate::hazards::deadline;
use crate::hazards::marks::Marks;
use crate::hazards::status::{Colour, Level, Source, Status};
use crate::platform::db::Conn;
use crate::platform::db::schema::{hazard_referrals, hazards};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

/// Rows of a page.
const PAGE: i64 = 200;
/// No colour begins earlier than seven local days before a deadline; a day more for the ends of days, one for zones.
const AHEAD: TimeDelta = TimeDelta::days(9);

/// Which clocks are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Deadlines of rectification, and plans and quarterly progress of majors.
    Deadlines,
    /// The rechecks that are due.
    Rechecks,
    /// The replies of other authorities.
    Replies,
}

impl Walk {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Deadlines, Self::Rechecks, Self::Replies];
}

/// What a page holds.
#[derive(Debug)]
pub struct Page {
    /// Where it goes on; nothing at the end.
    pub next: Option<(Timestamp, Id)>,
    /// What was not told yet, with the people to tell.
    pub fresh: Vec<(Notice, BTreeSet<Id>)>,
}

/// A hazard, as far as its clocks go.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = hazards)]
struct Clocked {
    id: Id,
    created_at: Timestamp,
    org_id: Id,
    number: String,
    status: Status,
    level: Level,
    domain: String,
    source: Source,
    bureau_side: bool,
    responsible_user_id: Option<Id>,
    due_at: Option<Timestamp>,
    plan_due_at: Option<Timestamp>,
    plan_filed_at: Option<Timestamp>,
    recheck_due_at: Option<Timestamp>,
    marks: Doc,
}

/// A notice with the groups of which the first with anybody in it is told.
type Candidate = (Notice, Vec<Vec<Audience>>);

/// Looks at the page behind `after`: at most five queries.
///
/// # Errors
/// Whatever the engine says.
pub fn look(
    conn: &mut Conn,
    walk: Walk,
    bureau: (Id, Tz),
    after: Option<(Timestamp, Id)>,
    now: Timestamp,
) -> Result<Page, Problem> {
    let (rows, mut candidates): (Vec<(Timestamp, Id)>, Vec<Candidate>) = match walk {
        Walk::Deadlines => {
            let rows = running(conn, bureau.0, after, now)?;
            let places = rows.iter().map(|row| (row.created_at, row.id)).collect();
            (places, rows.iter().flat_map(|row| warnings(row, bureau, now)).collect())
        }
        Walk::Rechecks => {
            let rows = rechecks(conn, bureau.0, after, now)?;
            let places = rows.iter().map(|row| (row.created_at, row.id)).collect();
            (places, rows.iter().map(|row| recheck(row, bureau)).collect())
        }
        Walk::Replies => {
            let rows = replies(conn, bureau.0, after, now)?;
            let places = rows.iter().map(|(referral, _)| (referral.1, referral.0)).collect();
            (places, rows.iter().map(|(referral, row)| reply(*referral, row, bureau)).collect())
        }
    };
    let full = i64::try_from(rows.len()).unwrap_or(0) >= PAGE;
    let next = rows.last().copied().filter(|_| full);
    let told = known(conn, candidates.iter().map(|(notice, _)| notice.dedupe.as_str()))?;
    candidates.retain(|(notice, _)| !told.contains(&notice.dedupe));
    let directory = Directory::load(conn, candidates.iter().flat_map(|(_, groups)| groups.iter().flatten()), now)?;
    let people =
        |groups: &[Vec<Audience>]| groups.iter().map(|group| directory.find(group)).find(|all| !all.is_empty());
    let fresh = candidates.into_iter().filter_map(|(notice, groups)| people(&groups).map(|people| (notice, people)));
    Ok(Page { next, fresh: fresh.collect() })
}

macro_rules! behind {
    ($query:expr, $table:ident, $after:expr) => {{
        let mut query = $query;
        if let Some((at, id)) = $after {
            query = query.filter($table::created_at.ge(at)).filter($table::created_at.gt(at).or($table::id.gt(id)));
        }
        query.order(($table::created_at.asc(), $table::id.asc())).limit(PAGE)
    }};
}

/// Clocks that run and are near or past their end; all majors, which owe their plan and their progress besides. The states stand as literals: bound values would not let SQLite use
/// the partial index `hazards_by_bureau_open`.
fn running(
    conn: &mut Conn,
    bureau: Id,
    after: Option<(Timestamp, Id)>,
    now: Timestamp,
) -> Result<Vec<Clocked>, Problem> {
    let query = hazards::table
        .filter(hazards::bureau_id.eq(bureau))
        .filter(sql::<Bool>("hazards.status IN ('issued', 'rectifying')"))
        .filter(hazards::due_at.lt(now + AHEAD).or(hazards::level.eq(Level::Major).nullable()))
        .select(Clocked::as_select())
        .into_boxed::<crate::platform::db::MultiBackend>();
    Ok(behind!(query, hazards, after).load(conn)?)
}

fn rechecks(
    conn: &mut Conn,
    bureau: Id,
    after: Option<(Timestamp, Id)>,
    now: Timestamp,
) -> Result<Vec<Clocked>, Problem> {
    let query = hazards::table
        .filter(hazards::bureau_id.eq(bureau))
        .filter(hazards::status.eq(Status::AwaitingRecheck))
        .filter(hazards::recheck_due_at.lt(now))
        .select(Clocked::as_select())
        .into_boxed::<crate::platform::db::MultiBackend>();
    Ok(behind!(query, hazards, after).load(conn)?)
}

/// Id, creation and due instant of a referral.
type Referral = (Id, Timestamp, Timestamp);

fn replies(
    conn: &mut Conn,
    bureau: Id,
    after: Option<(Timestamp, Id)>,
    now: Timestamp,
) -> Result<Vec<(Referral, Clocked)>, Problem> {
    use hazard_referrals as r;
    let query = r::table
        .inner_join(hazards::table.on(hazards::id.eq(r::hazard_id)))
        .filter(r::bureau_id.eq(bureau))
        .filter(r::replied_at.is_null())
        .filter(r::reply_due_at.lt(now))
        .filter(hazards::status.ne_all([Status::Closed, Status::Void]))
        .select(((r::id, r::created_at, r::reply_due_at), Clocked::as_select()))
        .into_boxed::<crate::platform::db::MultiBackend>();
    Ok(behind!(query, hazard_referrals, after).load(conn)?)
}

fn office(row: &Clocked, bureau: Id) -> Audience {
    Audience::BureauRole(bureau, OFFICE, Some(row.domain.clone()))
}

fn notice(kind: Kind, row: &Clocked, (bureau, zone): (Id, Tz), due: Timestamp, occasion: String) -> Notice {
    Notice::about(kind, "hazard", row.id, occasion).at(bureau, row.org_id).due(Some(due)).with(json!({
        "number": row.number, "level": row.level, "due_on": deadline::local_date(due.utc(), zone),
    }))
}

/// What the deadline, the plan and the progress of a hazard ask to be told now.
fn warnings(row: &Clocked, bureau: (Id, Tz), now: Timestamp) -> Vec<Candidate> {
    let mut all = Vec::new();
    let colour = deadline::colour(row.status, row.level, row.due_at.map(Timestamp::utc), now.utc(), bureau.1);
    if let (Some(due), Some(groups)) = (row.due_at, to_tell(colour, row, bureau.0)) {
        let occasion = format!("{colour}:{}", due.micros());
        all.push((notice(Kind::Warning, row, bureau, due, occasion).colour(colour), groups));
    }
    let school_and_office = || vec![vec![Audience::SchoolRole(row.org_id, SCHOOL), office(row, bureau.0)]];
    if let Some(due) = row.plan_due_at.filter(|due| row.plan_filed_at.is_none() && *due < now) {
        all.push((notice(Kind::PlanOverdue, row, bureau, due, due.micros().to_string()), school_and_office()));
    }
    let progress = row.marks.read::<Marks>().next_progress_due(row.status, row.level, row.plan_filed_at, bureau.1);
    if let Some(due) = progress.filter(|due| *due < now) {
        all.push((notice(Kind::ProgressOverdue, row, bureau, due, due.micros().to_string()), school_and_office()));
    }
    all
}

/// Whom a colour is for; nobody for none.
fn to_tell(colour: Colour, row: &Clocked, bureau: Id) -> Option<Vec<Vec<Audience>>> {
    Some(match colour {
        Colour::None => return None,
        Colour::Blue => vec![
            row.responsible_user_id.map(|id| Audience::PersonOf(id, row.org_id)).into_iter().collect(),
            vec![Audience::SchoolRole(row.org_id, &[Role::SchoolSafetyOfficer])],
            vec![Audience::SchoolRole(row.org_id, &[Role::Principal])],
        ],
        Colour::Yellow => vec![vec![Audience::SchoolRole(row.org_id, &[Role::Principal])]],
        Colour::Orange => {
            vec![vec![office(row, bureau), Audience::SupervisorsOf(row.org_id, Some(row.domain.clone()))]]
        }
        Colour::Red => vec![vec![Audience::BureauRole(bureau, LEADERS, None)]],
    })
}

/// A recheck that is overdue: the bureau's office, or the school where it rechecks its own.
fn recheck(row: &Clocked, bureau: (Id, Tz)) -> Candidate {
    let due = row.recheck_due_at.unwrap_or(row.created_at);
    let theirs = row.bureau_side || !row.source.is_schools_own() || row.level == Level::Major;
    let to = if theirs { office(row, bureau.0) } else { Audience::SchoolRole(row.org_id, SCHOOL) };
    (notice(Kind::RecheckOverdue, row, bureau, due, due.micros().to_string()), vec![vec![to]])
}

/// A reply that is overdue.
fn reply((id, _, due): Referral, row: &Clocked, bureau: (Id, Tz)) -> Candidate {
    let occasion = format!("{id}:{}", due.micros());
    (notice(Kind::ReferralOverdue, row, bureau, due, occasion), vec![vec![office(row, bureau.0)]])
}
