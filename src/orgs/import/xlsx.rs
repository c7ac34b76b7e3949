//! XLSX by calamine, cell by cell: asking it for a whole range would let two far cells claim the memory between them.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, SheetVisible, Xlsx};

use super::table::{Builder, Table};
use super::{ImportReason, RowFault, guard};

/// Reads the first visible sheet of a workbook.
///
/// # Errors
/// What [`guard::check`] refuses, a damaged workbook, or one without rows.
pub fn read(bytes: &[u8]) -> Result<Table, RowFault> {
    guard::check(bytes)?;
    // A crafted cell reference makes the reader overflow where overflow checks are on; a damaged file is a fault of
    // the file, never of the request.
    catch_unwind(AssertUnwindSafe(|| sheet(bytes))).unwrap_or(Err(RowFault::file(ImportReason::Unreadable)))
}

fn sheet(bytes: &[u8]) -> Result<Table, RowFault> {
    let unreadable = || RowFault::file(ImportReason::Unreadable);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).ok().ok_or_else(unreadable)?;
    let name = book
        .sheets_metadata()
        .iter()
        .find(|sheet| sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .ok_or_else(unreadable)?;
    let mut cells = book.worksheet_cells_reader(&name).ok().ok_or_else(unreadable)?;
    let mut builder = Builder::default();
    while let Some(cell) = cells.next_cell().ok().ok_or_else(unreadable)? {
        let (row, column) = cell.get_position();
        let row = row.saturating_add(1);
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        match cell.get_value() {
            DataRef::Empty => {}
            DataRef::String(text) => builder.cell(row, column, text)?,
            DataRef::SharedString(text) => builder.cell(row, column, text)?,
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => builder.cell(row, column, text)?,
            DataRef::Int(number) => builder.cell(row, column, &number.to_string())?,
            DataRef::Float(number) => builder.cell(row, column, &plain(*number))?,
            DataRef::DateTime(moment) => builder.cell(row, column, &plain(moment.as_f64()))?,
            DataRef::Bool(yes) => builder.cell(row, column, if *yes { "TRUE" } else { "FALSE" })?,
            DataRef::Error(_) => builder.refuse(row, column, ImportReason::CellError)?,
        }
    }
    builder.finish()
}

/// Excel keeps an identifier typed as a number as a float: it must come back as its digits, without point or exponent.
fn plain(number: f64) -> String {
    format!("{number}")
}
