//! Who has not reported, and the summary.

use actix_web::get;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, Scope, actions::report};
use crate::months::rules::{self, Month, MonthStatus, Phase};
use crate::months::store::overview::{self, Place};
use crate::months::store::terms::{self, Terms};
use crate::months::store::view::PeriodFigures;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Conn;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::Query;
use crate::platform::http::{FieldError, List, Reply};
use crate::statistics::rules::Rate;

/// Which month of which schools.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Ask {
    /// The month; none that is still to come.
    pub month: Month,
    /// Only schools below this organisation.
    pub under: Option<Id>,
}

/// The place, the bureau's terms, and where the month stands there.
fn place(conn: &mut Conn, scope: &Scope, ask: &Ask, now: Timestamp) -> Result<(Place, Terms, Phase), Problem> {
    let under = ask.under.map(|id| scope.org(conn, id)).transpose()?;
    let bureau = under.as_ref().map(|org| org.bureau_id).or_else(|| scope.own_bureau());
    let bureau_id = bureau.ok_or_else(Problem::not_found)?;
    let terms = Terms::of(conn, bureau_id)?;
    let phase = terms.phase(ask.month, now);
    if phase == Phase::Future {
        return Err(Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(
            "month",
            "in_the_future",
            "该月份尚未开始",
            "has not begun yet",
        )]));
    }
    // The bureau itself is no narrowing.
    let under = ask.under.filter(|id| *id != bureau_id);
    Ok((Place { bureau_id, under }, terms, phase))
}

/// A school that has not reported a month.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SilentSchool {
    /// The school.
    pub id: Id,
    /// Of the school's record.
    pub version: i64,
    /// Of the school's record.
    pub created_at: Timestamp,
    /// Of the school's record.
    pub updated_at: Timestamp,
    /// The school's name.
    pub name: String,
    /// The month.
    pub month: Month,
    /// `pending` while the month can be written by everybody, `missing` from its lock on.
    pub status: MonthStatus,
    /// Until when this school can still write it; null where it is locked.
    #[schema(required)]
    pub editable_until: Option<Timestamp>,
}

/// Schools that have not reported
///
/// Of one month: those still pending while it is open, those missing once it is locked. Schools that did not exist
/// before its end are not asked.
#[utoipa::path(
    tag = "months",
    params(Ask, PageQuery),
    responses((status = 200, description = "A page of schools", body = ListOf<SilentSchool>)),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/monthly-reports/missing")]
pub async fn missing(allowed: Allowed<report::Read>, list: List<Ask>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let scope = rights.scope();
            let month = list.filter.month;
            let (place, terms, phase) = place(conn, &scope, &list.filter, rights.now)?;
            let ends = Timestamp::from(month.ends(terms.zone));
            let (rows, counted) = overview::missing(conn, &scope, place, (month, ends), &list)?;
            let page = list.page(rows, |row| (row.2, row.0))?.counted(counted);
            let ids: Vec<Id> = page.data.iter().map(|row| row.0).collect();
            let unlocks = terms::unlocks(conn, &ids, rights.now)?;
            let status = rules::status(None, phase);
            page.map(|(id, version, created_at, updated_at, name)| {
                let unlocked = unlocks.get(&(id, month.to_string())).copied();
                let editable_until = terms.editable_until(month, rights.now, unlocked);
                SilentSchool { id, version, created_at, updated_at, name, month, status, editable_until }
            })
            .reply()
        })
        .await
}

/// Open majors over a period (重大存量): opening + new − closed = closing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MajorStock {
    /// Open when it began.
    pub opening: i64,
    /// Registered within.
    pub new: i64,
    /// Closed within.
    pub closed: i64,
    /// Open when it ended, or now.
    pub closing: i64,
    /// Whether the sum holds; each of the four is counted for itself.
    pub reconciles: bool,
}

impl From<rules::Stock> for MajorStock {
    fn from(stock: rules::Stock) -> Self {
        let reconciles = stock.reconciles();
        let rules::Stock { opening, new, closed, closing } = stock;
        Self { opening, new, closed, closing, reconciles }
    }
}

/// A month of all schools in sight.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MonthSummary {
    /// The month.
    pub month: Month,
    /// Whether the month is locked.
    pub locked: bool,
    /// The instant at which the ledger was read. Found and rectified are as it stands now, of everything registered in
    /// the period; what the schools' reports said stands in the reports.
    pub as_of: Timestamp,
    /// 应报: schools that existed in the month.
    pub schools: i64,
    /// 已报: of those, with a report, late ones included.
    pub reported: i64,
    /// 逾期报送: of those, late.
    pub late: i64,
    /// 零报告: of those with a report, nothing found.
    pub zero_reports: i64,
    /// Zero reports of schools whose ledger now has hazards of the month.
    pub zero_reports_contradicted: i64,
    /// 未报: without a report, the month locked.
    pub missing: i64,
    /// Without a report, the month still open.
    pub pending: i64,
    /// 报送率: reported ÷ schools.
    pub reported_rate: Rate,
    /// 报送及时率: reported in time ÷ schools.
    pub on_time_rate: Rate,
    /// 零报告率: zero reports ÷ reported.
    pub zero_report_rate: Rate,
    /// From January to the month, from the ledger of all schools in sight, reported or not; counts without rows and
    /// money are from `reports_behind` reports.
    pub cumulative: PeriodFigures,
    /// The same of the month itself.
    pub this_month: PeriodFigures,
    /// Reports from January to the month: what counts without rows and money come from.
    pub reports_behind: i64,
    /// Majors over the month.
    pub major_stock: MajorStock,
    /// Majors from January to the end of the month.
    pub major_stock_of_year: MajorStock,
}

/// Summary of a month
///
/// Of the schools in the caller's sight. Figures are cumulative from January and computed from the ledger, not summed
/// from reports that may be missing; a caller whose membership is narrowed to domains gets those domains' figures.
#[utoipa::path(
    tag = "months",
    params(Ask),
    responses((status = 200, description = "The summary", body = MonthSummary)),
    extensions(("x-permission" = json!("report.read")))
)]
#[get("/monthly-reports/summary")]
pub async fn summary(allowed: Allowed<report::Read>, ask: Query<Ask>) -> Result<Reply, Problem> {
    let ask = ask.0;
    allowed
        .read(move |conn, rights| {
            let scope = rights.scope();
            let month = ask.month;
            let (place, terms, phase) = place(conn, &scope, &ask, rights.now)?;
            let ends = Timestamp::from(month.ends(terms.zone));
            let turnout = overview::turnout(conn, &scope, place, (month, ends))?;
            let whole = overview::whole(conn, &scope, place, (month, terms.zone))?;
            let all_domains = scope.reaches.iter().all(|reach| reach.domains.is_none());
            let silent = (turnout.schools - turnout.reported).max(0);
            let locked = phase == Phase::Locked;
            let spent = |fen: i64| all_domains.then_some(fen);
            Reply::value(&MonthSummary {
                month,
                locked,
                as_of: rights.now,
                schools: turnout.schools,
                reported: turnout.reported,
                late: turnout.late,
                zero_reports: turnout.zero,
                zero_reports_contradicted: turnout.contradicted,
                missing: if locked { silent } else { 0 },
                pending: if locked { 0 } else { silent },
                reported_rate: Rate::of(turnout.reported, turnout.schools),
                on_time_rate: Rate::of(turnout.reported - turnout.late, turnout.schools),
                zero_report_rate: Rate::of(turnout.zero, turnout.reported),
                cumulative: PeriodFigures::of(&whole.periods.cumulative, spent(whole.spent_cumulative)),
                this_month: PeriodFigures::of(&whole.periods.month, spent(whole.spent_month)),
                reports_behind: whole.reports,
                major_stock: whole.stock.into(),
                major_stock_of_year: whole.stock_of_year.into(),
            })
        })
        .await
}
