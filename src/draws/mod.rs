//! Double-random draws (双随机): which schools are inspected and who goes there, decided by nobody.
//!
//! A draw freezes its pools first: schools with weights by risk and time since the last visit, inspectors, who must not
//! meet whom. Then seeds are promised by their hashes, by two officials or by one beside a public source named
//! beforehand; only when all have promised is any seed shown; from seeds and pool the result follows by the algorithm of
//! `docs/draws.md`, once. Every step is in the journal of the bureau's side with its hash, at the moment it happens. The
//! proof, open once the drawn inspections have begun, lets anybody compute all of it again (`anxiao draw verify`).
//! [`algorithm`], [`pool`], [`proof`] and [`rules`] are pure. Schools learn nothing of any of it, and whoever belongs to
//! a school of the pool sees neither seeds nor results before the proof is open.

pub mod algorithm;
pub mod bodies;
pub mod pool;
pub mod proof;
pub mod routes;
pub mod rules;
pub mod store;

pub use routes::routes;
