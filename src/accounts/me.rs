//! The own account: who am I, what am I where, what may I.

use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;

use super::login::Person;
use crate::access::caller::Membership;
use crate::access::{Allowed, Permission, actions::account};
use crate::platform::error::Problem;
use crate::platform::http::Reply;

/// The signed-in person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Who.
    pub user: Person,
    /// What, where.
    pub memberships: Vec<Membership>,
    /// Every permission held anywhere.
    pub permissions: Vec<Permission>,
}

/// Who am I
#[utoipa::path(
    tag = "accounts",
    responses((status = 200, description = "The own account", body = Me)),
    extensions(("x-permission" = json!("own account")))
)]
#[get("/me")]
pub async fn me(allowed: Allowed<account::Own>) -> Result<Reply, Problem> {
    let rights = allowed.rights();
    let caller = &rights.caller;
    Reply::value(&Me {
        user: Person {
            id: caller.user_id,
            username: caller.username.clone(),
            display_name: caller.display_name.clone(),
            must_change_password: caller.must_change_password,
        },
        memberships: caller.memberships.clone(),
        permissions: Permission::ALL.iter().copied().filter(|one| caller.may(*one, rights.now)).collect(),
    })
}
