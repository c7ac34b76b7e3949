//! Organisations: the bureau at the root, its clusters, schools and partner agencies, and the places inside a school.
//!
//! * `rules` — pure: the words, which kind sits under which, what a field may hold.
//! * `import` — pure: a spreadsheet of schools becomes rows, or a list of faults by row and column.
//!
//! The tree is answered by a closure table (`org_closure`), written here and read by every scope.

pub mod import;
pub mod rules;
