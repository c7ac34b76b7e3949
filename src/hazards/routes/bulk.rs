//! Moving many hazards at once, each by itself: what a bureau officer does who ticks fifty rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::record::{Hazard, views};
use super::transitions::{opened, with_actions};
use crate::access::{Allowed, Rights, actions::hazard};
use crate::hazards::body::TransitionBody;
use crate::hazards::rules::Request;
use crate::hazards::store::{Row, read, transition};
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::problem::{Language, told};
use crate::platform::http::{Body, Check, Faults, FieldError, Reply};

/// Most hazards of one call.
const MOST: usize = 200;

/// One transition for many hazards.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkTransition {
    /// The hazards, each once.
    #[schema(min_items = 1, max_items = 200)]
    pub ids: Vec<Id>,
    /// What to do to each of them.
    pub transition: TransitionBody,
}

impl Check for BulkTransition {
    fn check(&self, faults: &mut Faults) {
        if self.ids.is_empty() {
            faults.add(FieldError::required("/ids"));
        }
        faults.at_most("/ids", self.ids.len(), MOST);
        let mut seen = BTreeSet::new();
        for (at, _) in self.ids.iter().enumerate().filter(|(_, id)| !seen.insert(**id)) {
            faults.say(&format!("/ids/{at}"), "repeated", "重复", "is named twice");
        }
    }
}

/// What became of one hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkOutcome)]
pub enum Outcome {
    /// Moved; `hazard` is the record as it is now.
    Applied,
    /// Not moved; `problem` says why, as a single call would have.
    Refused,
    /// Absent, or out of sight.
    NotFound,
}

/// The outcome of one hazard.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = BulkResult)]
pub struct Outcomes {
    /// The hazard.
    id: Id,
    /// What became of it.
    status: Outcome,
    /// The record, where it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    hazard: Option<Box<Hazard>>,
    /// The refusal, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::openapi::Problem>)]
    problem: Option<Value>,
}

/// An outcome for each id, in the order in which they were given.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// One for each id.
    results: Vec<Outcomes>,
}

/// Move many hazards
///
/// The same transition for each of up to 200 hazards, by the same rules and with the same entries in each history as a
/// single call; one commit for all that could be moved. What could not be is named with its reasons and left as it was.
#[utoipa::path(
    tag = "hazards",
    request_body(content = BulkTransition, example = json!({
        "ids": ["0195e1a4-0000-7000-8000-000000000001", "0195e1a4-0000-7000-8000-000000000002"],
        "transition": {"action": "issue", "level": "general"}
    })),
    responses((status = 200, description = "What became of each", body = BulkAnswer)),
    extensions(("x-permission" = json!(
        "hazard.issue | hazard.respond | hazard.rectify | hazard.recheck | hazard.reopen | hazard.approve | hazard.void"
    )))
)]
#[post("/hazards/bulk")]
pub async fn apply(
    allowed: Allowed<hazard::Transition>,
    request: HttpRequest,
    body: Body<BulkTransition>,
) -> Result<Reply, Problem> {
    if let Ok(body) = body.get() {
        opened(allowed.rights(), body.transition.action)?;
    }
    let language = Language::of(&request);
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let input = body.get()?;
            let rows = read::some_to_change(tx.conn, rights, &input.ids)?;
            if let Some(again) = tx.replay() {
                let seen: BTreeSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
                return Ok(again.map(|reply| reply.retold(|answer| hide(answer, &seen))));
            }
            let request = input.transition.request(tx.now).map_err(inside_transition)?;
            all(tx, rights, &input.ids, rows, &request, language)
        })
        .await
}

/// The transition's own pointers, as they stand in this body.
fn inside_transition(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        error.pointer = format!("/transition{}", error.pointer);
    }
    problem
}

/// What has gone out of sight since the answer was given is told as any other absent record.
fn hide(answer: &mut Value, seen: &BTreeSet<String>) {
    for result in answer.get_mut("results").and_then(Value::as_array_mut).into_iter().flatten() {
        if !result.get("id").and_then(Value::as_str).is_some_and(|id| seen.contains(id)) {
            *result = json!({ "id": result.get("id"), "status": Outcome::NotFound });
        }
    }
}

fn all(
    tx: &mut Tx<'_>,
    rights: &Rights,
    ids: &[Id],
    rows: Vec<Row>,
    request: &Request,
    language: Language,
) -> Result<Commit<Reply>, Problem> {
    let now = tx.now;
    let mut bureaus: Vec<Id> = rows.iter().map(|row| row.bureau_id).collect();
    bureaus.sort_unstable();
    bureaus.dedup();
    let zones = read::zones(tx.conn, &bureaus)?;
    let (mut last, mut moved, mut refused) = (None, Vec::new(), Vec::new());
    for row in rows {
        let zone = zones.get(&row.bureau_id).copied().unwrap_or(chrono_tz::Asia::Shanghai);
        match tx.attempt(|tx| transition::transition(tx, rights, &row, request.clone(), zone)) {
            Ok((after, receipt)) => {
                last = Some(receipt);
                moved.push(after);
            }
            // The engine's own failures are nobody's outcome: the whole call is tried again, or fails.
            Err(problem) if problem.is_ours() => return Err(problem),
            Err(problem) => refused.push((row, problem)),
        }
    }
    let mut results: BTreeMap<Id, Outcomes> = BTreeMap::new();
    for hazard in views(tx.conn, rights, moved, &zones, now)? {
        let id = hazard.id;
        let outcome = Outcomes { id, status: Outcome::Applied, hazard: Some(Box::new(hazard)), problem: None };
        results.insert(id, outcome);
    }
    let (rows, problems): (Vec<Row>, Vec<Problem>) = refused.into_iter().unzip();
    for (current, problem) in views(tx.conn, rights, rows, &zones, now)?.iter().zip(problems) {
        let state = problem.code == Code::TransitionNotAllowed;
        let problem = if state { with_actions(problem, current) } else { problem };
        let problem = Some(told(&problem, language, None));
        results.insert(current.id, Outcomes { id: current.id, status: Outcome::Refused, hazard: None, problem });
    }
    let absent = |id| Outcomes { id, status: Outcome::NotFound, hazard: None, problem: None };
    let answer =
        BulkAnswer { results: ids.iter().map(|id| results.remove(id).unwrap_or_else(|| absent(*id))).collect() };
    let reply = Reply::value(&answer)?;
    Ok(match last {
        Some(receipt) => receipt.with(reply),
        None => Commit::unchanged(reply),
    })
}
