//! Threads that own connections and take jobs from one bounded queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Receiver;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::conn::{Conn, Purpose};
use super::url::DatabaseUrl;
use super::write::Surroundings;
use crate::platform::error::{Code, Problem};

/// What became of a job's work on the connection.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Commit it.
    Keep,
    /// Undo it; the answer stands all the same.
    Undo,
    /// Rows clashed: undo it and run it again.
    Again(Problem),
    /// The connection is lost.
    Fatal(Problem),
}

/// A piece of work for a lane.
pub(super) trait Job: Send {
    /// Does the work inside an open transaction; may be called again after [`Verdict::Again`] or a lost connection.
    fn run(&mut self, conn: &mut Conn, around: &Surroundings) -> Verdict;
    /// Sends the answer: its own, or `lost` where the work could not be kept.
    fn answer(self: Box<Self>, lost: Option<Problem>);
    /// Whether it must have a commit of its own.
    fn alone(&self) -> bool {
        false
    }
    /// Whether the rights of somebody changed.
    fn touched_rights(&self) -> bool {
        false
    }
}

pub(super) type BoxedJob = Box<dyn Job>;

/// One thread's connection, reopened when lost.
pub(super) struct Lane {
    pub url: DatabaseUrl,
    pub purpose: Purpose,
    pub around: Arc<Surroundings>,
    pub rights_epoch: Arc<AtomicU64>,
    pub conn: Option<Conn>,
    pub statements: Option<super::doors::StatementLog>,
}

impl Lane {
    /// The open connection, or the problem every waiting job gets.
    pub fn connect(&mut self) -> Result<&mut Conn, Problem> {
        if self.conn.is_none() {
            let mut conn = Conn::open(&self.url, self.purpose).map_err(|error| {
                tracing::error!(database = %self.url, error = %error, "the database cannot be opened");
                Problem::new(Code::Unavailable).cause(error)
            })?;
            if let Some(log) = &self.statements {
                record_statements(&mut conn, Arc::clone(log));
            }
            self.conn = Some(conn);
        }
        self.conn.as_mut().ok_or_else(|| Problem::new(Code::Unavailable))
    }

    /// Runs a job; a panic in it is a problem of this job alone.
    pub fn run(&mut self, job: &mut BoxedJob) -> Verdict {
        let around = Arc::clone(&self.around);
        match self.connect() {
            Err(problem) => Verdict::Fatal(problem),
            Ok(conn) => catch_unwind(AssertUnwindSafe(|| job.run(conn, &around))).unwrap_or_else(|_| {
                tracing::error!("a database job panicked");
                Verdict::Fatal(Problem::internal("a database job panicked"))
            }),
        }
    }

    /// Runs a fixed statement of transaction control.
    pub fn control(&mut self, sql: &str) -> Result<(), Problem> {
        use diesel::connection::SimpleConnection;
        self.connect()?.batch_execute(sql).map_err(|error| Problem { fatal: true, ..Problem::from(error) })
    }

    /// Opens the transaction, by Diesel's own manager: its inserts of many rows nest theirs inside.
    pub fn begin(&mut self) -> Result<(), Problem> {
        let begun = match self.connect()? {
            Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
            Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
        };
        begun.map_err(|error| Problem { fatal: true, ..Problem::from(error) })
    }

    /// Makes it last.
    pub fn commit(&mut self) -> Result<(), Problem> {
        let done = match self.connect()? {
            Conn::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn),
            Conn::Postgres(conn) => AnsiTransactionManager::commit_transaction(conn),
        };
        done.map_err(|error| Problem { fatal: true, ..Problem::from(error) })
    }

    /// Undoes it; a connection that cannot is replaced.
    pub fn rollback(&mut self) {
        let undone = match &mut self.conn {
            Some(Conn::Sqlite(conn)) => AnsiTransactionManager::rollback_transaction(conn),
            Some(Conn::Postgres(conn)) => AnsiTransactionManager::rollback_transaction(conn),
            None => return,
        };
        if undone.is_err() {
            self.conn = None;
        }
    }

    /// Answers a job whose work is kept.
    pub fn done(&self, job: BoxedJob) {
        if job.touched_rights() {
            self.rights_epoch.fetch_add(1, Ordering::SeqCst);
        }
        job.answer(None);
    }
}

fn record_statements(conn: &mut Conn, log: super::doors::StatementLog) {
    use diesel::connection::{Connection, InstrumentationEvent};
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            log.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(query.to_string());
        }
    });
}

/// Reads, one after the other. A connection that turns out dead is replaced once before the caller hears of it.
pub(super) fn read_loop(mut lane: Lane, jobs: &Receiver<BoxedJob>) {
    while let Ok(mut job) = jobs.recv() {
        let mut verdict = lane.run(&mut job);
        if matches!(verdict, Verdict::Fatal(_)) {
            lane.conn = None;
            verdict = lane.run(&mut job);
        }
        if matches!(verdict, Verdict::Fatal(_)) {
            lane.conn = None;
        }
        job.answer(match verdict {
            Verdict::Fatal(problem) | Verdict::Again(problem) => Some(problem),
            _ => None,
        });
    }
}

/// How often a write that clashed with another is run again before the caller hears of it.
const TRIES: usize = 6;

/// Writes on PostgreSQL: one transaction each; deadlocks and clashes are run again.
pub(super) fn write_loop(mut lane: Lane, jobs: &Receiver<BoxedJob>) {
    while let Ok(mut job) = jobs.recv() {
        let mut lost = None;
        for _ in 0..TRIES {
            lost = None;
            if let Err(problem) = lane.begin() {
                lane.conn = None;
                lost = Some(problem);
                continue;
            }
            match lane.run(&mut job) {
                Verdict::Keep => {
                    if let Err(problem) = lane.commit() {
                        // Whether it was committed is not known: the caller asks again with the same id or key.
                        lane.conn = None;
                        lost = Some(problem);
                    }
                    break;
                }
                Verdict::Undo => {
                    lane.rollback();
                    break;
                }
                Verdict::Again(problem) => {
                    lane.rollback();
                    lost = Some(problem);
                }
                Verdict::Fatal(problem) => {
                    let ours = problem.code == Code::Internal;
                    lane.conn = None;
                    lost = Some(problem);
                    if ours {
                        break;
                    }
                }
            }
        }
        match lost {
            None => lane.done(job),
            Some(problem) => job.answer(Some(problem)),
        }
    }
}
