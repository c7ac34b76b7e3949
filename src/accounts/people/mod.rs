//! People as administrators see them: users, their memberships, disabling and one-time passwords.
//!
//! * `rules` — pure: names, phones, and who may give which role to whom.
//!
//! A change of rights bites on the next request of the person concerned: the store raises the person's session version
//! in the same transaction.

pub mod rules;
