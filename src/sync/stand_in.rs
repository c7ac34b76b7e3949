//! Whose right and whose work: operations are judged by somebody's rights and attributed to whoever did them.

use chrono::TimeDelta;

use crate::access::caller::{Membership, memberships_at, of_user};
use crate::access::{Caller, Rights};
use crate::platform::db::Conn;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

/// The rights of whoever accepts, with the work remaining the author's: on a team because the author is, reported and
/// answered by the author.
///
/// # Errors
/// Whatever the engine says.
pub fn for_author(conn: &mut Conn, accepter: &Rights, author: Id) -> Result<Rights, Problem> {
    if accepter.user_id() == author {
        return Ok(accepter.clone());
    }
    let (who, _) = of_user(conn, author)?;
    let caller = Caller { memberships: accepter.caller.memberships.clone(), ..who };
    Ok(Rights::of_caller(caller, accepter.now))
}

/// What the same person might do at an instant; nothing where that is what the person may do now.
///
/// # Errors
/// Whatever the engine says.
pub fn then(conn: &mut Conn, rights: &Rights, at: Timestamp) -> Result<Option<Rights>, Problem> {
    let held = memberships_at(conn, rights.user_id(), at)?;
    let now = rights.caller.memberships.iter().filter(|one| one.is_valid(rights.now));
    let (mut before, mut after): (Vec<Id>, Vec<Id>) =
        (held.iter().map(|one| one.id).collect(), now.map(|one| one.id).collect());
    before.sort_unstable();
    after.sort_unstable();
    if before == after {
        return Ok(None);
    }
    // Whoever belongs to a school by now is not told by this way what it must not learn early: a membership that is still
    // to begin gives no right, and keeps that school's secrets all the same.
    let soon = rights.now + TimeDelta::seconds(1);
    let since = |one: &&Membership| one.role.is_school_side() && !before.contains(&one.id);
    let schools = rights.caller.memberships.iter().filter(since);
    let schools = schools.map(|one| Membership { valid_from: soon, ..one.clone() });
    let memberships = held.into_iter().chain(schools).collect();
    let caller = Caller { memberships, ..(*rights.caller).clone() };
    Ok(Some(Rights::of_caller(caller, at)))
}
