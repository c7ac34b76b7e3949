//! Renewing tokens. Each refresh token is used once; its successor follows from it and a secret, so that a repeat
//! within a minute, because the answer was lost, gets the very same pair on every node. A later repeat means that
//! somebody else has a copy: the whole session ends.

use actix_web::post;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::login::{Person, SignedIn};
use super::sessions;
use crate::access::Public;
use crate::platform::db::schema::{refresh_tokens, sessions as session_table, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, Reply};
use crate::platform::journal::{Event, Stream};

/// For this long a spent token gives the same successor again.
pub const GRACE: TimeDelta = TimeDelta::seconds(60);

/// A refresh token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// From the last answer.
    #[schema(value_type = String)]
    pub refresh_token: SecretString,
    /// As at sign-in.
    pub device_id: Option<String>,
}

impl Check for Refresh {
    fn check(&self, faults: &mut Faults) {
        faults.text("/refresh_token", self.refresh_token.expose_secret(), 1, 200);
        faults.optional_text("/device_id", self.device_id.as_deref(), 100);
    }
}

/// Renew the tokens
///
/// The refresh token is spent. The same token within 60 seconds gives the same answer again; later it ends the
/// session.
#[utoipa::path(
    tag = "accounts",
    request_body = Refresh,
    responses((status = 200, description = "A new pair", body = SignedIn),
        (status = 401, description = "Sign in again", body = crate::openapi::Problem, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("public")))
)]
#[post("/auth/refresh")]
pub async fn refresh(public: Public, body: Body<Refresh>) -> Result<Reply, Problem> {
    let input = body.get()?;
    let token = input.refresh_token.expose_secret().to_owned();
    let successor = URL_SAFE_NO_PAD.encode(public.app().tokens.derived("refresh", token.as_bytes())?);
    let device = input.device_id.clone();
    let next = successor.clone();
    let renewed = public.write(Work::default(), move |tx| renew(tx, &token, &next, device.as_deref())).await?;
    let (access_token, expires_in) = public.app().tokens.issue(renewed.person.id, renewed.session, renewed.at)?;
    Reply::value(&SignedIn {
        access_token,
        token_type: "Bearer",
        expires_in,
        refresh_token: successor,
        user: renewed.person,
    })
}

/// Whose tokens were renewed, in which session, and when for the first time.
struct Renewed {
    person: Person,
    session: Id,
    at: Timestamp,
}

fn renew(tx: &mut Tx<'_>, token: &str, successor: &str, device: Option<&str>) -> Result<Commit<Renewed>, Problem> {
    let refused = || Problem::new(Code::Unauthenticated);
    let hash = sessions::token_hash(token);
    if let crate::platform::db::Conn::Postgres(conn) = &mut *tx.conn {
        // Two nodes may be given the same token at once: the second waits and finds it spent.
        refresh_tokens::table
            .find(&hash)
            .select(refresh_tokens::session_id)
            .for_update()
            .first::<Id>(conn)
            .optional()?;
    }
    type Row = (Id, Timestamp, Option<Timestamp>);
    let found: Option<Row> = refresh_tokens::table
        .find(&hash)
        .select((refresh_tokens::session_id, refresh_tokens::expires_at, refresh_tokens::spent_at))
        .first(tx.conn)
        .optional()?;
    let (session, token_expires, spent) = found.ok_or_else(refused)?;
    type Whose = (Id, String, String, bool, Option<Timestamp>, Option<String>, Timestamp, Option<Timestamp>);
    let whose: Whose = session_table::table
        .inner_join(users::table.on(users::id.eq(session_table::user_id)))
        .filter(session_table::id.eq(session))
        .select((
            users::id,
            users::username,
            users::display_name,
            users::must_change_password,
            users::disabled_at,
            session_table::device_id,
            session_table::expires_at,
            session_table::ended_at,
        ))
        .first(tx.conn)?;
    let (id, username, display_name, must_change_password, disabled, session_device, expires, ended) = whose;
    let over = ended.is_some() || disabled.is_some() || tx.now >= expires || tx.now >= token_expires;
    let other_device = device.is_some() && device != session_device.as_deref();
    if over || other_device {
        return Err(refused());
    }
    let person = Person { id, username, display_name, must_change_password };
    match spent {
        Some(at) if tx.now - at <= GRACE => Ok(Commit::unchanged(Renewed { person, session, at })),
        Some(_) => {
            sessions::mark_ended(tx, session, "refresh_reuse")?;
            sessions::rights_changed(tx, id)?;
            let event = Event::of("session", session, "refresh_reuse").stream(Stream::Accounts);
            Ok(tx.record(event.with(json!({"user_id": id})))?.refused(refused()))
        }
        None => {
            diesel::update(refresh_tokens::table.find(&hash))
                .set(refresh_tokens::spent_at.eq(tx.now))
                .execute(tx.conn)?;
            sessions::keep_token(tx, session, successor)?;
            diesel::update(session_table::table.find(session))
                .set(session_table::last_used_at.eq(tx.now))
                .execute(tx.conn)?;
            let at = tx.now;
            let event = Event::of("session", session, "renewed").stream(Stream::Accounts);
            Ok(tx.record(event.with(json!({"user_id": id})))?.with(Renewed { person, session, at }))
        }
    }
}
