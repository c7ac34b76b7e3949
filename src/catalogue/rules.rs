//! Pure decisions about items and checklists: what an item is, which school it is for, what may be published.

mod applies;
mod bounds;
mod content;
mod item;
pub mod own;
mod prepare;
mod publish;

pub use applies::{applies, category_of};
pub use bounds::{Bounds, bounds, places};
pub use content::{Band, Content, Scoring, Section, section_faults};
pub use item::{
    BasisConfidence, Cadence, ChecklistStatus, Choice, Fault, Item, Requirement, Response, Severity, SeveritySource,
    Stage, whole,
};
pub use prepare::{Keeper, prepared};
pub use publish::{Care, faults, misplaced};
