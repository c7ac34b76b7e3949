//! `GET /reports/summary`.

use actix_web::get;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::rules::{Figures, GroupBy, Period, Sums};
use super::store::{self, Key};
use crate::access::{Allowed, actions::report};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::Query;
use crate::platform::http::{FieldError, Reply};

/// What the summary is about.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Ask {
    /// First day of registration; 1 January of this year where nothing is said.
    pub from: Option<NaiveDate>,
    /// Last day of registration; today where nothing is said.
    pub to: Option<NaiveDate>,
    /// Only this organisation and what is below it.
    pub org_id: Option<Id>,
    /// What the rows stand for; categories where nothing is said.
    pub group_by: Option<GroupBy>,
}

/// The summary.
#[derive(Debug, Serialize, ToSchema)]
pub struct Summary {
    /// First day of registration.
    pub from: NaiveDate,
    /// Last day of registration.
    pub to: NaiveDate,
    /// What the rows stand for.
    pub group_by: GroupBy,
    /// The instant at which deadlines were judged.
    pub as_of: Timestamp,
    /// A row for each group that has a hazard.
    pub rows: Vec<SummaryRow>,
    /// All rows together; rates are quotients of sums.
    pub total: Figures,
}

/// A row of the summary.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryRow {
    /// Code of the category, domain or level, id of the organisation, or month as `YYYY-MM`.
    #[schema(example = "fang")]
    pub key: String,
    /// The organisation's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Longest period of a report, in days.
const LONGEST: i64 = 3660;

/// The days that are meant: this year up to today where nothing is said.
///
/// # Errors
/// 400 for days out of range, in the wrong order, or too far apart.
pub(super) fn period(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Result<Period, Problem> {
    let from = from.or_else(|| today.with_ordinal(1)).unwrap_or(today);
    let to = to.unwrap_or(today);
    let wrong = |name: &str, zh: &str, en: &str| {
        Err(Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(name, "out_of_range", zh, en)]))
    };
    for (name, day) in [("from", from), ("to", to)] {
        if !(2000..=2100).contains(&day.year()) {
            return wrong(name, "须在 2000 年与 2100 年之间", "must be between 2000 and 2100");
        }
    }
    if to < from {
        return wrong("to", "不得早于 from", "must not be before from");
    }
    if (to - from).num_days() > LONGEST {
        return wrong("from", "期间不得超过十年", "must be at most ten years before to");
    }
    Ok(Period { from, to })
}

/// Summary of hazards
///
/// Counts with numerator and denominator beside each rate; null where the denominator is zero. Whole months are read
/// from counters, other dates from the hazards themselves.
#[utoipa::path(
    tag = "reports",
    params(Ask),
    responses((status = 200, description = "The figures within the caller's scope", body = Summary),
        (status = 404, description = "The organisation is absent or out of sight", body = crate::openapi::Problem, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/reports/summary")]
pub async fn summary(allowed: Allowed<report::Read>, ask: Query<Ask>) -> Result<Reply, Problem> {
    let ask = ask.0;
    allowed
        .read(move |conn, rights| {
            let scope = rights.scope();
            let org = ask.org_id.map(|id| scope.org(conn, id)).transpose()?;
            let zone_of = org.as_ref().map(|org| org.bureau_id).or_else(|| scope.own_bureau());
            let zone_of = zone_of.ok_or_else(Problem::not_found)?;
            let zone = crate::access::scope::org_ref(conn, zone_of)?.time_zone;
            let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::Asia::Shanghai);
            let period = period(ask.from, ask.to, rights.now.utc().with_timezone(&zone).date_naive())?;
            let group_by = ask.group_by.unwrap_or(GroupBy::Category);
            let groups = store::summary(conn, &scope, org.as_ref(), (period, group_by, zone, rights.now))?;
            let mut total = Sums::default();
            groups.values().for_each(|sums| total.add(sums));
            let ids: Vec<Id> =
                groups.keys().filter_map(|key| if let Key::Org(id) = key { Some(*id) } else { None }).collect();
            let names = if ids.is_empty() { Default::default() } else { store::names(conn, &ids)? };
            let rows = groups
                .iter()
                .map(|(key, sums)| {
                    let (key, name) = match key {
                        Key::Word(word) => (word.clone(), None),
                        Key::Org(id) => (id.to_string(), names.get(id).cloned()),
                    };
                    SummaryRow { key, name, figures: Figures::from(sums) }
                })
                .collect();
            let Period { from, to } = period;
            let total = Figures::from(&total);
            Reply::value(&Summary { from, to, group_by, as_of: rights.now, rows, total })
        })
        .await
}
