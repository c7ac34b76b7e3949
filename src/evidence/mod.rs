//! Evidence (证据): photos, videos and documents that show what was found and what was put right.
//!
//! It comes in two steps. [`store::declare`] says what will come and for what; from then on the server knows what is
//! missing. [`content::received`] is the one way in for the bytes, whether they come as a form or as a resumable upload:
//! hash and length against what was declared, type by content ([`kind`]), photos decoded within limits and encoded anew
//! without metadata ([`studio`]), and only then linked. What was received never changes.
//!
//! Ids in answers, hazards and rounds are claims ([`rules`]): one is met by the evidence of that id that was declared for
//! that very target and has arrived. Absent and foreign ids are the same: awaited.
//!
//! [`links`]: links of five minutes bound to a session. [`words`]: the enumerations.

pub mod acts;
pub mod body;
pub mod content;
pub mod kind;
pub mod links;
pub mod media;
pub mod routes;
pub mod rules;
pub mod store;
pub mod studio;
pub mod words;

pub use routes::routes;
pub use studio::{Limits, Studio};
