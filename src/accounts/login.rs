//! Signing in and out, and changing the password.

use actix_web::{HttpRequest, post};
use chrono::TimeDelta;
use diesel::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::passwords;
use super::sessions::{self, NewSession};
use crate::access::{Allowed, Public, actions::account};
use crate::platform::db::schema::users;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, FieldError, Reply};
use crate::platform::journal::{Event, Stream};

/// Who signs in, with what, on which device.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The user name; case does not matter.
    #[schema(example = "inspector1")]
    pub username: String,
    /// The password.
    #[schema(value_type = String, example = "demo-Anquan-2026")]
    pub password: SecretString,
    /// The device, so that each has a session of its own.
    pub device: Option<Device>,
}

/// A device, as it names itself.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Stable for the installation of the app.
    #[schema(example = "phone-7")]
    pub id: String,
    /// For people to read in the list of sessions.
    #[schema(example = "Huawei Mate 60")]
    pub name: Option<String>,
}

impl Check for Login {
    fn check(&self, faults: &mut Faults) {
        faults.text("/username", &self.username, 1, 64);
        let length = self.password.expose_secret().len();
        if length == 0 {
            faults.add(FieldError::required("/password"));
        } else if length > passwords::LONGEST {
            faults.say("/password", "too_long", "密码不得超过 256 字节", "must have at most 256 bytes");
        }
        if let Some(device) = &self.device {
            faults.text("/device/id", &device.id, 1, 100);
            faults.optional_text("/device/name", device.name.as_deref(), 100);
        }
    }
}

/// Tokens for a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SignedIn {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds for which the access token counts.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// For the next pair; used once.
    pub refresh_token: String,
    /// Who signed in.
    pub user: Person,
}

/// The signed-in person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    /// Of the user.
    pub id: Id,
    /// For signing in.
    pub username: String,
    /// For people to read.
    pub display_name: String,
    /// Until the password is changed everything but the own account answers 403.
    pub must_change_password: bool,
}

/// A user as sign-in needs it.
#[derive(Debug, Clone, Queryable)]
struct Account {
    id: Id,
    username: String,
    display_name: String,
    password_hash: String,
    must_change_password: bool,
    disabled_at: Option<Timestamp>,
    locked_until: Option<Timestamp>,
}

/// Sign in
///
/// Unknown user, wrong password, disabled and locked account give one and the same answer.
#[utoipa::path(
    tag = "accounts",
    request_body = Login,
    responses((status = 200, description = "Signed in", body = SignedIn),
        (status = 401, description = "User name or password is wrong", body = crate::openapi::Problem, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("public")))
)]
#[post("/auth/login")]
pub async fn login(public: Public, body: Body<Login>) -> Result<Reply, Problem> {
    let input = body.get()?;
    let username = input.username.trim().to_lowercase();
    let account = public.read(move |conn| by_username(conn, &username)).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let fits = public.app().passwords.verify(input.password.expose_secret().to_owned(), stored).await?;
    let refused = || Problem::new(Code::InvalidCredentials);
    let Some(account) = account else { return Err(refused()) };
    let now = public.app().clock.now();
    let locked = account.locked_until.is_some_and(|until| now < until);
    if account.disabled_at.is_some() || locked {
        return Err(refused());
    }
    let device = input.device.clone();
    let work = Work { actor: Some(account.id), device: device.as_ref().map(|d| d.id.clone()), ..Work::default() };
    if !fits {
        return public.write(work, move |tx| note_failure(tx, &account)).await;
    }
    let mut secret = [0; 32];
    public.app().ids.fill(&mut secret);
    let tokens = sessions::fresh_token(&secret);
    let (id, person) = (account.id, person_of(&account));
    let refresh = tokens.clone();
    let (session, at) = public
        .write(work, move |tx| {
            if unchanged(tx, &account)?.locked_until.is_some_and(|until| tx.now < until) {
                return Err(Problem::new(Code::InvalidCredentials));
            }
            let failed = (users::failed_logins.eq(0), users::locked_until.eq(None::<Timestamp>));
            diesel::update(users::table.find(id)).set(failed).execute(tx.conn)?;
            let new = NewSession {
                device_id: device.as_ref().map(|device| device.id.clone()),
                device_name: device.as_ref().and_then(|device| device.name.clone()),
            };
            let session = sessions::open(tx, id, new, &refresh)?;
            let event = Event::of("session", session, "opened").stream(Stream::Accounts).with(json!({"user_id": id}));
            let now = tx.now;
            Ok(tx.record(event)?.with((session, now)))
        })
        .await?;
    let (access_token, expires_in) = public.app().tokens.issue(id, session, at)?;
    Reply::value(&SignedIn { access_token, token_type: "Bearer", expires_in, refresh_token: tokens, user: person })
}

fn by_username(conn: &mut crate::platform::db::Conn, username: &str) -> Result<Option<Account>, Problem> {
    Ok(users::table
        .filter(users::username.eq(username))
        .select((
            users::id,
            users::username,
            users::display_name,
            users::password_hash,
            users::must_change_password,
            users::disabled_at,
            users::locked_until,
        ))
        .first(conn)
        .optional()?)
}

/// Hashing takes its time: what was judged must still be so when the session opens, or a password changed, reset or
/// disabled meanwhile would leave a session behind.
fn unchanged(tx: &mut Tx<'_>, judged: &Account) -> Result<Account, Problem> {
    if let crate::platform::db::Conn::Postgres(conn) = &mut *tx.conn {
        users::table.find(judged.id).select(users::id).for_update().first::<Id>(conn)?;
    }
    let now = by_username(tx.conn, &judged.username)?;
    now.filter(|now| now.password_hash == judged.password_hash && now.disabled_at.is_none())
        .ok_or_else(|| Problem::new(Code::InvalidCredentials))
}

fn person_of(account: &Account) -> Person {
    Person {
        id: account.id,
        username: account.username.clone(),
        display_name: account.display_name.clone(),
        must_change_password: account.must_change_password,
    }
}

/// From the fifth failure on an account rests for a while; a hundred in a row end its day.
fn rest_after(failures: i32) -> Option<TimeDelta> {
    match failures {
        ..=4 => None,
        5 => Some(TimeDelta::seconds(1)),
        6 => Some(TimeDelta::seconds(3)),
        7 => Some(TimeDelta::seconds(5)),
        8..=99 => Some(TimeDelta::seconds(10)),
        _ => Some(TimeDelta::days(1)),
    }
}

fn note_failure(tx: &mut Tx<'_>, account: &Account) -> Result<Commit<Reply>, Problem> {
    // Guesses made at once are counted one after the other.
    if let crate::platform::db::Conn::Postgres(conn) = &mut *tx.conn {
        users::table.find(account.id).select(users::id).for_update().first::<Id>(conn)?;
    }
    let before: i32 = users::table.find(account.id).select(users::failed_logins).first(tx.conn)?;
    let failures = before.saturating_add(1);
    let until = rest_after(failures).map(|rest| tx.now + rest);
    diesel::update(users::table.find(account.id))
        .set((users::failed_logins.eq(failures), users::locked_until.eq(until)))
        .execute(tx.conn)?;
    let event = Event::of("user", account.id, "sign_in_failed").stream(Stream::Accounts);
    Ok(tx.record(event)?.refused(Problem::new(Code::InvalidCredentials)))
}

/// Sign out
///
/// Ends this session: its access token and refresh token count no more.
#[utoipa::path(
    tag = "accounts",
    responses((status = 204, description = "Signed out")),
    extensions(("x-permission" = json!("own account")))
)]
#[post("/auth/logout")]
pub async fn logout(allowed: Allowed<account::Own>) -> Result<Reply, Problem> {
    allowed.write_unkept(|tx, rights| sessions::end(tx, rights.user_id(), rights.caller.session_id, "signed_out")).await
}

/// The old and the new password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// As it is.
    #[schema(value_type = String)]
    pub current_password: SecretString,
    /// As it shall be: at least 15 characters, at most 256 bytes.
    #[schema(value_type = String)]
    pub new_password: SecretString,
}

impl Check for PasswordChange {
    fn check(&self, faults: &mut Faults) {
        passwords::judge(faults, "/new_password", self.new_password.expose_secret(), "");
        if self.current_password.expose_secret().len() > passwords::LONGEST {
            faults.say("/current_password", "too_long", "密码不得超过 256 字节", "must have at most 256 bytes");
        } else if self.current_password.expose_secret() == self.new_password.expose_secret() {
            faults.say("/new_password", "unchanged", "新密码不得与原密码相同", "must differ from the current password");
        }
    }
}

/// Change the password
///
/// Ends every session of the account, this one included.
#[utoipa::path(
    tag = "accounts",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed; sign in again")),
    extensions(("x-permission" = json!("own account")))
)]
#[post("/auth/password")]
pub async fn password(
    allowed: Allowed<account::Own>,
    body: Body<PasswordChange>,
    _request: HttpRequest,
) -> Result<Reply, Problem> {
    let input = body.get()?;
    let caller = &allowed.rights().caller;
    let mut faults = Faults::default();
    passwords::judge(&mut faults, "/new_password", input.new_password.expose_secret(), &caller.username);
    faults.finish()?;
    let username = caller.username.clone();
    let account = allowed.read(move |conn, _| by_username(conn, &username)).await?.ok_or_else(Problem::not_found)?;
    let stored = Some(account.password_hash.clone());
    let app = allowed.app();
    if !app.passwords.verify(input.current_password.expose_secret().to_owned(), stored).await? {
        return Err(Problem::invalid(FieldError::new(
            "/current_password",
            "wrong_password",
            "原密码不正确",
            "is not the current password",
        )));
    }
    let hash =
        app.passwords.hash(input.new_password.expose_secret().to_owned(), passwords::salt(app.ids.as_ref())).await?;
    allowed
        .write_unkept(move |tx, rights| {
            let user_id = rights.user_id();
            let _ = unchanged(tx, &account)?;
            diesel::update(users::table.find(user_id))
                .set((users::password_hash.eq(&hash), users::must_change_password.eq(false)))
                .execute(tx.conn)?;
            sessions::end_all(tx, user_id, "password_changed")?;
            let event = Event::of("user", user_id, "password_changed").stream(Stream::Accounts);
            Ok(tx.record(event)?.with(Reply::no_content()))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::rest_after;

    #[test]
    fn an_account_rests_longer_with_each_failure_and_never_before_the_fifth() {
        let rests: Vec<_> = (0..=120).map(|n| rest_after(n).map_or(0, |rest| rest.num_seconds())).collect();
        assert!(rests.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((rests[4], rests[5], rests[8], rests[100]), (0, 1, 10, 86_400));
    }
}
