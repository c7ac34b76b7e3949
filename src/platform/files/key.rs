//! Under what a file is kept.

use std::fmt::{self, Write};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::platform::db::types::Id;

/// SHA-256 of a content; 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// From its 32 bytes, as a database keeps it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its first byte.
    #[must_use]
    pub const fn first(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 lower-case hexadecimal digits")]
pub struct NoHash;

impl FromStr for ContentHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let mut hash = [0_u8; 32];
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NoHash);
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            let digits = text.get(index * 2..index * 2 + 2).ok_or(NoHash)?;
            *byte = u8::from_str_radix(digits, 16).ok().ok_or(NoHash)?;
        }
        Ok(Self(hash))
    }
}

/// Hashes what comes in pieces.
#[derive(Debug, Clone, Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> ContentHash {
        ContentHash(self.0.finalize().into())
    }
}

/// The thing itself, or what was made from it to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rendition {
    /// As it was received, byte for byte.
    Original,
    /// Encoded anew for display, without metadata.
    Display,
    /// Small, for lists.
    Thumbnail,
}

impl Rendition {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Original, Self::Display, Self::Thumbnail];

    /// The end of the file's name.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Original => "",
            Self::Display => ".display",
            Self::Thumbnail => ".thumbnail",
        }
    }
}

/// Under what a file is kept. Renditions stand beside their original, under the original's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Whose: files of two namespaces never meet, even with the same content.
    pub namespace: Id,
    /// The hash of the original.
    pub hash: ContentHash,
    /// Which of its forms.
    pub rendition: Rendition,
}

impl Key {
    /// The original with this hash.
    #[must_use]
    pub const fn original(namespace: Id, hash: ContentHash) -> Self {
        Self { namespace, hash, rendition: Rendition::Original }
    }

    /// Another form of the same.
    #[must_use]
    pub const fn as_rendition(self, rendition: Rendition) -> Self {
        Self { rendition, ..self }
    }

    /// The folder of a 256th of a namespace.
    pub(super) fn shelf(namespace: Id, first: u8) -> String {
        format!("{namespace}/{first:02x}")
    }

    /// The last part of its path.
    pub(super) fn name(&self) -> String {
        let mut name = self.hash.to_string();
        name.push_str(self.rendition.suffix());
        name
    }

    /// Reads the last part of a path; nothing where it is no file of ours.
    pub(super) fn from_name(namespace: Id, name: &str) -> Option<Self> {
        let (hash, suffix) = name.split_at_checked(64)?;
        let rendition = Rendition::ALL.into_iter().find(|rendition| rendition.suffix() == suffix)?;
        Some(Self { namespace, hash: hash.parse().ok()?, rendition })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::shelf(self.namespace, self.hash.first()))?;
        f.write_char('/')?;
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::built_in;

    #[test]
    fn a_key_is_read_back_from_its_name_and_nothing_else_is() {
        let namespace = built_in("bureau");
        for rendition in Rendition::ALL {
            let key = Key { namespace, hash: ContentHash::of(b"x"), rendition };
            assert_eq!(Key::from_name(namespace, &key.name()), Some(key));
            let text = key.to_string();
            assert!(text.starts_with(&format!("{namespace}/2d/2d71")), "{text}");
        }
        let hash = ContentHash::of(b"x").to_string();
        for other in ["", "x", &hash[1..], &hash.to_uppercase(), &format!("{hash}.tmp"), &"学".repeat(40)] {
            assert_eq!(Key::from_name(namespace, other), None, "{other}");
        }
    }
}
