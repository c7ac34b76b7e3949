//! A file as it is read: piece by piece, so that a large one needs little memory and a slow reader holds no thread.

use std::io::Read;

use actix_web::web::Bytes;
use futures_util::{Stream, stream};

use super::{Files, trouble};
use crate::platform::error::{Code, Problem};

/// Bytes in one piece.
const PIECE: u64 = 64 * 1024;

/// A file that was found.
pub(super) struct Opened {
    pub(super) total: u64,
    pub(super) first: u64,
    pub(super) length: u64,
    pub(super) source: Box<dyn Read + Send>,
}

/// A file that is about to be read.
pub struct Reading {
    /// Bytes of the whole file.
    pub total: u64,
    /// The first byte that comes.
    pub first: u64,
    /// How many bytes come.
    pub length: u64,
    files: Files,
    source: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("total", &self.total).field("first", &self.first).finish_non_exhaustive()
    }
}

impl Reading {
    pub(super) fn new(files: Files, opened: Opened) -> Self {
        let Opened { total, first, length, source } = opened;
        Self { total, first, length, files, source }
    }

    /// What comes. It ends with an error when the store ends before the file does.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, Problem>> {
        let Self { length, files, source, .. } = self;
        stream::try_unfold((files, source, length), |(files, mut source, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let read = files.disk(move || {
                let mut piece = Vec::new();
                let taken = source.by_ref().take(PIECE.min(left)).read_to_end(&mut piece);
                taken.map_err(|error| trouble("a file", &error))?;
                Ok((piece, source))
            });
            let (piece, source) = read.await?;
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if length == 0 {
                return Err(Problem::new(Code::Unavailable).cause("a file ended before its end"));
            }
            Ok(Some((Bytes::from(piece), (files, source, left.saturating_sub(length)))))
        })
    }
}

/// The part of a file of `total` bytes that a range means: its first byte and how many.
pub(super) fn within(range: Option<(u64, u64)>, total: u64) -> (u64, u64) {
    match range {
        None => (0, total),
        Some((first, last)) => {
            let end = last.saturating_add(1).min(total);
            (first.min(total), end.saturating_sub(first))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_range_is_cut_at_the_end_of_the_file() {
        assert_eq!(within(None, 10), (0, 10));
        assert_eq!(within(Some((0, 9)), 10), (0, 10));
        assert_eq!(within(Some((3, 3)), 10), (3, 1));
        assert_eq!(within(Some((3, u64::MAX)), 10), (3, 7));
        assert_eq!(within(Some((10, 12)), 10), (10, 0));
        assert_eq!(within(Some((7, 2)), 10), (7, 0));
        assert_eq!(within(Some((0, 0)), 0), (0, 0));
    }
}
