//! Offline work: what phones hand in and what they fetch.
//!
//! A phone keeps what it did as operations and hands them in by [`push`](routes::push): each goes into the ledger with
//! its body as it came, in the same transaction as its effect, whatever becomes of it. An operation calls the very
//! function that the request for the same thing calls; what that refuses is kept for people to see. A phone fetches by
//! pull: whole rows that changed, in the commit order of the journal, through the same scope as every list.
//!
//! * [`op`]: an operation as it came. [`merge`]: two phones and one answer, field by field. [`apply`]: doing it.
//!   [`judge`]: what becomes of a refusal. [`batch`]: one transaction of a push. [`held`]: what waits for something.
//! * [`ledger`], [`device`]: the rows. [`receipt`]: what a phone may rely on. [`stand_in`]: whose right, whose work.
//! * [`pull`]: cursors, collections, what a reader no longer sees. [`routes`]: HTTP.

pub mod answers;
pub mod apply;
pub mod batch;
pub mod device;
pub mod held;
pub mod judge;
pub mod ledger;
pub mod merge;
pub mod op;
pub mod pull;
pub mod receipt;
pub mod routes;
pub mod stand_in;

pub use routes::routes;
