//! What a write job gets and what it must give back.

use std::sync::Arc;

use diesel::Connection;

use super::conn::Conn;
use super::types::{Id, Timestamp};
use crate::platform::clock::Clock;
use crate::platform::error::Problem;
use crate::platform::ids::Ids;
use crate::platform::journal::{self, Event};

/// Who asks for a write, and from where.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// The user; nobody for sign-in and for timers.
    pub actor: Option<Id>,
    /// The device's own name for itself, where it gave one.
    pub device: Option<String>,
    /// The `Idempotency-Key` the caller sent, with the request it stands for.
    pub repeat: Option<super::super::http::idempotency::RepeatKey>,
    /// Runs in a commit of its own: imports.
    pub alone: bool,
}

/// One write in progress: the connection, the caller, the hour, and the journal.
pub struct Tx<'a> {
    /// The connection, inside an open transaction.
    pub conn: &'a mut Conn,
    /// The instant of this write; one for all its rows.
    pub now: Timestamp,
    /// Ids and randomness.
    pub ids: &'a dyn Ids,
    /// Who asks.
    pub work: &'a Work,
    pub(crate) stored: Option<super::super::http::idempotency::Stored>,
    pub(crate) rights_touched: bool,
    pub(crate) epoch: i32,
}

/// The proof that something was written into the journal; only [`Tx::record`] makes one.
#[derive(Debug)]
#[must_use = "a change is committed only with its journal entry"]
pub struct Receipt(());

/// How a write job ends.
#[derive(Debug)]
pub struct Commit<T>(pub(super) Ending<T>);

#[derive(Debug)]
pub(super) enum Ending<T> {
    /// Changed, with its journal entry: commit.
    Recorded(T),
    /// Nothing changed (a replay, or the change was there already): roll back, answer.
    Unchanged(T),
    /// The answer is an error, the facts are kept: commit. A failed sign-in, a reused refresh token.
    RefusedButRecorded(Box<Problem>),
}

impl<T> Commit<T> {
    /// Nothing was changed; whatever was done in this job is undone.
    pub const fn unchanged(value: T) -> Self {
        Self(Ending::Unchanged(value))
    }

    /// Changed, without a journal entry: what is nobody's act and no fact of the domain, such as a lease. Open to the
    /// platform alone.
    pub(in crate::platform) const fn upkeep(value: T) -> Self {
        Self(Ending::Recorded(value))
    }

    /// The same ending with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Commit<U> {
        Commit(match self.0 {
            Ending::Recorded(value) => Ending::Recorded(f(value)),
            Ending::Unchanged(value) => Ending::Unchanged(f(value)),
            Ending::RefusedButRecorded(problem) => Ending::RefusedButRecorded(problem),
        })
    }

    /// The value, whether something was recorded or all was there already: for a part of a larger write.
    ///
    /// # Errors
    /// The problem that was to be answered.
    pub fn settle(self) -> Result<T, Problem> {
        match self.0 {
            Ending::Recorded(value) | Ending::Unchanged(value) => Ok(value),
            Ending::RefusedButRecorded(problem) => Err(*problem),
        }
    }

    /// The value of a recorded ending.
    pub const fn recorded(&self) -> Option<&T> {
        match &self.0 {
            Ending::Recorded(value) => Some(value),
            _ => None,
        }
    }
}

impl Receipt {
    /// Ends the job: commit and answer `value`.
    pub fn with<T>(self, value: T) -> Commit<T> {
        Commit(Ending::Recorded(value))
    }

    /// Ends the job: commit, but answer `problem`.
    pub fn refused<T>(self, problem: Problem) -> Commit<T> {
        Commit(Ending::RefusedButRecorded(Box::new(problem)))
    }
}

impl Tx<'_> {
    /// Appends to the journal.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn record(&mut self, event: Event) -> Result<Receipt, Problem> {
        journal::append(self, event)?;
        Ok(Receipt(()))
    }

    /// The same transaction for another person at another instant: a whole story told at once (the demo district).
    pub(crate) fn acting<'b>(&'b mut self, work: &'b Work, now: Timestamp) -> Tx<'b> {
        Tx { conn: &mut *self.conn, now, ids: self.ids, work, stored: None, rights_touched: false, epoch: self.epoch }
    }

    /// Runs a part of this write in a savepoint of its own: what it did is undone where it fails, and the rest stands.
    ///
    /// # Errors
    /// Whatever `f` says; whatever the engine says.
    pub fn attempt<T>(&mut self, f: impl FnOnce(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let (now, ids, work, epoch) = (self.now, self.ids, self.work, self.epoch);
        let mut touched = false;
        let done = self.conn.transaction(|conn| {
            let mut part = Tx { conn, now, ids, work, stored: None, rights_touched: false, epoch };
            let done = f(&mut part);
            touched = part.rights_touched;
            done
        });
        self.rights_touched |= touched && done.is_ok();
        done
    }

    /// A new id that sorts by creation.
    pub fn new_id(&self) -> Id {
        self.ids.next(self.now)
    }

    /// The caller's id.
    ///
    /// # Errors
    /// 401 where nobody is signed in: a handler that writes for somebody was reached without a caller.
    pub fn actor(&self) -> Result<Id, Problem> {
        self.work.actor.ok_or_else(|| Problem::new(crate::platform::error::Code::Unauthenticated))
    }

    /// Tells that memberships, sessions or passwords changed, so that the caches of rights start anew.
    pub const fn touch_rights(&mut self) {
        self.rights_touched = true;
    }
}

/// What a job needs besides the connection.
pub(super) struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub epoch: i32,
}
