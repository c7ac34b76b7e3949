//! [`Db`]: the two doors.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::conn::{Conn, Purpose};
use super::group::{self, Batch};
use super::lanes::{self, BoxedJob, Job, Lane, Verdict};
use super::url::DatabaseUrl;
use super::write::{Commit, Ending, Surroundings, Tx, Work};
use crate::platform::clock::Clock;
use crate::platform::error::{Code, Problem};
use crate::platform::ids::Ids;

/// How many lanes, how long queues, how large commits.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// Threads that read.
    pub read_lanes: usize,
    /// Threads that write; SQLite has always one.
    pub write_lanes: usize,
    /// Jobs that may wait before a door; one more is a 503.
    pub queue: usize,
    /// SQLite: jobs in one commit; 1 turns group commit off.
    pub batch_jobs: usize,
    /// SQLite: milliseconds after which no further job joins a commit.
    pub batch_ms: u64,
    /// Every statement's text is appended here; for tests that count statements and ask for plans.
    pub statements: Option<StatementLog>,
}

/// The statements of all lanes, in the order they began.
pub type StatementLog = Arc<Mutex<Vec<String>>>;

impl Default for DbOptions {
    fn default() -> Self {
        Self { read_lanes: 4, write_lanes: 4, queue: 1024, batch_jobs: 256, batch_ms: 20, statements: None }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    reads: Sender<BoxedJob>,
    writes: Sender<BoxedJob>,
    rights_epoch: Arc<AtomicU64>,
    sqlite: bool,
}

impl Db {
    /// Starts the lanes. Connections are opened by the lanes themselves; an engine that is away answers 503 until it
    /// is back.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        url: &DatabaseUrl,
        options: &DbOptions,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        epoch: i32,
    ) -> std::io::Result<Self> {
        let around = Arc::new(Surroundings { clock, ids, epoch });
        let rights_epoch = Arc::new(AtomicU64::new(0));
        let sqlite = matches!(url, DatabaseUrl::Sqlite(_));
        let (reads, read_jobs) = bounded(options.queue);
        let (writes, write_jobs) = bounded(options.queue);
        let lane = |purpose| Lane {
            url: url.clone(),
            purpose,
            around: Arc::clone(&around),
            rights_epoch: Arc::clone(&rights_epoch),
            conn: None,
            statements: options.statements.clone(),
        };
        let write_lanes = if sqlite { 1 } else { options.write_lanes.max(1) };
        for number in 0..write_lanes {
            let (lane, jobs) = (lane(Purpose::Write), write_jobs.clone());
            let batch = Batch { jobs: options.batch_jobs.max(1), time: Duration::from_millis(options.batch_ms) };
            std::thread::Builder::new().name(format!("db-write-{number}")).spawn(move || {
                if sqlite { group::write_loop(lane, &jobs, batch) } else { lanes::write_loop(lane, &jobs) }
            })?;
        }
        for number in 0..options.read_lanes.max(1) {
            let (lane, jobs) = (lane(Purpose::Read), read_jobs.clone());
            std::thread::Builder::new()
                .name(format!("db-read-{number}"))
                .spawn(move || lanes::read_loop(lane, &jobs))?;
        }
        Ok(Self { reads, writes, rights_epoch, sqlite })
    }

    /// Reads on a read lane. The connection cannot write.
    ///
    /// # Errors
    /// 503 when the queue is full or the engine is away; whatever `f` says.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, Problem> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        offer(&self.reads, Box::new(Read { f, outcome: None, reply }))?;
        answer.await.map_err(|gone| Problem::internal(format!("a read lane ended: {gone}")))?
    }

    /// Writes in one transaction on a write lane. `f` may run more than once (clashes on PostgreSQL); only its last
    /// run counts.
    ///
    /// # Errors
    /// 503 when the queue is full or the engine is away, 507 when the disk is full; whatever `f` says.
    pub async fn write<T, F>(&self, work: Work, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<Commit<T>, Problem> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        offer(&self.writes, Box::new(Write { f, work, outcome: None, rights_touched: false, reply }))?;
        answer.await.map_err(|gone| Problem::internal(format!("a write lane ended: {gone}")))?
    }

    /// Moves whenever rights changed in this process.
    #[must_use]
    pub fn rights_epoch(&self) -> u64 {
        self.rights_epoch.load(Ordering::SeqCst)
    }

    /// Whether this process is the only one that changes rights while it serves.
    #[must_use]
    pub const fn is_sqlite(&self) -> bool {
        self.sqlite
    }

    /// Jobs that wait before the two doors, for the figures.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        (self.reads.len(), self.writes.len())
    }
}

fn offer(door: &Sender<BoxedJob>, job: BoxedJob) -> Result<(), Problem> {
    door.try_send(job).map_err(|refused| match refused {
        TrySendError::Full(_) => Problem::new(Code::Overloaded).cause("the queue is full"),
        TrySendError::Disconnected(_) => Problem::internal("the lanes have ended"),
    })
}

struct Read<T, F> {
    f: F,
    outcome: Option<Result<T, Problem>>,
    reply: oneshot::Sender<Result<T, Problem>>,
}

impl<T, F> Job for Read<T, F>
where
    T: Send,
    F: FnMut(&mut Conn) -> Result<T, Problem> + Send,
{
    fn run(&mut self, conn: &mut Conn, _: &Surroundings) -> Verdict {
        match (self.f)(conn) {
            Err(problem) if problem.fatal => Verdict::Fatal(problem),
            other => {
                self.outcome = Some(other);
                Verdict::Undo
            }
        }
    }

    fn answer(self: Box<Self>, lost: Option<Problem>) {
        reply(self.reply, self.outcome, lost);
    }
}

struct Write<T, F> {
    f: F,
    work: Work,
    outcome: Option<Result<T, Problem>>,
    rights_touched: bool,
    reply: oneshot::Sender<Result<T, Problem>>,
}

impl<T, F> Job for Write<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<Commit<T>, Problem> + Send,
{
    fn run(&mut self, conn: &mut Conn, around: &Surroundings) -> Verdict {
        let mut tx = Tx {
            conn,
            now: around.clock.now(),
            ids: around.ids.as_ref(),
            work: &self.work,
            stored: None,
            rights_touched: false,
            epoch: around.epoch,
        };
        let outcome = (self.f)(&mut tx);
        self.rights_touched = false;
        let touched = tx.rights_touched;
        match outcome {
            Ok(Commit(Ending::Recorded(value))) => {
                self.rights_touched = touched;
                self.outcome = Some(Ok(value));
                Verdict::Keep
            }
            Ok(Commit(Ending::RefusedButRecorded(problem))) => {
                self.rights_touched = touched;
                self.outcome = Some(Err(*problem));
                Verdict::Keep
            }
            Ok(Commit(Ending::Unchanged(value))) => {
                self.outcome = Some(Ok(value));
                Verdict::Undo
            }
            Err(problem) if problem.fatal => Verdict::Fatal(problem),
            Err(problem) if problem.retry => {
                self.outcome = Some(Err(problem.clone()));
                Verdict::Again(problem)
            }
            Err(problem) => {
                self.outcome = Some(Err(problem));
                Verdict::Undo
            }
        }
    }

    fn answer(self: Box<Self>, lost: Option<Problem>) {
        reply(self.reply, self.outcome, lost);
    }

    fn alone(&self) -> bool {
        self.work.alone
    }

    fn touched_rights(&self) -> bool {
        self.rights_touched
    }
}

/// A caller that has gone away is no fault.
fn reply<T>(to: oneshot::Sender<Result<T, Problem>>, outcome: Option<Result<T, Problem>>, lost: Option<Problem>) {
    let answer = match (lost, outcome) {
        (Some(problem), _) => Err(problem),
        (None, Some(outcome)) => outcome,
        (None, None) => Err(Problem::internal("a job ended without an answer")),
    };
    drop(to.send(answer));
}
