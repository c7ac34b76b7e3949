//! Who may sign for a school beside its principal.

use std::sync::Arc;

use actix_web::{get, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, Permission, actions::inspection};
use crate::inspections::store::{self, DelegationView, NewSigningDelegation};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, List, PathId, Reply};

/// No filter.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DelegationFilter {}

/// List who may sign for a school
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "The school"), PageQuery),
    responses((status = 200, description = "A page of delegations, newest first", body = ListOf<DelegationView>)),
    extensions(("x-permission" = json!("inspection.acknowledge | inspection.confirm")))
)]
#[get("/orgs/{id}/signing-delegations")]
pub async fn list(
    allowed: Allowed<inspection::Delegations>,
    id: PathId,
    list: List<DelegationFilter>,
) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let own = rights.of(Permission::InspectionAcknowledge);
            let org = match store::delegating_school(conn, &own, id.0, false) {
                Ok(org) => org,
                Err(_) => store::delegating_school(conn, &rights.of(Permission::InspectionConfirm), id.0, false)?,
            };
            store::delegations(conn, &org, &list)?.reply()
        })
        .await
}

/// Let the safety officer sign for the school
///
/// By the principal, from day to day, at most for 366 days. It ends with the office of either of the two.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "The school")),
    request_body = NewSigningDelegation,
    responses((status = 201, description = "The delegation", body = DelegationView),
        (status = 200, description = "The delegation made before with the same id and body", body = DelegationView)),
    extensions(("x-permission" = json!("inspection.acknowledge")))
)]
#[post("/orgs/{id}/signing-delegations")]
pub async fn create(
    allowed: Allowed<inspection::Delegate>,
    id: PathId,
    body: Body<NewSigningDelegation>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&Arc::clone(&hash), move |tx, rights| {
            let org = store::delegating_school(tx.conn, &rights.scope(), id.0, true)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let new = body.get()?;
            if let Some(view) = store::delegated_before(tx.conn, rights, new.id, &hash)? {
                return Ok(Commit::unchanged(Reply::record(&view)?));
            }
            let (receipt, view) = store::delegate(tx, rights, &org, new, &hash)?;
            Ok(receipt.with(Reply::created(&format!("/orgs/{}/signing-delegations", org.id), &view)?))
        })
        .await
}

/// Nothing needs to be said.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {}

impl Check for Revocation {
    fn check(&self, _: &mut Faults) {}
}

/// Take a delegation back
///
/// By the principal; what was signed by it stays signed.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the delegation")),
    request_body = Revocation,
    responses((status = 200, description = "The delegation, revoked", body = DelegationView)),
    extensions(("x-permission" = json!("inspection.acknowledge")))
)]
#[post("/signing-delegations/{id}/revoke")]
pub async fn revoke(
    allowed: Allowed<inspection::Delegate>,
    id: PathId,
    body: Body<Revocation>,
) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let (org, view) = store::delegation_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            body.get()?;
            let (receipt, view) = store::revoke(tx, rights, &org, &view)?;
            Ok(receipt.with(Reply::record(&view)?))
        })
        .await
}
