//! One request, one answer, and every way in which none comes.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A request to the server.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, `HEAD`, `PATCH`.
    pub method: &'static str,
    /// Below the server's address, beginning with `/`.
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// Empty where there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a body, by nobody.
    #[must_use]
    pub fn get(path: &str) -> Self {
        let headers = vec![("accept", "application/json".to_owned())];
        Self { method: "GET", path: path.to_owned(), headers, body: Vec::new() }
    }

    /// The same by nobody.
    #[must_use]
    pub fn by_nobody(mut self) -> Self {
        self.headers.retain(|(name, _)| *name != "authorization");
        self
    }

    /// A request with a JSON body.
    #[must_use]
    pub fn json(method: &'static str, path: &str, token: &str, body: &Value) -> Self {
        let headers = vec![
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        Self { method, path: path.to_owned(), headers, body: body.to_string().into_bytes() }
    }
}

/// What came back, whoever sent it.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body, if it is the JSON that was asked for. A hotel's sign-in page with status 200 is not.
    ///
    /// # Errors
    /// [`Trouble::Stranger`] where it is something else.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|error| Trouble::Stranger(error.to_string()))
    }

    /// The trouble that an answer other than 2xx stands for.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or(Value::Null);
        let code = problem.get("code").and_then(Value::as_str).map(str::to_owned);
        let wait = self.header("retry-after").and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
        match (self.status, code) {
            // Proxies say these for the server, in words of their own; to wait, or to send less, harms nothing.
            (413, _) => Trouble::TooLarge,
            (408 | 423 | 429 | 500..=599, _) => Trouble::Later(wait),
            (_, None) => Trouble::Stranger(format!("status {} without a problem", self.status)),
            (401, Some(_)) => Trouble::SignInAgain,
            (409, Some(code)) if code == "epoch_changed" => Trouble::EpochChanged,
            (status, Some(code)) => Trouble::Refused { status, code, problem },
        }
    }
}

/// Why there is no answer to build on. In none of these cases may anything be forgotten.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Trouble {
    /// Nothing came back: whether the server did it is not known.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// Somebody answered who is not the server: a captive portal, a proxy's error page.
    #[error("not the server's answer: {0}")]
    Stranger(String),
    /// The signature under a receipt is missing or wrong.
    #[error("the receipt does not verify: {0}")]
    Forged(String),
    /// Too much at the moment.
    #[error("the server is busy")]
    Later(Option<Duration>),
    /// It is signed by a key that is not known here: the server may have a new one.
    #[error("the receipt's key is not known")]
    UnknownKey,
    /// The token has run out or the rights have ended.
    #[error("sign in again")]
    SignInAgain,
    /// The server was restored from a backup.
    #[error("the server was restored from a backup")]
    EpochChanged,
    /// More than the server takes at once.
    #[error("too large")]
    TooLarge,
    /// The request as such was refused.
    #[error("refused with {status} {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The problem's code.
        code: String,
        /// The whole problem.
        problem: Value,
    },
    /// The phone's own disk.
    #[error("the phone cannot store: {0}")]
    Disk(String),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

/// Something that carries a request to the server, or fails to.
pub trait Transport {
    /// Sends one request.
    ///
    /// # Errors
    /// [`Trouble::NoAnswer`] when nothing came back.
    fn send(&mut self, request: &Request) -> Result<Response, Trouble>;
}

impl Trouble {
    /// Whether the same may work a little later without anybody doing anything.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::NoAnswer(_)
                | Self::Stranger(_)
                | Self::Forged(_)
                | Self::UnknownKey
                | Self::Later(_)
                | Self::EpochChanged
        )
    }
}

/// HTTP over the network.
#[derive(Debug)]
pub struct Http {
    base: String,
    agent: ureq::Agent,
}

/// Longest answer that is read, in bytes: a page of a pull is far smaller.
const LONGEST: u64 = 64 * 1024 * 1024;

impl Http {
    /// To a server such as `https://anxiao.example`.
    #[must_use]
    pub fn new(base: &str, patience: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(patience))
            .max_redirects(0)
            .proxy(None)
            .build()
            .into();
        Self { base: base.trim_end_matches('/').to_owned(), agent }
    }
}

impl Transport for Http {
    fn send(&mut self, request: &Request) -> Result<Response, Trouble> {
        let lost = |error: &dyn std::fmt::Display| Trouble::NoAnswer(error.to_string());
        let mut building =
            ureq::http::Request::builder().method(request.method).uri(format!("{}{}", self.base, request.path));
        for (name, value) in &request.headers {
            building = building.header(*name, value);
        }
        let answer = if request.body.is_empty() && matches!(request.method, "GET" | "HEAD") {
            self.agent.run(building.body(()).map_err(|error| lost(&error))?)
        } else {
            self.agent.run(building.body(request.body.clone()).map_err(|error| lost(&error))?)
        };
        let mut answer = answer.map_err(|error| lost(&error))?;
        let headers = answer.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().map(str::to_owned).unwrap_or_default()));
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        let read = answer.body_mut().with_config().limit(LONGEST).read_to_vec();
        Ok(Response { status, headers, body: read.map_err(|error| lost(&error))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Trouble {
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        Response { status, headers, body: body.as_bytes().to_vec() }.trouble()
    }

    #[test]
    fn only_the_servers_own_words_are_a_refusal() {
        let page = "<html>sign in to the hotel</html>";
        for status in [200, 204, 302, 400, 401, 403, 404, 409, 511] {
            assert!(answer(status, page).is_passing(), "{status}");
        }
        assert_eq!(answer(503, page), Trouble::Later(Some(Duration::from_secs(7))));
        assert_eq!(answer(413, page), Trouble::TooLarge);
        assert_eq!(answer(401, r#"{"code":"unauthenticated"}"#), Trouble::SignInAgain);
        assert_eq!(answer(409, r#"{"code":"epoch_changed"}"#), Trouble::EpochChanged);
        assert!(matches!(answer(409, r#"{"code":"id_reused"}"#), Trouble::Refused { status: 409, .. }));
    }
}
