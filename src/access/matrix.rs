//! The permission table printed for people, and compared with what is printed by a test.

use super::policy;

/// The whole of `docs/permissions.md`.
#[must_use]
pub fn document() -> String {
    format!(
        "# Permissions\n\nPrinted by `anxiao permissions` from the one table in `src/access/policy.rs`; a test compares \
         this file with it. ✓ = yes within scope; words = the limit; blank = no. Rights are the union over valid \
         memberships; each reaches its organisation and everything below, narrowed to the membership's domains.\n\n{}",
        policy::markdown()
    )
}
