//! Hazards (隐患): found, issued, rectified, rechecked, closed.
//!
//! A hazard is one row and one number for ever. Its `status` moves only by a transition, and whether a transition may
//! happen is decided in one place, [`rules::decide`], from facts that stand on the row. What time does (overdue, days
//! left, warning colour) is computed on read in [`deadline`], so it is right even when every timer is dead.
//!
//! * [`status`]: the words. [`rules`]: who may do what from which state. [`body`]: what each action must carry.
//!   [`diagram`]: the whole drawn from those rules.
//! * [`measures`]: what accompanies it beside its state: extension, listing, stop of use, referral.
//! * [`calendar`], [`deadline`], [`policy`]: working days, ends of days, the table of days. [`number`]: `640104-2026-000123`.

pub mod acts;
pub mod body;
pub mod calendar;
pub mod deadline;
pub mod diagram;
pub mod marks;
pub mod measures;
pub mod number;
pub mod policy;
pub mod routes;
pub mod rules;
pub mod status;
pub mod store;

pub use routes::routes;
