//! The table of deadlines and the calendar, as the bureau keeps them over the built-in ones.

use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::days::YearDays;
use crate::hazards::policy::DayKind;
use crate::hazards::status::{Level, Remedy, Source};
use crate::platform::db::schema::{calendar_years, deadline_policies as p, orgs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Commit, Conn, MultiBackend, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{List, Page, Record};
use crate::platform::ids;
use crate::platform::journal::{Event, Stream};
use crate::{keyset, on_conn};

/// One row of the deadline policy.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, ToSchema)]
#[diesel(table_name = p)]
pub struct DeadlinePolicy {
    /// Of the row.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    #[serde(skip)]
    pub created_by: Option<Id>,
    /// Hash of the body it came in.
    #[serde(skip)]
    pub body_hash: Option<Vec<u8>>,
    /// Whose; null for a built-in row, which every bureau shares.
    #[schema(required)]
    pub bureau_id: Option<Id>,
    /// For which level. For a major the days are those until its plan is due.
    pub level: Level,
    /// Only for this domain.
    #[schema(required)]
    pub domain: Option<String>,
    /// Only for this source.
    #[schema(required)]
    pub source: Option<Source>,
    /// Only where putting it right takes this.
    #[schema(required)]
    pub remedy: Option<Remedy>,
    /// How many days.
    pub days: i32,
    /// Of which kind.
    pub day_kind: DayKind,
    /// Whether it counts.
    pub active: bool,
}

impl Record for DeadlinePolicy {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The rows every bureau starts from: 7 days, 15 where something has to be bought, 30 where something has to be built;
/// a major's plan within 7.
#[must_use]
pub fn built_in(now: Timestamp) -> Vec<DeadlinePolicy> {
    let rows = [
        (Level::General, None, 7),
        (Level::General, Some(Remedy::Purchase), 15),
        (Level::General, Some(Remedy::BuildingWork), 30),
        (Level::Major, None, 7),
    ];
    rows.into_iter()
        .map(|(level, remedy, days)| DeadlinePolicy {
            id: ids::built_in(&format!("deadline-policy {level} {}", remedy.map_or("any", Remedy::as_str))),
            version: 1,
            created_at: now,
            updated_at: now,
            created_by: None,
            body_hash: None,
            bureau_id: None,
            level,
            domain: None,
            source: None,
            remedy,
            days,
            day_kind: DayKind::Calendar,
            active: true,
        })
        .collect()
}

/// Puts the built-in rows where they are missing; answers how many were new. Their ids follow from what they say, so
/// running it again, or on two nodes at once, changes nothing.
///
/// # Errors
/// Whatever the engine says.
pub fn install(tx: &mut Tx<'_>) -> Result<Commit<usize>, Problem> {
    let mut last = None;
    let mut new = 0;
    for row in built_in(tx.now) {
        let inserted = on_conn!(&mut *tx.conn, conn => {
            diesel::insert_into(p::table).values(&row).on_conflict_do_nothing().execute(conn)?
        });
        if inserted > 0 {
            let event = Event::of("deadline_policy", row.id, "installed").with(facts(&row));
            last = Some(tx.record(event)?);
            new += inserted;
        }
    }
    Ok(match last {
        Some(receipt) => receipt.with(new),
        None => Commit::unchanged(0),
    })
}

/// A page of the built-in rows and those of these bureaus.
///
/// # Errors
/// Whatever the engine says.
pub fn list<F>(conn: &mut Conn, bureaus: &[Id], list: &List<F>) -> Result<Page<DeadlinePolicy>, Problem> {
    let visible = || p::bureau_id.is_null().nullable().or(p::bureau_id.eq_any(bureaus.to_vec()));
    let query = p::table.filter(visible()).select(DeadlinePolicy::as_select()).into_boxed::<MultiBackend>();
    let rows: Vec<DeadlinePolicy> = keyset!(query, p, list).load(conn)?;
    let counted = if list.count { Some(p::table.filter(visible()).count().get_result(conn)?) } else { None };
    Ok(list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
}

/// One row, whosever.
///
/// # Errors
/// Whatever the engine says.
pub fn stored(conn: &mut Conn, id: Id) -> Result<Option<DeadlinePolicy>, Problem> {
    Ok(p::table.find(id).select(DeadlinePolicy::as_select()).first(conn).optional()?)
}

/// Adds a row of a bureau.
///
/// # Errors
/// Whatever the engine says.
pub fn add(tx: &mut Tx<'_>, bureau_id: Id, row: &DeadlinePolicy) -> Result<Receipt, Problem> {
    diesel::insert_into(p::table).values(row).execute(tx.conn)?;
    record(tx, bureau_id, row, "create")
}

/// Changes a row of a bureau. Deadlines that stand do not move.
///
/// # Errors
/// Whatever the engine says.
pub fn change(tx: &mut Tx<'_>, bureau_id: Id, row: &DeadlinePolicy) -> Result<Receipt, Problem> {
    diesel::update(p::table.find(row.id))
        .set((
            p::version.eq(row.version),
            p::updated_at.eq(row.updated_at),
            p::days.eq(row.days),
            p::day_kind.eq(row.day_kind),
            p::active.eq(row.active),
        ))
        .execute(tx.conn)?;
    record(tx, bureau_id, row, "change")
}

fn record(tx: &mut Tx<'_>, bureau_id: Id, row: &DeadlinePolicy, action: &'static str) -> Result<Receipt, Problem> {
    let event = Event::of("deadline_policy", row.id, action).at(bureau_id, bureau_id).stream(Stream::Bureau);
    tx.record(event.with(facts(row)))
}

fn facts(row: &DeadlinePolicy) -> Value {
    json!({ "set": {
        "level": row.level, "domain": row.domain, "source": row.source, "remedy": row.remedy, "days": row.days,
        "day_kind": row.day_kind, "active": row.active,
    } })
}

/// A bureau's own year.
#[derive(Debug, Clone, Queryable)]
pub struct OwnYear {
    /// Counts the changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its days.
    pub days: Doc,
}

/// The year as a bureau keeps it; nothing where it uses the built-in one.
///
/// # Errors
/// Whatever the engine says.
pub fn own_year(conn: &mut Conn, bureau_id: Id, year: i32) -> Result<Option<OwnYear>, Problem> {
    use calendar_years as y;
    Ok(y::table
        .find((bureau_id, year))
        .select((y::version, y::created_at, y::updated_at, y::days))
        .first(conn)
        .optional()?)
}

/// As [`own_year`], and on PostgreSQL nobody else changes it until this transaction ends. The bureau's row stands for
/// a year that is not there yet.
///
/// # Errors
/// Whatever the engine says.
pub fn own_year_to_change(conn: &mut Conn, bureau_id: Id, year: i32) -> Result<Option<OwnYear>, Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Option<Id> =
            orgs::table.find(bureau_id).select(orgs::id).for_no_key_update().first(postgres).optional()?;
    }
    own_year(conn, bureau_id, year)
}

/// Puts a bureau's own year in place of what was.
///
/// # Errors
/// Whatever the engine says.
pub fn put_year(
    tx: &mut Tx<'_>,
    bureau_id: Id,
    year: i32,
    before: Option<&OwnYear>,
    days: &YearDays,
) -> Result<(OwnYear, Receipt), Problem> {
    use calendar_years as y;
    let after = OwnYear {
        version: before.map_or(1, |before| before.version + 1),
        created_at: before.map_or(tx.now, |before| before.created_at),
        updated_at: tx.now,
        days: Doc::of(days),
    };
    let moved = (y::version.eq(after.version), y::updated_at.eq(tx.now), y::days.eq(&after.days));
    if before.is_some() {
        diesel::update(y::table.find((bureau_id, year))).set(moved).execute(tx.conn)?;
    } else {
        diesel::insert_into(y::table)
            .values((y::bureau_id.eq(bureau_id), y::year.eq(year), y::created_at.eq(tx.now), moved))
            .execute(tx.conn)?;
    }
    let event = Event::of("calendar_year", bureau_id, "put").at(bureau_id, bureau_id);
    let receipt = tx.record(event.with(json!({ "year": year, "set": days })))?;
    Ok((after, receipt))
}
