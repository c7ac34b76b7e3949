//! Text cells by row, as both file forms give them, within limits.

use super::{ImportReason, MAX_FAULTS, MAX_INFLATED, MAX_ROWS, RowFault};
use crate::orgs::rules::Reason;

/// More columns than any real sheet of schools has.
pub const MAX_COLUMNS: usize = 256;
/// Longest cell kept; longer ones are a fault.
pub const MAX_CELL_CHARS: usize = 2_000;

/// One non-empty row.
#[derive(Debug)]
pub struct Line {
    /// Row as a spreadsheet shows it, from 1.
    pub row: u32,
    /// Cells from the first column on, blanks around them dropped; shorter than the heading when the end is empty.
    pub cells: Vec<String>,
}

/// A sheet: the heading row and what stands below it.
#[derive(Debug)]
pub struct Table {
    /// The first non-empty row.
    pub heading: Line,
    /// All further non-empty rows.
    pub lines: Vec<Line>,
    /// Cells that could not be taken over: row, column from 0, why.
    pub refused: Vec<(u32, usize, ImportReason)>,
}

/// Collects cells in order of rows and refuses what is beyond the limits.
#[derive(Default)]
pub struct Builder {
    lines: Vec<Line>,
    refused: Vec<(u32, usize, ImportReason)>,
    current: Option<Line>,
    kept_bytes: u64,
}

impl Builder {
    /// Adds the text of a cell; `row` from 1 and never falling, `column` from 0.
    ///
    /// # Errors
    /// When the file as a whole goes beyond the limits, or its rows are out of order.
    pub fn cell(&mut self, row: u32, column: usize, text: &str) -> Result<(), RowFault> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        if column >= MAX_COLUMNS {
            return Err(RowFault { row: Some(row), column: None, reason: ImportReason::ValueWithoutHeading });
        }
        if text.len() > MAX_CELL_CHARS && text.chars().count() > MAX_CELL_CHARS {
            let reason = ImportReason::Field(Reason::TooLong { max: MAX_CELL_CHARS });
            return self.refuse(row, column, reason);
        }
        // One shared string may be named by very many cells, so what is kept is counted, not what was sent.
        self.kept_bytes = self.kept_bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        if self.kept_bytes > MAX_INFLATED {
            return Err(RowFault::file(ImportReason::TooLarge));
        }
        let line = self.line(row)?;
        if line.cells.len() <= column {
            line.cells.resize(column.saturating_add(1), String::new());
        }
        if let Some(slot) = line.cells.get_mut(column) {
            text.clone_into(slot);
        }
        Ok(())
    }

    /// Notes a cell that cannot be taken over.
    ///
    /// # Errors
    /// As [`Builder::cell`].
    pub fn refuse(&mut self, row: u32, column: usize, reason: ImportReason) -> Result<(), RowFault> {
        self.line(row)?;
        if self.refused.len() <= MAX_FAULTS {
            self.refused.push((row, column, reason));
        }
        Ok(())
    }

    /// Ends the sheet.
    ///
    /// # Errors
    /// A sheet without heading or without anything below it.
    pub fn finish(mut self) -> Result<Table, RowFault> {
        self.lines.extend(self.current.take());
        if self.lines.len() < 2 {
            return Err(RowFault::file(ImportReason::EmptyFile));
        }
        let lines = self.lines.split_off(1);
        let heading = self.lines.pop().ok_or(RowFault::file(ImportReason::EmptyFile))?;
        Ok(Table { heading, lines, refused: self.refused })
    }

    fn line(&mut self, row: u32) -> Result<&mut Line, RowFault> {
        let open = self.current.as_ref().map(|line| line.row);
        if open.is_some_and(|open| row < open) {
            return Err(RowFault::file(ImportReason::Unreadable));
        }
        if open.is_some_and(|open| row > open) {
            self.lines.extend(self.current.take());
            // The heading is one more than the data.
            if self.lines.len() > MAX_ROWS {
                return Err(RowFault {
                    row: Some(row),
                    column: None,
                    reason: ImportReason::TooManyRows { max: MAX_ROWS },
                });
            }
        }
        Ok(self.current.get_or_insert_with(|| Line { row, cells: Vec::new() }))
    }
}
