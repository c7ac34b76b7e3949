//! What accompanies a hazard, over HTTP. A refusal is 409 `transition_not_allowed` with one error for each rule that
//! stood in the way and the hazard as it is.

mod extensions;
mod listing;
mod progress;
mod referrals;
mod suspension;

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::{Kept, Sent};
use crate::access::Rights;
use crate::hazards::body::MAX_TEXT;
use crate::hazards::routes::view;
use crate::hazards::store::Row;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Check, Faults};

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(extensions::list)
        .service(extensions::ask)
        .service(extensions::decide)
        .service(listing::all)
        .service(listing::list_major)
        .service(listing::delist)
        .service(progress::list)
        .service(progress::report)
        .service(suspension::list)
        .service(suspension::suspend)
        .service(suspension::lift)
        .service(referrals::list)
        .service(referrals::refer)
        .service(referrals::reply);
}

/// No filter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFilter {}

/// An opinion that ends something.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Opinion {
    /// Why.
    #[schema(example = "验收合格，同意。", min_length = 1, max_length = 4000)]
    opinion: String,
}

impl Check for Opinion {
    fn check(&self, faults: &mut Faults) {
        faults.text("/opinion", &self.opinion, 1, MAX_TEXT);
    }
}

/// The stored record of a body that was sent before; nothing where its id is new.
///
/// # Errors
/// 409 `id_reused` where somebody else, another hazard or another body has it.
fn repeated<K: Kept>(
    conn: &mut Conn,
    rights: &Rights,
    hazard_id: Id,
    id: Option<Id>,
    hash: &[u8],
) -> Result<Option<K>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let Some(found) = K::find(conn, id)? else { return Ok(None) };
    if found.origin() == (rights.user_id(), hazard_id, Some(hash)) {
        Ok(Some(found))
    } else {
        Err(Problem::new(Code::IdReused))
    }
}

fn sent(tx: &Tx<'_>, id: Option<Id>, hash: &[u8]) -> Sent {
    Sent { id: id.unwrap_or_else(|| tx.new_id()), body_hash: Some(hash.to_vec()) }
}

/// A refusal of the rules with the hazard as it is.
fn with_current(conn: &mut Conn, rights: &Rights, row: &Row, now: Timestamp, problem: Problem) -> Problem {
    if problem.code != Code::TransitionNotAllowed {
        return problem;
    }
    match view(conn, rights, row.clone(), now) {
        Ok(current) => {
            let allowed = json!(current.allowed_actions);
            problem.current(json!(current)).allowed_actions(allowed)
        }
        Err(other) => other,
    }
}
