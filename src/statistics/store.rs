//! Reading the summary: which rows of the counters, or which hazards, a scope reaches.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::query::{Dialect, Question, below, within};
use super::rules::{GroupBy, Period, Sums};
use crate::access::{OrgRef, Reach, Scope};
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::orgs;
use crate::platform::db::types::{Id, Timestamp, sql};
use crate::platform::error::Problem;

/// What names a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A code or a month.
    Word(String),
    /// An organisation.
    Org(Id),
}

#[derive(Debug, QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<Text>)]
    key_word: Option<String>,
    #[diesel(sql_type = Nullable<sql::Id>)]
    key_id: Option<Id>,
    #[diesel(sql_type = BigInt)]
    found: i64,
    #[diesel(sql_type = BigInt)]
    closed: i64,
    #[diesel(sql_type = BigInt)]
    on_spot: i64,
    #[diesel(sql_type = BigInt)]
    self_found: i64,
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = BigInt)]
    on_time: i64,
    #[diesel(sql_type = BigInt)]
    original_on_time: i64,
    #[diesel(sql_type = BigInt)]
    overdue: i64,
    #[diesel(sql_type = BigInt)]
    submissions: i64,
    #[diesel(sql_type = BigInt)]
    returns: i64,
    #[diesel(sql_type = BigInt)]
    duration_s: i64,
}

/// The start of a local day.
pub(super) fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    zone.from_local_datetime(&midnight).earliest().map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc))
}

/// The sums of each group. `org` narrows to an organisation already known to be in scope.
///
/// # Errors
/// Whatever the engine says.
pub fn summary(
    conn: &mut Conn,
    scope: &Scope,
    org: Option<&OrgRef>,
    (period, group_by, zone, now): (Period, GroupBy, Tz, Timestamp),
) -> Result<BTreeMap<Key, Sums>, Problem> {
    let dialect = Dialect { sqlite: conn.is_sqlite() };
    let today = now.utc().with_timezone(&zone).date_naive();
    let this_month = chrono::Datelike::with_day(&today, 1).unwrap_or(today);
    let question = Question {
        group_by,
        months: period
            .month_starts()
            .into_iter()
            .map(|day| (start_of(day, zone), day.format("%Y-%m").to_string()))
            .collect(),
        from: start_of(period.from, zone),
        until: start_of(period.to.succ_opt().unwrap_or(period.to), zone),
        now: now.utc(),
        today: today.format("%Y-%m-%d").to_string(),
        this_month: this_month.format("%Y-%m").to_string(),
        this_month_began: start_of(this_month, zone),
    };
    // The one bureau of the caller is the whole scope and needs no narrowing.
    let narrowed = org.filter(|org| org.kind != OrgKind::Bureau || scope.bureaus().len() > 1);
    let place = |reaches: &str, column: &str| match narrowed {
        Some(org) => format!("{reaches} AND {}", below(column, &dialect.id(org.id))),
        None => reaches.to_owned(),
    };
    let hazards = place(&within(dialect, &scope.reaches, "org_id", "domain"), "org_id");
    let statements = if period.is_whole_months(today) {
        let counters = match whole_bureau(scope).filter(|_| narrowed.is_none()) {
            Some(bureau) if group_by == GroupBy::Org => {
                format!("c.bureau_id = {} AND c.rollup = 'all'", dialect.id(bureau))
            }
            Some(bureau) => format!("c.scope_id = {} AND c.rollup = 'full'", dialect.id(bureau)),
            None => {
                let reaches = within(dialect, &scope.reaches, "scope_id", "domain");
                format!("{} AND c.rollup = 'full' AND c.scope_id <> c.bureau_id", place(&reaches, "scope_id"))
            }
        };
        let [due, overdue] = question.due_this_month(dialect, &hazards);
        vec![question.counted(dialect, &counters), due, overdue]
    } else {
        vec![question.scanned(dialect, &hazards)]
    };
    let mut sums: BTreeMap<Key, Sums> = BTreeMap::new();
    for statement in statements {
        for row in run(conn, statement)? {
            let key = match (row.key_id, row.key_word) {
                (Some(id), _) => Key::Org(id),
                (None, Some(word)) => Key::Word(word),
                (None, None) => continue,
            };
            sums.entry(key).or_default().add(&Sums {
                found: row.found,
                closed: row.closed,
                on_spot: row.on_spot,
                self_found: row.self_found,
                due: row.due,
                on_time: row.on_time,
                original_on_time: row.original_on_time,
                overdue: row.overdue,
                submissions: row.submissions,
                returns: row.returns,
                duration_s: row.duration_s,
            });
        }
    }
    sums.retain(|_, sum| *sum != Sums::default());
    Ok(sums)
}

/// The bureau, where the scope is exactly one bureau with all its domains: then its own rows of the counters serve.
fn whole_bureau(scope: &Scope) -> Option<Id> {
    let whole = |reach: &&Reach| reach.org_kind == OrgKind::Bureau && reach.domains.is_none();
    let bureau = scope.reaches.iter().find(whole)?.org_id;
    scope.reaches.iter().all(|reach| reach.bureau_id == bureau).then_some(bureau)
}

#[expect(clippy::disallowed_methods, reason = "sums by case; every literal is made in query.rs")]
fn run(conn: &mut Conn, statement: String) -> Result<Vec<Found>, Problem> {
    Ok(diesel::sql_query(statement).load(conn)?)
}

/// The names of organisations.
///
/// # Errors
/// Whatever the engine says.
pub fn names(conn: &mut Conn, ids: &[Id]) -> Result<BTreeMap<Id, String>, Problem> {
    let rows: Vec<(Id, String)> = orgs::table.filter(orgs::id.eq_any(ids)).select((orgs::id, orgs::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}
