//! Queries over hazards. Reads go through the caller's scope; every change writes row, counters and journal together.

pub mod by_record;
pub mod comments;
pub mod days;
pub mod documented;
pub mod edit;
pub mod people;
pub mod policies;
pub mod powers;
pub mod read;
pub mod recurrence;
pub mod register;
pub mod report;
pub mod row;
pub mod transition;
pub mod walk;

pub use powers::Powers;
pub use register::{NewHazard, OnSpot, register};
pub use row::{Round, Row};
