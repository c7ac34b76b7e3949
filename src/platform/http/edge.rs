//! The outermost layer of every call: request id, limits, method override, panics, problems in the right language,
//! headers, one log line, figures.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use futures_util::FutureExt;

use super::body::Settled;
use super::list::CallerId;
use super::problem::{Language, render};
use crate::platform::error::{Code, Problem};
use crate::platform::ids::Ids;
use crate::platform::telemetry::Metrics;

/// Put into the request by whoever wants these headers on the answer, whatever it is.
#[derive(Debug, Clone)]
pub struct Also(pub Vec<(HeaderName, HeaderValue)>);

/// Most bytes of path and query.
const URI_LIMIT: usize = 8 * 1024;
const METHOD_OVERRIDE: &str = "X-HTTP-Method-Override";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the layer needs.
pub struct Edge {
    /// For request ids.
    pub ids: std::sync::Arc<dyn Ids>,
    /// For request ids.
    pub clock: std::sync::Arc<dyn crate::platform::clock::Clock>,
    /// Figures of every call.
    pub metrics: std::sync::Arc<Metrics>,
}

/// The layer itself; see the module.
///
/// # Errors
/// Only what a panic leaves, as an answer.
pub async fn edge<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let edge = request.app_data::<web::Data<Edge>>().cloned();
    let request_id = edge.as_ref().map_or_else(String::new, |edge| edge.ids.next(edge.clock.now()).to_string());
    let early = limits(&request).and_then(|()| override_method(&mut request));
    let language = Language::of(request.request());
    let method = request.method().clone();
    // Routing needs the request for itself: no second handle may be held while the call runs.
    let answer = match early {
        Err(problem) => request.error_response(problem),
        Ok(()) => match AssertUnwindSafe(next.call(request)).catch_unwind().await {
            Ok(Ok(answer)) => answer.map_into_boxed_body(),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                tracing::error!(request_id, method = method.as_str(), "a handler panicked");
                return Err(Panicked { request_id, language }.into());
            }
        },
    };
    let (http, response) = answer.into_parts();
    let problem = response.error().and_then(|error| error.as_error::<Problem>()).cloned();
    let (mut response, code, cause) = match problem {
        Some(problem) => {
            let rendered = render(&problem, language, &request_id);
            (rendered, problem.code.as_str(), problem.cause)
        }
        None if response.error().is_some() => {
            let cause = response.error().map(ToString::to_string);
            let problem = Problem::new(Code::MalformedBody);
            (render(&problem, language, &request_id), problem.code.as_str(), cause)
        }
        None => (response, "", None),
    };
    let has_body = http.headers().contains_key("content-length") || http.headers().contains_key("transfer-encoding");
    let body_wanted = http.extensions().get::<Settled>().is_some();
    if has_body && !body_wanted {
        // A body that nobody will read must not hold the connection.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    headers(&mut response, &request_id);
    if let Some(also) = http.extensions_mut().remove::<Also>() {
        for (name, value) in also.0 {
            response.headers_mut().insert(name, value);
        }
    }
    let pattern = http.match_pattern().unwrap_or_else(|| "unknown".to_owned());
    let user = http.extensions().get::<CallerId>().map(|caller| caller.0);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    if let Some(edge) = edge {
        edge.metrics.request(method.as_str(), &pattern, status, elapsed.as_secs_f64());
    }
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let user = user.map(|id| id.to_string()).unwrap_or_default();
    let method = method.as_str();
    if status >= 500 {
        let cause = cause.unwrap_or_default();
        tracing::error!(request_id, method, route = pattern, status, code, micros, user, cause, "request");
    } else {
        tracing::info!(request_id, method, route = pattern, status, code, micros, user, "request");
    }
    Ok(ServiceResponse::new(http, response))
}

/// What a panic leaves: the request is gone, the answer is made from what was kept of it.
#[derive(Debug)]
struct Panicked {
    request_id: String,
    language: Language,
}

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a handler panicked")
    }
}

impl ResponseError for Panicked {
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = render(&Problem::internal("a handler panicked"), self.language, &self.request_id);
        headers(&mut response, &self.request_id);
        response
    }
}

fn limits(request: &ServiceRequest) -> Result<(), Problem> {
    let length = request.uri().path_and_query().map_or(0, |all| all.as_str().len());
    if length > URI_LIMIT {
        return Err(Problem::new(Code::UriTooLong));
    }
    let encoding = request.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(Code::UnsupportedMediaType)
            .detail("请求体不得压缩或编码", "a request body must not be encoded"));
    }
    Ok(())
}

/// WeChat mini-programs cannot send PATCH. Rights, limits and records act on the effective method.
fn override_method(request: &mut ServiceRequest) -> Result<(), Problem> {
    let Some(wanted) = request.headers().get(METHOD_OVERRIDE) else {
        return Ok(());
    };
    let method = match wanted.as_bytes() {
        b"PUT" => Method::PUT,
        b"PATCH" => Method::PATCH,
        b"DELETE" => Method::DELETE,
        _ => {
            return Err(Problem::new(Code::InvalidParameter).detail(
                "X-HTTP-Method-Override 只可为 PUT、PATCH、DELETE",
                "the override must be PUT, PATCH or DELETE",
            ));
        }
    };
    if request.method() != Method::POST {
        return Err(
            Problem::new(Code::InvalidParameter).detail("只有 POST 可以改写方法", "only POST can be overridden")
        );
    }
    request.head_mut().method = method;
    Ok(())
}

fn headers(response: &mut HttpResponse, request_id: &str) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for (name, value) in
        [(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"), (CACHE_CONTROL, "no-store")]
    {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
