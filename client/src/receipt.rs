//! Receipts: the server's signature under what it has stored durably.
//!
//! A compact JWS (`header.payload.signature`, base64url without padding), signed with Ed25519 by a key of
//! `/.well-known/jwks.json`. A client forgets nothing on the word of an answer: only on a receipt that verifies, for
//! this device and this epoch.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::http::Trouble;

/// The server's public keys by name.
#[derive(Debug, Clone, Default)]
pub struct Keys(BTreeMap<String, VerifyingKey>);

/// What a receipt covers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    /// Always `anxiao`.
    pub iss: String,
    /// Whose operations.
    pub device_id: String,
    /// In which life of the server.
    pub epoch: String,
    /// Everything of this device up to this number is stored.
    pub acked_seq: i64,
    /// What is covered.
    pub op_ids: Vec<Uuid>,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

impl Keys {
    /// From `{"keys":[{"kty":"OKP","crv":"Ed25519","kid","x"}]}`; other kinds of keys are passed over.
    #[must_use]
    pub fn from_jwks(jwks: &Value) -> Self {
        let text = |key: &Value, name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut keys = BTreeMap::new();
        for key in jwks.get("keys").and_then(Value::as_array).into_iter().flatten() {
            let bytes = text(key, "x").and_then(|x| URL_SAFE_NO_PAD.decode(x).ok());
            let public = bytes.and_then(|x| VerifyingKey::from_bytes(&x.try_into().ok()?).ok());
            if text(key, "crv").as_deref() == Some("Ed25519")
                && let (Some(kid), Some(public)) = (text(key, "kid"), public)
            {
                keys.insert(kid, public);
            }
        }
        Self(keys)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a receipt says, if one of these keys signed it and it is for this device.
    ///
    /// # Errors
    /// [`Trouble::UnknownKey`] where none of these keys is named in it, [`Trouble::Forged`] otherwise.
    pub fn verify(&self, receipt: &str, device_id: &str) -> Result<Receipt, Trouble> {
        let forged = |why: &str| Trouble::Forged(why.to_owned());
        let mut parts = receipt.split('.');
        let (Some(head), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(forged("it is not of three parts"));
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Option<Header> = decode(head).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let header = header.ok_or_else(|| forged("its header cannot be read"))?;
        if header.typ != "sync-receipt+jws" || header.alg != "EdDSA" {
            return Err(forged("it is no receipt"));
        }
        let key = self.0.get(&header.kid).ok_or(Trouble::UnknownKey)?;
        let signature = decode(signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
        let signature = signature.ok_or_else(|| forged("its signature cannot be read"))?;
        key.verify_strict(format!("{head}.{payload}").as_bytes(), &signature)
            .map_err(|error| Trouble::Forged(error.to_string()))?;
        let said: Option<Receipt> = decode(payload).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let said = said.ok_or_else(|| forged("its payload cannot be read"))?;
        if said.iss != "anxiao" || said.device_id != device_id {
            return Err(forged("it is for another device"));
        }
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::json;

    use super::*;

    fn sign(seed: u8, header: &Value, payload: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signature = SigningKey::from_bytes(&[seed; 32]).sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn keys() -> Keys {
        let public = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let x = URL_SAFE_NO_PAD.encode(public.as_bytes());
        Keys::from_jwks(&json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}, {"kty": "RSA"}]}))
    }

    #[test]
    fn only_the_servers_own_receipt_for_this_device_counts() {
        let header = json!({"typ": "sync-receipt+jws", "alg": "EdDSA", "kid": "k"});
        let op = Uuid::from_u128(7);
        let payload =
            |device: &str| json!({"iss": "anxiao", "device_id": device, "epoch": "e", "acked_seq": 1, "op_ids": [op]});
        let good = sign(1, &header, &payload("phone"));
        assert_eq!(keys().verify(&good, "phone").unwrap().op_ids, [op]);
        let none = json!({"typ": "sync-receipt+jws", "alg": "none", "kid": "k"});
        let token = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k"});
        let unknown = json!({"typ": "sync-receipt+jws", "alg": "EdDSA", "kid": "other"});
        let mut changed: Vec<&str> = good.split('.').collect();
        let other = sign(1, &header, &payload("other"));
        changed[1] = other.split('.').nth(1).unwrap();
        let by_unknown = sign(1, &unknown, &payload("phone"));
        assert_eq!(keys().verify(&by_unknown, "phone"), Err(Trouble::UnknownKey));
        for forged in [
            sign(2, &header, &payload("phone")),
            sign(1, &header, &payload("other")),
            sign(1, &none, &payload("phone")),
            sign(1, &token, &payload("phone")),
            changed.join("."),
            good[..good.len() - 2].to_owned(),
            String::new(),
            "<html>".to_owned(),
        ] {
            assert!(matches!(keys().verify(&forged, "phone"), Err(Trouble::Forged(_))), "{forged}");
        }
    }
}
