//! The same picture used again.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::row::Row;
use super::sight::seen;
use crate::access::Rights;
use crate::evidence::body::{Aim, Target};
use crate::evidence::rules::{self, Shown};
use crate::evidence::words::{EvidenceRole, Reuse};
use crate::hazards::store::Row as Hazard;
use crate::platform::db::schema::{answers, evidence, hazards};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};

/// Most earlier uses that are looked at and told.
const MOST: i64 = 20;

/// An earlier use of the same picture.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReusedFrom {
    /// In which way it is used again.
    pub reuse: Reuse,
    /// When the earlier one arrived.
    #[schema(required)]
    pub received_at: Option<Timestamp>,
    /// The earlier evidence; null where the caller does not see it.
    #[schema(required)]
    pub evidence_id: Option<Id>,
    /// What it was for; null where the caller does not see it.
    #[schema(required)]
    pub target: Option<Target>,
}

/// Other evidence of the same bureau with the same content or the same pixels that has arrived, oldest first; with an
/// instant only what arrived until then.
fn earlier(conn: &mut Conn, row: &Row, picture: Option<&[u8]>, until: Option<Timestamp>) -> Result<Vec<Row>, Problem> {
    let same = evidence::sha256.eq(row.sha256.clone()).nullable();
    let others = evidence::table
        .filter(evidence::bureau_id.eq(row.bureau_id))
        .filter(evidence::id.ne(row.id))
        .filter(evidence::received_at.is_not_null())
        .order((evidence::received_at, evidence::id))
        .limit(MOST)
        .select(Row::as_select())
        .into_boxed::<MultiBackend>();
    let others = match until {
        Some(until) => others.filter(evidence::received_at.le(until)),
        None => others,
    };
    Ok(match picture {
        Some(picture) => others.filter(same.or(evidence::picture.eq(picture.to_vec()))).load(conn)?,
        None => others.filter(same).load(conn)?,
    })
}

/// On PostgreSQL, where others write at the same time: copies of one picture arrive one after the other, so that the
/// later finds the earlier.
fn one_by_one(conn: &mut Conn, row: &Row, picture: Option<&[u8]>) -> Result<(), Problem> {
    if let Conn::Postgres(postgres) = conn {
        let hash = picture.unwrap_or(&row.sha256);
        let key = hash.iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte));
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(key).execute(postgres)?;
    }
    Ok(())
}

/// What a piece of evidence shows: with the hazard that its item became, or the item that its hazard came from.
fn shown(conn: &mut Conn, row: &Row) -> Result<Option<Shown>, Problem> {
    Ok(match row.aim() {
        None => None,
        Some(Aim::Item(inspection, code)) => {
            let found: (Option<Id>, bool) = answers::table
                .filter(answers::inspection_id.eq(inspection))
                .filter(answers::item_code.eq(code))
                .select((answers::hazard_id, answers::on_the_spot))
                .first(conn)
                .optional()?
                .unwrap_or_default();
            Some(Shown {
                hazard: found.0.map(|id| id.0),
                item: Some((inspection.0, code.to_owned())),
                round: 0,
                role: EvidenceRole::Before,
                on_the_spot: found.1,
            })
        }
        Some(Aim::Hazard(hazard, round, role)) => {
            let item: (Option<Id>, Option<String>) =
                hazards::table.find(hazard).select((hazards::inspection_id, hazards::item_code)).first(conn)?;
            let item: Option<(Uuid, String)> = item.0.map(|id| id.0).zip(item.1);
            Some(Shown { hazard: Some(hazard.0), item, round, role, on_the_spot: false })
        }
    })
}

/// How the picture that has just arrived was used before; two statements where it is new.
pub(super) fn found(conn: &mut Conn, row: &Row, picture: Option<&[u8]>) -> Result<Option<Reuse>, Problem> {
    one_by_one(conn, row, picture)?;
    let earlier = earlier(conn, row, picture, None)?;
    if earlier.is_empty() {
        return Ok(None);
    }
    let Some(new) = shown(conn, row)? else { return Ok(None) };
    let mut uses = Vec::new();
    for one in &earlier {
        uses.extend(shown(conn, one)?);
    }
    Ok(rules::reuse(&new, &uses))
}

/// A photo of a hazard that was used before.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PhotoReuse)]
pub struct PhotoReuse {
    /// The photo; `GET /evidence/{id}` tells where it was used.
    pub evidence_id: Id,
    /// What it was declared to show.
    pub role: EvidenceRole,
    /// Of which round; null for what an inspection found.
    #[schema(required)]
    pub round: Option<i32>,
    /// How it was used before, the gravest way.
    pub reuse: Reuse,
    /// When it arrived.
    #[schema(required)]
    pub received_at: Option<Timestamp>,
}

type Flagged = (Id, Option<EvidenceRole>, Option<i32>, Option<Reuse>, Option<Timestamp>);

/// The photos of a hazard, and of the item that became it, that were used before; oldest first.
///
/// # Errors
/// Whatever the engine says.
pub fn flagged(conn: &mut Conn, hazard: &Hazard) -> Result<Vec<PhotoReuse>, Problem> {
    let mut query = evidence::table
        .filter(evidence::bureau_id.eq(hazard.bureau_id))
        .filter(evidence::reuse.is_not_null())
        .order((evidence::received_at, evidence::id))
        .select((evidence::id, evidence::role, evidence::round, evidence::reuse, evidence::received_at))
        .into_boxed();
    let own = evidence::hazard_id.eq(hazard.id);
    query = match (hazard.inspection_id, hazard.item_code.as_deref()) {
        (Some(inspection), Some(code)) => {
            let item = evidence::inspection_id.eq(inspection).and(evidence::item_code.eq(code));
            query.filter(own.or(item))
        }
        _ => query.filter(own),
    };
    let rows: Vec<Flagged> = query.load(conn)?;
    let told = |(evidence_id, role, round, reuse, received_at): Flagged| {
        let role = role.unwrap_or(EvidenceRole::Before);
        reuse.map(|reuse| PhotoReuse { evidence_id, role, round, reuse, received_at })
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

/// The earlier uses, for somebody of the bureau: those out of sight without their ids.
pub(super) fn reused_from(conn: &mut Conn, rights: &Rights, row: &Row) -> Result<Vec<ReusedFrom>, Problem> {
    let (Some(new), Some(at)) = (shown(conn, row)?, row.received_at) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for one in earlier(conn, row, row.picture.as_deref(), Some(at))? {
        let Some(use_) = shown(conn, &one)? else { continue };
        let Some(reuse) = rules::reuse(&new, &[use_]) else { continue };
        let visible = match seen(conn, rights, one.id) {
            Ok(_) => true,
            Err(problem) if problem.code == Code::NotFound => false,
            Err(problem) => return Err(problem),
        };
        all.push(ReusedFrom {
            reuse,
            received_at: one.received_at,
            evidence_id: visible.then_some(one.id),
            target: visible.then(|| one.target()),
        });
    }
    Ok(all)
}
