//! The hazards of a ledger: seen and filtered as the list of hazards is, narrowed to what the ledger is about; a page
//! of them, or all of them in short steps.

use std::collections::HashMap;

use chrono_tz::Tz;
use diesel::prelude::*;

use super::read::{Condition, Filter, check_ids, filtered, sight};
use super::row::Row;
use crate::access::{Limit, Rights};
use crate::hazards::status::Status;
use crate::platform::db::schema::hazards;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::list::{After, COUNT_LIMIT};
use crate::platform::http::{List, Page};
use crate::{in_reach, keyset};

/// Which hazards a ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Every one ever numbered, void ones as well.
    All,
    /// All but void ones.
    NotVoid,
    /// Those still to be done.
    Open,
    /// Those still to be done that were issued.
    InHand,
    /// Those struck off.
    Closed,
}

impl Kept {
    fn condition(self) -> Option<Condition> {
        let status = hazards::status;
        Some(match self {
            Self::All => return None,
            Self::NotVoid => Box::new(status.ne(Status::Void).nullable()),
            Self::Open => Box::new(status.ne_all([Status::Closed, Status::Void]).nullable()),
            Self::InHand => Box::new(status.ne_all([Status::Registered, Status::Closed, Status::Void]).nullable()),
            Self::Closed => Box::new(status.eq(Status::Closed).nullable()),
        })
    }
}

fn both(one: Condition, other: Option<Condition>) -> Condition {
    match other {
        Some(other) => Box::new(one.and(other)),
        None => one,
    }
}

/// A page of a ledger.
///
/// # Errors
/// 404 where a filter names what is out of sight; whatever the engine says.
pub fn page(conn: &mut Conn, rights: &Rights, list: &List<Filter>, kept: Kept, zone: Tz) -> Result<Page<Row>, Problem> {
    let filter = check_ids(conn, rights, &list.filter)?;
    let condition = || Some(both(filtered(rights, &filter, zone, rights.now)?, kept.condition()));
    let Some(kept) = condition() else {
        return list.page(Vec::new(), |row: &Row| (row.created_at, row.id));
    };
    let query = hazards::table.filter(kept).select(Row::as_select()).into_boxed::<MultiBackend>();
    let rows: Vec<Row> = keyset!(query, hazards, list).load(conn)?;
    let counted = match (list.count, condition()) {
        (true, Some(kept)) => {
            let some: Vec<Id> = hazards::table.filter(kept).select(hazards::id).limit(COUNT_LIMIT + 1).load(conn)?;
            i64::try_from(some.len()).ok()
        }
        _ => None,
    };
    Ok(list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
}

/// All hazards of a ledger that were there when the walk began, in the order they were registered. Each step reads
/// them as they are at that time, and each row whole.
#[derive(Debug, Clone)]
pub struct Walk {
    filter: Filter,
    kept: Kept,
    zone: Tz,
    until: Timestamp,
}

impl Walk {
    /// Checks every id of the filter against the right to read hazards and the right that is asked for.
    ///
    /// # Errors
    /// 404 where a filter names what is out of either's reach; whatever the engine says.
    pub fn begin(conn: &mut Conn, rights: &Rights, filter: &Filter, kept: Kept, zone: Tz) -> Result<Self, Problem> {
        for org in [filter.org_id, filter.under].into_iter().flatten() {
            rights.scope().org(conn, org)?;
        }
        Ok(Self { filter: check_ids(conn, rights, filter)?, kept, zone, until: rights.now })
    }

    fn condition(&self, rights: &Rights) -> Option<Condition> {
        let seen = both(filtered(rights, &self.filter, self.zone, self.until)?, self.kept.condition());
        let reach = within(rights)?;
        Some(Box::new(seen.and(reach).and(hazards::created_at.le(self.until).nullable())))
    }

    /// How many there are.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn count(&self, conn: &mut Conn, rights: &Rights) -> Result<u64, Problem> {
        let Some(condition) = self.condition(rights) else { return Ok(0) };
        let count: i64 = hazards::table.filter(condition).count().get_result(conn)?;
        u64::try_from(count).map_err(Problem::internal)
    }

    /// The next `limit` of them after a place.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn next(&self, conn: &mut Conn, rights: &Rights, after: After, limit: i64) -> Result<Vec<Row>, Problem> {
        let Some(condition) = self.condition(rights) else { return Ok(Vec::new()) };
        let query = hazards::table.filter(condition).select(Row::as_select()).into_boxed::<MultiBackend>();
        let mut query = query.order((hazards::created_at.asc(), hazards::id.asc())).limit(limit);
        if let Some((at, id)) = after {
            // Written so that both engines seek in an index that ends in `created_at, id`.
            query = query.filter(hazards::created_at.ge(at)).filter(hazards::created_at.gt(at).or(hazards::id.gt(id)));
        }
        Ok(query.load(conn)?)
    }
}

/// How far the right that is asked for reaches; a reach with a limit gives nothing here.
fn within(rights: &Rights) -> Option<Condition> {
    let scope = rights.scope();
    let whole = scope.reaches.iter().filter(|reach| reach.limit == Limit::Full).map(|reach| {
        let inside: Condition = Box::new(in_reach!(hazards, reach).nullable());
        match &reach.domains {
            Some(domains) => Box::new(inside.and(hazards::domain.eq_any(domains.clone()).nullable())),
            None => inside,
        }
    });
    whole.reduce(|one, other| Box::new(one.or(other)))
}

/// The numbers of hazards, of those that the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn numbers(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<HashMap<Id, String>, Problem> {
    let (false, Some(sight)) = (ids.is_empty(), sight(rights)) else { return Ok(HashMap::new()) };
    let found: Vec<(Id, String)> = hazards::table
        .filter(hazards::id.eq_any(ids))
        .filter(sight)
        .select((hazards::id, hazards::number))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// The numbers of hazards that came back after these, of those that the caller sees, in the order they came.
///
/// # Errors
/// Whatever the engine says.
pub fn recurrences(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<Vec<(Id, String)>, Problem> {
    let Some(sight) = sight(rights) else { return Ok(Vec::new()) };
    let found: Vec<(Option<Id>, String)> = hazards::table
        .filter(hazards::recurrence_of.eq_any(ids))
        .filter(hazards::status.ne(Status::Void))
        .filter(sight)
        .order((hazards::created_at.asc(), hazards::id.asc()))
        .select((hazards::recurrence_of, hazards::number))
        .load(conn)?;
    Ok(found.into_iter().filter_map(|(earlier, number)| Some((earlier?, number))).collect())
}
