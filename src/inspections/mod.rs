//! Going to a school and looking: who, when, with which checklists, and what was found item by item.
//!
//! An inspection is planned for a team, started by a check-in at the school, answered item by item and submitted.
//! From the start it has one answer row for each item that concerns the school; submitting makes one hazard of each
//! failed item. The school acknowledges, objects, or is recorded as refusing; the bureau confirms. Nothing is
//! deleted: what should not have been is void, with a reason. Decisions without IO are in [`rules`].

pub mod acts;
pub mod routes;
pub mod rules;
pub mod store;

pub use routes::routes;
