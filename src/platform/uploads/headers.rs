//! What a client says in the headers of tus 1.0.

use std::collections::BTreeMap;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, HttpDate};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::platform::db::types::Timestamp;
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::http::edge::Also;

/// The version spoken here.
pub const VERSION: &str = "1.0.0";
/// The extensions spoken here.
pub const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
/// The checksums understood. SHA-1 because tus asks for it at least.
pub const ALGORITHMS: &str = "sha256,sha1";
/// The media type of a piece.
pub const PIECE: &str = "application/offset+octet-stream";

/// A request of tus; the answer, whatever it is, names the version.
#[derive(Debug, Clone)]
pub struct Tus {
    headers: HeaderMap,
}

impl FromRequest for Tus {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = HeaderName::from_static("tus-resumable");
        let also = Also(vec![
            (name, HeaderValue::from_static(VERSION)),
            (HeaderName::from_static("tus-version"), HeaderValue::from_static(VERSION)),
        ]);
        request.extensions_mut().insert(also);
        ready(Ok(Self { headers: request.headers().clone() }))
    }
}

fn wrong(name: &str, code: &'static str, zh: &str, en: &str) -> Problem {
    Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(name, code, zh, en)])
}

impl Tus {
    /// Whether the client speaks this version.
    ///
    /// # Errors
    /// 412.
    pub fn version(&self) -> Result<(), Problem> {
        match self.one("Tus-Resumable")? {
            Some(VERSION) => Ok(()),
            _ => Err(Problem::new(Code::UnsupportedTusVersion)
                .detail("Tus-Resumable 须为 1.0.0", "Tus-Resumable must be 1.0.0")),
        }
    }

    fn one(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut all = self.headers.get_all(name);
        let (first, second) = (all.next(), all.next());
        let repeated = || wrong(name, "repeated", "不得重复", "must be given once");
        if second.is_some() {
            return Err(repeated());
        }
        let text = |value: &'_ HeaderValue| value.to_str().is_ok();
        if first.is_some_and(|value| !text(value)) {
            return Err(wrong(name, "invalid_format", "格式不正确", "has the wrong format"));
        }
        Ok(first.and_then(|value| value.to_str().ok()))
    }

    /// A number of bytes.
    ///
    /// # Errors
    /// 400 where it is no number.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<u64>().ok().filter(|number| digits && i64::try_from(*number).is_ok());
        number.map(Some).ok_or_else(|| wrong(name, "invalid_format", "须为非负整数", "must be a number of bytes"))
    }

    /// The same, where it must be there.
    ///
    /// # Errors
    /// 400.
    pub fn needed(&self, name: &'static str) -> Result<u64, Problem> {
        self.number(name)?.ok_or_else(|| Problem::new(Code::InvalidParameter).errors(vec![FieldError::required(name)]))
    }

    /// `Upload-Metadata`, as it was sent and as it reads.
    ///
    /// # Errors
    /// 400 where it is not of the form `key base64,key base64`.
    pub fn metadata(&self) -> Result<(String, BTreeMap<String, Vec<u8>>), Problem> {
        let text = self.one("Upload-Metadata")?.unwrap_or_default();
        let read = if text.len() > 4096 { None } else { metadata(text) };
        let read = read.ok_or_else(|| {
            wrong("Upload-Metadata", "invalid_format", "须为“键 Base64”，以逗号分隔", "must be pairs of key and base64")
        })?;
        Ok((text.to_owned(), read))
    }

    /// `Upload-Checksum`.
    ///
    /// # Errors
    /// 400 where it cannot be read or its algorithm is not known.
    pub fn checksum(&self) -> Result<Option<Checksum>, Problem> {
        let Some(text) = self.one("Upload-Checksum")? else { return Ok(None) };
        Checksum::parse(text).map(Some).ok_or_else(|| {
            wrong(
                "Upload-Checksum",
                "invalid_format",
                "须为 sha256 或 sha1 加 Base64",
                "must be sha256 or sha1 and base64",
            )
        })
    }

    /// Whether the body is a piece.
    #[must_use]
    pub fn brings_a_piece(&self) -> bool {
        let media = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(PIECE)
    }

    /// How long the body says it is.
    #[must_use]
    pub fn body_length(&self) -> Option<u64> {
        self.number("Content-Length").ok().flatten()
    }
}

/// `key base64,key base64`; a key alone has an empty value.
fn metadata(text: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    if text.trim().is_empty() {
        return Some(all);
    }
    for pair in text.split(',') {
        let mut parts = pair.split_ascii_whitespace();
        let key = parts.next()?;
        let value = parts.next().map_or(Some(Vec::new()), |value| STANDARD.decode(value).ok())?;
        if parts.next().is_some() || all.insert(key.to_owned(), value).is_some() {
            return None;
        }
    }
    Some(all)
}

/// A checksum of one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    weak: bool,
    digest: Vec<u8>,
}

impl Checksum {
    fn parse(text: &str) -> Option<Self> {
        let (algorithm, digest) = text.split_once(' ')?;
        let digest = STANDARD.decode(digest.trim()).ok()?;
        match (algorithm, digest.len()) {
            ("sha256", 32) => Some(Self { weak: false, digest }),
            ("sha1", 20) => Some(Self { weak: true, digest }),
            _ => None,
        }
    }

    /// Begins to add up what comes.
    #[must_use]
    pub fn sum(&self) -> Sum {
        if self.weak { Sum::Sha1(Sha1::new()) } else { Sum::Sha256(Sha256::new()) }
    }

    /// Whether this is what came.
    #[must_use]
    pub fn fits(&self, sum: Sum) -> bool {
        match sum {
            Sum::Sha1(sum) => *sum.finalize() == *self.digest,
            Sum::Sha256(sum) => *sum.finalize() == *self.digest,
        }
    }
}

/// What has come so far.
#[derive(Debug, Clone)]
pub enum Sum {
    /// By SHA-1.
    Sha1(Sha1),
    /// By SHA-256.
    Sha256(Sha256),
}

impl Sum {
    /// Adds a piece.
    pub fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
        }
    }
}

/// `Upload-Expires`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    HttpDate::from(std::time::SystemTime::from(at.utc())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_pair_by_pair() {
        let read = metadata("evidence_id MDE5,is_photo").unwrap();
        assert_eq!(read["evidence_id"], b"019");
        assert_eq!(read["is_photo"], b"");
        assert!(metadata("").unwrap().is_empty());
        for broken in ["a b c", "a !!!", "a MDE5,a MDE5", ",", "a MDE5,"] {
            assert_eq!(metadata(broken), None, "{broken}");
        }
    }

    #[test]
    fn checksums_fit_what_they_were_made_of_and_nothing_else() {
        for text in ["sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="] {
            let checksum = Checksum::parse(text).unwrap();
            let mut sum = checksum.sum();
            sum.add(b"hel");
            let half = sum.clone();
            sum.add(b"lo");
            assert!(checksum.fits(sum), "{text}");
            assert!(!checksum.fits(half), "{text}");
        }
        for broken in ["sha256", "md5 XUFAKrxLKna5cZ2REBfFkg==", "sha256 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "sha1 ???"] {
            assert_eq!(Checksum::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(date(Timestamp::from_micros(784_111_777_000_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
