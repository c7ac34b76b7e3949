//! A spreadsheet of schools becomes rows, or a list of faults that each name row and column. [`parse`] is pure, and
//! bounded: what a stranger sends may neither fill the memory nor stop the process.
//!
//! * `guard` — measures a zip before anything opens it.
//! * `csv`, `xlsx` — a file becomes a `Table` of text cells.
//! * `headings` — which column is which.
//! * `rows` — a `Table` becomes school rows.
//! * `store`, `routes` — the rows meet the database, and HTTP.

mod csv;
mod fault;
pub mod guard;
mod headings;
pub mod routes;
mod rows;
pub mod store;
mod table;
mod xlsx;

#[cfg(test)]
mod tests;

pub use fault::{ImportReason, RowFault};
pub use headings::Column;
pub use rows::SchoolRow;

/// Most schools in one file.
pub const MAX_ROWS: usize = 20_000;
/// Most bytes of a file after inflating, of a CSV as of an XLSX.
pub const MAX_INFLATED: u64 = 50 * 1024 * 1024;
/// Faults listed before the answer says "and more": an answer must stay readable, and small.
pub const MAX_FAULTS: usize = 5_000;

crate::text_enum! {
    /// The form of an import file.
    pub enum FileFormat {
        /// Text with commas, semicolons or tabs; UTF-8, UTF-16 with a mark, or GB18030.
        Csv = "csv",
        /// Excel 2007 and later, WPS.
        Xlsx = "xlsx",
    }
}

impl FileFormat {
    /// From a content type (parameters ignored) or a file name.
    #[must_use]
    pub fn from_hint(hint: &str) -> Option<Self> {
        let hint = hint.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match hint.as_str() {
            "text/csv" | "application/csv" => Some(Self::Csv),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some(Self::Xlsx),
            _ => match hint.rsplit('.').next() {
                Some("csv") => Some(Self::Csv),
                Some("xlsx") => Some(Self::Xlsx),
                _ => None,
            },
        }
    }
}

/// Reads a whole file of schools.
///
/// Rows are numbered as a spreadsheet shows them: from 1, heading and empty rows counted.
///
/// # Errors
/// Every fault found, in order of rows; when any is there, no row is given (an import is all or nothing). A file that
/// cannot be read as a whole gives one fault without a row.
pub fn parse(bytes: &[u8], format: FileFormat) -> Result<Vec<SchoolRow>, Vec<RowFault>> {
    let table = match format {
        FileFormat::Csv => csv::read(bytes),
        FileFormat::Xlsx => xlsx::read(bytes),
    }
    .map_err(|fault| vec![fault])?;
    rows::read(table)
}
