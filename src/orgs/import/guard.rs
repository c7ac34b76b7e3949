//! Measures a zip before the spreadsheet reader opens it. Sizes in a zip directory are claims, so every entry is
//! inflated once into a small buffer and counted; a bomb ends the count early and never reaches memory.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{ImportReason, MAX_INFLATED, RowFault};

/// Most entries of a workbook; a plain one has about fifteen.
const MAX_ENTRIES: usize = 1_000;
/// Most bytes out for one byte in. Sheets of schools reach about twenty.
const MAX_RATIO: u64 = 100;
/// Below this an entry may be packed as tightly as it likes.
const RATIO_FREE: u64 = 1024 * 1024;
/// Most tags outside of sheets' rows that a reader would keep as objects.
const MAX_KEPT_TAGS: u64 = 2_000_000;
/// Longest stretch of one element or text in a part; Excel's own limit for a cell is a third of it.
const MAX_STRETCH: u64 = 256 * 1024;

/// Refuses zips that are no honest workbook.
///
/// # Errors
/// `file_too_large` beyond the limits of size, ratio, entries or objects; `unsupported_workbook` for the old form and
/// for encrypted entries; `unreadable_file` for anything else than a zip, and for a DTD inside.
pub fn check(bytes: &[u8]) -> Result<(), RowFault> {
    let refuse = |reason| Err(RowFault::file(reason));
    if bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return refuse(ImportReason::UnsupportedWorkbook);
    }
    if !bytes.starts_with(b"PK\x03\x04") {
        return refuse(ImportReason::Unreadable);
    }
    let unreadable = || RowFault::file(ImportReason::Unreadable);
    // The directory is kept by the archive, about two hundred bytes for each entry: look at the claim first.
    match claimed_entries(bytes) {
        // Half a file: its end did not come.
        None => return refuse(ImportReason::Unreadable),
        Some(entries) if entries > MAX_ENTRIES => return refuse(ImportReason::TooLarge),
        Some(_) => {}
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok().ok_or_else(unreadable)?;
    if archive.len() > MAX_ENTRIES {
        return refuse(ImportReason::TooLarge);
    }
    let mut total = 0_u64;
    let mut kept_tags = 0_u64;
    let mut buffer = vec![0_u8; 64 * 1024];
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).ok().ok_or_else(unreadable)?;
        if entry.encrypted() {
            return refuse(ImportReason::UnsupportedWorkbook);
        }
        let name = String::from_utf8_lossy(entry.name_raw()).to_ascii_lowercase();
        let mut part = Part::new(&name);
        let allowed = entry.compressed_size().saturating_mul(MAX_RATIO).max(RATIO_FREE);
        let mut size = 0_u64;
        loop {
            let read = entry.read(&mut buffer).ok().ok_or_else(unreadable)?;
            if read == 0 {
                break;
            }
            let read_bytes = u64::try_from(read).unwrap_or(u64::MAX);
            size = size.saturating_add(read_bytes);
            total = total.saturating_add(read_bytes);
            if size > allowed || total > MAX_INFLATED {
                return refuse(ImportReason::TooLarge);
            }
            part.look(buffer.get(..read).unwrap_or_default())?;
        }
        if !name.starts_with("xl/worksheets/") {
            kept_tags = kept_tags.saturating_add(part.tags);
        }
        if kept_tags > MAX_KEPT_TAGS {
            return refuse(ImportReason::TooLarge);
        }
    }
    Ok(())
}

/// The number of entries in the record at the end of a zip; `0xFFFF` (zip64) reads as too many.
fn claimed_entries(bytes: &[u8]) -> Option<usize> {
    let tail_start = bytes.len().saturating_sub(22 + 65_535);
    let tail = bytes.get(tail_start..)?;
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let low = *tail.get(at.checked_add(10)?)?;
    let high = *tail.get(at.checked_add(11)?)?;
    Some(usize::from(u16::from_le_bytes([low, high])))
}

/// What is watched for while a part streams by.
struct Part {
    xml: bool,
    tags: u64,
    stretch: u64,
    carry: Vec<u8>,
}

impl Part {
    fn new(name: &str) -> Self {
        let picture = [".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf", ".bin", ".tiff", ".bmp"];
        Self { xml: !picture.iter().any(|end| name.ends_with(end)), tags: 0, stretch: 0, carry: Vec::new() }
    }

    fn look(&mut self, chunk: &[u8]) -> Result<(), RowFault> {
        if !self.xml {
            return Ok(());
        }
        for byte in chunk {
            if *byte == b'<' {
                self.tags = self.tags.saturating_add(1);
                self.stretch = 0;
            } else {
                self.stretch = self.stretch.saturating_add(1);
                if self.stretch > MAX_STRETCH {
                    return Err(RowFault::file(ImportReason::TooLarge));
                }
            }
        }
        // Words may be cut by the end of a chunk: the last bytes are looked at again with the next.
        self.carry.extend_from_slice(chunk);
        let seen = self.carry.as_slice();
        if contains(seen, b"<!DOCTYPE") || contains(seen, b"<!ENTITY") {
            return Err(RowFault::file(ImportReason::Unreadable));
        }
        honest_counts(seen)?;
        let keep_from = self.carry.len().saturating_sub(64);
        self.carry.drain(..keep_from);
        Ok(())
    }
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// A reader reserves memory by `uniqueCount`, so a lie there is a bomb of twenty bytes: only the plain form with a
/// believable number passes.
fn honest_counts(seen: &[u8]) -> Result<(), RowFault> {
    const WORD: &[u8] = b"uniqueCount";
    let mut rest = seen;
    while let Some(at) = rest.windows(WORD.len()).position(|window| window == WORD) {
        rest = rest.get(at.saturating_add(WORD.len())..).unwrap_or_default();
        // Cut by the chunk: the carried bytes bring it back whole.
        if rest.len() < 12 {
            return Ok(());
        }
        let honest = rest.strip_prefix(b"=\"").or_else(|| rest.strip_prefix(b"='")).is_some_and(|value| {
            let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
            (1..=7).contains(&digits) && matches!(value.get(digits), Some(b'"' | b'\''))
        });
        if !honest {
            return Err(RowFault::file(ImportReason::TooLarge));
        }
    }
    Ok(())
}
