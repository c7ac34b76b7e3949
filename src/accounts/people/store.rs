//! Making and changing accounts.

use diesel::prelude::*;
use serde_json::json;

use super::bodies::{CreatedUser, NewMembership, NewUser, UserPatch, UserView};
use super::memberships::{self, looks_after, not_self};
use super::rules::{self, Phone};
use super::sight::{self, Places, UserRow, visible};
use crate::access::{OrgRef, Permission, Rights};
use crate::accounts::sessions;
use crate::notices::{Kind, occasions};
use crate::orgs::bodies::told;
use crate::platform::db::schema::users;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, IfMatch, Reply};
use crate::platform::journal::{Event, Stream};

pub use super::sight::{list, lookup, view, views};

/// A one-time password and its hash, made before the write.
#[derive(Clone)]
pub struct Secret {
    /// Shown once.
    pub password: String,
    /// Stored.
    pub hash: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Makes an account with its memberships and a one-time password.
///
/// # Errors
/// 404 for an organisation out of sight, 403 for a role not the caller's to give, 409 for a taken name or id, 422.
pub fn create(
    tx: &mut Tx<'_>,
    rights: &Rights,
    body: &NewUser,
    body_hash: &[u8],
    secret: &Secret,
) -> Result<Commit<Reply>, Problem> {
    let mut places: Vec<OrgRef> = Vec::new();
    let mut faults = Faults::default();
    for (index, membership) in body.memberships.iter().enumerate() {
        places.push(memberships::grantable(tx.conn, rights, membership, &format!("/memberships/{index}"))?);
        if membership.valid_to.is_some_and(|end| end <= tx.now) {
            faults.add(memberships::over(&format!("/memberships/{index}/valid_to")));
        }
    }
    let scope = rights.of(Permission::UserRead);
    if let Some(id) = body.id
        && let Some(row) = users::table.find(id).select(UserRow::as_select()).first(tx.conn).optional()?
    {
        let same = row.created_by == tx.work.actor && row.body_hash.as_deref() == Some(body_hash);
        let seen = Places::of(tx.conn, &scope).and_then(|places| visible(tx.conn, &places, id));
        return match seen {
            Ok(row) if same => {
                let user = sight::view(tx.conn, &scope, row)?;
                Ok(Commit::unchanged(Reply::record(&CreatedUser { user, one_time_password: None })?))
            }
            _ => Err(Problem::new(Code::IdReused)),
        };
    }
    faults.finish()?;
    let refuse = |pointer: &'static str| move |reason| Problem::invalid(told(pointer, &reason));
    let username = rules::username(&body.username).map_err(refuse("/username"))?;
    let display_name = rules::display_name(&body.display_name).map_err(refuse("/display_name"))?;
    let phone = body.phone.as_deref().map(Phone::parse).transpose().map_err(refuse("/phone"))?;
    let id = body.id.unwrap_or_else(|| tx.new_id());
    let account = NewAccount {
        id,
        username: &username,
        display_name: &display_name,
        phone: phone.as_ref(),
        password_hash: &secret.hash,
        must_change_password: true,
        demo: false,
        body_hash: Some(body_hash),
    };
    insert_user(tx, &account)?;
    for (membership, org) in body.memberships.iter().zip(&places) {
        let given = memberships::insert(tx, id, org, membership)?;
        let _ = memberships::record_given(tx, id, &given)?;
    }
    let at = places.first().map(|org| (org.bureau_id, org.id));
    let receipt = record(tx, id, "created", at)?;
    let row = users::table.find(id).select(UserRow::as_select()).first(tx.conn)?;
    let user = sight::view(tx.conn, &scope, row)?;
    let created = CreatedUser { user, one_time_password: Some(secret.password.clone()) };
    Ok(receipt.with(Reply::created(&format!("/users/{id}"), &created)?))
}

/// An account to store; everything checked.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// Of the user.
    pub id: Id,
    /// As [`rules::username`] gives it.
    pub username: &'a str,
    /// For people to read.
    pub display_name: &'a str,
    /// For calling.
    pub phone: Option<&'a Phone>,
    /// PHC string.
    pub password_hash: &'a str,
    /// Whether the password is a one-time one.
    pub must_change_password: bool,
    /// Whether it belongs to the demo district.
    pub demo: bool,
    /// Hash of the request that made it.
    pub body_hash: Option<&'a [u8]>,
}

/// Stores an account; memberships apart. Also for the command line and the demo district, which make the first people.
///
/// # Errors
/// 409 for a taken name or id.
pub fn insert_user(tx: &mut Tx<'_>, new: &NewAccount<'_>) -> Result<(), Problem> {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(new.id),
            users::version.eq(1_i64),
            users::created_at.eq(tx.now),
            users::updated_at.eq(tx.now),
            users::created_by.eq(tx.work.actor),
            users::body_hash.eq(new.body_hash.map(<[u8]>::to_vec)),
            users::username.eq(new.username),
            users::display_name.eq(new.display_name),
            users::phone.eq(new.phone.map(|phone| phone.reveal().to_owned())),
            users::password_hash.eq(new.password_hash),
            users::must_change_password.eq(new.must_change_password),
            users::demo.eq(new.demo),
            users::rights_version.eq(1_i64),
            users::failed_logins.eq(0),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Makes a person with one role whom no caller makes: the first people of a bureau (command line) and those of the
/// demo district.
///
/// # Errors
/// 422 for a role that does not stand on such an organisation, 409 for a taken name or id.
pub fn found(
    tx: &mut Tx<'_>,
    account: &NewAccount<'_>,
    org: &OrgRef,
    membership: &NewMembership,
) -> Result<Receipt, Problem> {
    memberships::stands(membership.role, org, "")?;
    insert_user(tx, account)?;
    let given = memberships::insert(tx, account.id, org, membership)?;
    let _ = memberships::record_given(tx, account.id, &given)?;
    record(tx, account.id, "created", Some((org.bureau_id, org.id)))
}

/// Changes name and phone.
///
/// # Errors
/// 404 out of sight, 403 for a person the caller does not look after, 428 and 412, 422.
pub fn change(
    tx: &mut Tx<'_>,
    rights: &Rights,
    id: Id,
    if_match: &IfMatch,
    body: impl FnOnce() -> Result<UserPatch, Problem>,
) -> Result<Commit<Reply>, Problem> {
    let (scope, old) = managed(tx.conn, rights, id)?;
    if rights.user_id() != id {
        looks_after(tx.conn, rights, tx.now, id)?;
    }
    let current = sight::view(tx.conn, &scope, old.clone())?;
    if_match.check(old.version, || json!(current))?;
    let patch = body()?;
    let refuse = |pointer: &'static str| move |reason| Problem::invalid(told(pointer, &reason));
    let mut new = old.clone();
    if let Some(name) = patch.display_name.set() {
        new.display_name = rules::display_name(name).map_err(refuse("/display_name"))?;
    }
    let phone = patch.phone.apply(old.phone.clone());
    let phone = phone.as_deref().map(Phone::parse).transpose().map_err(refuse("/phone"))?;
    new.phone = phone.map(|phone| phone.reveal().to_owned());
    if new == old {
        return Ok(Commit::unchanged(Reply::record(&current)?));
    }
    new.version = old.version.saturating_add(1);
    new.updated_at = tx.now;
    let changed = diesel::update(users::table.find(id).filter(users::version.eq(old.version)))
        .set((
            users::version.eq(new.version),
            users::updated_at.eq(new.updated_at),
            users::display_name.eq(&new.display_name),
            users::phone.eq(&new.phone),
        ))
        .execute(tx.conn)?;
    if changed != 1 {
        return Err(Problem { retry: true, ..Problem::new(Code::VersionConflict) });
    }
    if new.display_name != old.display_name {
        sessions::rights_changed(tx, id)?;
    }
    let receipt = record(tx, id, "changed", place(&current))?;
    answer(tx, &scope, new, receipt)
}

/// Closes or opens an account. Closing ends every session.
///
/// # Errors
/// 404 out of sight, 403 for oneself and for a person the caller does not look after.
pub fn set_disabled(tx: &mut Tx<'_>, rights: &Rights, id: Id, disabled: bool) -> Result<Commit<Reply>, Problem> {
    let (scope, old) = managed(tx.conn, rights, id)?;
    not_self(rights, id)?;
    looks_after(tx.conn, rights, tx.now, id)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    if old.disabled_at.is_some() == disabled {
        return Ok(Commit::unchanged(Reply::record(&sight::view(tx.conn, &scope, old)?)?));
    }
    let at = disabled.then_some(tx.now);
    diesel::update(users::table.find(id))
        .set((
            users::version.eq(users::version + 1),
            users::updated_at.eq(tx.now),
            users::disabled_at.eq(at),
            users::failed_logins.eq(0),
            users::locked_until.eq(None::<Timestamp>),
        ))
        .execute(tx.conn)?;
    if disabled {
        sessions::end_all(tx, id, "disabled")?;
    } else {
        sessions::rights_changed(tx, id)?;
    }
    let current = sight::view(tx.conn, &scope, old)?;
    let receipt = record(tx, id, if disabled { "disabled" } else { "enabled" }, place(&current))?;
    let row: UserRow = users::table.find(id).select(UserRow::as_select()).first(tx.conn)?;
    let kind = if disabled { Kind::AccountDisabled } else { Kind::AccountEnabled };
    occasions::account_changed(tx, kind, id, row.version)?;
    answer(tx, &scope, row, receipt)
}

/// Replaces the password by a one-time one and ends every session.
///
/// # Errors
/// 404 out of sight, 403 for oneself and for a person the caller does not look after.
pub fn reset_password(tx: &mut Tx<'_>, rights: &Rights, id: Id, secret: &Secret) -> Result<Commit<()>, Problem> {
    let (scope, old) = managed(tx.conn, rights, id)?;
    not_self(rights, id)?;
    looks_after(tx.conn, rights, tx.now, id)?;
    diesel::update(users::table.find(id))
        .set((
            users::version.eq(users::version + 1),
            users::updated_at.eq(tx.now),
            users::password_hash.eq(&secret.hash),
            users::must_change_password.eq(true),
            users::failed_logins.eq(0),
            users::locked_until.eq(None::<Timestamp>),
        ))
        .execute(tx.conn)?;
    sessions::end_all(tx, id, "password_reset")?;
    occasions::account_changed(tx, Kind::PasswordReset, id, old.version + 1)?;
    let current = sight::view(tx.conn, &scope, old)?;
    Ok(record(tx, id, "password_reset", place(&current))?.with(()))
}

/// The user, if the caller manages people where the user is.
fn managed(conn: &mut Conn, rights: &Rights, id: Id) -> Result<(crate::access::Scope, UserRow), Problem> {
    let scope = rights.of(Permission::UserManage);
    let places = Places::of(conn, &scope)?;
    let row = visible(conn, &places, id)?;
    Ok((scope, row))
}

fn answer(
    tx: &mut Tx<'_>,
    scope: &crate::access::Scope,
    row: UserRow,
    receipt: Receipt,
) -> Result<Commit<Reply>, Problem> {
    let view = sight::view(tx.conn, scope, row)?;
    Ok(receipt.with(Reply::record(&view)?))
}

/// Where a user belongs, as far as the caller sees.
fn place(user: &UserView) -> Option<(Id, Id)> {
    user.memberships.first().map(|membership| (membership.bureau_id, membership.org.id))
}

fn record(tx: &mut Tx<'_>, id: Id, action: &'static str, at: Option<(Id, Id)>) -> Result<Receipt, Problem> {
    let event = Event::of("user", id, action).stream(Stream::Accounts);
    tx.record(match at {
        Some((bureau_id, org_id)) => event.at(bureau_id, org_id),
        None => event,
    })
}

/// One user for the eyes of `user.read`.
///
/// # Errors
/// 404 out of sight.
pub fn read(conn: &mut Conn, rights: &Rights, id: Id) -> Result<UserView, Problem> {
    let scope = rights.of(Permission::UserRead);
    let places = Places::of(conn, &scope)?;
    let row = visible(conn, &places, id)?;
    sight::view(conn, &scope, row)
}

/// Whether a user is in sight of a scope.
///
/// # Errors
/// 404 where not.
pub fn sight_of(conn: &mut Conn, scope: &crate::access::Scope, id: Id) -> Result<(), Problem> {
    let places = Places::of(conn, scope)?;
    visible(conn, &places, id).map(|_| ())
}
