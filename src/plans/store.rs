//! Queries of plans.

mod changes;
mod life;
mod making;
mod prepare;
mod progress;
mod record;
mod sight;
mod timeline;

pub use changes::{create, edit, still_seen, stored};
pub use life::{activate, end, pause, resume};
pub use making::{make, wanted};
pub use prepare::{place_of, unfit};
pub use progress::{Matrix, OccurrenceRow, matrix, occurrences};
pub use record::{PlanFilter, PlanRow, PlanView, list, view};
pub use sight::{seen, seen_to_change};
pub use timeline::Timeline;
