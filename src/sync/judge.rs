//! What becomes of an operation: done, in conflict, or kept for people with the reason it was refused.

use serde_json::{Map, Value, json};

use super::answers::{Given, Verdict, run as run_answers};
use super::apply::{self, Done};
use super::ledger::{OpStatus, Outcome, Place};
use super::merge::Clash;
use super::op::{Act, Operation, corrected};
use super::stand_in;
use crate::access::Rights;
use crate::platform::db::Tx;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::problem::{Language, told};

/// For whom operations are judged.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// By whose rights, in whose name.
    pub rights: &'a Rights,
    /// The row of the device.
    pub device: Id,
    /// The language of refusals.
    pub language: Language,
}

/// Rows that clashed, a lost connection, a full queue: nobody's fault, and to be tried again as a whole.
const fn is_passing(problem: &Problem) -> bool {
    problem.fatal || (problem.retry && problem.code.status() >= 500) || problem.code.status() == 503
}

impl Judge<'_> {
    /// Does one operation in a savepoint of its own.
    ///
    /// # Errors
    /// Failures on this side alone.
    pub fn one(&self, tx: &mut Tx<'_>, op: &Operation) -> Result<Outcome, Problem> {
        if let (Ok(Act::Answer(code, set)), Some(inspection)) = (&op.act, op.record) {
            let given = [Given { op, code, set }];
            let mut verdicts = run_answers(tx, self.rights, inspection, &given, self.device)?;
            let verdict = verdicts.pop().ok_or_else(|| Problem::internal("an answer without a verdict"))?;
            return self.of_answer(tx, op, verdict);
        }
        let mut tried = tx.attempt(|tx| apply::run(tx, self.rights, op));
        // The same record made on another lane meanwhile: the second look finds it, whosever it is.
        if tried.as_ref().is_err_and(|problem| problem.retry && problem.code == Code::IdReused) {
            tried = tx.attempt(|tx| apply::run(tx, self.rights, op));
        }
        match tried {
            Ok(done) => Ok(finished(done)),
            Err(problem) => self.refused(tx, op, problem),
        }
    }

    /// What an answer that was taken together with others came to.
    ///
    /// # Errors
    /// Failures on this side alone.
    pub fn of_answer(&self, tx: &mut Tx<'_>, op: &Operation, verdict: Verdict) -> Result<Outcome, Problem> {
        match verdict {
            Verdict::Done(done) => Ok(finished(done)),
            Verdict::Clash(clashes, row) => {
                let mut result = Map::from_iter([("row".to_owned(), row)]);
                result.insert("fields".into(), clashes.into_iter().map(shown).collect());
                let place = apply::place(tx.conn, self.rights, op)?;
                Ok(Outcome { status: OpStatus::Conflict, result, allowed_then: None, place })
            }
            Verdict::Refused(problem) => self.refused(tx, op, problem),
        }
    }

    /// Keeps an operation with the reason it was refused.
    ///
    /// # Errors
    /// Failures on this side alone.
    pub fn refused(&self, tx: &mut Tx<'_>, op: &Operation, problem: Problem) -> Result<Outcome, Problem> {
        if is_passing(&problem) {
            return Err(problem);
        }
        if problem.code == Code::Internal {
            tracing::error!(op = %op.op_id, kind = op.kind, problem = %problem, "an operation failed");
        }
        let mut place = apply::place(tx.conn, self.rights, op)?;
        let problem = of_the_set(op, problem);
        if has_moved_on(op, &problem) {
            let mut result = Map::from_iter([("problem".to_owned(), self.words(&problem))]);
            result.insert("row".into(), problem.current.clone().unwrap_or_default());
            result.insert("fields".into(), self.state(op, &problem));
            return Ok(Outcome { status: OpStatus::Conflict, result, allowed_then: None, place });
        }
        let then = self.then(tx, op, &problem)?;
        if let (None, Some((true, before))) = (place, then) {
            place = before;
        }
        Ok(self.kept(&problem, then.map(|(allowed, _)| allowed), place))
    }

    /// Kept for people with a problem.
    #[must_use]
    pub fn kept(&self, problem: &Problem, allowed_then: Option<bool>, place: Option<Place>) -> Outcome {
        kept(problem, self.language, allowed_then, place)
    }

    fn words(&self, problem: &Problem) -> Value {
        told(problem, self.language, None)
    }

    fn state(&self, op: &Operation, problem: &Problem) -> Value {
        let now = problem.current.as_ref().and_then(|current| current.get("status")).cloned();
        json!([{"field": "status", "server": now, "device": op.kind}])
    }

    /// Whether it was this person's to do when it was done, by the device's clock less its measured error. Tried in
    /// earnest and undone. With where it lay, as far as that person saw it then: its lead is to hear of it.
    fn then(
        &self,
        tx: &mut Tx<'_>,
        op: &Operation,
        problem: &Problem,
    ) -> Result<Option<(bool, Option<Place>)>, Problem> {
        let rights_stood_in_the_way = matches!(problem.code, Code::Forbidden | Code::NotFound)
            || problem
                .errors
                .iter()
                .any(|error| matches!(error.code, "not_permitted" | "not_on_team" | "out_of_scope"));
        let Some(at) = corrected(op.occurred_at, op.skew_s, tx.now).filter(|_| rights_stood_in_the_way) else {
            return Ok(None);
        };
        let Some(then) = stand_in::then(tx.conn, self.rights, at)? else { return Ok(None) };
        let mut allowed = false;
        let rehearsal: Result<(), Problem> = tx.attempt(|tx| {
            allowed = match (&op.act, op.record) {
                (Ok(Act::Answer(code, set)), Some(inspection)) => {
                    let given = [Given { op, code, set }];
                    let verdicts = run_answers(tx, &then, inspection, &given, self.device)?;
                    !verdicts.iter().any(|verdict| matches!(verdict, Verdict::Refused(_)))
                }
                _ => apply::run(tx, &then, op).is_ok(),
            };
            Err(Problem::new(Code::StateConflict).cause("a rehearsal is undone"))
        });
        match rehearsal {
            Err(problem) if is_passing(&problem) => Err(problem),
            _ => Ok(Some((allowed, if allowed { apply::place(tx.conn, &then, op)? } else { None }))),
        }
    }
}

/// A fault in the body of a request is one in `set`; the id of the record stands beside it.
fn of_the_set(op: &Operation, mut problem: Problem) -> Problem {
    let of_body = matches!(problem.code, Code::ValidationFailed | Code::MalformedBody) && op.act.is_ok();
    for error in problem.errors.iter_mut().filter(|error| of_body && error.pointer != "/id") {
        error.pointer.insert_str(0, "/set");
    }
    problem
}

/// Kept for people with a problem.
#[must_use]
pub fn kept(problem: &Problem, language: Language, allowed_then: Option<bool>, place: Option<Place>) -> Outcome {
    let bare = Problem { current: None, allowed_actions: None, refused_actions: None, ..problem.clone() };
    let result = Map::from_iter([("problem".to_owned(), told(&bare, language, None))]);
    Outcome { status: OpStatus::Quarantined, result, allowed_then, place }
}

fn finished(done: Done) -> Outcome {
    let mut result = Map::new();
    if let Some(version) = done.version {
        result.insert("version".into(), json!(version));
    }
    let status = if done.row.is_some() { OpStatus::Merged } else { OpStatus::Applied };
    if let Some(row) = done.row {
        result.insert("row".into(), row);
    }
    Outcome { status, result, allowed_then: None, place: None }
}

fn shown(clash: Clash) -> Value {
    json!({"field": clash.field, "server": clash.server, "device": clash.device})
}

/// Whether the record has gone on to another state since the device saw it: nobody did anything wrong. A device that had
/// seen the very state it is in asked for what was never possible.
fn has_moved_on(op: &Operation, problem: &Problem) -> bool {
    let state = matches!(problem.code, Code::TransitionNotAllowed | Code::StateConflict)
        && problem.errors.iter().any(|error| error.code == "wrong_state");
    let stands_at = problem.current.as_ref().and_then(|current| current.get("version")).and_then(Value::as_i64);
    let never = matches!(op.act, Ok(Act::Answer(..))) || op.base_version.is_none() || op.base_version != stands_at;
    state && never
}
