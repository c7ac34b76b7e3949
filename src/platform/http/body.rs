//! JSON bodies. The bytes are read under a size and a deadline; whether they mean anything is told only when the
//! handler asks with [`Body::get`], after it knows that the record is the caller's to change.

use std::any::TypeId;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, schema::Schema};

use super::fields::{Check, Faults, FieldError};
use crate::platform::error::{Code, Problem};

/// Most bytes of a JSON body.
pub const JSON_LIMIT: usize = 1 << 20;
/// A body that has not arrived by then is cut off.
pub const BODY_DEADLINE: Duration = Duration::from_secs(20);
const DEPTH: usize = 32;
const ELEMENTS: usize = 10_000;
/// Most faults told of one body: an answer must not grow many times larger than the question.
const TOLD: usize = 100;

/// Put into the request by whoever settled that this caller may use this function. A body is not read before.
#[derive(Debug, Clone, Copy)]
pub struct Settled;

/// Put into the request where fewer bytes than [`JSON_LIMIT`] are read.
#[derive(Debug, Clone, Copy)]
pub struct Most(pub usize);

/// A JSON body of type `T`, read but not yet believed.
#[derive(Debug)]
pub struct Body<T> {
    value: Result<T, Problem>,
    /// SHA-256 over the body with its keys sorted and blanks removed: the same for the same content.
    pub hash: Arc<[u8]>,
}

impl<T> Body<T> {
    /// The content.
    ///
    /// # Errors
    /// 400 where it cannot be read, 422 with all faults where it is not valid.
    pub fn get(&self) -> Result<&T, Problem> {
        self.value.as_ref().map_err(Clone::clone)
    }
}

impl<T: DeserializeOwned + PartialSchema + Check + 'static> Body<T> {
    /// The same from a JSON value that came as a part of something larger.
    #[must_use]
    pub fn of(tree: &Value) -> Self {
        let text = tree.to_string();
        let hash = Arc::from(Sha256::digest(text.as_bytes()).as_slice());
        Self { value: believe::<T>(text.as_bytes(), tree), hash }
    }
}

impl<T> FromRequest for Body<T>
where
    T: DeserializeOwned + PartialSchema + Check + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let settled = request.extensions().get::<Settled>().is_some();
        let most = request.extensions().get::<Most>().map_or(JSON_LIMIT, |most| most.0);
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let payload = payload.take();
        Box::pin(async move {
            if !settled {
                return Err(Problem::internal("a body was asked for before the caller's right was settled"));
            }
            let bytes = read(payload, most).await?;
            if !bytes.is_empty() && !is_json(media.as_deref()) {
                return Err(Problem::new(Code::UnsupportedMediaType)
                    .detail("请求体须为 application/json", "the body must be application/json"));
            }
            let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
            let tree: Value = match serde_json::from_slice(text) {
                Ok(tree) => tree,
                Err(error) => return Ok(Self { value: Err(unreadable(&error)), hash: Arc::from([]) }),
            };
            let hash = Arc::from(Sha256::digest(tree.to_string().as_bytes()).as_slice());
            Ok(Self { value: believe::<T>(text, &tree), hash })
        })
    }
}

/// All bytes of a payload, within `limit` and the deadline.
///
/// # Errors
/// 413 as soon as more than `limit` bytes have come, 408 at the deadline.
pub async fn read(mut payload: Payload, limit: usize) -> Result<Vec<u8>, Problem> {
    let all = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| Problem::new(Code::MalformedBody).cause(error))?;
            if bytes.len() + chunk.len() > limit {
                return Err(Problem::new(Code::BodyTooLarge).detail(
                    format!("请求体不得超过 {limit} 字节"),
                    format!("the body must not exceed {limit} bytes"),
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout(BODY_DEADLINE, all).await.unwrap_or_else(|_| Err(Problem::new(Code::RequestTimeout)))
}

pub(crate) fn is_json(media: Option<&str>) -> bool {
    let kind = media.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    matches!(kind.as_str(), "application/json" | "application/merge-patch+json")
}

pub(crate) fn unreadable(error: &serde_json::Error) -> Problem {
    let place = format!("line {} column {}", error.line(), error.column());
    Problem::new(Code::MalformedBody).errors(vec![FieldError::new(
        "",
        "invalid_json",
        format!("不是合法的 JSON：{place}"),
        format!("is not JSON: {place}"),
    )])
}

/// From bytes to `T`: form first, then the shape of the top level, then the types, then the meaning.
fn believe<T: DeserializeOwned + PartialSchema + Check + 'static>(text: &[u8], tree: &Value) -> Result<T, Problem> {
    let mut faults = Faults::default();
    walk(tree, &mut String::new(), 1, &mut faults)?;
    // serde would read an array as the fields in their order.
    if !tree.is_object() {
        return Err(Problem::new(Code::MalformedBody).errors(vec![FieldError::new(
            "",
            "wrong_type",
            "请求体须为 JSON 对象",
            "must be a JSON object",
        )]));
    }
    let shape = shape::<T>();
    if let Some(object) = tree.as_object() {
        let unknown: Vec<_> = object
            .keys()
            .filter(|key| !shape.properties.is_empty() && !shape.properties.contains(*key))
            .take(TOLD)
            .map(|key| FieldError::new(pointer_of(key), "unknown_field", "未知字段", "is not a known field"))
            .collect();
        if !unknown.is_empty() {
            return Err(Problem::new(Code::MalformedBody).errors(unknown));
        }
        for missing in shape.required.iter().filter(|name| !object.contains_key(*name)) {
            faults.add(FieldError::required(pointer_of(missing)));
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(value) => {
            value.check(&mut faults);
            faults.finish()?;
            Ok(value)
        }
        Err(error) => Err(untyped(&error, faults)),
    }
}

/// Depth, length and characters, everywhere in the body.
fn walk(value: &Value, path: &mut String, depth: usize, faults: &mut Faults) -> Result<(), Problem> {
    let too = |code, zh, en| Err(Problem::new(Code::MalformedBody).errors(vec![FieldError::new("", code, zh, en)]));
    if depth > DEPTH {
        return too("too_deep", "嵌套过深", "is nested too deeply");
    }
    if faults.len() >= TOLD {
        return Ok(());
    }
    let length = path.len();
    match value {
        Value::String(text) if text.chars().any(forbidden) => {
            faults.say(path, "control_character", "不得含控制字符", "must not contain control characters");
        }
        Value::Array(items) => {
            if items.len() > ELEMENTS {
                return too("too_many", "数组过长", "has an array that is too long");
            }
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("/{index}"));
                walk(item, path, depth + 1, faults)?;
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                path.push_str(&pointer_of(key));
                if key.chars().any(forbidden) {
                    faults.say(path, "control_character", "不得含控制字符", "must not contain control characters");
                }
                walk(item, path, depth + 1, faults)?;
                path.truncate(length);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Control characters (newline and tab apart) and the marks that turn text around.
#[must_use]
pub fn forbidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn pointer_of(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// serde stops at the first fault; missing fields of the top level are already in `faults`.
fn untyped(error: &serde_path_to_error::Error<serde_json::Error>, mut faults: Faults) -> Problem {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&pointer_of(key)),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let message = error.inner().to_string();
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let unreadable = |code, zh: &str, en: &str, pointer: String| {
        Problem::new(Code::MalformedBody).errors(vec![FieldError::new(pointer, code, zh, en)])
    };
    if message.starts_with("invalid type") {
        return unreadable("wrong_type", "类型不正确", "has the wrong type", pointer);
    }
    if message.starts_with("unknown field") {
        // The path already ends in the field's own name.
        if !pointer.ends_with(&pointer_of(quoted)) {
            pointer.push_str(&pointer_of(quoted));
        }
        return unreadable("unknown_field", "未知字段", "is not a known field", pointer);
    }
    if message.starts_with("duplicate field") {
        return unreadable("duplicate_field", "字段重复", "is given twice", pointer);
    }
    if message.starts_with("missing field") {
        let missing = format!("{pointer}{}", pointer_of(quoted));
        let mut all = faults.into_inner();
        if !all.iter().any(|fault| fault.pointer == missing) {
            all.push(FieldError::required(missing));
        }
        return Problem::new(Code::ValidationFailed).errors(all);
    }
    if message.starts_with("unknown variant") {
        faults.add(FieldError::unknown_value(pointer));
    } else if message.starts_with("invalid value: integer") || message.starts_with("number out of range") {
        faults.say(&pointer, "out_of_range", "数值超出范围", "is out of range");
    } else if error.inner().is_data() {
        faults.say(&pointer, "invalid_format", "格式不正确", "has the wrong format");
    } else {
        return unreadable("invalid_json", "不是合法的 JSON", "is not JSON", pointer);
    }
    Problem::new(Code::ValidationFailed).errors(faults.into_inner())
}

/// The top level of a body, as its OpenAPI schema tells it.
struct Shape {
    required: Vec<String>,
    properties: Vec<String>,
}

/// Schemas are built anew at each call; the shapes of all bodies are kept.
fn shape<T: PartialSchema + 'static>() -> Arc<Shape> {
    static SHAPES: LazyLock<Mutex<HashMap<TypeId, Arc<Shape>>>> = LazyLock::new(Mutex::default);
    let mut shapes = SHAPES.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(shapes.entry(TypeId::of::<T>()).or_insert_with(|| {
        let mut shape = Shape { required: Vec::new(), properties: Vec::new() };
        if let RefOr::T(Schema::Object(object)) = T::schema() {
            shape.required = object.required;
            shape.properties = object.properties.into_iter().map(|(name, _)| name).collect();
        }
        Arc::new(shape)
    }))
}

/// A field of a merge patch (RFC 7396): absent, null, or a value. Use with `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leave it.
    #[default]
    Keep,
    /// `null`: clear it.
    Clear,
    /// Put this.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// The field after the patch, for a field that may be empty.
    #[must_use]
    pub fn apply(&self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// The new value, if there is one.
    #[must_use]
    pub const fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}
