//! How many exports run at once. Each holds little memory, yet walks far through the database and keeps a connection
//! of the server as long as its reader drinks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};

/// Most exports at once in one process.
pub const AT_ONCE: usize = 4;
/// Most exports of one person at once.
pub const OF_ONE_PERSON: usize = 2;
/// An export that has not ended after this time is broken off: who drinks slower keeps a place from others.
pub const LONGEST: TimeDelta = TimeDelta::minutes(30);

/// The places for exports, and the folder for their files.
#[derive(Debug, Clone)]
pub struct Exports {
    folder: PathBuf,
    running: Arc<Mutex<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    last: u64,
    slots: Vec<(u64, Id, Timestamp)>,
}

impl Default for Exports {
    fn default() -> Self {
        Self::in_folder(std::env::temp_dir())
    }
}

/// A place; given back when it is dropped.
#[derive(Debug)]
pub struct Slot {
    number: u64,
    until: Timestamp,
    running: Arc<Mutex<Running>>,
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exports {
    /// Files are made in this folder, without a name, so that the operating system removes them whatever happens.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, running: Arc::default() }
    }

    /// Where files are made.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a place.
    ///
    /// # Errors
    /// 503 `overloaded` with `Retry-After` when all places, or all of this person, are taken.
    pub fn begin(&self, user_id: Id, now: Timestamp) -> Result<Slot, Problem> {
        let mut running = lock(&self.running);
        running.slots.retain(|(_, _, until)| now < *until);
        let own = running.slots.iter().filter(|(_, user, _)| *user == user_id).count();
        if running.slots.len() >= AT_ONCE || own >= OF_ONE_PERSON {
            let problem = Problem::new(Code::Overloaded)
                .detail("正在进行的导出过多，请稍后再试", "too many exports are running; try again later");
            return Err(Problem { retry_after: Some(10), ..problem });
        }
        running.last += 1;
        let (number, until) = (running.last, now + LONGEST);
        running.slots.push((number, user_id, until));
        Ok(Slot { number, until, running: Arc::clone(&self.running) })
    }
}

impl Slot {
    /// Whether there is time left.
    ///
    /// # Errors
    /// 503 when the export takes too long.
    pub fn check(&self, now: Timestamp) -> Result<(), Problem> {
        if now < self.until { Ok(()) } else { Err(Problem::new(Code::Overloaded).cause("an export took too long")) }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.running).slots.retain(|(number, ..)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::built_in;

    #[test]
    fn places_are_few_and_come_back() {
        let exports = Exports::default();
        let now = Timestamp::from_micros(0);
        let (one, two, three) = (built_in("one"), built_in("two"), built_in("three"));
        let first = exports.begin(one, now).unwrap();
        let _second = exports.begin(one, now).unwrap();
        assert_eq!(exports.begin(one, now).unwrap_err().retry_after, Some(10), "two of one person");
        let _third = exports.begin(two, now).unwrap();
        let _fourth = exports.begin(two, now).unwrap();
        assert!(exports.begin(three, now).is_err(), "four in all");
        drop(first);
        let again = exports.begin(three, now).unwrap();
        assert!(again.check(now).is_ok());
        let late = now + LONGEST;
        assert!(again.check(late).is_err());
        assert!(exports.begin(three, late).is_ok(), "who takes too long keeps nobody out");
    }
}
