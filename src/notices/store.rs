//! Making notices: each once, with its recipients, in the transaction of what it tells of.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;
use serde_json::Value;

use super::audience::{Audience, Directory};
use super::kind::Kind;
use crate::hazards::status::Colour;
use crate::on_conn;
use crate::platform::db::schema::{notice_recipients, notices};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::Problem;

/// Something to tell.
#[derive(Debug, Clone)]
pub struct Notice {
    /// What is told.
    pub kind: Kind,
    /// The noun it is about: `hazard`, `user` …; decides what sight the reader needs.
    pub entity: &'static str,
    /// The record it is about.
    pub entity_id: Id,
    /// Bureau and organisation of the record; nothing for accounts.
    pub place: Option<(Id, Id)>,
    /// How pressing it is.
    pub colour: Option<Colour>,
    /// The deadline it is about.
    pub due_at: Option<Timestamp>,
    /// The same key is never told twice.
    pub dedupe: String,
    /// References and words for the text; no personal data, no free text of people.
    pub payload: Value,
}

impl Notice {
    /// A notice about a record; `occasion` tells this occasion from others of the same kind and record (a version, a
    /// round, a deadline).
    #[must_use]
    pub fn about(kind: Kind, entity: &'static str, entity_id: Id, occasion: impl std::fmt::Display) -> Self {
        Self {
            kind,
            entity,
            entity_id,
            place: None,
            colour: None,
            due_at: None,
            dedupe: format!("{kind}:{entity_id}:{occasion}"),
            payload: Value::Object(serde_json::Map::new()),
        }
    }

    /// Where the record belongs.
    #[must_use]
    pub const fn at(mut self, bureau_id: Id, org_id: Id) -> Self {
        self.place = Some((bureau_id, org_id));
        self
    }

    /// The deadline it is about.
    #[must_use]
    pub const fn due(mut self, due_at: Option<Timestamp>) -> Self {
        self.due_at = due_at;
        self
    }

    /// How pressing it is.
    #[must_use]
    pub const fn colour(mut self, colour: Colour) -> Self {
        self.colour = Some(colour);
        self
    }

    /// References and words.
    #[must_use]
    pub fn with(mut self, payload: Value) -> Self {
        self.payload = payload;
        self
    }
}

/// Tells everybody in the audiences, the actor apart. The same dedupe key is told once; with nobody to tell nothing is
/// stored.
///
/// # Errors
/// Whatever the engine says.
pub fn tell(tx: &mut Tx<'_>, notice: &Notice, audiences: &[Audience]) -> Result<(), Problem> {
    tell_first(tx, notice, &[audiences])
}

/// As [`tell`], to the first of several groups in which there is anybody at all.
///
/// # Errors
/// Whatever the engine says.
pub fn tell_first(tx: &mut Tx<'_>, notice: &Notice, groups: &[&[Audience]]) -> Result<(), Problem> {
    let directory = Directory::load(tx.conn, groups.iter().copied().flatten(), tx.now)?;
    let people = groups.iter().map(|group| directory.find(group)).find(|people| !people.is_empty());
    tell_all(tx, vec![(notice.clone(), people.unwrap_or_default())]).map(drop)
}

#[derive(Insertable)]
#[diesel(table_name = notices, treat_none_as_default_value = false)]
struct NewNotice<'a> {
    id: Id,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    bureau_id: Option<Id>,
    org_id: Option<Id>,
    kind: Kind,
    entity: &'a str,
    entity_id: Id,
    colour: Option<Colour>,
    due_at: Option<Timestamp>,
    dedupe: &'a str,
    payload: Doc,
}

#[derive(Insertable, Clone)]
#[diesel(table_name = notice_recipients, treat_none_as_default_value = false)]
struct NewRecipient {
    notice_id: Id,
    user_id: Id,
    created_at: Timestamp,
    read_at: Option<Timestamp>,
}

/// Rows of one statement: SQLite binds at most 32 766 values.
const ROWS: usize = 2_000;

/// Stores notices with the people they are for, the actor apart; those already told, and those for nobody, are left
/// out. Gives those that were new. Few statements however many notices.
///
/// # Errors
/// Whatever the engine says.
pub fn tell_all(tx: &mut Tx<'_>, told: Vec<(Notice, BTreeSet<Id>)>) -> Result<Vec<Notice>, Problem> {
    let actor = tx.work.actor;
    let mut told: Vec<(Id, Notice, BTreeSet<Id>)> = told
        .into_iter()
        .filter_map(|(notice, mut people)| {
            people.retain(|person| Some(*person) != actor);
            (!people.is_empty()).then(|| (tx.new_id(), notice, people))
        })
        .collect();
    let mut keys = HashSet::new();
    told.retain(|(_, notice, _)| keys.insert(notice.dedupe.clone()));
    if tx.conn.is_sqlite() {
        // The one writer: what is not there now is not there at the insert either.
        let known = known(tx.conn, told.iter().map(|(_, notice, _)| notice.dedupe.as_str()))?;
        told.retain(|(_, notice, _)| !known.contains(&notice.dedupe));
    }
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now;
    let rows: Vec<NewNotice<'_>> = told.iter().map(|(id, notice, _)| new_notice(*id, notice, now)).collect();
    let stored: HashSet<Id> = match &mut *tx.conn {
        Conn::Sqlite(conn) => {
            diesel::insert_into(notices::table).values(&rows).execute(conn)?;
            told.iter().map(|(id, _, _)| *id).collect()
        }
        Conn::Postgres(conn) => diesel::insert_into(notices::table)
            .values(&rows)
            .on_conflict(notices::dedupe)
            .do_nothing()
            .returning(notices::id)
            .load(conn)?
            .into_iter()
            .collect(),
    };
    told.retain(|(id, _, _)| stored.contains(id));
    let recipient = |notice_id: Id, user_id: Id| NewRecipient { notice_id, user_id, created_at: now, read_at: None };
    let recipients: Vec<NewRecipient> =
        told.iter().flat_map(|(id, _, people)| people.iter().map(|person| recipient(*id, *person))).collect();
    for some in recipients.chunks(ROWS) {
        let some = some.to_vec();
        on_conn!(&mut *tx.conn, conn => diesel::insert_into(notice_recipients::table).values(&some).execute(conn)?);
    }
    Ok(told.into_iter().map(|(_, notice, _)| notice).collect())
}

fn new_notice(id: Id, notice: &Notice, now: Timestamp) -> NewNotice<'_> {
    NewNotice {
        id,
        version: 1,
        created_at: now,
        updated_at: now,
        bureau_id: notice.place.map(|(bureau, _)| bureau),
        org_id: notice.place.map(|(_, org)| org),
        kind: notice.kind,
        entity: notice.entity,
        entity_id: notice.entity_id,
        colour: notice.colour,
        due_at: notice.due_at,
        dedupe: &notice.dedupe,
        payload: Doc(notice.payload.clone()),
    }
}

/// Which of these keys were told already.
///
/// # Errors
/// Whatever the engine says.
pub fn known<'a>(conn: &mut Conn, keys: impl Iterator<Item = &'a str>) -> Result<HashSet<String>, Problem> {
    let keys: Vec<&str> = keys.collect();
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<String> = notices::table.filter(notices::dedupe.eq_any(keys)).select(notices::dedupe).load(conn)?;
    Ok(found.into_iter().collect())
}
