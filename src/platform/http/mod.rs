//! HTTP without a word of schools: extractors whose failures are problems, answers with ETags, cursors, repeats.

pub mod body;
pub mod cursor;
pub mod edge;
pub mod fields;
pub mod idempotency;
pub mod list;
pub mod openapi;
pub mod path;
pub mod precondition;
pub mod problem;
pub mod reply;

pub use body::{Body, Patch};
pub use fields::{Check, Faults, FieldError};
pub use list::{List, Page};
pub use path::{PathId, PathIds};
pub use precondition::IfMatch;
pub use reply::{Record, Reply};
