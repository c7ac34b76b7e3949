//! Reports: what a member of staff hints, an external inspector suggests or the public points out. Not yet a hazard and
//! without a number, until somebody triages it (accept, duplicate, out of scope, transferred).
//!
//! A school learns of a suggestion or a public report only as the hazard it becomes, and never who reported: the
//! public's contact lies in a compartment under a key that is not in the database, and opening it is journalled.
//!
//! * [`words`]: the enumerations. [`rules`]: who may triage what, and how far a reporter is told it has come.
//! * [`tracking`]: the code a reporter keeps. [`compartment`]: the sealed contact.
//! * `store`: queries. `routes`: HTTP.

pub mod compartment;
mod routes;
pub mod rules;
pub mod store;
pub mod tracking;
pub mod words;

pub use compartment::Compartment;
pub use routes::{ReportView, routes};
pub use store::contacts::{unopened, unopened_in};
