//! Keyset lists: strict filters, a limit, a cursor, one order.

use std::collections::HashSet;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::cursor::CursorKey;
use super::fields::FieldError;
use super::reply::Reply;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};

/// Rows of a page when nothing is asked for.
pub const DEFAULT_LIMIT: i64 = 50;
/// Most rows of a page.
pub const MAX_LIMIT: i64 = 200;
/// Counts are exact up to here.
pub const COUNT_LIMIT: i64 = 10_000;

/// Who asks; put into the request by sign-in, so that cursors are bound to their caller.
#[derive(Debug, Clone, Copy)]
pub struct CallerId(pub Id);

/// The query of a list: the filter `F` (with `deny_unknown_fields`) beside `limit`, `cursor`, `sort` and `count`.
#[derive(Debug, Clone)]
pub struct List<F> {
    /// The filter.
    pub filter: F,
    /// Rows of a page.
    pub limit: i64,
    /// Oldest first; else newest first, the default.
    pub ascending: bool,
    /// Whether the number of rows is asked for.
    pub count: bool,
    after: Option<(i64, Id)>,
    binding: String,
    key: CursorKey,
}

/// A position in a list ordered by creation.
pub type After = Option<(Timestamp, Id)>;

impl<F> List<F> {
    /// Rows to ask the database for: one more than the page, to know whether there are more.
    #[must_use]
    pub const fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Where the page begins.
    #[must_use]
    pub fn after(&self) -> After {
        self.after.map(|(micros, id)| (Timestamp::from_micros(micros), id))
    }

    /// The page from at most [`Self::fetch`] rows; `place` is where a row stands in the order.
    ///
    /// # Errors
    /// When a cursor cannot be made.
    pub fn page<T>(&self, mut rows: Vec<T>, place: impl Fn(&T) -> (Timestamp, Id)) -> Result<Page<T>, Problem> {
        let limit = usize::try_from(self.limit).unwrap_or(0);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(last) if has_more => {
                let (at, id) = place(last);
                Some(self.key.seal(&self.binding, &(at.micros(), id))?)
            }
            _ => None,
        };
        Ok(Page { data: rows, page: PageInfo { next_cursor, has_more, count: None, count_at_least: None } })
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where it goes on.
    pub page: PageInfo,
}

/// Where a list goes on, and how long it is if that was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageInfo {
    /// For `cursor` of the next call; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// With `count=true`: the exact number, up to 10 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// With `count=true` and more than 10 000: at least this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count_at_least: Option<i64>,
}

impl<T> Page<T> {
    /// Everything there is, in one page.
    #[must_use]
    pub const fn whole(data: Vec<T>) -> Self {
        Self { data, page: PageInfo { next_cursor: None, has_more: false, count: None, count_at_least: None } }
    }

    /// Adds the number of rows, counted up to `COUNT_LIMIT + 1`.
    #[must_use]
    pub fn counted(mut self, counted: Option<i64>) -> Self {
        match counted {
            Some(number) if number > COUNT_LIMIT => self.page.count_at_least = Some(COUNT_LIMIT),
            other => self.page.count = other,
        }
        self
    }

    /// The rows as other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(f).collect(), page: self.page }
    }

    /// 200 with the page.
    ///
    /// # Errors
    /// When a row cannot be written as JSON.
    pub fn reply(&self) -> Result<Reply, Problem>
    where
        T: Serialize,
    {
        Reply::value(self)
    }
}

fn parameter(name: &str, code: &'static str, zh: &str, en: &str) -> Problem {
    Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(name, code, zh, en)])
}

/// The pairs of a query string; one given twice is refused.
///
/// # Errors
/// 400 `unknown_parameter` for repeats, `invalid_parameter` for control characters.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(query).map_err(|error| Problem::new(Code::InvalidParameter).cause(error))?;
    let mut seen = HashSet::new();
    for (name, value) in &pairs {
        if !seen.insert(name.as_str()) {
            return Err(Problem::new(Code::UnknownParameter).errors(vec![FieldError::new(
                name,
                "repeated",
                "参数重复",
                "is given twice",
            )]));
        }
        if value.chars().any(super::body::forbidden) || value.contains(['\n', '\t']) {
            return Err(parameter(name, "control_character", "不得含控制字符", "must not contain control characters"));
        }
    }
    Ok(pairs)
}

/// Reads the pairs as `F`, which must deny unknown fields.
///
/// # Errors
/// 400 with the name of the parameter.
pub fn filter<F: DeserializeOwned>(pairs: &[(String, String)]) -> Result<F, Problem> {
    let text = serde_urlencoded::to_string(pairs).map_err(Problem::internal)?;
    let reader = serde_urlencoded::Deserializer::new(form_pairs(&text));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let message = error.inner().to_string();
        let name = error.path().to_string();
        if message.starts_with("unknown field") {
            let name = message.split('`').nth(1).unwrap_or_default().to_owned();
            return Problem::new(Code::UnknownParameter).errors(vec![FieldError::new(
                name,
                "unknown_parameter",
                "未知参数",
                "is not a known parameter",
            )]);
        }
        if message.starts_with("missing field") {
            let name = message.split('`').nth(1).unwrap_or_default().to_owned();
            return Problem::new(Code::InvalidParameter).errors(vec![FieldError::required(name)]);
        }
        let code = if message.starts_with("unknown variant") { "unknown_value" } else { "invalid_format" };
        parameter(&name, code, "参数取值不正确", "has a value that is not accepted").cause(message)
    })
}

fn form_pairs(text: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(text.as_bytes())
}

/// The query of a call that is no list: strict, nothing else.
///
/// # Errors
/// As [`filter`].
pub fn query<F: DeserializeOwned>(request: &HttpRequest) -> Result<F, Problem> {
    filter(&pairs(request.query_string())?)
}

/// A strict query that is no list.
#[derive(Debug, Clone)]
pub struct Query<F>(pub F);

impl<F: DeserializeOwned> FromRequest for Query<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query(request).map(Self))
    }
}

impl<F: DeserializeOwned> FromRequest for List<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

fn read<F: DeserializeOwned>(request: &HttpRequest) -> Result<List<F>, Problem> {
    let mut pairs = pairs(request.query_string())?;
    let mut take = |name: &str| {
        let found = pairs.iter().position(|(key, _)| key == name)?;
        Some(pairs.remove(found).1)
    };
    let (limit, cursor, sort, count) = (take("limit"), take("cursor"), take("sort"), take("count"));
    let limit = match limit {
        None => DEFAULT_LIMIT,
        Some(text) => match text.parse::<i64>() {
            Ok(number) if (1..=MAX_LIMIT).contains(&number) => number,
            _ => return Err(parameter("limit", "out_of_range", "须为 1 至 200", "must be from 1 to 200")),
        },
    };
    let ascending = match sort.as_deref() {
        None | Some("-created_at") => false,
        Some("created_at") => true,
        Some(_) => {
            return Err(parameter(
                "sort",
                "unknown_value",
                "可用：created_at、-created_at",
                "must be created_at or -created_at",
            ));
        }
    };
    let count = match count.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(parameter("count", "unknown_value", "须为 true 或 false", "must be true or false")),
    };
    let filter = filter(&pairs)?;
    pairs.sort();
    let caller = request.extensions().get::<CallerId>().map_or_else(String::new, |caller| caller.0.to_string());
    let binding = format!(
        "{caller} {} {ascending} {}",
        request.path(),
        serde_urlencoded::to_string(&pairs).map_err(Problem::internal)?
    );
    let key = request
        .app_data::<web::Data<CursorKey>>()
        .map(|key| key.get_ref().clone())
        .ok_or_else(|| Problem::internal("no cursor key"))?;
    let after = cursor.map(|cursor| key.open(&binding, &cursor)).transpose()?;
    Ok(List { filter, limit, ascending, count, after, binding, key })
}

/// Orders a boxed query by creation, begins it behind the cursor, and cuts it: `keyset!(query, table, list)`.
///
/// The bound is written so that both engines seek in an index that ends in `created_at, id`.
#[macro_export]
macro_rules! keyset {
    ($query:expr, $table:ident, $list:expr) => {{
        use diesel::prelude::*;
        let list = &$list;
        let mut query = $query.limit(list.fetch());
        if let Some((at, id)) = list.after() {
            query = if list.ascending {
                query.filter($table::created_at.ge(at)).filter($table::created_at.gt(at).or($table::id.gt(id)))
            } else {
                query.filter($table::created_at.le(at)).filter($table::created_at.lt(at).or($table::id.lt(id)))
            };
        }
        if list.ascending {
            query.order(($table::created_at.asc(), $table::id.asc()))
        } else {
            query.order(($table::created_at.desc(), $table::id.desc()))
        }
    }};
}
