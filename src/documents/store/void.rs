//! Declaring a document void. It keeps its number and what it says.

use diesel::prelude::*;
use serde_json::json;

use super::record::{DocumentView, Row, view};
use super::standing::must_stand;
use crate::access::scope::org_ref;
use crate::access::{Limit, Permission, Rights};
use crate::notices::visits as told;
use crate::platform::db::schema::{document_domains, documents};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::journal::Event;

/// Refuses whoever may not withdraw this document: its issuer may, and the bureau within its domains.
///
/// # Errors
/// 403.
pub fn may_withdraw(conn: &mut Conn, rights: &Rights, row: &Row) -> Result<(), Problem> {
    let org = org_ref(conn, row.org_id)?;
    let domains: Vec<String> = document_domains::table
        .filter(document_domains::document_id.eq(row.id))
        .select(document_domains::domain)
        .load(conn)?;
    let scope = rights.of(Permission::DocumentVoid);
    let may = scope.reaches_to(conn, &org)?.into_iter().any(|reach| {
        domains.iter().all(|domain| reach.has_domain(domain))
            && match reach.limit {
                Limit::Full => true,
                Limit::Own => row.created_by == rights.user_id(),
                _ => false,
            }
    });
    if may { Ok(()) } else { Err(Problem::new(Code::Forbidden)) }
}

/// Declares a document void.
///
/// # Errors
/// 403 where it is not the caller's to withdraw; 409 where it is void or replaced already.
pub fn void(tx: &mut Tx<'_>, rights: &Rights, row: &Row, reason: &str) -> Result<(Receipt, DocumentView), Problem> {
    may_withdraw(tx.conn, rights, row)?;
    must_stand(tx.conn, row)?;
    let after = Row {
        version: row.version + 1,
        updated_at: tx.now,
        voided_at: Some(tx.now),
        voided_by: Some(rights.user_id()),
        void_reason: Some(reason.to_owned()),
        ..row.clone()
    };
    diesel::update(documents::table.find(row.id))
        .set((
            documents::version.eq(after.version),
            documents::updated_at.eq(after.updated_at),
            documents::voided_at.eq(after.voided_at),
            documents::voided_by.eq(after.voided_by),
            documents::void_reason.eq(&after.void_reason),
        ))
        .execute(tx.conn)?;
    let event = Event::of("document", row.id, "voided").at(row.bureau_id, row.org_id);
    let receipt = tx.record(event.with(json!({"number": row.number, "reason": reason})))?;
    told::document(tx, crate::notices::Kind::DocumentVoided, &after)?;
    Ok((receipt, view(tx.conn, after)?))
}
