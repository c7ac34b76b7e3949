//! HTTP of people.

use std::sync::Arc;

use actix_web::{delete, get, patch, post};

use super::bodies::{
    CreatedUser, LookupFilter, MembershipView, NamedPerson, NewMembership, NewUser, OneTimePassword, UserFilter,
    UserPatch, UserView,
};
use super::memberships;
use super::store::{self, Secret};
use crate::access::actions::{Action, user};
use crate::access::{Allowed, Permission};
use crate::accounts::passwords;
use crate::openapi::ListOf;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, IfMatch, List, PathId, PathIds, Reply};

/// List users
///
/// People with a membership in the caller's organisations, newest first. Phones are masked.
#[utoipa::path(
    tag = "people",
    params(UserFilter, crate::openapi::PageQuery),
    responses((status = 200, description = "One page", body = ListOf<UserView>)),
    extensions(("x-permission" = json!("user.read")))
)]
#[get("/users")]
pub async fn list(allowed: Allowed<user::Read>, query: List<UserFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let scope = rights.scope();
            let (rows, counted) = store::list(conn, &scope, &query)?;
            let page = query.page(rows, |row| (row.created_at, row.id))?;
            let data = store::views(conn, &scope, page.data)?;
            crate::platform::http::Page { data, page: page.page }.counted(counted).reply()
        })
        .await
}

/// Name people
///
/// Who is what where, among people whose role counts now: no phone, no account.
#[utoipa::path(
    tag = "people",
    params(LookupFilter, crate::openapi::PageQuery),
    responses((status = 200, description = "One page, one row for each role", body = ListOf<NamedPerson>)),
    extensions(("x-permission" = json!("user.lookup")))
)]
#[get("/users/lookup")]
pub async fn lookup(allowed: Allowed<user::Lookup>, query: List<LookupFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let rows = store::lookup(conn, &rights.scope(), rights.now, &query)?;
            query.page(rows, |(place, _)| *place)?.map(|(_, person)| person).reply()
        })
        .await
}

/// Create a user
///
/// The one-time password in the answer is shown this once. Only roles that the caller may give.
#[utoipa::path(
    tag = "people",
    request_body = NewUser,
    responses((status = 201, description = "Made", body = CreatedUser),
        (status = 200, description = "Made before with the same id and body; without the password", body = CreatedUser)),
    extensions(("x-permission" = json!("user.manage")))
)]
#[post("/users")]
pub async fn create(allowed: Allowed<user::Manage>, body: Body<NewUser>) -> Result<Reply, Problem> {
    let input = body.get()?.clone();
    let hash = Arc::clone(&body.hash);
    let secret = secret(&allowed).await?;
    allowed.write_unkept(move |tx, rights| store::create(tx, rights, &input, &hash, &secret)).await
}

/// Read a user
#[utoipa::path(
    tag = "people",
    params(("id" = Id, Path, description = "Of the user")),
    responses((status = 200, description = "The user", body = UserView)),
    extensions(("x-permission" = json!("user.read")))
)]
#[get("/users/{id}")]
pub async fn read(allowed: Allowed<user::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| Reply::record(&store::read(conn, rights, id.0)?)).await
}

/// Change a user
#[utoipa::path(
    tag = "people",
    params(("id" = Id, Path, description = "Of the user"),
        ("If-Match" = String, Header, description = "The version seen, as \"7\"")),
    request_body = UserPatch,
    responses((status = 200, description = "The user as it is now", body = UserView)),
    extensions(("x-permission" = json!("user.manage")))
)]
#[patch("/users/{id}")]
pub async fn change(
    allowed: Allowed<user::Manage>,
    id: PathId,
    if_match: IfMatch,
    body: Body<UserPatch>,
) -> Result<Reply, Problem> {
    allowed.write_unkept(move |tx, rights| store::change(tx, rights, id.0, &if_match, || body.get().cloned())).await
}

/// Disable a user
///
/// Every session ends at once. Only people whose every role the caller may give.
#[utoipa::path(
    tag = "people",
    params(("id" = Id, Path, description = "Of the user")),
    responses((status = 200, description = "The user as it is now", body = UserView)),
    extensions(("x-permission" = json!("user.manage")))
)]
#[post("/users/{id}/disable")]
pub async fn disable(allowed: Allowed<user::Manage>, id: PathId) -> Result<Reply, Problem> {
    allowed.write(&Arc::from([]), move |tx, rights| store::set_disabled(tx, rights, id.0, true)).await
}

/// Enable a user
#[utoipa::path(
    tag = "people",
    params(("id" = Id, Path, description = "Of the user")),
    responses((status = 200, description = "The user as it is now", body = UserView)),
    extensions(("x-permission" = json!("user.manage")))
)]
#[post("/users/{id}/enable")]
pub async fn enable(allowed: Allowed<user::Manage>, id: PathId) -> Result<Reply, Problem> {
    allowed.write(&Arc::from([]), move |tx, rights| store::set_disabled(tx, rights, id.0, false)).await
}

/// Reset a password
///
/// Every session ends; the one-time password is shown this once.
#[utoipa::path(
    tag = "people",
    params(("id" = Id, Path, description = "Of the user")),
    responses((status = 200, description = "The password, once", body = OneTimePassword)),
    extensions(("x-permission" = json!("user.manage")))
)]
#[post("/users/{id}/reset-password")]
pub async fn reset_password(allowed: Allowed<user::Manage>, id: PathId) -> Result<Reply, Problem> {
    // Sight first: hashing takes a turn that a stranger to this person must not have.
    allowed.read(move |conn, rights| store::sight_of(conn, &rights.of(Permission::UserManage), id.0)).await?;
    let secret = secret(&allowed).await?;
    let one_time_password = secret.password.clone();
    allowed.write_unkept(move |tx, rights| store::reset_password(tx, rights, id.0, &secret)).await?;
    Reply::value(&OneTimePassword { one_time_password })
}

/// Give a role
///
/// Counts from the next request of the person.
#[utoipa::path(
    tag = "people",
    params(("id" = Id, Path, description = "Of the user")),
    request_body = NewMembership,
    responses((status = 201, description = "Given", body = MembershipView)),
    extensions(("x-permission" = json!("user.manage")))
)]
#[post("/users/{id}/memberships")]
pub async fn add_membership(
    allowed: Allowed<user::Manage>,
    id: PathId,
    body: Body<NewMembership>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed.write(&hash, move |tx, rights| memberships::give(tx, rights, id.0, || body.get().cloned())).await
}

/// Take a role away
///
/// Counts from the next request of the person.
#[utoipa::path(
    tag = "people",
    params(("id" = Id, Path, description = "Of the user"), ("mid" = Id, Path, description = "Of the membership")),
    responses((status = 204, description = "Taken")),
    extensions(("x-permission" = json!("user.manage")))
)]
#[delete("/users/{id}/memberships/{mid}")]
pub async fn end_membership(allowed: Allowed<user::Manage>, ids: PathIds) -> Result<Reply, Problem> {
    allowed.write_unkept(move |tx, rights| memberships::end(tx, rights, ids.0, ids.1)).await
}

/// A fresh one-time password with its hash; hashing waits its turn outside the database.
async fn secret<A: Action>(allowed: &Allowed<A>) -> Result<Secret, Problem> {
    let app = allowed.app();
    let password = passwords::one_time(app.ids.as_ref());
    let hash = app.passwords.hash(password.clone(), passwords::salt(app.ids.as_ref())).await?;
    Ok(Secret { password, hash })
}
