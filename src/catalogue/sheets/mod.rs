//! Checklists as spreadsheets: written for people in WPS and Excel, read back with every fault named by sheet, row,
//! column and reason; and forms in the XLSForm of ODK and Kobo, because that is how the field writes forms elsewhere.
//!
//! All of it is pure and bounded. [`write`] and [`read`] are the two ways of a checklist's own workbook and give back
//! what was written; [`xlsform::read`] translates a form and says of everything it cannot say that it did not.
//!
//! * `workbook` — bytes become sheets of text cells, within limits.
//! * `fault` — what is wrong with a cell, and what was not taken over.
//! * `columns` — the columns of a checklist's own workbook, and the words in its cells.
//! * `origin` — from a fault of an item back to the cell it came from.

mod columns;
mod fault;
mod native;
mod origin;
mod workbook;
mod write;
pub mod xlsform;

#[cfg(test)]
mod tests;

pub use fault::{Remark, SheetFault, refusal};
pub use native::read;
pub use origin::Origins;
pub use workbook::{Book, open};
pub use write::write;

use crate::catalogue::rules::Content;

/// What a workbook holds: a checklist to be, and where each part of it stands.
#[derive(Debug, Clone)]
pub struct Sheets {
    /// Its name; none where the workbook says nothing.
    pub title: Option<String>,
    /// Sections, bands and items.
    pub content: Content,
    /// Where they stand.
    pub origins: Origins,
    /// What was left out or taken over otherwise.
    pub remarks: Vec<Remark>,
}
