//! Queries of evidence.
//!
//! [`row`]: the row and what is shown of it. [`sight`]: who sees it, who may add to it. [`declare()`] and [`link()`]: the
//! two steps. [`claims`]: what is awaited. [`policy()`]: what comes of gaps.

mod claims;
mod closing;
mod declare;
mod policy;
mod received;
mod reuse;
mod row;
mod sight;

pub use crate::evidence::content::received;
pub use claims::{ClaimView, arrived, of_hazard, of_inspection};
pub use closing::{missing, missing_at_closing};
pub use declare::{Declared, Place, declare, declare_at, place};
pub use policy::{Policy, PolicyView, policy, policy_to_change, put_policy};
pub use received::{Awaited, Content, awaited, link};
pub use reuse::{PhotoReuse, ReusedFrom, flagged};
pub use row::{EvidenceView, Row, view, views};
pub use sight::{may_write, seen, seen_to_change};
