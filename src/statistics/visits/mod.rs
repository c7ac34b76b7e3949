//! Statistics of inspections: which schools were visited, which items fail, how much each inspector carries.
//!
//! All of it is read through the sight of inspections, so what is hidden from a caller is not counted for that caller
//! either. An inspection counts from its check-in; void ones never do.

pub mod routes;
mod store;
