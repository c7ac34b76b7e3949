//! A file of lines: each is on the disk before [`Lines::append`] returns, or it is not there at all.
//!
//! A line is eight hexadecimal digits of the SHA-256 of its JSON, a space and the JSON. A last line that the phone's
//! power cut in two does not fit its digits and is cut off; a line that does not fit anywhere else is damage and is told.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// An append-only file, open for writing.
#[derive(Debug)]
pub struct Lines {
    file: File,
    path: PathBuf,
}

impl Lines {
    /// Opens or makes the file and gives what it holds, in order.
    ///
    /// # Errors
    /// When it cannot be read or written, or when a line in its middle is damaged.
    pub fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>)> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let bytes = std::fs::read(path)?;
        let mut values = Vec::new();
        let mut good = 0;
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            match parse(line) {
                Some(value) => {
                    values.push(value);
                    good += line.len();
                }
                None if lines.peek().is_none() => break,
                None => {
                    let words = format!("{} is damaged at byte {good}", path.display());
                    return Err(Error::new(ErrorKind::InvalidData, words));
                }
            }
        }
        if good < bytes.len() {
            file.set_len(u64::try_from(good).map_err(Error::other)?)?;
        }
        file.sync_all()?;
        sync_folder(path)?;
        Ok((Self { file, path: path.to_owned() }, values))
    }

    /// Appends lines; they are durable when this returns. After an error none of them may be relied on: open anew.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn append<T: Serialize>(&mut self, values: &[T]) -> Result<()> {
        let mut text = Vec::new();
        for value in values {
            write_line(&mut text, value)?;
        }
        self.file.write_all(&text)?;
        self.file.sync_data()
    }

    /// Puts these lines in place of all there were: a file beside it, synced, renamed over it.
    ///
    /// # Errors
    /// When the disk is full or gone; what was there is there still.
    pub fn rewrite<T: Serialize>(&mut self, values: &[T]) -> Result<()> {
        let mut text = Vec::new();
        for value in values {
            write_line(&mut text, value)?;
        }
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        sync_folder(&self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        Ok(())
    }
}

fn write_line<T: Serialize>(text: &mut Vec<u8>, value: &T) -> Result<()> {
    let json = serde_json::to_string(value)?;
    writeln!(text, "{} {json}", digits(json.as_bytes()))
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (seen, json) = line.split_once(' ')?;
    (seen == digits(json.as_bytes())).then(|| serde_json::from_str(json).ok())?
}

fn digits(json: &[u8]) -> String {
    Sha256::digest(json).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_cut_anywhere_is_gone_and_the_others_stay() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("lines");
        let (mut lines, none) = Lines::open::<String>(&path).unwrap();
        assert!(none.is_empty());
        lines.append(&["one", "two"]).unwrap();
        lines.append(&["三"]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let before = whole.len() - (8 + 1 + 2 + "三".len() + 1);
        for cut in before..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut lines, found) = Lines::open::<String>(&path).unwrap();
            assert_eq!(found, ["one", "two"], "cut at {cut}");
            lines.append(&["four"]).unwrap();
            assert_eq!(Lines::open::<String>(&path).unwrap().1, ["one", "two", "four"]);
        }
    }

    #[test]
    fn damage_in_the_middle_is_told_and_nothing_is_cut_off() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("lines");
        Lines::open::<String>(&path).unwrap().0.append(&["one", "two"]).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[11] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(Lines::open::<String>(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}
