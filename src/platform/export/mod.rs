//! Tables as files for people: CSV and XLSX as WPS and Excel read them, without a word of schools.
//!
//! * [`cell`]: what a cell may hold, so that no text becomes a formula.
//! * [`csv`]: RFC 4180 with a byte order mark. [`sheet`]: XLSX, row by row, in constant memory.
//! * [`answer`]: headers of a download, and the stream of a file.
//! * [`slots`]: how many exports run at once, and where their files lie while they are made.

pub mod answer;
pub mod cell;
pub mod csv;
pub mod sheet;
pub mod slots;

pub use slots::{Exports, Slot};
