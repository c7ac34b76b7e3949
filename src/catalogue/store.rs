//! Queries of the catalogue: a bureau's view of the categories, and the checklists with their items.

mod categories;
mod checklists;
mod install;
mod life;

pub use categories::{CategoryChange, CategoryView, categories, change_category};
pub use checklists::{
    ChecklistFilter, ChecklistRow, ChecklistRowView, ChecklistView, Condition as ChecklistCondition, NewChecklist,
    items_of, list, load, managed, readable, readable_to_change, sight, view,
};
pub use install::install;
pub use life::{ChecklistChange, change, create, home, publish, retire, revise, stored};
