//! A workbook as sheets of text cells, within limits: the zip is measured before anything opens it, and what is kept of
//! it is counted cell by cell.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, SheetVisible, Xlsx};

use super::SheetFault;
use crate::orgs::import::guard;

/// Most sheets of a workbook.
const MAX_SHEETS: usize = 20;
/// Most rows with something in them, of all sheets together.
const MAX_ROWS: usize = 20_000;
/// More columns than any real form has.
const MAX_COLUMNS: usize = 256;
/// Longest cell kept.
const MAX_CELL_CHARS: usize = 8_000;
/// Most bytes of text kept of a workbook.
const MAX_KEPT: usize = 8 * 1024 * 1024;

/// A row with something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Row as a spreadsheet shows it, from 1.
    pub row: u32,
    /// Cells from the first column on, blanks around them dropped.
    pub cells: Vec<String>,
}

/// A sheet: its first row with something in it, and those below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// The headings.
    pub headings: Line,
    /// What stands below them.
    pub lines: Vec<Line>,
}

impl Sheet {
    /// What stands in a line under the heading of a column, from 0.
    #[must_use]
    pub fn cell<'a>(&self, line: &'a Line, column: usize) -> Option<&'a str> {
        line.cells.get(column).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// The visible sheets of a workbook that are not empty.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// In their order.
    pub sheets: Vec<Sheet>,
    /// Cells that could not be read.
    pub faults: Vec<SheetFault>,
}

impl Book {
    /// The sheet of one of these names, upper and lower case alike.
    #[must_use]
    pub fn sheet(&self, names: &[&str]) -> Option<&Sheet> {
        self.sheets.iter().find(|sheet| names.iter().any(|name| sheet.name.trim().eq_ignore_ascii_case(name)))
    }
}

/// Reads a workbook.
///
/// # Errors
/// What is no XLSX, is damaged, or is larger than it claims.
pub fn open(bytes: &[u8]) -> Result<Book, SheetFault> {
    guard::check(bytes).map_err(|fault| SheetFault::file(fault.reason.code(), &fault.zh(), &fault.en()))?;
    // A crafted cell reference makes the reader overflow where overflow checks are on; a damaged file is a fault of
    // the file, never of the request.
    catch_unwind(AssertUnwindSafe(|| sheets(bytes))).unwrap_or_else(|_| Err(unreadable()))
}

fn unreadable() -> SheetFault {
    SheetFault::file("unreadable_file", "文件无法读取", "the file cannot be read")
}

fn too_large() -> SheetFault {
    SheetFault::file("file_too_large", "文件过大", "the file is too large")
}

fn sheets(bytes: &[u8]) -> Result<Book, SheetFault> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).ok().ok_or_else(unreadable)?;
    let visible = book.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = visible.map(|sheet| sheet.name.clone()).collect();
    if names.len() > MAX_SHEETS {
        return Err(too_large());
    }
    let mut read = Book::default();
    let mut kept = Kept::default();
    for name in names {
        let lines = lines(&mut book, &name, &mut kept, &mut read.faults)?;
        let mut lines = lines.into_iter().filter(|line| !line.cells.is_empty());
        if let Some(headings) = lines.next() {
            read.sheets.push(Sheet { name, headings, lines: lines.collect() });
        }
    }
    Ok(read)
}

#[derive(Default)]
struct Kept {
    rows: usize,
    bytes: usize,
}

fn lines(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    kept: &mut Kept,
    faults: &mut Vec<SheetFault>,
) -> Result<Vec<Line>, SheetFault> {
    let mut cells = book.worksheet_cells_reader(name).ok().ok_or_else(unreadable)?;
    let mut lines: Vec<Line> = Vec::new();
    while let Some(cell) = cells.next_cell().ok().ok_or_else(unreadable)? {
        let (row, column) = cell.get_position();
        let row = row.saturating_add(1);
        let text = match cell.get_value() {
            DataRef::Empty => continue,
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::Int(number) => number.to_string(),
            DataRef::Float(number) => format!("{number}"),
            DataRef::DateTime(moment) => format!("{}", moment.as_f64()),
            DataRef::Bool(yes) => (if *yes { "TRUE" } else { "FALSE" }).to_owned(),
            DataRef::Error(_) => {
                let column = format!("#{}", column.saturating_add(1));
                let (zh, en) = ("单元格是公式错误", "the cell holds a formula error");
                faults.push(SheetFault::cell(name, row, &column, "cell_error", zh, en));
                continue;
            }
        };
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let place = usize::try_from(column).unwrap_or(usize::MAX);
        let label = format!("#{}", column.saturating_add(1));
        if place >= MAX_COLUMNS {
            let (zh, en) = ("此列超出范围", "this column is too far to the right");
            faults.push(SheetFault::cell(name, row, &label, "too_many_columns", zh, en));
            continue;
        }
        if text.chars().count() > MAX_CELL_CHARS {
            faults.push(SheetFault::cell(name, row, &label, "too_long", "文字过长", "is too long"));
            continue;
        }
        kept.bytes = kept.bytes.saturating_add(text.len());
        if kept.bytes > MAX_KEPT || faults.len() > MAX_ROWS {
            return Err(too_large());
        }
        if lines.last().is_none_or(|line| line.row < row) {
            kept.rows += 1;
            if kept.rows > MAX_ROWS {
                return Err(SheetFault::file("too_many_rows", "行数过多", "there are too many rows"));
            }
            lines.push(Line { row, cells: Vec::new() });
        }
        let Some(line) = lines.last_mut().filter(|line| line.row == row) else { return Err(unreadable()) };
        if line.cells.len() <= place {
            line.cells.resize(place.saturating_add(1), String::new());
        }
        if let Some(slot) = line.cells.get_mut(place) {
            text.clone_into(slot);
        }
    }
    Ok(lines)
}
