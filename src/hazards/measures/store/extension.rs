//! Requests for more time (延期) and their decisions.

use diesel::prelude::*;
use serde_json::json;

use super::{Sent, hand, kept, marked, page_of, refused, save};
use crate::access::Rights;
use crate::hazards::deadline;
use crate::hazards::measures::rules::{self, Asked, DECISION_WORKING_DAYS};
use crate::hazards::measures::words::ExtensionStatus;
use crate::hazards::store::days::Days;
use crate::hazards::store::{Row, read};
use crate::notices::measures as told;
use crate::platform::db::schema::hazard_extensions;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{List, Page};

/// A request as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = hazard_extensions)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Extension {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub hazard_id: Id,
    pub serial: i32,
    pub reason: String,
    pub interim_controls: String,
    pub due_at: Timestamp,
    pub due_before: Timestamp,
    pub status: ExtensionStatus,
    pub decide_by: Timestamp,
    pub decided_by: Option<Id>,
    pub decided_at: Option<Timestamp>,
    pub opinion: Option<String>,
}

kept!(Extension, hazard_extensions);

/// A request of the school; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Request {
    /// Why the deadline cannot be met.
    pub reason: String,
    /// What keeps people safe meanwhile.
    pub interim_controls: String,
    /// The new deadline asked for.
    pub due_at: Timestamp,
}

/// Asks for more time.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn ask(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    sent: Sent,
    request: Request,
) -> Result<(Row, Extension, Receipt), Problem> {
    let zone = read::zone_of(tx.conn, row.bureau_id)?;
    let days = Days::of(tx.conn, row.bureau_id, zone)?;
    let hand = hand(tx.conn, rights, row)?;
    let standing = row.standing();
    let marks = rules::ask_extension(&standing, &hand, tx.now.utc(), zone, days.calendar()).map_err(refused)?;
    let due_before = row.due_at.ok_or_else(|| Problem::internal("an extension without a deadline"))?;
    let last: Option<i32> = hazard_extensions::table
        .filter(hazard_extensions::hazard_id.eq(row.id))
        .select(diesel::dsl::max(hazard_extensions::serial))
        .first(tx.conn)?;
    let made = Extension {
        id: sent.id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        body_hash: sent.body_hash,
        bureau_id: row.bureau_id,
        org_id: row.org_id,
        hazard_id: row.id,
        serial: last.unwrap_or(0) + 1,
        reason: request.reason,
        interim_controls: request.interim_controls,
        due_at: request.due_at,
        due_before,
        status: ExtensionStatus::Pending,
        decide_by: days.working(tx.now, DECISION_WORKING_DAYS).at.into(),
        decided_by: None,
        decided_at: None,
        opinion: None,
    };
    diesel::insert_into(hazard_extensions::table).values(&made).execute(tx.conn)?;
    let after = marked(tx, row, marks);
    let words = json!({
        "extension_id": made.id, "serial": made.serial, "reason": made.reason,
        "interim_controls": made.interim_controls, "asked_due_at": made.due_at, "decide_by": made.decide_by,
    });
    let receipt = save(tx, row, &after, "extension_asked", words)?;
    told::extension_asked(tx, &after, made.id, hand.extend.issued_by_the_school)?;
    Ok((after, made, receipt))
}

/// A request of this hazard.
///
/// # Errors
/// 404 where there is none.
pub fn of_hazard(conn: &mut Conn, hazard_id: Id, id: Id) -> Result<Extension, Problem> {
    Ok(hazard_extensions::table
        .find(id)
        .filter(hazard_extensions::hazard_id.eq(hazard_id))
        .select(Extension::as_select())
        .first(conn)?)
}

/// Decides a request.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn decide(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    asked: Extension,
    approve: bool,
    opinion: String,
) -> Result<(Row, Extension, Receipt), Problem> {
    use hazard_extensions as e;
    let hand = hand(tx.conn, rights, row)?;
    let request = Asked { by: asked.created_by.0, due_at: asked.due_at.utc(), status: asked.status };
    let decided = rules::decide_extension(&row.standing(), &hand, request, approve).map_err(refused)?;
    let mut after = marked(tx, row, decided.marks);
    if let Some(due_at) = decided.due_at {
        let given = deadline::given(due_at, read::zone_of(tx.conn, row.bureau_id)?);
        (after.due_at, after.due_on) = (Some(given.at.into()), Some(given.date));
        (after.policy_id, after.calendar_provisional) = (None, given.provisional);
    }
    let made = Extension {
        version: asked.version + 1,
        updated_at: tx.now,
        status: if approve { ExtensionStatus::Granted } else { ExtensionStatus::Refused },
        decided_by: Some(rights.user_id()),
        decided_at: Some(tx.now),
        opinion: Some(opinion),
        ..asked
    };
    diesel::update(e::table.find(made.id))
        .set((
            e::version.eq(made.version),
            e::updated_at.eq(made.updated_at),
            e::status.eq(made.status),
            e::decided_by.eq(made.decided_by),
            e::decided_at.eq(made.decided_at),
            e::opinion.eq(&made.opinion),
        ))
        .execute(tx.conn)?;
    let action = if approve { "extension_granted" } else { "extension_refused" };
    let words = json!({ "extension_id": made.id, "serial": made.serial, "opinion": made.opinion });
    let receipt = save(tx, row, &after, action, words)?;
    told::extension_decided(tx, &after, (made.id, made.created_by), approve)?;
    Ok((after, made, receipt))
}

/// A page of the requests of a hazard that the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn list<F>(conn: &mut Conn, hazard_id: Id, list: &List<F>) -> Result<Page<Extension>, Problem> {
    page_of!(conn, hazard_extensions, Extension, hazard_id, list)
}
