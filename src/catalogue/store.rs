//! Queries of the catalogue: a bureau's view of the categories, and the checklists with their items.

mod additions;
mod categories;
mod checklists;
mod content;
mod imported;
mod install;
mod life;

pub use additions::{NewAddition, add, adding_school, additions_in_force};
pub use categories::{CategoryChange, CategoryView, categories, change_category};
pub use checklists::{
    ChecklistFilter, ChecklistRow, ChecklistRowView, ChecklistView, Condition as ChecklistCondition, NewChecklist,
    items_of, list, load, managed, readable, readable_to_change, sight, view,
};
pub use imported::{ImportedChecklist, Wanted, import, report};
pub use install::install;
pub use life::{ChecklistChange, change, create, held, home, publish, retire, revise, stored};
