//! Handing in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpMessage, HttpRequest, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::access::{Allowed, actions::sync};
use crate::app::App;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::{self, JSON_LIMIT, Settled};
use crate::platform::http::problem::Language;
use crate::platform::http::{Faults, FieldError, Reply};
use crate::sync::batch::{self, Handing, Stored};
use crate::sync::device;
use crate::sync::op::{self, Operation};
use crate::sync::receipt::{self, CredentialKey, Receipt};

/// Most operations of one request.
pub const MOST: usize = 500;

/// What a device hands in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The device's own name for itself, the same as long as the app is installed.
    #[schema(example = "phone-7", min_length = 1, max_length = 100)]
    pub device_id: String,
    /// The epoch of the last answer; null where the device knows none yet.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub epoch: Option<Id>,
    /// What the device's clock says now.
    #[serde(default)]
    #[schema(value_type = Option<Timestamp>)]
    pub sent_at: Option<Value>,
    /// The protocol of the operations; earlier ones are understood for ever.
    #[serde(default = "latest")]
    #[schema(default = 1)]
    pub schema: i32,
    /// At most 500.
    #[schema(value_type = Vec<PushedOperation>, max_items = 500)]
    pub ops: Vec<Box<RawValue>>,
}

const fn latest() -> i32 {
    op::SCHEMA
}

/// One operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushedOperation {
    /// Counts the operations of this device from 1.
    #[schema(minimum = 1)]
    seq: i64,
    /// Of the operation.
    op_id: Id,
    /// `inspection.create`, `inspection.check_in`, `inspection.answer`, `inspection.submit`, `hazard.report`,
    /// `hazard.transition`, `comment.add`, `evidence.declare`.
    #[schema(example = "inspection.answer")]
    kind: String,
    /// The record it makes or changes; of an answer, the inspection.
    id: Id,
    /// The version of that record the device had seen; of an answer, that of the answer.
    base_version: Option<i64>,
    /// The body of the request for the same thing; of an answer, the fields to change and `item_code`; of a remark,
    /// `hazard_id` as well.
    #[schema(value_type = Object)]
    set: Value,
    /// When it was done, by the device's clock; proves nothing.
    occurred_at: Option<Timestamp>,
    /// Ids of records, or of own operations, that must be there first.
    needs: Option<Vec<Id>>,
    /// All or none of the operations of this request with the same word.
    group: Option<String>,
}

/// What became of what was handed in; stored for good when this is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pushed {
    /// The epoch in force.
    pub epoch: Id,
    /// Everything of the device up to this number is stored, without a gap.
    pub acked_seq: i64,
    /// The server's clock.
    pub server_time: Timestamp,
    /// One for each operation, in the order of the request.
    #[schema(value_type = Vec<PushResult>)]
    pub results: Vec<Value>,
    /// A compact JWS over device, epoch and operations, by a key of `/.well-known/jwks.json`. Only what is in a receipt
    /// that verifies may be forgotten by the device.
    pub receipt: String,
    /// At the first push of a device: with it the device hands in what it holds when nobody can sign in on it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_credential: Option<String>,
}

/// What became of one operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushResult {
    /// As handed in.
    seq: i64,
    /// As handed in.
    op_id: Id,
    /// `applied`, `merged`, `duplicate`, `held`, `conflict`, `quarantined`.
    #[schema(example = "applied")]
    status: String,
    /// Of a duplicate: what became of the operation.
    was: Option<String>,
    /// Of the record afterwards.
    version: Option<i64>,
    /// Why it was refused.
    problem: Option<crate::openapi::Problem>,
    /// Merged or in conflict: the record as it is.
    #[schema(value_type = Option<Object>)]
    row: Option<Value>,
    /// Held: what has not come yet.
    waiting_for: Option<Vec<Id>>,
    /// Refused now: whether it was allowed when it was done.
    allowed_then: Option<bool>,
    /// In conflict: for `/sync/conflicts`.
    conflict_id: Option<Id>,
    /// Kept for people: for `/sync/quarantine`.
    quarantine_id: Option<Id>,
}

/// A body that is read but not yet believed.
#[derive(Debug)]
pub struct Raw(pub(super) Result<Push, Problem>);

impl FromRequest for Raw {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let settled = request.extensions().get::<Settled>().is_some();
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let payload = payload.take();
        Box::pin(async move {
            if !settled {
                return Err(Problem::internal("a body was asked for before the caller's right was settled"));
            }
            let bytes = body::read(payload, JSON_LIMIT).await?;
            if !body::is_json(media.as_deref()) {
                return Err(Problem::new(Code::UnsupportedMediaType)
                    .detail("请求体须为 application/json", "the body must be application/json"));
            }
            Ok(Self(believed(&bytes)))
        })
    }
}

/// The frame is strict; what is inside an operation is that operation's own matter.
fn believed(bytes: &[u8]) -> Result<Push, Problem> {
    let push: Push = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            let message = error.to_string();
            let named = message.split('`').nth(1).map(|field| format!("/{field}")).unwrap_or_default();
            let fault = if message.starts_with("unknown field") {
                FieldError::new(named, "unknown_field", "未知字段", "is not a known field")
            } else if message.starts_with("missing field") {
                FieldError::required(named)
            } else {
                FieldError::new("", "invalid_format", "格式不正确", "has a field of the wrong format")
            };
            return Problem::new(Code::MalformedBody).errors(vec![fault]).cause(message);
        }
        body::unreadable(&error)
    })?;
    if push.ops.len() > MOST {
        return Err(Problem::new(Code::BodyTooLarge)
            .detail(format!("每次至多 {MOST} 项操作"), format!("at most {MOST} operations at once")));
    }
    let mut faults = Faults::default();
    device::named(&mut faults, &push.device_id);
    faults.finish()?;
    Ok(push)
}

/// A request, prepared outside the lane.
pub(super) struct Prepared {
    pub handing: Handing,
    pub ops: Vec<Operation>,
}

/// Seconds by which a device's clock is ahead; nothing where it does not tell.
fn skew(sent_at: Option<&Value>, now: Timestamp) -> Option<i64> {
    let said = Timestamp::parse(sent_at?.as_str()?)?;
    Some((said - now).num_seconds())
}

pub(super) fn prepared(
    app: &App,
    push: Push,
    language: Language,
    only_kept: Option<Code>,
) -> Result<Prepared, Problem> {
    let now = app.clock.now();
    let skew_s = skew(push.sent_at.as_ref(), now);
    let mut ops = Vec::with_capacity(push.ops.len());
    let mut faults = Vec::new();
    for (place, raw) in push.ops.iter().enumerate() {
        match op::read(place, raw, push.schema, skew_s, now) {
            Ok(op) => ops.push(op),
            Err(problem) => faults.extend(problem.errors),
        }
    }
    if !faults.is_empty() {
        return Err(Problem::new(Code::ValidationFailed).errors(faults));
    }
    let key = credential_key(app)?;
    let handing = Handing { device_id: push.device_id, epoch: push.epoch, skew_s, language, key, only_kept };
    Ok(Prepared { handing, ops })
}

pub(super) fn credential_key(app: &App) -> Result<CredentialKey, Problem> {
    app.tokens.derived("sync device credential", &[]).map(CredentialKey)
}

/// The answer from what the transactions stored.
pub(super) fn answer(app: &App, prepared: &Prepared, stored: Vec<Stored>) -> Result<Reply, Problem> {
    let last = stored.last().ok_or_else(|| Problem::internal("a push without a transaction"))?;
    let (epoch, acked_seq) = (last.epoch, last.acked_seq);
    let mut results: HashMap<(Id, Vec<u8>), Value> = HashMap::new();
    let mut device_credential = None;
    for part in stored {
        device_credential = device_credential.or(part.credential);
        for (key, told) in part.results {
            // What one transaction held, a later one of the same request may have done.
            let told = match results.get(&key) {
                Some(before) if before.get("status").is_some_and(|status| status == "held") => fresh(told),
                _ => told,
            };
            results.insert(key, told);
        }
    }
    let mut once = HashSet::new();
    let op_ids = prepared.ops.iter().map(|op| op.op_id).filter(|id| once.insert(*id)).collect();
    let mut told_of = HashSet::new();
    let receipt = Receipt { iss: "anxiao", device_id: &prepared.handing.device_id, epoch, acked_seq, op_ids };
    let receipt = app.tokens.sign(receipt::TYPE, &receipt)?;
    let results = prepared
        .ops
        .iter()
        .map(|op| {
            let told = results.get(&(op.op_id, op.hash.clone())).cloned();
            let mut told = told.ok_or_else(|| Problem::internal("an operation without a result"))?;
            if prepared.handing.only_kept.is_some() {
                blind(&mut told);
            }
            Ok(if told_of.insert((op.op_id, op.hash.as_slice())) { told } else { repeated(told) })
        })
        .collect::<Result<_, Problem>>()?;
    let server_time = app.clock.now();
    Reply::value(&Pushed { epoch, acked_seq, server_time, results, receipt, device_credential })
}

/// Without a sign-in nothing is read, not even what was told before.
fn blind(told: &mut Value) {
    if let Some(object) = told.as_object_mut() {
        object.remove("row");
        object.remove("version");
    }
}

/// The same operation twice in one request.
fn repeated(mut told: Value) -> Value {
    if let Some(object) = told.as_object_mut()
        && !object.contains_key("was")
    {
        let was = object.insert("status".into(), Value::from("duplicate"));
        object.insert("was".into(), was.unwrap_or_default());
    }
    told
}

/// Not a repeat: the device hears of it for the first time.
fn fresh(mut told: Value) -> Value {
    if let Some(object) = told.as_object_mut()
        && let Some(was) = object.remove("was")
    {
        object.insert("status".into(), was);
    }
    told
}

/// Hand in what was done offline
///
/// Everything is stored for good, with what became of each, before the answer is sent: done, merged with what others
/// did, held until what it names has come, in conflict, or kept for people with the reason. Sent again it has no further
/// effect. One operation never stops another. At most 500 operations and 1 MiB.
#[utoipa::path(
    tag = "sync",
    request_body = Push,
    responses((status = 200, description = "Stored", body = Pushed)),
    extensions(("x-permission" = json!("sync")))
)]
#[post("/sync/push")]
pub async fn take_in(allowed: Allowed<sync::Use>, body: Raw, request: HttpRequest) -> Result<Reply, Problem> {
    let prepared = Arc::new(prepared(allowed.app(), body.0?, Language::of(&request), None)?);
    let mut stored = Vec::new();
    for portion in batch::portions(&prepared.ops) {
        let shared = Arc::clone(&prepared);
        let part = allowed
            .write_unkept(move |tx, rights| {
                let ops: Vec<&Operation> = portion.iter().filter_map(|place| shared.ops.get(*place)).collect();
                batch::store(tx, rights, &shared.handing, &ops)
            })
            .await?;
        stored.push(part);
    }
    if stored.iter().any(|part| part.holds) {
        allowed.app().ripening.expect();
    }
    answer(allowed.app(), &prepared, stored)
}
