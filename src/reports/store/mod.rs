//! Queries of reports.

pub mod contacts;
pub mod public;
pub mod read;
mod row;
pub mod send;
pub mod suggest;
pub mod triage;

pub use row::Row;
