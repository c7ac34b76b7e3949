//! Opaque cursors: where a list goes on, bound to path, filter, sort and caller by an HMAC.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::platform::error::{Code, Problem};

/// The secret behind cursors; the same on every node.
#[derive(Clone)]
pub struct CursorKey(pub [u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

const MAC: usize = 16;

impl CursorKey {
    fn mac(&self, binding: &str, position: &[u8]) -> Result<Vec<u8>, Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(Problem::internal)?;
        mac.update(binding.as_bytes());
        mac.update(&[0]);
        mac.update(position);
        Ok(mac.finalize().into_bytes().iter().take(MAC).copied().collect())
    }

    /// Seals a position for `binding`.
    ///
    /// # Errors
    /// When the position cannot be written.
    pub fn seal<T: Serialize>(&self, binding: &str, position: &T) -> Result<String, Problem> {
        let text = serde_json::to_vec(position).map_err(Problem::internal)?;
        let mut bytes = self.mac(binding, &text)?;
        bytes.extend_from_slice(&text);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens a cursor made for the same binding.
    ///
    /// # Errors
    /// `invalid_cursor` for anything else.
    pub fn open<T: DeserializeOwned>(&self, binding: &str, cursor: &str) -> Result<T, Problem> {
        let forged = || Problem::new(Code::InvalidCursor);
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|error| forged().cause(error))?;
        let (mac, text) = bytes.split_at_checked(MAC).ok_or_else(forged)?;
        let ours = self.mac(binding, text)?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(ours.as_slice(), mac)) {
            return Err(forged());
        }
        serde_json::from_slice(text).map_err(|error| forged().cause(error))
    }
}
