//! Answers: a record with its ETag, a created record with its place, a list.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_NONE_MATCH, LOCATION};
use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::platform::error::Problem;

/// What every record answers with.
pub trait Record: Serialize {
    /// Counts the changes of the record.
    fn version(&self) -> i64;
}

/// A finished answer; also what is kept for an `Idempotency-Key`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    status: u16,
    body: String,
    etag: Option<String>,
    location: Option<String>,
    #[serde(skip)]
    replayed: bool,
}

impl Reply {
    fn of<T: Serialize>(status: u16, value: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(value).map_err(Problem::internal)?;
        Ok(Self { status, body, etag: None, location: None, replayed: false })
    }

    /// 200 with a value that has no version.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn value<T: Serialize>(value: &T) -> Result<Self, Problem> {
        Self::of(200, value)
    }

    /// 200 with a record and its ETag: version and hash of the body, since bodies also move with time and caller.
    ///
    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn record<T: Record>(record: &T) -> Result<Self, Problem> {
        let mut reply = Self::of(200, record)?;
        let hash = Sha256::digest(reply.body.as_bytes());
        let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        reply.etag = Some(format!("\"{}-{short}\"", record.version()));
        Ok(reply)
    }

    /// 201 with the record, its ETag and its place (a path under `/api/v1`).
    ///
    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn created<T: Record>(path: &str, record: &T) -> Result<Self, Problem> {
        let mut reply = Self::record(record)?;
        reply.status = 201;
        reply.location = Some(format!("/api/v1{path}"));
        Ok(reply)
    }

    /// 201 with a value that has no address: what was made is not shown to whoever made it.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn made<T: Serialize>(value: &T) -> Result<Self, Problem> {
        Self::of(201, value)
    }

    /// 204.
    #[must_use]
    pub const fn no_content() -> Self {
        Self { status: 204, body: String::new(), etag: None, location: None, replayed: false }
    }

    /// Marks the answer as one given before.
    #[must_use]
    pub const fn replayed(mut self) -> Self {
        self.replayed = true;
        self
    }

    /// The same answer with its JSON body told anew: what a repeat may no longer say.
    #[must_use]
    pub fn retold(mut self, tell: impl FnOnce(&mut serde_json::Value)) -> Self {
        if let Ok(mut value) = serde_json::from_str(&self.body) {
            tell(&mut value);
            self.body = value.to_string();
        }
        self
    }

    /// The body as a JSON value; null where there is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if let Some(etag) = self.etag {
            let asked = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
            let same =
                asked.is_some_and(|asked| asked.split(',').any(|one| one.trim().trim_start_matches("W/") == etag));
            response.insert_header((ETAG, etag));
            if same && request.method() == actix_web::http::Method::GET {
                return response.status(StatusCode::NOT_MODIFIED).finish();
            }
        }
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if self.replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response.content_type("application/json").body(self.body)
    }
}
