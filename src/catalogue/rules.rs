//! Pure decisions about items and checklists: what an item is, which school it is for, what may be published.

mod applies;
mod item;
mod publish;

pub use applies::{applies, category_of};
pub use item::{
    BasisConfidence, Cadence, ChecklistStatus, Choice, Fault, Item, Response, Severity, SeveritySource, Stage,
};
pub use publish::{Care, faults};
