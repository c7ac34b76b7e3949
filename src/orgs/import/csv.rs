//! CSV as schools really send it: saved by Excel or WPS in GB18030, UTF-8 with or without a mark, UTF-16 with one.

use std::borrow::Cow;

use encoding_rs::{GB18030, UTF_16BE, UTF_16LE};

use super::table::{Builder, Table};
use super::{ImportReason, MAX_INFLATED, RowFault};

/// Reads the text into a table.
///
/// # Errors
/// A file that is too large, in another encoding, or without rows.
pub fn read(bytes: &[u8]) -> Result<Table, RowFault> {
    if u64::try_from(bytes.len()).map_or(true, |len| len > MAX_INFLATED) {
        return Err(RowFault::file(ImportReason::TooLarge));
    }
    // Zip or OLE magic: a workbook under the wrong type. GB18030 would decode it to nonsense.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(RowFault::file(ImportReason::Unreadable));
    }
    let text = decode(bytes)?;
    let text = skip_separator_hint(&text);
    let mut builder = Builder::default();
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut row = 0_u32;
    let mut record = ::csv::StringRecord::new();
    loop {
        let start = reader.position().byte();
        if !reader.read_record(&mut record).ok().ok_or(RowFault::file(ImportReason::Unreadable))? {
            break;
        }
        // The reader passes over empty lines; a spreadsheet shows and numbers them.
        row = row.saturating_add(empty_lines(text.as_bytes(), start)).saturating_add(1);
        for (column, cell) in record.iter().enumerate() {
            builder.cell(row, column, cell)?;
        }
    }
    builder.finish()
}

fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, RowFault> {
    let fault = || RowFault::file(ImportReason::Encoding);
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return std::str::from_utf8(rest).map(Cow::Borrowed).ok().ok_or_else(fault);
    }
    for (mark, encoding) in [(b"\xFF\xFE", UTF_16LE), (b"\xFE\xFF", UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            return encoding.decode_without_bom_handling_and_without_replacement(rest).ok_or_else(fault);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    GB18030.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(fault)
}

/// Excel takes a first line `sep=;` as a note to itself and does not show it, so it is no row.
fn skip_separator_hint(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.trim_end().len() == 5 && first.to_ascii_lowercase().starts_with("sep=") => rest,
        _ => text,
    }
}

/// The separator that stands most often in the first line with anything in it, outside quotes.
fn delimiter(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let (mut comma, mut semicolon, mut tab) = (0_u32, 0_u32, 0_u32);
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => comma = comma.saturating_add(1),
            ';' if !quoted => semicolon = semicolon.saturating_add(1),
            '\t' if !quoted => tab = tab.saturating_add(1),
            _ => {}
        }
    }
    if tab > comma && tab > semicolon {
        b'\t'
    } else if semicolon > comma {
        b';'
    } else {
        b','
    }
}

/// Empty lines at `start`, where the reader stands before a record; the `\n` of the `\r\n` that ended the last record
/// is still unread there and counts for nothing.
fn empty_lines(text: &[u8], start: u64) -> u32 {
    let Ok(start) = usize::try_from(start) else { return 0 };
    let mut rest = text.get(start..).unwrap_or_default();
    let after_return = start.checked_sub(1).and_then(|before| text.get(before)) == Some(&b'\r');
    if after_return {
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    let mut lines = 0_u32;
    loop {
        let next = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).or_else(|| rest.strip_prefix(b"\r"));
        match next {
            Some(next) => {
                rest = next;
                lines = lines.saturating_add(1);
            }
            None => return lines,
        }
    }
}
