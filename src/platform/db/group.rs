//! The one write lane of SQLite: it drains what is queued into one transaction, each job in its own savepoint, and
//! commits once for all. Nobody is answered before the commit is on the disk.

use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::lanes::{BoxedJob, Lane, Verdict};
use crate::platform::error::{Code, Problem};

/// How much may share one commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    /// At most this many jobs.
    pub jobs: usize,
    /// No new job is begun after this long.
    pub time: Duration,
}

/// Takes jobs until the queue is closed.
pub(super) fn write_loop(mut lane: Lane, jobs: &Receiver<BoxedJob>, batch: Batch) {
    let mut waiting: Option<BoxedJob> = None;
    loop {
        let first = match waiting.take() {
            Some(job) => job,
            None => match jobs.recv() {
                Ok(job) => job,
                Err(_) => return,
            },
        };
        waiting = commit_together(&mut lane, first, jobs, batch);
    }
}

/// Runs `first` and what is queued behind it in one transaction. Gives back a job that must have its own.
fn commit_together(lane: &mut Lane, first: BoxedJob, jobs: &Receiver<BoxedJob>, batch: Batch) -> Option<BoxedJob> {
    let started = Instant::now();
    if let Err(problem) = lane.begin() {
        lane.conn = None;
        first.answer(Some(problem));
        return None;
    }
    let mut done: Vec<BoxedJob> = Vec::new();
    let mut next = Some(first);
    let mut left = None;
    while let Some(mut job) = next.take() {
        let alone = job.alone();
        if alone && !done.is_empty() {
            left = Some(job);
            break;
        }
        let outcome = in_savepoint(lane, &mut job);
        done.push(job);
        if let Err(problem) = outcome {
            without_the_last(lane, done, problem);
            return None;
        }
        if alone || done.len() >= batch.jobs || started.elapsed() >= batch.time {
            break;
        }
        next = jobs.try_recv().ok();
    }
    match lane.commit() {
        Ok(()) => done.into_iter().for_each(|job| lane.done(job)),
        Err(problem) => abandon(lane, done, &problem),
    }
    left
}

/// The last job lost the transaction. A fault of its own (a panic) is its own alone: the others are run again. When the
/// engine is at fault, nobody's work can be kept.
fn without_the_last(lane: &mut Lane, mut jobs: Vec<BoxedJob>, problem: Problem) {
    if problem.code != Code::Internal {
        return abandon(lane, jobs, &problem);
    }
    lane.conn = None;
    if let Some(culprit) = jobs.pop() {
        culprit.answer(Some(problem));
    }
    if jobs.is_empty() {
        return;
    }
    let again = lane.begin().and_then(|()| jobs.iter_mut().try_for_each(|job| in_savepoint(lane, job)));
    match again.and_then(|()| lane.commit()) {
        Ok(()) => jobs.into_iter().for_each(|job| lane.done(job)),
        Err(problem) => abandon(lane, jobs, &problem),
    }
}

/// One job; its own refusals undo its savepoint only. An error means the whole transaction is lost.
fn in_savepoint(lane: &mut Lane, job: &mut BoxedJob) -> Result<(), Problem> {
    lane.control("SAVEPOINT job")?;
    match lane.run(job) {
        Verdict::Keep => lane.control("RELEASE job"),
        Verdict::Undo | Verdict::Again(_) => lane.control("ROLLBACK TO job; RELEASE job"),
        Verdict::Fatal(problem) => Err(problem),
    }
}

/// Nothing of the batch was kept: everybody is told, and the connection is opened anew.
fn abandon(lane: &mut Lane, jobs: Vec<BoxedJob>, problem: &Problem) {
    tracing::error!(jobs = jobs.len(), problem = %problem, "a group of writes was not committed");
    lane.conn = None;
    for job in jobs {
        job.answer(Some(problem.clone()));
    }
}
