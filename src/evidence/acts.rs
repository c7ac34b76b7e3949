//! What requests and pushed operations do alike.

use super::body::Declaration;
use super::store::{self, Declared};
use crate::access::Rights;
use crate::platform::db::{Commit, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Reply};

/// Declares a piece of evidence.
///
/// # Errors
/// As [`store::declare`].
pub fn declare(tx: &mut Tx<'_>, rights: &Rights, body: &Body<Declaration>) -> Result<Commit<Reply>, Problem> {
    let declaration = body.get()?;
    let place = store::place(tx, rights, declaration)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    Ok(match store::declare_at(tx, rights, declaration, &place)? {
        Declared::Again(view) => Commit::unchanged(Reply::record(&view)?),
        Declared::New(receipt, view) => receipt.with(Reply::created(&format!("/evidence/{}", view.id), &view)?),
    })
}
