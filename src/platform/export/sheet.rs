//! XLSX with one sheet of texts, made row by row: neither the rows nor the file are ever in memory as a whole.
//!
//! Rows arrive through a queue of one page, on a thread of their own; rows and file go into files without a name in
//! the folder of exports, which the operating system removes however the export ends.

use std::fs::File;
use std::io::{BufWriter, Seek};
use std::path::PathBuf;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook};
use tokio::sync::mpsc::Receiver;

use super::cell::safe;
use crate::platform::db::types::Timestamp;
use crate::platform::error::Problem;
use crate::platform::http::FieldError;

/// Most rows of a sheet beside its headings; Excel has 1 048 576 in all.
pub const MAX_ROWS: u64 = 1_048_575;

/// Most bytes of a sheet before it is packed. Beyond four gibibytes a ZIP written as a stream needs zip64, which
/// LibreOffice does not open.
const MAX_BYTES: usize = 3 * 1024 * 1024 * 1024;

/// More than a sheet holds.
#[must_use]
pub fn too_many() -> Problem {
    Problem::invalid(FieldError::new(
        "format",
        "too_many_rows",
        "超过 XLSX 一张表的 1048575 行或 3 GiB：请缩小筛选范围，或导出 CSV",
        "more than the 1048575 rows or 3 GiB of an XLSX sheet: narrow the filters, or take CSV",
    ))
}

/// What stands on the sheet beside its rows.
#[derive(Debug, Clone)]
pub struct Title {
    /// Of the sheet.
    pub name: String,
    /// The first row.
    pub headings: Vec<&'static str>,
    /// When it is made.
    pub made: Timestamp,
}

/// What the thread is told.
#[derive(Debug)]
pub enum Told {
    /// More rows, each a text for each heading.
    Rows(Vec<Vec<String>>),
    /// There are no more. Without this the file is given up.
    End,
}

/// Makes the file; blocks, so call it on a thread that may. The answer stands at its beginning.
///
/// # Errors
/// When whoever sends rows is gone before the end, when the disk is full, and with more rows than a sheet has.
pub fn write(folder: PathBuf, title: &Title, mut rows: Receiver<Told>) -> Result<File, Problem> {
    std::fs::create_dir_all(&folder).map_err(disk)?;
    let mut workbook = Workbook::new();
    workbook.set_tempdir(&folder).map_err(xlsx)?;
    let made = ExcelDateTime::from_timestamp(title.made.utc().timestamp()).map_err(xlsx)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let (text, bold) = (Format::new().set_num_format("@"), Format::new().set_num_format("@").set_bold());
    let sheet = workbook.add_worksheet_with_constant_memory().map_err(xlsx)?;
    sheet.set_name(&title.name).map_err(xlsx)?;
    sheet.set_freeze_panes(1, 0).map_err(xlsx)?;
    let width = u16::try_from(title.headings.len()).map_err(Problem::internal)?;
    for (column, heading) in (0..width).zip(&title.headings) {
        sheet.set_column_width(column, 16).map_err(xlsx)?;
        sheet.write_string_with_format(0, column, *heading, &bold).map_err(xlsx)?;
    }
    let (mut line, mut bytes) = (0_u32, 0_usize);
    loop {
        match rows.blocking_recv() {
            None => return Err(Problem::internal("nobody waits for this file any more")),
            Some(Told::End) => break,
            Some(Told::Rows(page)) => {
                for row in page {
                    line += 1;
                    if bytes > MAX_BYTES || u64::from(line) > MAX_ROWS {
                        return Err(too_many());
                    }
                    for (column, cell) in (0..width).zip(&row) {
                        let cell = safe(cell);
                        bytes += cell.len() + 64;
                        if !cell.is_empty() {
                            sheet.write_string_with_format(line, column, cell, &text).map_err(xlsx)?;
                        }
                    }
                }
            }
        }
    }
    let mut file = tempfile::tempfile_in(&folder).map_err(disk)?;
    workbook.save_to_writer(BufWriter::new(&mut file)).map_err(xlsx)?;
    file.rewind().map_err(disk)?;
    Ok(file)
}

fn xlsx(error: rust_xlsxwriter::XlsxError) -> Problem {
    match error {
        rust_xlsxwriter::XlsxError::IoError(error) => disk(error),
        other => Problem::internal(other),
    }
}

fn disk(error: std::io::Error) -> Problem {
    use crate::platform::error::Code;
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Problem::new(Code::NoSpace).cause(error);
    }
    Problem::internal(error)
}
