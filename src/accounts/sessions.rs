//! Sessions: one for each device, ended by sign-out, password change, disabling, or reuse of a refresh token.

use actix_web::{delete, get};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::access::{Allowed, actions::account};
use crate::platform::db::schema::{refresh_tokens, sessions, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Page, PathId, Reply};
use crate::platform::journal::{Event, Stream};

/// A session ends after this long, however often it is used.
pub const ABSOLUTE: TimeDelta = TimeDelta::days(90);
/// A refresh token not used for this long counts no more.
pub const IDLE: TimeDelta = TimeDelta::days(30);
/// Sessions of one person; one more ends the oldest.
const MOST: usize = 10;

/// A session to open.
#[derive(Debug, Clone, Default)]
pub struct NewSession {
    /// The device's own name for itself.
    pub device_id: Option<String>,
    /// For people to read.
    pub device_name: Option<String>,
}

/// A refresh token from 32 random bytes.
#[must_use]
pub fn fresh_token(secret: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(secret)
}

/// What is stored of a refresh token.
#[must_use]
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Opens a session with its first refresh token. An earlier session of the same device ends.
///
/// # Errors
/// Whatever the engine says.
pub fn open(tx: &mut Tx<'_>, user_id: Id, new: NewSession, token: &str) -> Result<Id, Problem> {
    let mut open: Vec<(Id, Option<String>)> = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(tx.now))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select((sessions::id, sessions::device_id))
        .load(tx.conn)?;
    let mut over: Vec<Id> = Vec::new();
    open.retain(|(id, device)| {
        let same = new.device_id.is_some() && *device == new.device_id;
        if same {
            over.push(*id);
        }
        !same
    });
    over.extend(open.iter().skip(MOST - 1).map(|(id, _)| *id));
    for id in over {
        mark_ended(tx, id, "replaced")?;
    }
    let id = tx.new_id();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::user_id.eq(user_id),
            sessions::device_id.eq(new.device_id),
            sessions::device_name.eq(new.device_name),
            sessions::created_at.eq(tx.now),
            sessions::last_used_at.eq(tx.now),
            sessions::expires_at.eq(tx.now + ABSOLUTE),
        ))
        .execute(tx.conn)?;
    keep_token(tx, id, token)?;
    Ok(id)
}

/// Stores the hash of a refresh token.
///
/// # Errors
/// Whatever the engine says.
pub fn keep_token(tx: &mut Tx<'_>, session_id: Id, token: &str) -> Result<(), Problem> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(token_hash(token)),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::created_at.eq(tx.now),
            refresh_tokens::expires_at.eq(tx.now + IDLE),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Ends a session; rights are judged anew at the next call.
///
/// # Errors
/// Whatever the engine says.
pub fn mark_ended(tx: &mut Tx<'_>, session_id: Id, reason: &str) -> Result<(), Problem> {
    diesel::update(sessions::table.find(session_id).filter(sessions::ended_at.is_null()))
        .set((sessions::ended_at.eq(tx.now), sessions::end_reason.eq(reason)))
        .execute(tx.conn)?;
    tx.touch_rights();
    Ok(())
}

/// Ends every session of a user, and says so to every node.
///
/// # Errors
/// Whatever the engine says.
pub fn end_all(tx: &mut Tx<'_>, user_id: Id, reason: &str) -> Result<(), Problem> {
    diesel::update(sessions::table.filter(sessions::user_id.eq(user_id)).filter(sessions::ended_at.is_null()))
        .set((sessions::ended_at.eq(tx.now), sessions::end_reason.eq(reason)))
        .execute(tx.conn)?;
    rights_changed(tx, user_id)
}

/// Says to every node that this user's rights are to be read anew.
///
/// # Errors
/// Whatever the engine says.
pub fn rights_changed(tx: &mut Tx<'_>, user_id: Id) -> Result<(), Problem> {
    diesel::update(users::table.find(user_id))
        .set(users::rights_version.eq(users::rights_version + 1))
        .execute(tx.conn)?;
    tx.touch_rights();
    Ok(())
}

/// Ends one of the user's own sessions.
///
/// # Errors
/// 404 where it is not the user's.
pub fn end(tx: &mut Tx<'_>, user_id: Id, session_id: Id, reason: &str) -> Result<Commit<Reply>, Problem> {
    let ended: Option<Timestamp> = sessions::table
        .find(session_id)
        .filter(sessions::user_id.eq(user_id))
        .select(sessions::ended_at)
        .first(tx.conn)?;
    if ended.is_some() {
        return Ok(Commit::unchanged(Reply::no_content()));
    }
    mark_ended(tx, session_id, reason)?;
    let event = Event::of("session", session_id, "ended")
        .stream(Stream::Accounts)
        .with(json!({"reason": reason, "user_id": user_id}));
    Ok(tx.record(event)?.with(Reply::no_content()))
}

/// A device that is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Of the session.
    pub id: Id,
    /// The device's own name for itself.
    #[schema(required)]
    pub device_id: Option<String>,
    /// For people to read.
    #[schema(required)]
    pub device_name: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Whether this very call is made with it.
    pub current: bool,
}

/// List own sessions
#[utoipa::path(
    tag = "accounts",
    responses((status = 200, description = "The open sessions, newest first", body = crate::openapi::ListOf<SessionView>)),
    extensions(("x-permission" = json!("own account")))
)]
#[get("/auth/sessions")]
pub async fn list(allowed: Allowed<account::Own>) -> Result<Reply, Problem> {
    allowed
        .read(|conn, rights| {
            type Row = (Id, Option<String>, Option<String>, Timestamp, Timestamp, Timestamp);
            let rows: Vec<Row> = sessions::table
                .filter(sessions::user_id.eq(rights.user_id()))
                .filter(sessions::ended_at.is_null())
                .filter(sessions::expires_at.gt(rights.now))
                .order((sessions::created_at.desc(), sessions::id.desc()))
                .select((
                    sessions::id,
                    sessions::device_id,
                    sessions::device_name,
                    sessions::created_at,
                    sessions::last_used_at,
                    sessions::expires_at,
                ))
                .load(conn)?;
            let views = rows.into_iter().map(|(id, device_id, device_name, created_at, last_used_at, expires_at)| {
                let current = id == rights.caller.session_id;
                SessionView { id, device_id, device_name, created_at, last_used_at, expires_at, current }
            });
            Page::whole(views.collect()).reply()
        })
        .await
}

/// End one of the own sessions
#[utoipa::path(
    tag = "accounts",
    params(("id" = Id, Path, description = "Of the session")),
    responses((status = 204, description = "Ended")),
    extensions(("x-permission" = json!("own account")))
)]
#[delete("/auth/sessions/{id}")]
pub async fn remove(allowed: Allowed<account::Own>, id: PathId) -> Result<Reply, Problem> {
    allowed.write_unkept(move |tx, rights| end(tx, rights.user_id(), id.0, "ended_by_user")).await
}
