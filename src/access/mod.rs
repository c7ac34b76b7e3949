//! Who may do what, and where.
//!
//! * [`role`]: the roles, and who grants which.
//! * [`policy`]: the one permission table.
//! * [`actions`]: what handlers do, each with the permissions that open it.
//! * [`caller`]: a signed-in person with all memberships.
//! * [`scope`]: how far one permission reaches for one caller.
//! * [`gate`]: sign-in before any body is read. [`turnstile`], [`address`]: how often a stranger may call, from where.
//! * [`allowed`]: [`Allowed<Action>`], the only door to the database.

pub mod actions;
pub mod address;
pub mod allowed;
pub mod caller;
pub mod gate;
pub mod matrix;
pub mod policy;
pub mod role;
pub mod scope;
pub mod turnstile;

pub use allowed::{Allowed, Public, Rights};
pub use caller::Caller;
pub use policy::{Limit, Permission};
pub use role::Role;
pub use scope::{OrgRef, Reach, Scope};
