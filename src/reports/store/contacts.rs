//! The compartment in the database.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::platform::db::schema::report_contacts;
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Db};
use crate::platform::error::Problem;
use crate::reports::compartment::Sealed;

/// Stores the sealed contact of a report.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn put(conn: &mut Conn, report_id: Id, sealed: &Sealed) -> Result<(), Problem> {
    diesel::insert_into(report_contacts::table)
        .values((
            report_contacts::report_id.eq(report_id),
            report_contacts::key_id.eq(&sealed.key_id),
            report_contacts::nonce.eq(&sealed.nonce),
            report_contacts::sealed.eq(&sealed.bytes),
        ))
        .execute(conn)?;
    Ok(())
}

/// The sealed contact of a report, where there is one.
///
/// # Errors
/// Whatever the engine says.
pub fn of(conn: &mut Conn, report_id: Id) -> Result<Option<Sealed>, Problem> {
    let found: Option<(String, Vec<u8>, Vec<u8>)> = report_contacts::table
        .find(report_id)
        .select((report_contacts::key_id, report_contacts::nonce, report_contacts::sealed))
        .first(conn)
        .optional()?;
    Ok(found.map(|(key_id, nonce, bytes)| Sealed { key_id, nonce, bytes }))
}

/// What the operator must know of contacts whose keys are not at hand; nothing where all is well.
///
/// # Errors
/// Whatever the engine says.
pub fn unopened_in(conn: &mut Conn, keys: &[String]) -> Result<Option<String>, Problem> {
    let sealed: Vec<(String, i64)> = report_contacts::table
        .group_by(report_contacts::key_id)
        .order(report_contacts::key_id)
        .select((report_contacts::key_id, count_star()))
        .load(conn)?;
    let strange: Vec<(String, i64)> = sealed.into_iter().filter(|(key, _)| !keys.contains(key)).collect();
    if strange.is_empty() {
        return Ok(None);
    }
    let number: i64 = strange.iter().map(|(_, number)| number).sum();
    let names: Vec<String> = strange.into_iter().map(|(key, _)| key).collect();
    Ok(Some(format!(
        "{number} contacts of reporters were sealed with a key that the contact key file does not hold ({}): put the \
         seed of that key back, behind the present one",
        names.join(", ")
    )))
}

/// The same, at start.
///
/// # Errors
/// Whatever the engine says.
pub async fn unopened(db: &Db, keys: Vec<String>) -> Result<Option<String>, Problem> {
    db.read(move |conn| unopened_in(conn, &keys)).await
}
