//! What comes of missing photos.

use actix_web::{get, put};
use serde_json::json;

use crate::access::{Allowed, actions::policy};
use crate::evidence::body::PolicyToPut;
use crate::evidence::store::{self, PolicyView};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, IfMatch, Reply};

/// What comes of missing photos
///
/// Of the caller's bureau: shown only, unless it said otherwise.
#[utoipa::path(
    tag = "policy",
    responses((status = 200, description = "The policy in force", body = PolicyView)),
    extensions(("x-permission" = json!("policy.read")))
)]
#[get("/evidence-policy")]
pub async fn one(allowed: Allowed<policy::Read>) -> Result<Reply, Problem> {
    allowed
        .read(|conn, rights| {
            let bureau_id = rights.scope().own_bureau().ok_or_else(|| Problem::new(Code::Forbidden))?;
            Reply::record(&PolicyView::from(&store::policy(conn, bureau_id)?))
        })
        .await
}

/// Say what comes of missing photos
///
/// The first time needs no `If-Match`; from then on it is somebody's word that would be written over.
#[utoipa::path(
    tag = "policy",
    params(("If-Match" = Option<String>, Header, description = "The ETag or the quoted version one has seen; needed once the bureau has said something", example = "\"1\"")),
    request_body = PolicyToPut,
    responses((status = 200, description = "The policy as it is now", body = PolicyView)),
    extensions(("x-permission" = json!("policy.manage")))
)]
#[put("/evidence-policy")]
pub async fn put(
    allowed: Allowed<policy::Manage>,
    if_match: IfMatch,
    body: Body<PolicyToPut>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let bureau_id = rights.scope().own_bureau().ok_or_else(|| Problem::new(Code::Forbidden))?;
            let before = store::policy_to_change(tx.conn, bureau_id)?;
            if before.version > 0 || if_match.is_given() {
                if_match.check(before.version, || json!(PolicyView::from(&before)))?;
            }
            let (after, receipt) = store::put_policy(tx, bureau_id, &before, body.get()?.gaps)?;
            Ok(receipt.with(Reply::record(&PolicyView::from(&after))?))
        })
        .await
}
