//! What is inspected: the ten categories, the domains, and the checklists with their items.
//!
//! The ten categories (work lines, 防查改教强技制督究调) and the domains (消防, 燃气 …) are two independent axes:
//! every item and every hazard has one of each. Both are data, so that a bureau can rename, reorder and hide them.
//! A checklist is drafted, published and retired; a published one never changes, because an inspection done with it
//! must stay readable as it was. What ships with the product is in [`builtin`], what is decided is in [`rules`].

pub mod builtin;
pub mod routes;
pub mod rules;
pub mod sheets;
pub mod store;
pub mod words;

pub use routes::routes;
