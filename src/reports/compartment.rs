//! The compartment of reporters' contacts: XChaCha20-Poly1305 under keys of a file of their own, bound to the report by
//! its id. Whoever has the database alone can neither read a contact nor put it beside another report.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::tracking::TrackingCode;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, FieldError};
use crate::platform::ids::Ids;
use crate::platform::key_file;

/// How to reach a reporter. Nothing of it is required.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReporterContact)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// How the reporter likes to be called.
    #[schema(max_length = 100)]
    pub name: Option<String>,
    /// A telephone number.
    #[schema(max_length = 40)]
    pub phone: Option<String>,
    /// Anything else.
    #[schema(max_length = 500)]
    pub other: Option<String>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contact(…)")
    }
}

impl Contact {
    /// Adds every fault of a contact that stands at `/contact`.
    pub fn check(&self, faults: &mut Faults) {
        faults.optional_text("/contact/name", self.name.as_deref(), 100);
        faults.optional_text("/contact/phone", self.phone.as_deref(), 40);
        faults.optional_text("/contact/other", self.other.as_deref(), 500);
        if self.name.is_none() && self.phone.is_none() && self.other.is_none() {
            faults.add(FieldError::required("/contact"));
        }
    }
}

/// A contact as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Under which key.
    pub key_id: String,
    /// 24 bytes, never used twice.
    pub nonce: Vec<u8>,
    /// The contact, with its seal.
    pub bytes: Vec<u8>,
}

struct Secret {
    id: String,
    cipher: XChaCha20Poly1305,
    derive: [u8; 32],
}

/// The keys: the first seals, all open.
pub struct Compartment {
    keys: Vec<Secret>,
}

impl std::fmt::Debug for Compartment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compartment").field("keys", &self.key_ids()).finish()
    }
}

impl Compartment {
    /// Keys from a file; made there with owner-only rights if it does not exist.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub fn open(path: &Path, ids: &dyn Ids) -> Result<Self, String> {
        Ok(Self::from_seeds(&key_file::open(path, "contact key", ids)?))
    }

    /// Keys from seeds; the first seals.
    #[must_use]
    pub fn from_seeds(seeds: &[[u8; 32]]) -> Self {
        let secret = |seed: &[u8; 32]| {
            let sealing = part(seed, b"seal");
            Secret {
                id: URL_SAFE_NO_PAD.encode(part(seed, b"id").get(..9).unwrap_or_default()),
                cipher: XChaCha20Poly1305::new(&Key::from(sealing)),
                derive: part(seed, b"derive"),
            }
        };
        Self { keys: seeds.iter().map(secret).collect() }
    }

    /// The names of the keys; they tell nothing of the keys.
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.id.clone()).collect()
    }

    /// Seals the contact of a report.
    ///
    /// # Errors
    /// 500 where it cannot be sealed.
    pub fn seal(&self, report_id: Id, contact: &Contact, ids: &dyn Ids) -> Result<Sealed, Problem> {
        let key = self.keys.first().ok_or_else(|| Problem::internal("no contact key"))?;
        let mut nonce = [0; 24];
        ids.fill(&mut nonce);
        let text = serde_json::to_vec(contact).map_err(Problem::internal)?;
        let payload = Payload { msg: &text, aad: report_id.0.as_bytes() };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload);
        let bytes = sealed.map_err(|error| Problem::internal(format!("a contact cannot be sealed: {error}")))?;
        Ok(Sealed { key_id: key.id.clone(), nonce: nonce.to_vec(), bytes })
    }

    /// Opens the contact of a report.
    ///
    /// # Errors
    /// 503 where its key is not in the file, or what is stored is not what was sealed for this report.
    pub fn unseal(&self, report_id: Id, sealed: &Sealed) -> Result<Contact, Problem> {
        let away = |cause: String| {
            Problem::new(Code::Unavailable)
                .detail(
                    "联系方式无法解封，请联系系统管理员检查密钥文件",
                    "the contact cannot be opened: ask the operator for its key",
                )
                .cause(cause)
        };
        let key = self.keys.iter().find(|key| key.id == sealed.key_id);
        let key = key.ok_or_else(|| away(format!("contact_key_file does not hold the key {}", sealed.key_id)))?;
        let nonce: [u8; 24] =
            sealed.nonce.as_slice().try_into().map_err(|error| away(format!("a nonce of another length: {error}")))?;
        let payload = Payload { msg: &sealed.bytes, aad: report_id.0.as_bytes() };
        let text = key.cipher.decrypt(&XNonce::from(nonce), payload);
        let text = text.map_err(|error| away(format!("the contact of {report_id} has a broken seal: {error}")))?;
        serde_json::from_slice(&text).map_err(Problem::internal)
    }

    /// The tracking code of a report under each of the keys, the present one first: after a rotation the one that was
    /// given out is the one whose hash is stored.
    ///
    /// # Errors
    /// Never in practice: HMAC takes keys of any length.
    pub fn tracking_codes(&self, report_id: Id) -> Result<Vec<TrackingCode>, Problem> {
        let code =
            |key: &Secret| Ok(TrackingCode::from_secret(keyed(&key.derive, b"tracking", report_id.0.as_bytes())?));
        self.keys.iter().map(code).collect()
    }

    /// What is stored of the hash of a body that may hold a contact: from the bare hash a telephone number could be
    /// guessed. Under each of the keys, the present one first.
    ///
    /// # Errors
    /// As [`Self::tracking_codes`].
    pub fn fingerprints(&self, body_hash: &[u8]) -> Result<Vec<Vec<u8>>, Problem> {
        self.keys.iter().map(|key| Ok(keyed(&key.derive, b"body", body_hash)?.to_vec())).collect()
    }
}

fn keyed(key: &[u8; 32], purpose: &[u8], input: &[u8]) -> Result<[u8; 32], Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Problem::internal)?;
    mac.update(purpose);
    mac.update(&[0]);
    mac.update(input);
    Ok(mac.finalize().into_bytes().into())
}

/// Keys for different purposes from one seed.
fn part(seed: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"anxiao contact ");
    hash.update(purpose);
    hash.update([0]);
    hash.update(seed);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::{SeededIds, built_in};

    fn contact() -> Contact {
        Contact { name: None, phone: Some("13800000000".into()), other: None }
    }

    #[test]
    fn a_contact_opens_for_its_report_alone_and_with_its_key_alone() {
        let (old, new) = (Compartment::from_seeds(&[[1; 32]]), Compartment::from_seeds(&[[2; 32], [1; 32]]));
        let (one, other) = (built_in("one"), built_in("other"));
        let sealed = old.seal(one, &contact(), &SeededIds::new(1)).unwrap();
        assert!(!String::from_utf8_lossy(&sealed.bytes).contains("138"));
        assert_eq!(old.unseal(one, &sealed).unwrap(), contact());
        assert_eq!(new.unseal(one, &sealed).unwrap(), contact());
        assert!(old.unseal(other, &sealed).is_err());
        let problem = Compartment::from_seeds(&[[2; 32]]).unseal(one, &sealed).unwrap_err();
        assert!(problem.cause.unwrap().contains("contact_key_file"));
        let again = old.seal(one, &contact(), &SeededIds::new(2)).unwrap();
        assert_ne!((again.nonce, again.bytes), (sealed.nonce, sealed.bytes));
    }

    #[test]
    fn a_code_given_out_before_a_rotation_is_among_those_after_it() {
        let (old, new) = (Compartment::from_seeds(&[[1; 32]]), Compartment::from_seeds(&[[2; 32], [1; 32]]));
        let id = built_in("one");
        let given = old.tracking_codes(id).unwrap()[0];
        let codes = new.tracking_codes(id).unwrap();
        assert!(codes.contains(&given) && codes[0] != given);
        assert_ne!(new.fingerprints(&[1]).unwrap()[0], new.fingerprints(&[2]).unwrap()[0]);
    }
}
