//! Look-backs as the bureau sees them.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::Rights;
use crate::hazards::status::Level;
use crate::inspections::rules::InspectionStatus;
use crate::keyset;
use crate::look_backs::rules::LookBackOutcome;
use crate::platform::db::schema::{inspections, look_back_hazards, look_backs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{List, Page, Record};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = look_backs)]
struct Row {
    id: Id,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    created_by: Id,
    bureau_id: Id,
    announced: bool,
    sample: Option<Doc>,
    seed: Option<String>,
    pool: Doc,
    pool_sha256: Option<String>,
}

/// A look-back, with what has come of it so far.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LookBack)]
pub struct LookBackView {
    /// Of the look-back.
    pub id: Id,
    /// Counts its changes: it never does.
    pub version: i64,
    /// When it was drawn or named.
    pub created_at: Timestamp,
    /// The same.
    pub updated_at: Timestamp,
    /// By whom.
    pub created_by: Id,
    /// The bureau.
    pub bureau_id: Id,
    /// Whether the schools knew beforehand.
    pub announced: bool,
    /// What was drawn from: share, days, levels, organisations; null where hazards were named.
    #[schema(required, value_type = Option<Object>)]
    pub sample: Option<Value>,
    /// 64 hexadecimal digits from which the draw can be repeated; null where hazards were named.
    #[schema(required)]
    pub seed: Option<String>,
    /// From how many it was taken.
    pub pool_size: i64,
    /// SHA-256 of the ids of the pool in their order, one a line; null where hazards were named.
    #[schema(required)]
    pub pool_sha256: Option<String>,
    /// How many hazards are looked back at; those of visits declared void do not count.
    pub hazards: i64,
    /// Of these, found as they should be.
    pub held: i64,
    /// Of these, found wanting.
    pub failed: i64,
}

impl Record for LookBackView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A hazard in a look-back.
#[derive(Debug, Clone, Serialize, Queryable, ToSchema)]
pub struct LookBackHazard {
    /// The hazard.
    pub hazard_id: Id,
    /// The visit.
    pub inspection_id: Id,
    /// The school.
    pub org_id: Id,
    /// Its level when it was taken.
    pub level: Level,
    /// The second axis.
    pub domain: String,
    /// The closing that is looked back at.
    pub closed_at: Timestamp,
    /// Where the visit stands.
    pub inspection_status: InspectionStatus,
    /// What was found.
    #[schema(required)]
    pub outcome: Option<LookBackOutcome>,
    /// Whether it opened the hazard again.
    pub reopened: bool,
}

/// A look-back with its hazards.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LookBackRecord {
    /// The look-back.
    #[serde(flatten)]
    pub look_back: LookBackView,
    /// The ids it was taken from, in their order.
    pub pool: Vec<Id>,
    /// Its hazards, school by school.
    pub rows: Vec<LookBackHazard>,
}

impl Record for LookBackRecord {
    fn version(&self) -> i64 {
        self.look_back.version
    }
}

/// Which look-backs.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LookBackFilter {
    /// Drawn, or named.
    pub drawn: Option<bool>,
}

/// The bureaus whose look-backs are in sight: of whoever reads draws over all domains. Nothing for the people of schools,
/// whatever else they are: a look-back tells where somebody will come.
fn bureaus(rights: &Rights) -> Vec<Id> {
    let scope = rights.scope();
    if !scope.own_schools.is_empty() {
        return Vec::new();
    }
    scope.reaches.iter().filter(|reach| reach.domains.is_none()).map(|reach| reach.bureau_id).collect()
}

fn views(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<LookBackView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let found: Vec<(Id, Option<LookBackOutcome>, i64)> = look_back_hazards::table
        .inner_join(inspections::table.on(inspections::id.eq(look_back_hazards::inspection_id)))
        .filter(look_back_hazards::look_back_id.eq_any(ids))
        .filter(inspections::status.ne(InspectionStatus::Void))
        .group_by((look_back_hazards::look_back_id, look_back_hazards::outcome))
        .select((look_back_hazards::look_back_id, look_back_hazards::outcome, diesel::dsl::count_star()))
        .load(conn)?;
    let mut counts: HashMap<Id, (i64, i64, i64)> = HashMap::new();
    for (id, outcome, count) in found {
        let (all, held, failed) = counts.entry(id).or_default();
        *all += count;
        match outcome {
            Some(LookBackOutcome::Held) => *held += count,
            Some(LookBackOutcome::Failed) => *failed += count,
            None => {}
        }
    }
    let view = |row: Row| {
        let (hazards, held, failed) = counts.get(&row.id).copied().unwrap_or_default();
        let pool: Vec<Id> = row.pool.read();
        LookBackView {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
            bureau_id: row.bureau_id,
            announced: row.announced,
            sample: row.sample.map(|doc| doc.0),
            seed: row.seed,
            pool_size: i64::try_from(pool.len()).unwrap_or(i64::MAX),
            pool_sha256: row.pool_sha256,
            hazards,
            held,
            failed,
        }
    };
    Ok(rows.into_iter().map(view).collect())
}

/// A page of the look-backs in sight, newest first.
///
/// # Errors
/// Whatever the engine says.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<LookBackFilter>) -> Result<Page<LookBackView>, Problem> {
    let filtered = || {
        let mut query =
            look_backs::table.filter(look_backs::bureau_id.eq_any(bureaus(rights))).into_boxed::<MultiBackend>();
        match list.filter.drawn {
            Some(true) => query = query.filter(look_backs::seed.is_not_null()),
            Some(false) => query = query.filter(look_backs::seed.is_null()),
            None => {}
        }
        query
    };
    let rows: Vec<Row> = keyset!(filtered(), look_backs, list).select(Row::as_select()).load(conn)?;
    let counted = if list.count {
        let found: Vec<Id> = filtered().select(look_backs::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(found.len()).ok()
    } else {
        None
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    Ok(Page { data: views(conn, page.data)?, page: page.page }.counted(counted))
}

/// One look-back with its hazards.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one(conn: &mut Conn, rights: &Rights, id: Id) -> Result<LookBackRecord, Problem> {
    use look_back_hazards as h;
    let row: Row = look_backs::table
        .filter(look_backs::id.eq(id))
        .filter(look_backs::bureau_id.eq_any(bureaus(rights)))
        .select(Row::as_select())
        .first(conn)?;
    let pool = row.pool.read();
    let look_back = views(conn, vec![row])?.pop().ok_or_else(Problem::not_found)?;
    let rows: Vec<LookBackHazard> = h::table
        .inner_join(inspections::table.on(inspections::id.eq(h::inspection_id)))
        .filter(h::look_back_id.eq(id))
        .order((inspections::org_id, h::position))
        .select((
            h::hazard_id,
            h::inspection_id,
            inspections::org_id,
            h::level,
            h::domain,
            h::closed_at,
            inspections::status,
            h::outcome,
            h::reopened,
        ))
        .load(conn)?;
    Ok(LookBackRecord { look_back, pool, rows })
}
