//! Documents (文书): what is handed to a school on paper and kept for years.
//!
//! A record of an on-site inspection (现场检查记录), a notice of rectification (整改通知书) and an opinion of recheck
//! (复查意见书), each with the fields of `domain.md` §2.9. A document is frozen when it is issued: [`content`] is kept as
//! the very text that was hashed, and the hash is in the journal, so that nothing that happens to the hazard later
//! changes what was handed over. Its [`number`] is taken in the same transaction, without gaps per bureau, type and
//! year. A void one keeps its number and its reason; a better one names the one it replaces.
//!
//! Nothing of an inspection can be issued before it was handed in, so before its check-in there is no document and no
//! number of it. Which hazards a document may tell of is decided in [`rules`]; [`print`] makes the page for A4.

pub mod bodies;
pub mod content;
pub mod number;
pub mod print;
mod routes;
pub mod rules;
pub mod store;
pub mod words;

pub use routes::routes;
