//! What accompanies a hazard beside its state: extensions (延期), supervised listing (挂牌督办) with progress reports,
//! stop of use (停用), referral to other authorities (抄告/移送).
//!
//! None of it is a state. Each has rows of its own, and what lists and decisions need of them stands on the hazard's row
//! as its marks, so that nothing asks a query per row.
//!
//! * [`words`]: the words. [`rules`]: who may do what when, pure. [`progress`]: the quarters in which a major reports.
//! * [`store`]: the rows; every change is one journal entry of the hazard, whose history so reads as a story.

pub mod progress;
pub mod routes;
pub mod rules;
pub mod store;
pub mod words;

pub use routes::routes;
