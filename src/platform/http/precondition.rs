//! `If-Match`: changing fields needs the version one has seen.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest};
use serde_json::Value;

use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// The header as it came; believed only when asked, after the record is known to be in sight.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Whether the header came at all, for what may be put without it the first time.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Accepts `"7"` and `"7-9a3f…"`: only the version counts, since bodies also move with time and caller.
    ///
    /// # Errors
    /// 428 without the header, 400 where it is no ETag of ours, 412 with the current record where it is stale.
    pub fn check(&self, version: i64, current: impl FnOnce() -> Value) -> Result<(), Problem> {
        let Some(header) = &self.0 else {
            return Err(Problem::new(Code::PreconditionRequired));
        };
        let header = header.trim();
        if header == "*" {
            return Ok(());
        }
        let tag = header.strip_prefix("W/").unwrap_or(header);
        let inner = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let seen = inner.and_then(|inner| inner.split('-').next()).and_then(|number| number.parse::<i64>().ok());
        match seen {
            None => Err(Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(
                "If-Match",
                "invalid_format",
                "须为带引号的版本号，例如 \"7\"",
                "must be a quoted version such as \"7\"",
            )])),
            Some(seen) if seen == version => Ok(()),
            Some(_) => Err(Problem::new(Code::VersionConflict).current(current())),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.headers().get(IF_MATCH).map(|value| value.to_str().unwrap_or("?").to_owned()))))
    }
}
