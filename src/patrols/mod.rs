//! Patrol points 巡查点位: labels with QR codes for the places of a school, and the scans of a patrol's round.
//!
//! The label of a place carries its code. Whoever is on the team of an inspection in progress reads it with a phone: the
//! point counts as reached at the server's time, with what the device says of time and place beside it. Which points of
//! the round are still missing is a fact of its own; it refuses nothing.

mod labels;
mod routes;
mod scans;

pub use routes::routes;
