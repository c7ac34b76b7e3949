//! The row of a draw, and what is shown of it to whom.

use diesel::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Serialize;
use utoipa::ToSchema;

use super::freeze::stamp;
use super::show::view;
use crate::access::{Permission, Rights};
use crate::draws::algorithm::{ALGORITHM, Pick};
use crate::draws::bodies::DrawFilter;
use crate::draws::pool::Pool;
use crate::draws::proof::{Entropy, Proof, Seed};
use crate::draws::rules::{DrawStatus, Facts, Seeding};
use crate::inspections::rules::InspectionStatus;
use crate::keyset;
use crate::platform::db::schema::{draw_commitments, draw_results, draws, inspections};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{List, Page, Record};

/// A draw as it stands in lists.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = draws)]
pub struct DrawSummary {
    /// Of the draw.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When its pools were frozen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who froze them.
    pub created_by: Id,
    /// The bureau.
    pub bureau_id: Id,
    /// Its number: region, year, serial without gaps.
    #[schema(example = "640104-2026-D0001")]
    pub number: String,
    /// The year of its number.
    pub year: i32,
    /// What it is for.
    pub title: String,
    /// Why it repeats an earlier one.
    #[schema(required)]
    pub reason: Option<String>,
    /// Which earlier one.
    #[schema(required)]
    pub repeats: Option<Id>,
    /// Where it stands.
    pub status: DrawStatus,
    /// Where the randomness comes from.
    pub seeding: Seeding,
    /// SHA-256 of the frozen pools' canonical text.
    pub pool_sha256: String,
    /// When it was drawn.
    #[schema(required)]
    pub drawn_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub drawn_by: Option<Id>,
    /// SHA-256 of the whole draw's canonical text; in the journal since then.
    #[schema(required)]
    pub result_sha256: Option<String>,
    /// When its proof was opened by statement.
    #[schema(required)]
    pub published_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub published_by: Option<Id>,
    /// What was stated.
    #[schema(required)]
    pub statement: Option<String>,
    /// When it was given up.
    #[schema(required)]
    pub voided_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub voided_by: Option<Id>,
    /// Why.
    #[schema(required)]
    pub void_reason: Option<String>,
}

/// The promise of a seed, and the seed once all are shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DrawCommitment)]
pub struct CommitmentView {
    /// Whose.
    pub official: Id,
    /// When.
    pub committed_at: Timestamp,
    /// SHA-256 over seed and salt.
    pub commitment: String,
    /// When it was shown.
    #[schema(required)]
    pub revealed_at: Option<Timestamp>,
    /// The seed; null until all are shown.
    #[schema(required)]
    pub seed: Option<String>,
    /// The salt; null until all are shown.
    #[schema(required)]
    pub salt: Option<String>,
}

/// A school drawn.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DrawResult)]
pub struct ResultView {
    /// What was drawn.
    #[serde(flatten)]
    pub pick: Pick,
    /// The inspection made of it.
    #[schema(required)]
    pub inspection_id: Option<Id>,
}

/// A draw as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Draw)]
pub struct DrawRecord {
    /// What lists show.
    #[serde(flatten)]
    pub summary: DrawSummary,
    /// The frozen pools.
    pub pool: Pool,
    /// Promises and seeds, in the order of the promises.
    pub commitments: Vec<CommitmentView>,
    /// The public entropy.
    #[schema(required)]
    pub entropy: Option<Entropy>,
    /// What was drawn; null before, and while it is withheld.
    #[schema(required)]
    pub results: Option<Vec<ResultView>>,
    /// Whether seeds, entropy and results are kept from this caller, who belongs to a school of the pool.
    pub withheld: bool,
    /// Whether the proof can be read.
    pub proof_open: bool,
}

impl Record for DrawRecord {
    fn version(&self) -> i64 {
        self.summary.version
    }
}

/// A promise as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = draw_commitments)]
pub struct CommitmentRow {
    pub position: i32,
    pub official: Id,
    pub committed_at: Timestamp,
    pub commitment: String,
    pub revealed_at: Option<Timestamp>,
    pub seed: Option<String>,
    pub salt: Option<String>,
}

type ResultRow = (i32, String, Id, Doc, Option<Id>, Option<InspectionStatus>, Option<Timestamp>);

/// Everything about one draw.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The row.
    pub row: DrawSummary,
    /// The frozen pools.
    pub pool: Pool,
    /// The public entropy.
    pub entropy: Option<Entropy>,
    /// Promises.
    pub commitments: Vec<CommitmentRow>,
    results: Vec<ResultRow>,
}

type Condition = Box<dyn BoxableExpression<draws::table, MultiBackend, SqlType = Bool>>;

/// The draws in sight: those of the caller's bureaus.
fn sight(rights: &Rights) -> Condition {
    let mut all: Condition = Box::new(draws::id.ne(draws::id));
    for reach in &rights.of(Permission::DrawRead).reaches {
        all = Box::new(all.or(draws::bureau_id.eq(reach.bureau_id)));
    }
    all
}

fn wanted(rights: &Rights, filter: &DrawFilter) -> Condition {
    let mut all = sight(rights);
    if let Some(status) = filter.status {
        all = Box::new(all.and(draws::status.eq(status)));
    }
    if let Some(year) = filter.year {
        all = Box::new(all.and(draws::year.eq(year)));
    }
    all
}

/// A page of the draws in sight.
///
/// # Errors
/// Whatever the engine says.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<DrawFilter>) -> Result<Page<DrawSummary>, Problem> {
    let counted = if list.count {
        let found = draws::table.filter(wanted(rights, &list.filter)).select(draws::id);
        let ids: Vec<Id> = found.limit(COUNT_LIMIT + 1).load(conn)?;
        Some(i64::try_from(ids.len()).unwrap_or(i64::MAX))
    } else {
        None
    };
    let query =
        draws::table.filter(wanted(rights, &list.filter)).select(DrawSummary::as_select()).into_boxed::<MultiBackend>();
    let rows: Vec<DrawSummary> = keyset!(query, draws, list).load(conn)?;
    Ok(list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
}

impl Seen {
    /// Everything about a draw, whoever asks.
    ///
    /// # Errors
    /// 404 where there is none; 500 where the stored pools are not what was frozen.
    pub fn load(conn: &mut Conn, id: Id) -> Result<Self, Problem> {
        let row: DrawSummary = draws::table.find(id).select(DrawSummary::as_select()).first(conn)?;
        let (pool, entropy): (Doc, Option<Doc>) =
            draws::table.find(id).select((draws::pool, draws::entropy)).first(conn)?;
        let pool: Pool = serde_json::from_value(pool.0).map_err(Problem::internal)?;
        let entropy = entropy.map(|doc| serde_json::from_value(doc.0)).transpose().map_err(Problem::internal)?;
        let commitments = draw_commitments::table
            .filter(draw_commitments::draw_id.eq(id))
            .order(draw_commitments::position)
            .select(CommitmentRow::as_select())
            .load(conn)?;
        let results = draw_results::table
            .left_join(inspections::table.on(draw_results::inspection_id.eq(inspections::id.nullable())))
            .filter(draw_results::draw_id.eq(id))
            .order(draw_results::position)
            .select((
                draw_results::position,
                draw_results::stratum,
                draw_results::org_id,
                draw_results::team,
                draw_results::inspection_id,
                inspections::status.nullable(),
                inspections::started_at.nullable(),
            ))
            .load(conn)?;
        Ok(Self { row, pool, entropy, commitments, results })
    }

    /// Whether the caller belongs to a school of the pool; memberships still to come count too.
    #[must_use]
    pub fn belongs(&self, rights: &Rights) -> bool {
        let own: Vec<String> = rights.of(Permission::DrawRead).own_schools.iter().map(ToString::to_string).collect();
        self.pool.schools.iter().any(|school| own.contains(&school.id))
    }

    /// The facts of the pure rules, for this caller.
    #[must_use]
    pub fn facts(&self, rights: &Rights) -> Facts {
        let own = self.commitments.iter().find(|one| one.official == rights.user_id());
        let void = |row: &&ResultRow| row.5 == Some(InspectionStatus::Void);
        Facts {
            status: self.row.status,
            seeding: self.row.seeding,
            committed: self.commitments.len(),
            revealed: self.commitments.iter().filter(|one| one.revealed_at.is_some()).count(),
            entropy: self.entropy.is_some(),
            own: own.is_some(),
            own_shown: own.is_some_and(|one| one.revealed_at.is_some()),
            belongs: self.belongs(rights),
            outdated: false,
            linked: self.results.iter().filter(|row| row.4.is_some()).count(),
            begun: self.results.iter().filter(|row| row.6.is_some() || void(row)).count(),
            void: self.results.iter().filter(void).count(),
            results: self.results.len(),
        }
    }

    /// Whether the inspection made of a result has begun.
    #[must_use]
    pub fn has_begun(&self, position: u32) -> bool {
        self.results.iter().any(|row| u32::try_from(row.0) == Ok(position) && row.6.is_some())
    }

    /// What was drawn, with the inspections made of it.
    pub fn picks(&self) -> impl Iterator<Item = (Pick, Option<Id>)> + '_ {
        self.results.iter().map(|(position, stratum, org_id, team, inspection_id, _, _)| {
            let pick = Pick {
                position: u32::try_from(*position).unwrap_or(0),
                stratum: stratum.clone(),
                school: org_id.to_string(),
                team: team.read(),
            };
            (pick, *inspection_id)
        })
    }

    /// The proof as far as it goes: what was stored, nothing computed.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let text = |id: Option<Id>| id.map_or_else(String::new, |id| id.to_string());
        Proof {
            algorithm: ALGORITHM.to_owned(),
            pool: self.pool.clone(),
            pool_sha256: self.row.pool_sha256.clone(),
            seeds: self
                .commitments
                .iter()
                .map(|one| Seed {
                    official: one.official.to_string(),
                    committed_at: stamp(one.committed_at),
                    commitment: one.commitment.clone(),
                    revealed_at: one.revealed_at.map_or_else(String::new, stamp),
                    seed: one.seed.clone().unwrap_or_default(),
                    salt: one.salt.clone().unwrap_or_default(),
                })
                .collect(),
            entropy: self.entropy.clone(),
            drawn_at: self.row.drawn_at.map_or_else(String::new, stamp),
            drawn_by: text(self.row.drawn_by),
            results: self.picks().map(|(pick, _)| pick).collect(),
            result_sha256: self.row.result_sha256.clone().unwrap_or_default(),
        }
    }
}

/// The draw, if the caller may see it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Seen, Problem> {
    draws::table.find(id).filter(sight(rights)).select(draws::id).first::<Id>(conn)?;
    Seen::load(conn, id)
}

/// The same, held against other writers until the end of the transaction.
///
/// # Errors
/// As [`one`].
pub fn one_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Seen, Problem> {
    // SQLite has one writer; there the transaction itself holds.
    if let Conn::Postgres(pg) = conn {
        draws::table.find(id).select(draws::id).for_update().first::<Id>(pg)?;
    }
    one(conn, rights, id)
}

/// The draw already made with this id by this caller with this body.
///
/// # Errors
/// 409 where the id belongs to something else.
pub fn stored(conn: &mut Conn, id: Option<Id>, rights: &Rights, hash: &[u8]) -> Result<Option<DrawRecord>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<(Id, Option<Vec<u8>>)> =
        draws::table.find(id).select((draws::created_by, draws::body_hash)).first(conn).optional()?;
    match found {
        None => Ok(None),
        Some((by, kept)) if by == rights.user_id() && kept.as_deref() == Some(hash) => {
            let seen = Seen::load(conn, id)?;
            Ok(Some(view(rights, &seen)))
        }
        Some(_) => Err(Problem::new(Code::IdReused)),
    }
}
