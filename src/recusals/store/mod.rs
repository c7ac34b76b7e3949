//! Queries of recusals and their overrides.

mod overrides;
mod record;
mod team;

pub use overrides::{approve, ask, of as override_of, stored as stored_override};
pub use record::{OverrideView, RecusalRow, RecusalView, create, end, list, one, one_to_change, stored, view};
pub use team::{bind, check_team, excluded_pairs};
