//! Stop of use (停用), and lifting it.

use diesel::prelude::*;
use serde_json::json;

use super::{Sent, hand, kept, marked, page_of, refused, save};
use crate::access::Rights;
use crate::hazards::measures::rules;
use crate::hazards::store::Row;
use crate::notices::{Kind, measures as told};
use crate::platform::db::schema::hazard_suspensions;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{List, Page};

/// A stop of use as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = hazard_suspensions)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Suspension {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub hazard_id: Id,
    pub scope: String,
    pub reason: String,
    pub since: Timestamp,
    pub lifted_at: Option<Timestamp>,
    pub lifted_by: Option<Id>,
    pub opinion: Option<String>,
}

kept!(Suspension, hazard_suspensions);

/// A stop of use to order; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Request {
    /// What may not be used.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// From when on; now where absent.
    pub since: Option<Timestamp>,
}

/// Stops the use of something.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn suspend(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    sent: Sent,
    request: Request,
) -> Result<(Row, Suspension, Receipt), Problem> {
    let hand = hand(tx.conn, rights, row)?;
    let marks = rules::suspend(&row.standing(), &hand).map_err(refused)?;
    let made = Suspension {
        id: sent.id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        body_hash: sent.body_hash,
        bureau_id: row.bureau_id,
        org_id: row.org_id,
        hazard_id: row.id,
        scope: request.scope,
        reason: request.reason,
        since: request.since.unwrap_or(tx.now),
        lifted_at: None,
        lifted_by: None,
        opinion: None,
    };
    diesel::insert_into(hazard_suspensions::table).values(&made).execute(tx.conn)?;
    let after = marked(tx, row, marks);
    let words = json!({
        "suspension_id": made.id, "scope": made.scope, "reason": made.reason, "since": made.since,
    });
    let receipt = save(tx, row, &after, "suspended", words)?;
    told::school_told(tx, Kind::UseStopped, &after)?;
    Ok((after, made, receipt))
}

/// Lifts the stop of use in force.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn lift(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    opinion: String,
) -> Result<(Row, Suspension, Receipt), Problem> {
    use hazard_suspensions as s;
    let hand = hand(tx.conn, rights, row)?;
    let marks = rules::lift(&row.standing(), &hand).map_err(refused)?;
    let standing: Suspension = s::table
        .filter(s::hazard_id.eq(row.id))
        .filter(s::lifted_at.is_null())
        .order(s::created_at.desc())
        .select(Suspension::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Problem::internal("a stop of use without its row"))?;
    let made = Suspension {
        version: standing.version + 1,
        updated_at: tx.now,
        lifted_at: Some(tx.now),
        lifted_by: Some(rights.user_id()),
        opinion: Some(opinion),
        ..standing
    };
    diesel::update(s::table.find(made.id))
        .set((
            s::version.eq(made.version),
            s::updated_at.eq(made.updated_at),
            s::lifted_at.eq(made.lifted_at),
            s::lifted_by.eq(made.lifted_by),
            s::opinion.eq(&made.opinion),
        ))
        .execute(tx.conn)?;
    let after = marked(tx, row, marks);
    let words = json!({ "suspension_id": made.id, "opinion": made.opinion });
    let receipt = save(tx, row, &after, "suspension_lifted", words)?;
    told::school_told(tx, Kind::UseResumed, &after)?;
    Ok((after, made, receipt))
}

/// A page of the stops of use of a hazard that the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn list<F>(conn: &mut Conn, hazard_id: Id, list: &List<F>) -> Result<Page<Suspension>, Problem> {
    page_of!(conn, hazard_suspensions, Suspension, hazard_id, list)
}
