//! The calendar of working days.

use actix_web::{HttpRequest, get, put};
use chrono::Datelike;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{Allowed, Permission, actions::policy};
use crate::hazards::store::days::{NamedDay, Term, YearDays, built_in_year};
use crate::hazards::store::policies::{self, OwnYear};
use crate::platform::db::types::Timestamp;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, IfMatch, Record, Reply};

/// A year of the calendar.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CalendarYear {
    /// Which year.
    pub year: i32,
    /// Counts the changes; 0 for a built-in or unknown year.
    pub version: i64,
    /// When the bureau made it its own.
    #[schema(required)]
    pub created_at: Option<Timestamp>,
    /// When the bureau last changed it.
    #[schema(required)]
    pub updated_at: Option<Timestamp>,
    /// The bureau's own, in place of the built-in one.
    pub own: bool,
    /// Not announced yet: Saturdays and Sundays are off, nothing else is known.
    pub calendar_provisional: bool,
    /// Days off although they may be weekdays.
    pub holidays: Vec<NamedDay>,
    /// Weekend days worked in exchange.
    pub makeup_workdays: Vec<NamedDay>,
    /// School terms of the bureau's own year, in order.
    pub terms: Vec<Term>,
}

impl Record for CalendarYear {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The own year where there is one, else the built-in one, else nothing but weekends.
fn answer(year: i32, own: Option<&OwnYear>) -> CalendarYear {
    let known = own.map(|own| own.days.read::<YearDays>()).or_else(|| built_in_year(year));
    let provisional = known.is_none();
    let days = known.unwrap_or_default();
    CalendarYear {
        year,
        version: own.map_or(0, |own| own.version),
        created_at: own.map(|own| own.created_at),
        updated_at: own.map(|own| own.updated_at),
        own: own.is_some(),
        calendar_provisional: provisional,
        holidays: days.holidays,
        makeup_workdays: days.makeup_workdays,
        terms: days.terms,
    }
}

/// `{year}` of the path; what is no year from 2000 to 2100 names nothing.
fn year_of(request: &HttpRequest) -> Result<i32, Problem> {
    let text = request.match_info().get("year").unwrap_or_default();
    let year = text.parse().ok().filter(|year| text.len() == 4 && (2000..=2100).contains(year));
    year.ok_or_else(Problem::not_found)
}

/// A year of the calendar
///
/// The bureau's own, else the built-in one.
#[utoipa::path(
    tag = "policy",
    params(("year" = i32, Path, description = "From 2000 to 2100", example = 2026)),
    responses((status = 200, description = "The year", body = CalendarYear)),
    extensions(("x-permission" = json!("policy.read")))
)]
#[get("/calendar/{year}")]
pub async fn one(allowed: Allowed<policy::Read>, request: HttpRequest) -> Result<Reply, Problem> {
    let year = year_of(&request)?;
    allowed
        .read(move |conn, rights| {
            let own = match rights.scope().own_bureau() {
                Some(bureau_id) => policies::own_year(conn, bureau_id, year)?,
                None => None,
            };
            Reply::record(&answer(year, own.as_ref()))
        })
        .await
}

/// The days of a year, whole.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YearToPut {
    /// Days off although they may be weekdays: public holidays, school holidays.
    #[schema(max_items = 366)]
    pub holidays: Vec<NamedDay>,
    /// Weekend days worked in exchange.
    #[schema(max_items = 366)]
    pub makeup_workdays: Vec<NamedDay>,
    /// School terms, in order and apart, each with a day in this year; none when absent.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub terms: Vec<Term>,
}

impl Check for YearToPut {
    fn check(&self, faults: &mut Faults) {
        for (name, days) in [("holidays", &self.holidays), ("makeup_workdays", &self.makeup_workdays)] {
            faults.at_most(&format!("/{name}"), days.len(), 366);
            for (at, day) in days.iter().enumerate() {
                faults.optional_text(&format!("/{name}/{at}/name"), day.name.as_deref(), 100);
            }
        }
        faults.at_most("/terms", self.terms.len(), 10);
        for (at, term) in self.terms.iter().enumerate() {
            faults.text(&format!("/terms/{at}/name"), &term.name, 1, 100);
            if term.to < term.from {
                faults.say(
                    &format!("/terms/{at}/to"),
                    "before_start",
                    "不得早于开始日",
                    "must not lie before its start",
                );
            }
        }
        for (at, pair) in self.terms.windows(2).enumerate() {
            if let [before, next] = pair
                && next.from <= before.to
            {
                let pointer = format!("/terms/{}/from", at + 1);
                faults.say(&pointer, "overlaps", "须晚于前一学期结束", "must lie after the end of the term before");
            }
        }
        for (at, day) in self.makeup_workdays.iter().enumerate() {
            if self.holidays.iter().any(|off| off.date == day.date) {
                let pointer = format!("/makeup_workdays/{at}/date");
                faults.say(&pointer, "also_a_holiday", "同时列为放假日", "is also listed as a day off");
            }
        }
    }
}

/// Keep a year of one's own
///
/// In place of the built-in one, for deadlines computed from now on; those that stand do not move. The first time needs
/// no `If-Match`; from then on it is somebody's work that would be written over.
#[utoipa::path(
    tag = "policy",
    params(
        ("year" = i32, Path, description = "From 2000 to 2100", example = 2027),
        ("If-Match" = Option<String>, Header, description = "The ETag or the quoted version one has seen; needed once the bureau has its own year", example = "\"1\"")
    ),
    request_body = YearToPut,
    responses((status = 200, description = "The year as it is now", body = CalendarYear)),
    extensions(("x-permission" = json!("policy.manage")))
)]
#[put("/calendar/{year}")]
pub async fn put(
    allowed: Allowed<policy::Manage>,
    request: HttpRequest,
    if_match: IfMatch,
    body: Body<YearToPut>,
) -> Result<Reply, Problem> {
    let year = year_of(&request)?;
    allowed
        .write_unkept(move |tx, rights| {
            let bureau = rights.of(Permission::PolicyManage).own_bureau();
            let bureau_id = bureau.ok_or_else(|| Problem::new(Code::Forbidden))?;
            let before = policies::own_year_to_change(tx.conn, bureau_id, year)?;
            let current = answer(year, before.as_ref());
            if before.is_some() || if_match.is_given() {
                if_match.check(current.version, || json!(current))?;
            }
            let input = body.get()?;
            let days = YearDays {
                holidays: input.holidays.clone(),
                makeup_workdays: input.makeup_workdays.clone(),
                terms: input.terms.clone(),
            };
            let mut faults = Faults::default();
            for (name, days) in [("holidays", &days.holidays), ("makeup_workdays", &days.makeup_workdays)] {
                for (at, _) in days.iter().enumerate().filter(|(_, day)| day.date.year() != year) {
                    faults.say(&format!("/{name}/{at}/date"), "other_year", "不在该年内", "lies in another year");
                }
            }
            let apart = |term: &Term| term.to.year() < year || term.from.year() > year;
            for (at, _) in days.terms.iter().enumerate().filter(|(_, term)| apart(term)) {
                faults.say(&format!("/terms/{at}"), "other_year", "不在该年内", "lies in another year");
            }
            faults.finish()?;
            let (after, receipt) = policies::put_year(tx, bureau_id, year, before.as_ref(), &days)?;
            Ok(receipt.with(Reply::record(&answer(year, Some(&after)))?))
        })
        .await
}
