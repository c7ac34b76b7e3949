//! Reports as they are shown: the frozen figures of the domains that the reader sees, and whether the month is open.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reports::{self, AggregateEntry, Row};
use super::terms::{self, Terms};
use crate::access::{Limit, Permission, Rights, Scope};
use crate::months::rules::{Frozen, Month, MonthStatus, Phase, Tally, status};
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::org_closure;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::Record;
use crate::statistics::rules::Rate;

/// General hazards of a period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GeneralFigures {
    /// 排查数: with rows of their own and entered as counts.
    pub found: i64,
    /// 已整改数.
    pub rectified: i64,
    /// 整改率; null where nothing was found.
    pub rate: Rate,
    /// Of those found, entered as counts without a row each.
    pub aggregate_found: i64,
    /// Of those, put right.
    pub aggregate_rectified: i64,
}

/// Majors of a period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MajorFigures {
    /// 排查数.
    pub found: i64,
    /// 整改销号数.
    pub closed: i64,
    /// 整改销号率; null where nothing was found.
    pub rate: Rate,
    /// 列入治理计划, with the five in place (五到位).
    pub planned: i64,
    /// 挂牌督办.
    pub listed: i64,
}

/// The figures of a period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PeriodFigures {
    /// General hazards.
    pub general: GeneralFigures,
    /// Majors.
    pub major: MajorFigures,
    /// 累计落实资金 in fen; null for a reader who sees some domains only: money is not kept by domain.
    #[schema(required)]
    pub spent_fen: Option<i64>,
}

impl PeriodFigures {
    /// From sums.
    #[must_use]
    pub fn of(sum: &Tally, spent_fen: Option<i64>) -> Self {
        let found = sum.general_found + sum.aggregate_found;
        let rectified = sum.general_closed + sum.aggregate_rectified;
        Self {
            general: GeneralFigures {
                found,
                rectified,
                rate: Rate::of(rectified, found),
                aggregate_found: sum.aggregate_found,
                aggregate_rectified: sum.aggregate_rectified,
            },
            major: MajorFigures {
                found: sum.major_found,
                closed: sum.major_closed,
                rate: Rate::of(sum.major_closed, sum.major_found),
                planned: sum.major_planned,
                listed: sum.major_listed,
            },
            spent_fen,
        }
    }
}

/// The figures that a report keeps.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReportFigures {
    /// The instant at which the ledger was judged: of submission, at most the end of the month.
    pub as_of: Timestamp,
    /// From January to the month.
    pub cumulative: PeriodFigures,
    /// Of the month itself.
    pub month: PeriodFigures,
}

/// A school's report of a month.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MonthlyReport {
    /// Of the report.
    pub id: Id,
    /// Counts the corrections.
    pub version: i64,
    /// When it was first submitted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The school.
    pub org_id: Id,
    /// Its name.
    pub org_name: String,
    /// The month.
    #[schema(value_type = Month)]
    pub month: String,
    /// `reported` or `late`.
    pub status: MonthStatus,
    /// First submitted when the month was locked and the bureau had opened it.
    pub late: bool,
    /// Corrected when the month was locked and the bureau had opened it.
    pub corrected_late: bool,
    /// Nothing was found in the month.
    pub nothing_found: bool,
    /// Anything else the school says.
    #[schema(required)]
    pub note: Option<String>,
    /// Counts without rows.
    pub aggregates: Vec<AggregateEntry>,
    /// Spent in the month as the school stated it; null where the ledger was asked, or the reader sees some domains only.
    #[schema(required)]
    pub stated_spent_fen: Option<i64>,
    /// When it was last submitted.
    pub submitted_at: Timestamp,
    /// By whom.
    pub submitted_by: Id,
    /// Until when it may be corrected; null where the month is locked.
    #[schema(required)]
    pub editable_until: Option<Timestamp>,
    /// The domains that the figures are of; null for all.
    #[schema(required)]
    pub domains: Option<BTreeSet<String>>,
    /// As the ledger stood at submission. What happens to hazards later does not change them.
    pub figures: ReportFigures,
}

impl Record for MonthlyReport {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The domains in which the scope sees each of these reports; all where nothing is said.
fn sights(conn: &mut Conn, scope: &Scope, rows: &[Row]) -> Result<HashMap<Id, Option<BTreeSet<String>>>, Problem> {
    let mut sights: HashMap<Id, Option<BTreeSet<String>>> = HashMap::new();
    if scope.reaches.iter().all(|reach| reach.domains.is_none()) {
        return Ok(sights);
    }
    let schools: Vec<Id> = rows.iter().map(|row| row.org_id).collect();
    for reach in scope.reaches.iter().filter(|reach| reach.limit == Limit::Full) {
        let inside: Vec<Id> = match reach.org_kind {
            OrgKind::Bureau => rows.iter().filter(|row| row.bureau_id == reach.org_id).map(|row| row.org_id).collect(),
            OrgKind::Cluster => org_closure::table
                .filter(org_closure::ancestor_id.eq(reach.org_id))
                .filter(org_closure::descendant_id.eq_any(&schools))
                .select(org_closure::descendant_id)
                .load(conn)?,
            OrgKind::School | OrgKind::Agency => vec![reach.org_id],
        };
        for school in inside {
            let seen = sights.entry(school).or_insert_with(|| Some(BTreeSet::new()));
            match (seen.as_mut(), &reach.domains) {
                (Some(seen), Some(domains)) => seen.extend(domains.iter().cloned()),
                _ => *seen = None,
            }
        }
    }
    Ok(sights)
}

/// Rows as the caller sees them, in their order. The number of statements does not follow the number of rows.
///
/// # Errors
/// Whatever the engine says.
pub fn views(conn: &mut Conn, rights: &Rights, rows: Vec<Row>) -> Result<Vec<MonthlyReport>, Problem> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let scope = rights.of(Permission::ReportRead);
    let sights = sights(conn, &scope, &rows)?;
    let distinct = |of: fn(&Row) -> Id| rows.iter().map(of).collect::<BTreeSet<Id>>().into_iter().collect::<Vec<Id>>();
    let (schools, bureaus) = (distinct(|row| row.org_id), distinct(|row| row.bureau_id));
    let names = crate::statistics::names(conn, &schools)?;
    let terms = Terms::of_all(conn, &bureaus)?;
    let unlocks = terms::unlocks(conn, &schools, rights.now)?;
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let mut entries: HashMap<Id, Vec<AggregateEntry>> = HashMap::new();
    for (report, entry) in reports::entries(conn, &ids)? {
        entries.entry(report).or_default().push(entry);
    }
    rows.into_iter()
        .map(|row| {
            let month: Month = row.month.parse().map_err(Problem::internal)?;
            let domains = sights.get(&row.org_id).cloned().flatten();
            let seen = |domain: &str| domains.as_ref().is_none_or(|domains| domains.contains(domain));
            let frozen = Frozen::deserialize(&row.figures.0).map_err(Problem::internal)?;
            let (mut cumulative, mut of_month) = (Tally::default(), Tally::default());
            for (_, periods) in frozen.domains.iter().filter(|(domain, _)| seen(domain)) {
                cumulative.add(&periods.cumulative);
                of_month.add(&periods.month);
            }
            let whole = domains.is_none();
            let unlocked = unlocks.get(&(row.org_id, row.month.clone())).copied();
            let mut aggregates = entries.remove(&row.id).unwrap_or_default();
            aggregates.retain(|entry| seen(&entry.domain));
            Ok(MonthlyReport {
                id: row.id,
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
                org_id: row.org_id,
                org_name: names.get(&row.org_id).cloned().unwrap_or_default(),
                status: status(Some(row.late), Phase::Open),
                late: row.late,
                corrected_late: row.corrected_late,
                nothing_found: row.nothing_found,
                note: row.note,
                aggregates,
                stated_spent_fen: row.stated_spent_fen.filter(|_| whole),
                submitted_at: row.submitted_at,
                submitted_by: row.submitted_by,
                editable_until: terms
                    .get(&row.bureau_id)
                    .and_then(|terms| terms.editable_until(month, rights.now, unlocked)),
                figures: ReportFigures {
                    as_of: frozen.as_of,
                    cumulative: PeriodFigures::of(&cumulative, whole.then_some(frozen.spent_fen.cumulative)),
                    month: PeriodFigures::of(&of_month, whole.then_some(frozen.spent_fen.month)),
                },
                month: row.month,
                domains,
            })
        })
        .collect()
}

/// One row as the caller sees it.
///
/// # Errors
/// Whatever the engine says.
pub fn view(conn: &mut Conn, rights: &Rights, row: Row) -> Result<MonthlyReport, Problem> {
    views(conn, rights, vec![row])?.pop().ok_or_else(|| Problem::internal("a row without a view"))
}
