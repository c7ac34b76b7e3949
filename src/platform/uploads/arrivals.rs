//! How much may arrive of one person in a day.

use diesel::prelude::*;

use crate::platform::db::schema::arrivals;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Conn, Tx};
use crate::platform::error::{Code, Problem};

const DAY: i64 = 24 * 3600;

/// How much may arrive of one person in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daily {
    /// Bytes, of all files together.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

impl Default for Daily {
    fn default() -> Self {
        Self { bytes: 10 << 30, files: 5000 }
    }
}

/// Days since 1970, and the seconds that are left of this one.
fn day(now: Timestamp) -> (i32, u32) {
    let seconds = now.micros().div_euclid(1_000_000);
    let left = DAY - seconds.rem_euclid(DAY);
    (i32::try_from(seconds.div_euclid(DAY)).unwrap_or(i32::MAX), u32::try_from(left).unwrap_or(u32::MAX))
}

fn arrived(conn: &mut Conn, user: Id, day: i32) -> Result<(i64, i64), Problem> {
    let found = arrivals::table.find((user, day)).select((arrivals::files, arrivals::bytes)).first(conn).optional()?;
    Ok(found.unwrap_or_default())
}

fn within((files, bytes): (i64, i64), most: Daily, left: u32) -> Result<(), Problem> {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    if files <= whole(most.files) && bytes <= whole(most.bytes) {
        return Ok(());
    }
    let (number, mib) = (most.files, most.bytes >> 20);
    let problem = Problem::new(Code::EvidenceQuota).detail(
        format!("每人每天最多 {number} 个文件、{mib} MiB"),
        format!("at most {number} files and {mib} MiB of one person in a day"),
    );
    Err(Problem { retry_after: Some(left), ..problem })
}

/// Whether a file of so many bytes may still arrive of a person today: asked before any of it is read.
///
/// # Errors
/// 429 with the seconds until the day (UTC) is over.
pub fn room(conn: &mut Conn, user: Id, now: Timestamp, bytes: i64, most: Daily) -> Result<(), Problem> {
    let (day, left) = day(now);
    let (files, before) = arrived(conn, user, day)?;
    within((files.saturating_add(1), before.saturating_add(bytes)), most, left)
}

/// Counts a file that has arrived.
///
/// # Errors
/// 429 where others that came at the same time have filled the day.
pub fn count(tx: &mut Tx<'_>, user: Id, bytes: i64, most: Daily) -> Result<(), Problem> {
    let (day, left) = day(tx.now);
    let row = (arrivals::user_id.eq(user), arrivals::day.eq(day), arrivals::files.eq(1_i64), arrivals::bytes.eq(bytes));
    let sums = (arrivals::files.eq(arrivals::files + 1), arrivals::bytes.eq(arrivals::bytes + bytes));
    let key = (arrivals::user_id, arrivals::day);
    crate::on_conn!(&mut *tx.conn, conn => {
        diesel::insert_into(arrivals::table).values(row).on_conflict(key).do_update().set(sums).execute(conn)?
    });
    within(arrived(tx.conn, user, day)?, most, left)
}

/// Forgets the days that are over.
///
/// # Errors
/// Whatever the engine says.
pub fn forget(tx: &mut Tx<'_>) -> Result<Commit<()>, Problem> {
    let (today, _) = day(tx.now);
    let over = diesel::delete(arrivals::table.filter(arrivals::day.lt(today))).execute(tx.conn)?;
    Ok(if over == 0 { Commit::unchanged(()) } else { Commit::upkeep(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight() {
        let at = |micros: i64| day(Timestamp::from_micros(micros));
        assert_eq!(at(86_400_000_000), (1, 86_400));
        assert_eq!(at(2 * 86_400_000_000 - 1_000), (1, 1));
    }

    #[test]
    fn the_limit_itself_is_within() {
        let most = Daily { files: 2, bytes: 100 };
        assert!(within((2, 100), most, 9).is_ok());
        for beyond in [(3, 0), (1, 101)] {
            let problem = within(beyond, most, 9).unwrap_err();
            assert_eq!((problem.code.status(), problem.retry_after), (429, Some(9)));
        }
    }
}
