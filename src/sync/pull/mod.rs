//! Fetching: a cursor names a mark of a reader; between marks come whole rows that changed, in the commit order of the
//! journal, and the ids of what was taken out of sight.
//!
//! The view of a reader is the REST scope of its person: [`collections`] asks the same conditions. What a reader holds is
//! kept by the journal's readers, so that a scope that shrinks takes back exactly what was given, and one that grows
//! gives exactly what was not. [`cursor`]: what a phone keeps. [`page`]: one answer. [`sums`]: whether both sides hold
//! the same.

pub mod collections;
pub mod cursor;
pub mod page;
pub mod sums;
