//! A [`Problem`] as `application/problem+json`, in the language asked for.

use actix_web::body::BoxBody;
use actix_web::http::header::{ACCEPT_LANGUAGE, ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::{Value, json};

use crate::platform::error::{Code, Problem};

/// The words of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese, the default.
    Zh,
    /// English.
    En,
}

impl Language {
    /// From `Accept-Language`: the accepted one of the two with the higher weight, Chinese where they tie.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
        Self::from_header(header)
    }

    fn from_header(header: &str) -> Self {
        let (mut zh, mut en) = (0.0_f32, 0.0_f32);
        for part in header.split(',') {
            let mut bits = part.split(';');
            let tag = bits.next().unwrap_or("").trim().to_ascii_lowercase();
            let weight = bits
                .find_map(|bit| bit.trim().strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
            if tag.starts_with("zh") || tag == "*" {
                zh = zh.max(weight);
            } else if tag.starts_with("en") {
                en = en.max(weight);
            }
        }
        if en > zh { Self::En } else { Self::Zh }
    }

    /// The one of the two texts that is in this language.
    #[must_use]
    pub const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// The answer for a problem. `instance` is left out of 404s, so that absent and out of sight are the same bytes.
#[must_use]
pub fn render(problem: &Problem, language: Language, request_id: &str) -> HttpResponse {
    let code = problem.code;
    let body = told(problem, language, Some(request_id));
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(seconds) = problem.retry_after {
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    if let Some(allow) = &problem.allow {
        response.insert_header((ALLOW, allow.as_str()));
    }
    if code == Code::Unauthenticated {
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
    }
    let mut response = response.content_type("application/problem+json").body(body.to_string());
    let unread = [Code::RequestTimeout, Code::BodyTooLarge, Code::UriTooLong, Code::UploadGone, Code::UploadBusy];
    if unread.contains(&code) || code == Code::OffsetConflict {
        // What is still to come of this body is not wanted.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// A problem as JSON; without `request_id` as a part of a larger answer.
#[must_use]
pub fn told(problem: &Problem, language: Language, request_id: Option<&str>) -> Value {
    let code = problem.code;
    let (zh, en) = code.title();
    let mut body = json!({
        "type": format!("/docs#problem-{}", code.as_str()),
        "title": language.pick(zh, en),
        "status": code.status(),
        "code": code.as_str(),
    });
    let mut put = |name: &str, value: Value| {
        if let Some(object) = body.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    };
    let detail = language.pick(&problem.detail.0, &problem.detail.1);
    put("detail", Value::from(if detail.is_empty() { language.pick(zh, en) } else { detail }));
    if let Some(request_id) = request_id.filter(|_| code != Code::NotFound) {
        put("instance", Value::from(format!("urn:uuid:{request_id}")));
    }
    if !problem.errors.is_empty() {
        let errors = problem.errors.iter().map(|error| {
            let detail = language.pick(&error.detail.0, &error.detail.1);
            json!({"pointer": error.pointer, "code": error.code, "detail": detail})
        });
        put("errors", errors.collect());
    }
    if let Some(current) = &problem.current {
        put("current", current.clone());
    }
    if let Some(actions) = &problem.allowed_actions {
        put("allowed_actions", actions.clone());
    }
    if let Some(actions) = &problem.refused_actions {
        put("refused_actions", actions.clone());
    }
    body
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A first form; [`super::edge`] writes it again in the caller's language.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn chinese_is_the_default_and_weights_decide() {
        assert_eq!(Language::from_header(""), Language::Zh);
        assert_eq!(Language::from_header("en"), Language::En);
        assert_eq!(Language::from_header("en;q=0.5, zh-CN"), Language::Zh);
        assert_eq!(Language::from_header("zh;q=0.3, en-GB;q=0.8"), Language::En);
        assert_eq!(Language::from_header("fr"), Language::Zh);
    }
}
