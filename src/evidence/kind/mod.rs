//! What a file is, by its content alone: names and headers are never asked.
//!
//! A file that begins as a picture and is a page, a script, an archive or a document as well (a polyglot) is refused;
//! so is a picture that ends before its end. What follows the end of a JPEG is common (the previews and short films of
//! phones) and allowed as long as it is none of these.

mod jpeg;
mod marks;
#[cfg(test)]
mod tests;

use super::words::{Fault, MediaType};

/// The type of a file.
///
/// # Errors
/// Why it is not taken.
pub fn of(bytes: &[u8]) -> Result<MediaType, Fault> {
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    let Some(kind) = begins_as(bytes) else {
        return Err(marks::what_text_is(bytes).unwrap_or(Fault::Unknown));
    };
    whole(kind, bytes)?;
    if marks::is_another_too(kind, bytes) {
        return Err(Fault::Polyglot);
    }
    Ok(kind)
}

fn begins_as(bytes: &[u8]) -> Option<MediaType> {
    let found = infer::get(bytes)?;
    match found.mime_type() {
        "image/jpeg" => Some(MediaType::Jpeg),
        "image/png" | "image/apng" => Some(MediaType::Png),
        "image/webp" => Some(MediaType::Webp),
        "image/heif" | "image/heic" => Some(MediaType::Heic),
        "video/mp4" | "video/x-m4v" => Some(MediaType::Mp4),
        "application/pdf" => Some(MediaType::Pdf),
        _ => None,
    }
}

/// Whether it goes on to its own end, and where its form says so not a byte further.
fn whole(kind: MediaType, bytes: &[u8]) -> Result<(), Fault> {
    match kind {
        MediaType::Jpeg => jpeg::end(bytes).map(drop).ok_or(Fault::Truncated),
        MediaType::Png => chunks(bytes),
        MediaType::Webp => riff(bytes),
        MediaType::Heic | MediaType::Mp4 => boxes(bytes),
        MediaType::Pdf => Ok(()),
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes)
}

fn length(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// PNG: chunks of length, name, data and checksum, `IEND` last and nothing behind it.
fn chunks(bytes: &[u8]) -> Result<(), Fault> {
    let mut at = 8_usize;
    loop {
        let data = number(bytes, at).ok_or(Fault::Truncated)?;
        let name = bytes.get(at.saturating_add(4)..at.saturating_add(8)).ok_or(Fault::Truncated)?;
        let next = at.saturating_add(12).saturating_add(length(data));
        if next > bytes.len() {
            return Err(Fault::Truncated);
        }
        if name == b"IEND" {
            return if next == bytes.len() { Ok(()) } else { Err(Fault::Polyglot) };
        }
        at = next;
    }
}

/// WebP: one RIFF of exactly the length that it says.
fn riff(bytes: &[u8]) -> Result<(), Fault> {
    let said = bytes.get(4..8).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes).ok_or(Fault::Truncated)?;
    let end = length(said).saturating_add(8);
    match end.cmp(&bytes.len()) {
        std::cmp::Ordering::Greater => Err(Fault::Truncated),
        // Some writers leave the byte that makes the length even out of the count.
        _ if bytes.len() - end <= 1 => Ok(()),
        _ => Err(Fault::Polyglot),
    }
}

/// HEIC and MP4: boxes that tile the file. Each has a name of four visible characters.
fn boxes(bytes: &[u8]) -> Result<(), Fault> {
    let mut at = 0_usize;
    while at < bytes.len() {
        let size = number(bytes, at).ok_or(Fault::Truncated)?;
        let name = bytes.get(at.saturating_add(4)..at.saturating_add(8)).ok_or(Fault::Truncated)?;
        // `©xyz` and the like are allowed within boxes only.
        if !name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Err(Fault::Polyglot);
        }
        let size = match size {
            // To the end of the file.
            0 => return Ok(()),
            1 => {
                let long = bytes.get(at.saturating_add(8)..at.saturating_add(16)).ok_or(Fault::Truncated)?;
                let long = long.try_into().map(u64::from_be_bytes).unwrap_or(u64::MAX);
                usize::try_from(long).unwrap_or(usize::MAX)
            }
            2..8 => return Err(Fault::Undecodable),
            size => length(size),
        };
        at = at.checked_add(size).ok_or(Fault::Truncated)?;
    }
    if at == bytes.len() { Ok(()) } else { Err(Fault::Truncated) }
}
