//! The cursor: a reader and a mark, sealed for its person. It tells nothing to whoever holds it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::ids::Ids;

const NONCE: usize = 24;

/// What a cursor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// In which epoch it was given.
    pub epoch: Id,
    /// The reader.
    pub view: Id,
    /// The answer that gave it.
    pub mark: i64,
}

/// The secret behind cursors; the same on every node.
#[derive(Clone, Copy)]
pub struct SealKey(pub [u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// Seals a cursor for its person.
    ///
    /// # Errors
    /// 500 where it cannot be sealed.
    pub fn seal(&self, user: Id, cursor: Cursor, ids: &dyn Ids) -> Result<String, Problem> {
        let mut nonce = [0; NONCE];
        ids.fill(&mut nonce);
        let mut text = cursor.epoch.0.as_bytes().to_vec();
        text.extend_from_slice(cursor.view.0.as_bytes());
        text.extend_from_slice(&cursor.mark.to_be_bytes());
        let payload = Payload { msg: &text, aad: user.0.as_bytes() };
        let sealed = XChaCha20Poly1305::new(&Key::from(self.0)).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|error| Problem::internal(format!("a cursor cannot be sealed: {error}")))?;
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&sealed);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens a cursor that was sealed for this person.
    ///
    /// # Errors
    /// 400 `invalid_cursor` for anything else.
    pub fn open(&self, user: Id, cursor: &str) -> Result<Cursor, Problem> {
        let forged = || Problem::new(Code::InvalidCursor);
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|error| forged().cause(error))?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or_else(forged)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|error| forged().cause(error))?;
        let payload = Payload { msg: sealed, aad: user.0.as_bytes() };
        let text = XChaCha20Poly1305::new(&Key::from(self.0)).decrypt(&XNonce::from(nonce), payload);
        let text = text.map_err(|error| forged().cause(error))?;
        let id = |from: usize| {
            let bytes = text.get(from..from + 16).and_then(|bytes| uuid::Uuid::from_slice(bytes).ok());
            bytes.map(Id).ok_or_else(forged)
        };
        let mark: [u8; 8] = text.get(32..).and_then(|bytes| bytes.try_into().ok()).ok_or_else(forged)?;
        Ok(Cursor { epoch: id(0)?, view: id(16)?, mark: i64::from_be_bytes(mark) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::{SeededIds, built_in};

    #[test]
    fn a_cursor_opens_for_its_person_alone_and_for_nobody_when_touched() {
        let (key, ids) = (SealKey([3; 32]), SeededIds::new(1));
        let cursor = Cursor { epoch: built_in("epoch"), view: built_in("view"), mark: 17 };
        let sealed = key.seal(built_in("me"), cursor, &ids).unwrap();
        assert_eq!(key.open(built_in("me"), &sealed).unwrap(), cursor);
        assert_eq!(key.open(built_in("you"), &sealed).unwrap_err().code, Code::InvalidCursor);
        for place in 0..sealed.len() {
            let mut touched: Vec<char> = sealed.chars().collect();
            touched[place] = if touched[place] == 'A' { 'B' } else { 'A' };
            assert!(key.open(built_in("me"), &touched.into_iter().collect::<String>()).is_err(), "{place}");
        }
        assert!(key.open(built_in("me"), "").is_err());
    }
}
