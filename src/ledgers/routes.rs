//! The five ledgers over HTTP.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get};
use serde_json::{Map, Value};

use super::export::{self, Wanted};
use super::facts::Facts;
use super::kind::{Format, Ledger};
use super::lists::{ProblemRow, RectificationRow, ResponsibilityRow, ResultRow};
use super::row::HazardLedgerRow;
use crate::access::{Allowed, actions::hazard, actions::ledger};
use crate::hazards::store::{read, walk};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::{self, Page};
use crate::platform::http::{FieldError, List, Reply};

async fn page<T>(allowed: Allowed<hazard::Read>, list: List<read::Filter>, ledger: Ledger) -> Result<Reply, Problem>
where
    T: From<HazardLedgerRow> + serde::Serialize,
{
    allowed
        .read(move |conn, rights| {
            let zones = read::zones_of(conn, rights)?;
            let bureau = rights.scope().own_bureau();
            let zone = bureau.and_then(|id| zones.get(&id).copied()).unwrap_or(chrono_tz::Asia::Shanghai);
            let Page { data, page } = walk::page(conn, rights, &list, ledger.kept(), zone)?;
            let facts = Facts::of(conn, rights, &data)?;
            let rows = data.into_iter().map(|row| {
                let zone = zones.get(&row.bureau_id).copied().unwrap_or(zone);
                T::from(HazardLedgerRow::of(row, &facts, zone, rights.now))
            });
            Page { data: rows.collect::<Vec<_>>(), page }.reply()
        })
        .await
}

/// The hazard ledger (隐患台账)
///
/// Every hazard the caller sees, void ones as well, because numbers stay; newest first, with what the 43 columns tell.
#[utoipa::path(
    tag = "ledgers",
    params(read::Filter, PageQuery),
    responses((status = 200, description = "A page of the ledger", body = ListOf<HazardLedgerRow>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/ledgers/hazards")]
pub async fn hazards(allowed: Allowed<hazard::Read>, list: List<read::Filter>) -> Result<Reply, Problem> {
    page::<HazardLedgerRow>(allowed, list, Ledger::Hazards).await
}

/// What is wrong (问题清单)
///
/// All hazards the caller sees but void ones, newest first.
#[utoipa::path(
    tag = "ledgers",
    params(read::Filter, PageQuery),
    responses((status = 200, description = "A page of the list", body = ListOf<ProblemRow>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/ledgers/problems")]
pub async fn problems(allowed: Allowed<hazard::Read>, list: List<read::Filter>) -> Result<Reply, Problem> {
    page::<ProblemRow>(allowed, list, Ledger::Problems).await
}

/// Who answers (责任清单)
///
/// Open hazards the caller sees, newest first.
#[utoipa::path(
    tag = "ledgers",
    params(read::Filter, PageQuery),
    responses((status = 200, description = "A page of the list", body = ListOf<ResponsibilityRow>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/ledgers/responsibilities")]
pub async fn responsibilities(allowed: Allowed<hazard::Read>, list: List<read::Filter>) -> Result<Reply, Problem> {
    page::<ResponsibilityRow>(allowed, list, Ledger::Responsibilities).await
}

/// How and by when (整改清单)
///
/// Open hazards the caller sees that were issued, newest first.
#[utoipa::path(
    tag = "ledgers",
    params(read::Filter, PageQuery),
    responses((status = 200, description = "A page of the list", body = ListOf<RectificationRow>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/ledgers/rectifications")]
pub async fn rectifications(allowed: Allowed<hazard::Read>, list: List<read::Filter>) -> Result<Reply, Problem> {
    page::<RectificationRow>(allowed, list, Ledger::Rectifications).await
}

/// What improved (成果清单)
///
/// Closed hazards the caller sees, newest first.
#[utoipa::path(
    tag = "ledgers",
    params(read::Filter, PageQuery),
    responses((status = 200, description = "A page of the list", body = ListOf<ResultRow>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/ledgers/results")]
pub async fn results(allowed: Allowed<hazard::Read>, list: List<read::Filter>) -> Result<Reply, Problem> {
    page::<ResultRow>(allowed, list, Ledger::Results).await
}

/// `{ledger}` of the path; another word names nothing.
#[derive(Debug, Clone, Copy)]
pub struct Named(Ledger);

impl FromRequest for Named {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let word = request.match_info().get("ledger").and_then(Ledger::parse);
        ready(word.map(Self).ok_or_else(Problem::not_found))
    }
}

/// The query of a file: `format` and `lang` beside the filters of the list.
#[derive(Debug, Clone)]
pub struct Asked {
    format: Format,
    filter: read::Filter,
    told: Value,
}

fn wrong(name: &str, code: &'static str, zh: &str, en: &str) -> Problem {
    Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(name, code, zh, en)])
}

fn asked(request: &HttpRequest) -> Result<Asked, Problem> {
    let mut pairs = list::pairs(request.query_string())?;
    let mut take = |name: &str| {
        let found = pairs.iter().position(|(key, _)| key == name)?;
        Some(pairs.remove(found).1)
    };
    let (format, lang) = (take("format"), take("lang"));
    let format =
        format.ok_or_else(|| Problem::new(Code::InvalidParameter).errors(vec![FieldError::required("format")]));
    let format = Format::parse(&format?);
    let format = format.ok_or_else(|| wrong("format", "unknown_value", "须为 csv 或 xlsx", "must be csv or xlsx"))?;
    if lang.is_some_and(|lang| lang != "zh") {
        return Err(wrong("lang", "unknown_value", "须为 zh", "must be zh"));
    }
    let filter = list::filter(&pairs)?;
    // The journal holds no personal data: what was searched for may be a name.
    let told: Map<String, Value> = pairs
        .into_iter()
        .map(|(name, value)| if name == "q" { (name, Value::Bool(true)) } else { (name, Value::String(value)) })
        .collect();
    Ok(Asked { format, filter, told: Value::Object(told) })
}

impl FromRequest for Asked {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(asked(request))
    }
}

/// A ledger as a file
///
/// In the order of registration, with the columns bureaus keep it with and Chinese headings: CSV (UTF-8 with byte order
/// mark) or XLSX (texts only). Holds what the caller's list would and what the right to export reaches, as of the
/// moment it begins. Each is recorded before its first byte. A file that breaks off in the middle ends with an aborted
/// connection, never as if it were whole. A few run at once; then 503 with `Retry-After`.
#[utoipa::path(
    tag = "ledgers",
    params(
        ("ledger" = Ledger, Path, description = "Which"),
        ("format" = Format, Query, description = "What file"),
        ("lang" = Option<String>, Query, description = "Only `zh`, the default"),
        read::Filter
    ),
    responses(
        (status = 200, description = "The file, as an attachment", content(
            (String = "text/csv; charset=utf-8"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        ))
    ),
    extensions(("x-permission" = json!("export")))
)]
#[get("/ledgers/{ledger}/export")]
pub async fn file(allowed: Allowed<ledger::Export>, ledger: Named, asked: Asked) -> Result<HttpResponse, Problem> {
    let wanted = Wanted { ledger: ledger.0, format: asked.format, filter: asked.filter, told: asked.told };
    export::answer(allowed, wanted).await
}
