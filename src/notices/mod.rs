//! Notices: who is told what, and has it been read.
//!
//! * [`tell`] makes one notice in the transaction of what it tells of. [`audience`]: who is meant, found over valid
//!   memberships. [`occasions`]: the one table that says which change of state is told to
//!   whom; [`measures`]: the same for what accompanies a hazard; [`visits`]: for inspections, documents and recusals.
//! * [`kind`]: the kinds and their words. A notice keeps references only; its text is made on read, in the reader's
//!   language.
//! * [`inbox`]: a person's own notices; one about what has left the person's sight is not shown and not counted.
//! * [`warning`]: the timer that looks at deadlines. It makes notices and nothing else: overdue and colours are
//!   computed on read, so a timer that stands still loses notices and never a state. [`retention`]: what was read long
//!   ago is deleted after it.

pub mod audience;
pub mod inbox;
pub mod kind;
pub mod look;
pub mod measures;
pub mod occasions;
pub mod retention;
pub mod routes;
pub mod store;
pub mod visits;
pub mod warning;

pub use audience::Audience;
pub use kind::Kind;
pub use routes::routes;
pub use store::{Notice, tell, tell_first};
