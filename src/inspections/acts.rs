//! What a request and an operation handed in from offline do alike, from sight to the answer.

use crate::access::Rights;
use crate::inspections::store::{self, CheckIn, NewInspection, Submit};
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Reply};

/// Plans an inspection.
///
/// # Errors
/// As `POST /inspections`.
pub fn create(tx: &mut Tx<'_>, rights: &Rights, body: &Body<NewInspection>) -> Result<Commit<Reply>, Problem> {
    let new = body.get()?;
    let org = rights.scope().org(tx.conn, new.org_id)?;
    store::may_keep_secret(rights, &org, new)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    if let Some(view) = store::stored(tx.conn, new.id, rights.user_id(), &body.hash)? {
        return Ok(Commit::unchanged(Reply::record(&view)?));
    }
    let (receipt, view) = store::create(tx, rights, &org, new, &body.hash)?;
    Ok(receipt.with(Reply::created(&format!("/inspections/{}", view.id), &view)?))
}

/// Checks in.
///
/// # Errors
/// As `POST /inspections/{id}/check-in`.
pub fn check_in(tx: &mut Tx<'_>, rights: &Rights, id: Id, body: &Body<CheckIn>) -> Result<Commit<Reply>, Problem> {
    let seen = store::seen_to_change(tx.conn, rights, id)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    let (receipt, view) = store::check_in(tx, rights, &seen, body.get()?)?;
    Ok(receipt.with(Reply::record(&view)?))
}

/// Hands an inspection in.
///
/// # Errors
/// As `POST /inspections/{id}/submit`.
pub fn submit(tx: &mut Tx<'_>, rights: &Rights, id: Id, body: &Body<Submit>) -> Result<Commit<Reply>, Problem> {
    let seen = store::seen_to_change(tx.conn, rights, id)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    let (receipt, submitted) = store::submit(tx, rights, &seen, body.get()?)?;
    Ok(receipt.with(Reply::value(&submitted)?))
}
