//! What a phone may rely on: a signed receipt for what is stored for good, and a credential with which a device hands in
//! what it holds when nobody can sign in on it any more.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};

/// The type in a receipt's header, so that it is never taken for another thing this server signs.
pub const TYPE: &str = "sync-receipt+jws";
const PREFIX: &str = "dev1";

/// What a receipt says.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt<'a> {
    /// Always `anxiao`.
    pub iss: &'static str,
    /// The device's own name.
    pub device_id: &'a str,
    /// The epoch in which it is stored.
    pub epoch: Id,
    /// Everything from the first to this one is stored.
    pub acked_seq: i64,
    /// What this request brought, in its order, each once.
    pub op_ids: Vec<Id>,
}

/// The secret from which credentials of devices are made.
#[derive(Clone, Copy)]
pub struct CredentialKey(pub [u8; 32]);

impl std::fmt::Debug for CredentialKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialKey")
    }
}

impl CredentialKey {
    fn mac(&self, device: Id) -> Result<Vec<u8>, Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(Problem::internal)?;
        mac.update(device.0.as_bytes());
        Ok(mac.finalize().into_bytes().to_vec())
    }

    /// The credential of a device; the same each time, so that an answer that was lost costs nothing.
    ///
    /// # Errors
    /// Never in practice.
    pub fn credential(&self, device: Id) -> Result<String, Problem> {
        Ok(format!("{PREFIX}.{}.{}", device.0.simple(), URL_SAFE_NO_PAD.encode(self.mac(device)?)))
    }

    /// The device of a credential, told without asking the database; whether it still counts is the database's word.
    ///
    /// # Errors
    /// 401 for anything this server did not make.
    pub fn device(&self, credential: &str) -> Result<Id, Problem> {
        let refused = || Problem::new(Code::Unauthenticated);
        let mut parts = credential.split('.');
        let (prefix, id, mac) = (parts.next(), parts.next(), parts.next());
        let (Some(PREFIX), Some(id), Some(mac), None) = (prefix, id, mac, parts.next()) else { return Err(refused()) };
        let id: Id = id.parse().map_err(|error| refused().cause(error))?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|error| refused().cause(error))?;
        let same = subtle::ConstantTimeEq::ct_eq(self.mac(id)?.as_slice(), mac.as_slice());
        if bool::from(same) { Ok(id) } else { Err(refused()) }
    }
}

/// What is stored of a credential.
#[must_use]
pub fn hash(credential: &str) -> Vec<u8> {
    Sha256::digest(credential.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::built_in;

    #[test]
    fn a_credential_names_its_device_and_no_other_can_be_made() {
        let key = CredentialKey([7; 32]);
        let device = built_in("a device");
        let credential = key.credential(device).unwrap();
        assert_eq!(key.device(&credential).unwrap(), device);
        let other = credential.replace(&device.0.simple().to_string(), &built_in("another").0.simple().to_string());
        assert_eq!(key.device(&other).unwrap_err().code, Code::Unauthenticated);
        assert!(CredentialKey([8; 32]).device(&credential).is_err());
        assert!(key.device("dev1..").is_err());
    }
}
