//! Access tokens: EdDSA, 15 minutes, with `kid`; the public keys as JWKS. Tokens say who, never what one may do.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signature::{Signer, Verifier};

use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::cursor::CursorKey;
use crate::platform::ids::Ids;
use crate::platform::key_file;

/// Seconds for which an access token counts.
pub const LIFETIME: i64 = 15 * 60;
const ISSUER: &str = "anxiao";
const AUDIENCE: &str = "anxiao-api";

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Always `anxiao`.
    pub iss: String,
    /// Always `anxiao-api`.
    pub aud: String,
    /// The user.
    pub sub: Id,
    /// The session.
    pub sid: Id,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub exp: i64,
}

/// The keys of an installation: the first signs, all verify.
pub struct Tokens {
    keys: Vec<Key>,
    derive: [u8; 32],
}

struct Key {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: [u8; 32],
}

impl Tokens {
    /// Keys from a file; made there with owner-only rights if it does not exist.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub fn open(path: &Path, ids: &dyn Ids) -> Result<Self, String> {
        Self::from_seeds(&key_file::open(path, "signing key", ids)?)
    }

    /// Keys from seeds.
    ///
    /// # Errors
    /// When signing and verifying do not fit each other: told at start, not at the first sign-in.
    pub fn from_seeds(seeds: &[[u8; 32]]) -> Result<Self, String> {
        // Installed once for the process; a second start finds it there.
        let _ = PROVIDER.install_default();
        let keys: Vec<Key> = seeds.iter().map(key).collect();
        let derive = seeds.first().copied().unwrap_or_default();
        let tokens = Self { keys, derive };
        let id = crate::platform::ids::built_in("self-test");
        let (token, _) = tokens.issue(id, id, Timestamp::from_micros(0)).map_err(|problem| problem.to_string())?;
        let claims = tokens.verify(&token).map_err(|problem| problem.to_string())?;
        if claims.sub == id { Ok(tokens) } else { Err("the signing key does not verify what it signs".into()) }
    }

    /// A token for a session, and the seconds for which it counts. The same input gives the same token.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(&self, user: Id, session: Id, now: Timestamp) -> Result<(String, i64), Problem> {
        let key = self.keys.first().ok_or_else(|| Problem::internal("no signing key"))?;
        let iat = now.utc().timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            iat,
            exp: iat + LIFETIME,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid.clone());
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(Problem::internal)?;
        Ok((token, LIFETIME))
    }

    /// What a token says, if one of our keys signed it. Whether it has expired is the caller's question: time is not
    /// taken from the machine here.
    ///
    /// # Errors
    /// 401 for anything else.
    pub fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let refused = |cause: String| Problem::new(Code::Unauthenticated).cause(cause);
        let header = jsonwebtoken::decode_header(token).map_err(|error| refused(error.to_string()))?;
        if header.typ.as_deref() != Some("at+jwt") || header.alg != Algorithm::EdDSA {
            return Err(refused("the header is not ours".into()));
        }
        let key = self.keys.iter().find(|key| header.kid.as_deref() == Some(key.kid.as_str()));
        let key = key.ok_or_else(|| refused("the key is not ours".into()))?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.validate_exp = false;
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        jsonwebtoken::decode::<Claims>(token, &key.decoding, &rules)
            .map(|data| data.claims)
            .map_err(|error| refused(error.to_string()))
    }

    /// The public keys, as `/.well-known/jwks.json` gives them.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys = self.keys.iter().map(|key| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": key.kid, "x": URL_SAFE_NO_PAD.encode(key.public),
            })
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// Signs something else than a token, as a compact JWS of this type.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign<T: Serialize>(&self, kind: &str, content: &T) -> Result<String, Problem> {
        let key = self.keys.first().ok_or_else(|| Problem::internal("no signing key"))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.to_owned());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, content, &key.encoding).map_err(Problem::internal)
    }

    /// A secret for another purpose, the same on every node that has the key.
    ///
    /// # Errors
    /// Never in practice: HMAC takes keys of any length.
    pub fn derived(&self, purpose: &str, input: &[u8]) -> Result<[u8; 32], Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.derive).map_err(Problem::internal)?;
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(input);
        Ok(mac.finalize().into_bytes().into())
    }

    /// The secret behind cursors.
    ///
    /// # Errors
    /// As [`Self::derived`].
    pub fn cursor_key(&self) -> Result<CursorKey, Problem> {
        self.derived("cursor", &[]).map(CursorKey)
    }
}

fn key(seed: &[u8; 32]) -> Key {
    let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(public).get(..12).unwrap_or_default());
    Key { kid, encoding: EncodingKey::from_ed_der(seed), decoding: DecodingKey::from_ed_der(&public), public }
}

/// EdDSA for jsonwebtoken, over raw 32-byte keys. Its own providers bring RSA code that this program has no use for.
static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtSigner>> {
    let seed: Option<[u8; 32]> = key.as_bytes().try_into().ok();
    match (algorithm, seed) {
        (Algorithm::EdDSA, Some(seed)) => Ok(Box::new(EdSigner(SigningKey::from_bytes(&seed)))),
        _ => Err(ErrorKind::InvalidEddsaKey.into()),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    let public: Option<[u8; 32]> = key.try_get_as_bytes()?.try_into().ok();
    let public = public.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    match (algorithm, public) {
        (Algorithm::EdDSA, Some(public)) => Ok(Box::new(EdVerifier(public))),
        _ => Err(ErrorKind::InvalidEddsaKey.into()),
    }
}

struct EdSigner(SigningKey);

impl Signer<Vec<u8>> for EdSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(ed25519_dalek::Signer::sign(&self.0, message).to_bytes().to_vec())
    }
}

impl JwtSigner for EdSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct EdVerifier(VerifyingKey);

impl Verifier<Vec<u8>> for EdVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let refused = |_| signature::Error::new();
        let signature = Signature::from_slice(signature).map_err(refused)?;
        self.0.verify_strict(message, &signature).map_err(refused)
    }
}

impl JwtVerifier for EdVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
