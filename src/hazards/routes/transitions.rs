//! Moving a hazard.

use std::sync::Arc;

use actix_web::post;
use serde_json::json;

use super::record::Hazard;
use crate::access::{Allowed, Rights, actions::hazard};
use crate::hazards::acts;
use crate::hazards::body::TransitionBody;
use crate::hazards::status::Action;
use crate::hazards::store::transition;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, PathId, Reply};

/// Move a hazard
///
/// Each action has its own fields and its own permission. A refusal is 409 `transition_not_allowed` with one error for
/// each rule that stood in the way, the record as it is, and what would be allowed.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body(content = TransitionBody, example = json!({"action": "issue", "level": "general"})),
    responses(
        (status = 200, description = "Moved", body = Hazard),
        (status = 409, description = "Refused by the rules", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!(
        "hazard.issue | hazard.respond | hazard.rectify | hazard.recheck | hazard.reopen | hazard.approve | hazard.void"
    )))
)]
#[post("/hazards/{id}/transitions")]
pub async fn apply(
    allowed: Allowed<hazard::Transition>,
    id: PathId,
    body: Body<TransitionBody>,
) -> Result<Reply, Problem> {
    if let Ok(body) = body.get() {
        opened(allowed.rights(), body.action)?;
    }
    allowed.write(&Arc::clone(&body.hash), move |tx, rights| acts::transition(tx, rights, id.0, &body)).await
}

/// Whether any permission of the caller opens an action at all.
///
/// # Errors
/// 403 where none does.
pub(in crate::hazards) fn opened(rights: &Rights, action: Action) -> Result<(), Problem> {
    let opens = transition::opened_by(action).iter().any(|permission| rights.caller.may(*permission, rights.now));
    if opens { Ok(()) } else { Err(Problem::new(Code::Forbidden)) }
}

/// A refusal with what would be allowed instead, and why the rest would not.
pub(in crate::hazards) fn with_actions(problem: Problem, current: &Hazard) -> Problem {
    problem.allowed_actions(json!(current.allowed_actions)).refused_actions(json!(current.refused_actions))
}
