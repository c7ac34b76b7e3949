//! `GET /reports/coverage`, `/reports/items`, `/reports/inspectors`.

use actix_web::get;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store::{self, Asked};
use crate::access::{Allowed, OrgRef, Rights, actions::report};
use crate::platform::db::Conn;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::Reply;
use crate::platform::http::list::Query;
use crate::statistics::routes::period;
use crate::statistics::rules::{Period, Rate};
use crate::statistics::store::start_of;

/// Which visits.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Visits {
    /// First day of check-in; 1 January of this year where nothing is said.
    from: Option<NaiveDate>,
    /// Last day of check-in; today where nothing is said.
    to: Option<NaiveDate>,
    /// Only this organisation and what is below it.
    org_id: Option<Id>,
}

/// Which answers.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Items {
    /// First day of check-in; 1 January of this year where nothing is said.
    from: Option<NaiveDate>,
    /// Last day of check-in; today where nothing is said.
    to: Option<NaiveDate>,
    /// Only this organisation and what is below it.
    org_id: Option<Id>,
    /// Of this work line.
    category: Option<String>,
    /// Of this domain.
    domain: Option<String>,
}

/// A question with its words turned into instants and rows.
struct Meant {
    period: Period,
    from: Timestamp,
    until: Timestamp,
    org: Option<OrgRef>,
}

impl Meant {
    const fn asked(&self) -> Asked<'_> {
        Asked { from: self.from, until: self.until, org: self.org.as_ref() }
    }
}

fn meant(
    conn: &mut Conn,
    rights: &Rights,
    (from, to, org_id): (Option<NaiveDate>, Option<NaiveDate>, Option<Id>),
) -> Result<Meant, Problem> {
    let scope = rights.scope();
    let org = org_id.map(|id| scope.org(conn, id)).transpose()?;
    let bureau = org.as_ref().map(|org| org.bureau_id).or_else(|| scope.own_bureau()).ok_or_else(Problem::not_found)?;
    let zone = crate::access::scope::org_ref(conn, bureau)?.time_zone;
    let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::Asia::Shanghai);
    let period = period(from, to, rights.now.utc().with_timezone(&zone).date_naive())?;
    let after = period.to.succ_opt().unwrap_or(period.to);
    Ok(Meant { period, from: start_of(period.from, zone).into(), until: start_of(after, zone).into(), org })
}

/// Which schools the bureau's side has visited.
#[derive(Debug, Serialize, ToSchema)]
pub struct Coverage {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// 检查覆盖率: schools visited at least once ÷ schools.
    pub coverage: Rate,
    /// Visits together.
    pub visits: i64,
    /// Every school, those never visited first, then by name.
    pub schools: Vec<SchoolVisits>,
}

/// A school and how often it was visited.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchoolVisits {
    /// The school.
    pub org_id: Id,
    /// Its name.
    pub name: String,
    /// Visits of the bureau's side that began in the period.
    pub visits: i64,
}

/// Coverage of schools
///
/// Schools visited at least once by the bureau's side (every kind but self-checks and patrols), from the check-in on.
#[utoipa::path(
    tag = "reports",
    params(Visits),
    responses((status = 200, description = "Within the caller's scope", body = Coverage)),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/reports/coverage")]
pub async fn coverage(allowed: Allowed<report::Read>, ask: Query<Visits>) -> Result<Reply, Problem> {
    let ask = ask.0;
    allowed
        .read(move |conn, rights| {
            let meant = meant(conn, rights, (ask.from, ask.to, ask.org_id))?;
            let counted = store::coverage(conn, rights, meant.asked())?;
            let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let visited = count(counted.iter().filter(|(_, visits)| *visits > 0).count());
            let mut schools: Vec<SchoolVisits> =
                counted.into_iter().map(|((org_id, name), visits)| SchoolVisits { org_id, name, visits }).collect();
            schools.sort_by_key(|school| school.visits > 0);
            Reply::value(&Coverage {
                from: meant.period.from,
                to: meant.period.to,
                coverage: Rate::of(visited, count(schools.len())),
                visits: schools.iter().map(|school| school.visits).sum(),
                schools,
            })
        })
        .await
}

/// How items come out across schools.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemResults {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// An item each, most failed first.
    pub items: Vec<ItemResult>,
}

/// What one item came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemResult {
    /// Its code.
    #[schema(example = "fang-003")]
    pub item_code: String,
    /// 合格率: passed ÷ (passed + failed); what does not concern a school is in no denominator.
    pub pass_rate: Rate,
    /// Failed.
    pub failed: i64,
    /// In how many schools it failed at least once.
    pub schools_failed: i64,
    /// Not applicable.
    pub not_applicable: i64,
}

/// Results per item
///
/// Over inspections of all kinds that were handed in, most failed items first.
#[utoipa::path(
    tag = "reports",
    params(Items),
    responses((status = 200, description = "Within the caller's scope and domains", body = ItemResults)),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/reports/items")]
pub async fn items(allowed: Allowed<report::Read>, ask: Query<Items>) -> Result<Reply, Problem> {
    let ask = ask.0;
    allowed
        .read(move |conn, rights| {
            let meant = meant(conn, rights, (ask.from, ask.to, ask.org_id))?;
            let sums = store::items(conn, rights, meant.asked(), ask.category.as_deref(), ask.domain.as_deref())?;
            let mut items: Vec<ItemResult> = sums
                .into_iter()
                .map(|(item_code, sum)| ItemResult {
                    item_code,
                    pass_rate: Rate::of(sum.passed, sum.passed + sum.failed),
                    failed: sum.failed,
                    schools_failed: sum.schools_failed,
                    not_applicable: sum.not_applicable,
                })
                .collect();
            items.sort_by_key(|item| std::cmp::Reverse(item.failed));
            Reply::value(&ItemResults { from: meant.period.from, to: meant.period.to, items })
        })
        .await
}

/// What everybody on a team carried.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectorLoads {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// A person each, most visits first.
    pub inspectors: Vec<InspectorLoad>,
}

/// What one person carried.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectorLoad {
    /// The person.
    pub user_id: Id,
    /// By name.
    pub display_name: String,
    /// Visits on whose team the person was.
    pub visits: i64,
    /// Of those, led.
    pub led: i64,
    /// Different schools.
    pub schools: i64,
    /// Items answered.
    pub answers: i64,
    /// Of those, failed.
    pub failed: i64,
    /// When the last of the visits began.
    #[schema(required)]
    pub last_visit_at: Option<Timestamp>,
}

/// Load of inspectors
///
/// For the bureau's side alone: a school does not read who inspects whom.
#[utoipa::path(
    tag = "reports",
    params(Visits),
    responses((status = 200, description = "Within the caller's scope", body = InspectorLoads)),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/reports/inspectors")]
pub async fn inspectors(allowed: Allowed<report::Read>, ask: Query<Visits>) -> Result<Reply, Problem> {
    if allowed.rights().scope().reaches.iter().all(|reach| reach.role.is_school_side()) {
        return Err(Problem::new(Code::Forbidden));
    }
    let ask = ask.0;
    allowed
        .read(move |conn, rights| {
            let meant = meant(conn, rights, (ask.from, ask.to, ask.org_id))?;
            let loads = store::loads(conn, rights, meant.asked())?;
            let inspectors = loads
                .into_iter()
                .map(|load| InspectorLoad {
                    user_id: load.user_id,
                    display_name: load.display_name,
                    visits: load.visits,
                    led: load.led,
                    schools: load.schools,
                    answers: load.answers,
                    failed: load.failed,
                    last_visit_at: load.last_visit_at,
                })
                .collect();
            Reply::value(&InspectorLoads { from: meant.period.from, to: meant.period.to, inspectors })
        })
        .await
}
