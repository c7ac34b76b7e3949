//! Queries of look-backs.

mod making;
mod policy;
mod pool;
mod record;
mod visit;

pub use making::create;
pub use policy::{PolicyView, policy, policy_to_change, put_policy};
pub use record::{LookBackFilter, LookBackRecord, LookBackView, list, one};
pub use visit::{Carried, carried, carried_one, carries, conclude, judge, late, said};
