//! The marks of pages, scripts, archives and documents inside of something else.

use crate::evidence::words::{Fault, MediaType};

/// What begins markup that a browser would run or show. What follows must be a blank, `>` or `/`, and then some visible
/// characters: so it does not turn up by chance in a photo.
const TAGS: &[&[u8]] = &[
    b"<html",
    b"<script",
    b"<svg",
    b"<!doctype",
    b"<iframe",
    b"<body",
    b"<?php",
    b"<object",
    b"<embed",
    b"<img",
    b"<head",
    b"<meta",
    b"<foreignobject",
];
/// Visible characters behind a tag.
const SEEN: usize = 4;
/// Readers of PDF look for its beginning this far.
const PDF_WITHIN: usize = 1024;
/// The end of an archive lies this far from the end of the file at most: 22 bytes and a remark.
const ZIP_WITHIN: usize = 22 + 65_535;

/// What a file is that is none of the types kept: worth a word of its own where it is a drawing or a page.
pub(super) fn what_text_is(bytes: &[u8]) -> Option<Fault> {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let head: Vec<u8> = head.iter().filter(|byte| **byte != 0).map(u8::to_ascii_lowercase).collect();
    let has = |mark: &[u8]| head.windows(mark.len()).any(|part| part == mark);
    if has(b"<svg") {
        Some(Fault::Svg)
    } else if TAGS.iter().any(|tag| has(tag)) {
        Some(Fault::Html)
    } else {
        None
    }
}

/// Whether a file of this type is something else as well.
pub(super) fn is_another_too(kind: MediaType, bytes: &[u8]) -> bool {
    if is_archive(bytes) {
        return true;
    }
    let head = bytes.get(..bytes.len().min(PDF_WITHIN)).unwrap_or_default();
    match kind {
        MediaType::Pdf => has_tag(head),
        _ => head.windows(5).any(|part| part == b"%PDF-") || has_tag(bytes),
    }
}

fn has_tag(bytes: &[u8]) -> bool {
    let opens = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'<').map(|(at, _)| at);
    opens.into_iter().any(|at| bytes.get(at..).is_some_and(begins_with_tag))
}

fn begins_with_tag(bytes: &[u8]) -> bool {
    TAGS.iter().any(|tag| {
        let named = bytes.get(..tag.len()).is_some_and(|name| name.eq_ignore_ascii_case(tag));
        let behind = bytes.get(tag.len()..tag.len() + 1 + SEEN);
        named
            && behind.is_some_and(|behind| {
                let seen = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
                behind.first().is_some_and(|first| first.is_ascii_whitespace() || matches!(first, b'>' | b'/'))
                    && behind.iter().all(seen)
            })
    })
}

/// A ZIP is found from its end: its last record says how long its remark is, and where its directory begins.
fn is_archive(bytes: &[u8]) -> bool {
    let from = bytes.len().saturating_sub(ZIP_WITHIN);
    let tail = bytes.get(from..).unwrap_or_default();
    tail.windows(22).enumerate().any(|(at, record)| {
        let remark = record.get(20..22).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes);
        record.starts_with(b"PK\x05\x06") && at + 22 + usize::from(remark) <= tail.len()
    })
}
