//! What stands: documents neither void nor replaced, and the one that is to be replaced.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::record::{Row, one_to_change};
use super::void::may_withdraw;
use crate::access::Rights;
use crate::documents::words::{DocumentRefusal, DocumentType};
use crate::platform::db::Conn;
use crate::platform::db::schema::{document_hazards, documents};
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// 409 naming every rule in the way, each with what it is about.
pub fn refused(refusals: Vec<(DocumentRefusal, String)>) -> Problem {
    let fault = |(refusal, about): (DocumentRefusal, String)| {
        let (zh, en) = refusal.words();
        let join =
            |words: &str, with: &str| if about.is_empty() { words.to_owned() } else { format!("{about}{with}{words}") };
        FieldError::new("", refusal.as_str(), join(zh, "："), join(en, ": "))
    };
    Problem::new(Code::StateConflict).errors(refusals.into_iter().map(fault).collect())
}

/// The document that a new one about the same subject replaces, held until the end of the transaction.
///
/// # Errors
/// 404 where it is out of sight; 403 where it is not the caller's to withdraw; 422 for another type or subject; 409
/// where it is void or replaced already.
pub fn replaced(
    conn: &mut Conn,
    rights: &Rights,
    id: Option<Id>,
    kind: DocumentType,
    about: (Option<Id>, Option<Id>),
) -> Result<Option<Row>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let row = one_to_change(conn, rights, id)?;
    may_withdraw(conn, rights, &row)?;
    if row.kind != kind || (row.inspection_id, row.hazard_id) != about {
        let (zh, en) = ("须为同一对象的同类文书", "must be of the same type and about the same subject");
        return Err(Problem::invalid(FieldError::new("/supersedes", "another_subject", zh, en)));
    }
    must_stand(conn, &row)?;
    Ok(Some(row))
}

/// Refuses what is withdrawn already. A replaced document is not declared void beside: with it out of the chain, what
/// it replaced itself would stand again.
///
/// # Errors
/// 409 where it is void or replaced.
pub fn must_stand(conn: &mut Conn, row: &Row) -> Result<(), Problem> {
    let later: Option<String> = documents::table
        .filter(documents::supersedes.eq(row.id))
        .filter(documents::voided_at.is_null())
        .select(documents::number)
        .first(conn)
        .optional()?;
    let mut refusals = Vec::new();
    if row.voided_at.is_some() {
        refusals.push((DocumentRefusal::AlreadyVoid, row.number.clone()));
    }
    refusals.extend(later.map(|number| (DocumentRefusal::Superseded, number)));
    if refusals.is_empty() { Ok(()) } else { Err(refused(refusals)) }
}

/// Of these documents, those that are replaced by one that is not void.
fn superseded(conn: &mut Conn, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    let found: Vec<Option<Id>> = documents::table
        .filter(documents::supersedes.eq_any(ids.iter().copied().map(Some)))
        .filter(documents::voided_at.is_null())
        .select(documents::supersedes)
        .load(conn)?;
    Ok(found.into_iter().flatten().collect())
}

/// By (hazard, round), the number of the standing document of a type that tells of it; the one to be replaced apart.
///
/// # Errors
/// Whatever the engine says.
pub fn telling_of(
    conn: &mut Conn,
    kind: DocumentType,
    hazards: &[Id],
    but: Option<Id>,
) -> Result<BTreeMap<(Id, i32), String>, Problem> {
    let found: Vec<(Id, Id, i32, String)> = document_hazards::table
        .inner_join(documents::table.on(documents::id.eq(document_hazards::document_id)))
        .filter(document_hazards::hazard_id.eq_any(hazards))
        .filter(documents::kind.eq(kind))
        .filter(documents::voided_at.is_null())
        .order((documents::created_at, documents::id))
        .select((documents::id, document_hazards::hazard_id, document_hazards::round, documents::number))
        .load(conn)?;
    let ids: Vec<Id> = found.iter().map(|row| row.0).collect();
    let gone = superseded(conn, &ids)?;
    let stands = |row: &(Id, Id, i32, String)| !gone.contains(&row.0) && Some(row.0) != but;
    Ok(found.into_iter().filter(stands).map(|(_, hazard, round, number)| ((hazard, round), number)).collect())
}

/// The number of the standing record of an inspection; the one to be replaced apart.
///
/// # Errors
/// Whatever the engine says.
pub fn record_of(conn: &mut Conn, inspection_id: Id, but: Option<Id>) -> Result<Option<String>, Problem> {
    let found: Vec<(Id, String)> = documents::table
        .filter(documents::inspection_id.eq(inspection_id))
        .filter(documents::kind.eq(DocumentType::OnSiteRecord))
        .filter(documents::voided_at.is_null())
        .select((documents::id, documents::number))
        .load(conn)?;
    let ids: Vec<Id> = found.iter().map(|row| row.0).collect();
    let gone = superseded(conn, &ids)?;
    Ok(found.into_iter().find(|(id, _)| !gone.contains(id) && Some(*id) != but).map(|(_, number)| number))
}
