//! Queries of documents.

mod code;
mod gather;
mod issue;
mod later;
mod papers;
mod record;
mod select;
mod standing;
mod void;

pub use code::{DocumentCode, code, put_code, text as code_text};
pub use issue::{of_hazard, of_inspection};
pub use later::AfterIssue;
pub use record::{DocumentSummary, DocumentView, Row, among, list, one, one_to_change, stored, view};
pub use void::void;
