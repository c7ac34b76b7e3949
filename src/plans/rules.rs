//! Pure decisions about plans.

mod outcome;
mod recurrence;
mod roster;

pub use outcome::{Facts, MatrixStatus, OccurrenceStatus, Window, outcome};
pub use recurrence::{Every, Occurrence, Recurrence, Schedule};
pub use roster::{Short, round_robin};

use crate::access::Limit;
use crate::inspections::rules::InspectionKind;

crate::text_enum! {
    /// Where a plan stands.
    pub enum PlanStatus {
        /// Drawn up; nothing comes of it yet.
        Draft = "draft",
        /// In force.
        Active = "active",
        /// Nothing comes of it until it is resumed.
        Paused = "paused",
        /// Over.
        Ended = "ended",
    }
}

/// Whether a right to plan with this limit makes and moves plans of these kinds. Who plans for oneself alone plans single
/// inspections.
#[must_use]
pub fn may_keep(limit: Limit, kinds: &[InspectionKind], announced: bool) -> bool {
    match limit {
        Limit::Full => true,
        Limit::Unannounced => !announced,
        Limit::SelfCheckOrPatrol => kinds.iter().all(|kind| kind.of_school()),
        _ => false,
    }
}
