//! The reference client of anxiao's offline protocol, for whoever writes an app: `docs/sync.md` explains the protocol,
//! this is one way to speak it.
//!
//! * [`phone`]: all of it together, in one folder; begin reading there.
//! * [`operation`], [`outbox`]: what was done here and waits for a receipt. [`push`]: handing it in. [`receipt`]: what may
//!   be believed.
//! * [`local`]: the rows this user may see. [`pull`]: fetching them.
//! * [`upload`]: photos and videos, resumed where they broke.
//! * [`session`]: who is signed in. [`http`]: one request and all that can go wrong with it. [`patience`]: when to try
//!   again. [`lines`]: the file under all of it, durable line by line.
//!
//! Time and randomness are handed in: a test drives the same code through years in seconds.

pub mod http;
pub mod lines;
pub mod local;
pub mod operation;
pub mod outbox;
pub mod patience;
pub mod phone;
pub mod pull;
pub mod push;
pub mod receipt;
pub mod session;
pub mod upload;
