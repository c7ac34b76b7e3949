//! What has come back: the earlier hazard that a new finding repeats, proposed by the server, decided by people.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::read;
use super::row::Row;
use crate::access::Rights;
use crate::hazards::status::Status;
use crate::platform::db::Conn;
use crate::platform::db::schema::hazards;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::Faults;

/// How long after its closing a hazard that is found again counts as the same one come back (复发).
pub const WINDOW: TimeDelta = TimeDelta::days(180);

/// A closed hazard: its id, item, place and closing.
type Closed = (Id, Option<String>, Option<Id>, Option<Timestamp>);

/// Proposes, for findings of one school that name an item, the hazard of the same item and place that was closed last
/// within [`WINDOW`] before the finding. One statement however many findings; none where no item is named.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn propose(conn: &mut Conn, org_id: Id, found: &mut [Row]) -> Result<(), Problem> {
    let asks = |row: &&Row| row.recurrence_of.is_none() && row.item_code.is_some();
    let mut items: Vec<String> = found.iter().filter(asks).filter_map(|row| row.item_code.clone()).collect();
    items.sort_unstable();
    items.dedup();
    let Some(first) = found.iter().filter(asks).map(|row| row.found_at).min() else { return Ok(()) };
    let earlier = hazards::table
        .filter(hazards::org_id.eq(org_id))
        .filter(hazards::item_code.eq_any(items))
        .filter(hazards::status.eq(Status::Closed))
        .filter(hazards::closed_at.ge(first - WINDOW))
        .order((hazards::closed_at, hazards::id))
        .select((hazards::id, hazards::item_code, hazards::site_id, hazards::closed_at))
        .load::<Closed>(conn)?;
    for row in found.iter_mut().filter(|row| row.recurrence_of.is_none() && row.item_code.is_some()) {
        let same = earlier.iter().rev().find(|(_, item, site, closed_at)| {
            *item == row.item_code
                && *site == row.site_id
                && closed_at.is_some_and(|closed| closed <= row.found_at && closed >= row.found_at - WINDOW)
        });
        row.proposed_recurrence_of = same.map(|(id, ..)| *id);
    }
    Ok(())
}

/// The hazard that somebody says has come back as another one of the school.
///
/// # Errors
/// 404 where it is no hazard of this school in the caller's sight.
pub fn earlier(conn: &mut Conn, rights: &Rights, org_id: Id, id: Id) -> Result<Row, Problem> {
    let row = read::one(conn, rights, id)?;
    if row.org_id == org_id { Ok(row) } else { Err(Problem::not_found()) }
}

/// Only what was closed, and before, can have come back; so that no chain of recurrences bites its tail.
pub fn check(earlier: &Row, later: Option<&Row>, faults: &mut Faults) {
    if later.is_some_and(|row| row.id == earlier.id) {
        faults.say("/recurrence_of", "itself", "不能为其本身", "must not be the hazard itself");
    } else if later.is_some_and(|row| row.registered_at < earlier.registered_at) {
        faults.say("/recurrence_of", "not_earlier", "须为更早登记的隐患", "must have been registered before this one");
    } else if earlier.status != Status::Closed {
        faults.say("/recurrence_of", "not_closed", "须为已销号的隐患", "must be a closed hazard");
    }
}
