//! What every installation has from the start: checklists and deadline policies, shared by all bureaus.

use crate::hazards::store::policies;
use crate::platform::db::{Db, Work};
use crate::platform::error::Problem;

/// Installs what is missing; nothing where all is there. Safe to call at every start, on any number of nodes.
///
/// # Errors
/// Whatever the engine says.
pub async fn install(db: &Db) -> Result<(), Problem> {
    db.write(Work::default(), crate::platform::journal::epoch::install).await?;
    db.write(Work::default(), crate::catalogue::store::install).await?;
    db.write(Work::default(), policies::install).await?;
    Ok(())
}
