//! Queries of draws: gathering and freezing the pools, the steps, what is shown.

mod freeze;
mod inspectors;
mod record;
mod schools;
mod steps;

pub use freeze::{bureau_of, create};
pub use record::{DrawRecord, DrawSummary, Seen, list, one, one_to_change, proof, stored, view};
pub use steps::{commit, entropy, publish, reveal, run, void};
