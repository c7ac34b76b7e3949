//! Files that arrive in pieces, by tus 1.0 (<https://tus.io/protocols/resumable-upload>): what of it knows nothing of
//! schools.
//!
//! [`arrivals`]: how much arrived of each person today, in pieces or not. [`headers`]: what a client says. [`part`]: the file of an upload, one writer at a time, over all processes that share
//! the folder. [`receive`]: a body that is written while it comes, at a rate that must not be too low. [`store`]: how far
//! each upload is. What the row says has been synced to disk before; what the file holds beyond is cut off when the
//! upload goes on.

pub mod arrivals;
pub mod headers;
pub mod part;
pub mod receive;
pub mod store;

use std::time::Duration;

use chrono::TimeDelta;

/// How much may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open uploads of one person.
    pub per_user: u32,
    /// Bytes that the open uploads of one bureau will have when they are whole.
    pub per_bureau: u64,
    /// How long an upload waits for more.
    pub keep: TimeDelta,
    /// How slow a body may come.
    pub pace: Pace,
}

/// The least that must come in a span: a rate, not a time, so that a large file over a poor line is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The span.
    pub span: Duration,
    /// Bytes in each.
    pub least: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_user: 20,
            per_bureau: 20 << 30,
            keep: TimeDelta::days(7),
            // 1 KiB a second. A connection that died silently keeps its upload shut no longer than this.
            pace: Pace { span: Duration::from_secs(15), least: 15 << 10 },
        }
    }
}
