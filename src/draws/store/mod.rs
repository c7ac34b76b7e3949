//! Queries of draws: gathering and freezing the pools, the steps, what is shown.

mod freeze;
mod inspectors;
mod made;
mod record;
mod schools;
mod show;
mod steps;

pub use freeze::{bureau_of, create};
pub use made::{day_as_frozen, is_drawn, make};
pub use record::{DrawRecord, DrawSummary, Seen, list, one, one_to_change, stored};
pub use show::{again, proof, view};
pub use steps::{commit, entropy, publish, reveal, run, void};
