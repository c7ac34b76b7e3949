//! What is claimed, what of it has been declared for that very target, and what has arrived.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::row::{EvidenceView, Row, views};
use crate::access::Rights;
use crate::evidence::rules::{Gap, state};
use crate::evidence::words::{EvidenceRole, EvidenceState};
use crate::hazards::store::{Row as Hazard, documented, read};
use crate::inspections::store::{Seen, domains_in_sight, rows_of, with_items};
use crate::platform::db::Conn;
use crate::platform::db::schema::evidence;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// The evidence of items of an inspection that has arrived, by item; no statement for no items.
///
/// # Errors
/// Whatever the engine says.
pub fn arrived(conn: &mut Conn, inspection_id: Id, codes: &[&str]) -> Result<HashMap<String, HashSet<Uuid>>, Problem> {
    let mut all: HashMap<String, HashSet<Uuid>> = HashMap::new();
    if codes.is_empty() {
        return Ok(all);
    }
    let rows: Vec<(Option<String>, Id)> = evidence::table
        .filter(evidence::inspection_id.eq(inspection_id))
        .filter(evidence::item_code.eq_any(codes.to_vec()))
        .filter(evidence::received_at.is_not_null())
        .select((evidence::item_code, evidence::id))
        .load(conn)?;
    for (code, id) in rows {
        all.entry(code.unwrap_or_default()).or_default().insert(id.0);
    }
    Ok(all)
}

/// A claim of evidence, or evidence that nothing claims.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceClaim)]
pub struct ClaimView {
    /// The id that is claimed; null where a photo is demanded and none is claimed.
    #[schema(required)]
    pub evidence_id: Option<Id>,
    /// The item of the inspection it is for.
    #[schema(required)]
    pub item_code: Option<String>,
    /// The round of the hazard it is for; null for what was found.
    #[schema(required)]
    pub round: Option<i32>,
    /// What it shows.
    pub role: EvidenceRole,
    /// Whether an answer, the hazard or a round names it; else it was declared and is not used.
    pub claimed: bool,
    /// How far it has come.
    pub state: EvidenceState,
    /// What was declared under this id for this target; null while nobody has.
    #[schema(required)]
    pub evidence: Option<EvidenceView>,
}

/// One claim, before it is known whether it is met.
struct Claim {
    id: Option<Uuid>,
    item_code: Option<String>,
    round: Option<i32>,
    role: EvidenceRole,
}

fn met(rights: &Rights, claims: Vec<Claim>, rows: Vec<Row>, missing: bool) -> Result<Vec<ClaimView>, Problem> {
    let named: HashSet<Uuid> = claims.iter().filter_map(|claim| claim.id).collect();
    let mut all = Vec::with_capacity(claims.len());
    let stands = |claim: &Claim, row: &Row| {
        let role = row.role.is_none_or(|role| role == claim.role);
        let item = row.item_code.is_none() || claim.item_code.is_none() || row.item_code == claim.item_code;
        let round = row.role != Some(EvidenceRole::After) || claim.round.is_none() || row.round == claim.round;
        Some(row.id.0) == claim.id && role && item && round
    };
    for claim in claims {
        let row = rows.iter().find(|row| stands(&claim, row)).cloned();
        let state = state(row.is_some(), row.as_ref().is_some_and(|row| row.received_at.is_some()));
        let evidence = views(rights, row.into_iter().collect())?.pop();
        all.push(ClaimView {
            evidence_id: claim.id.map(Id),
            item_code: claim.item_code,
            round: claim.round,
            role: claim.role,
            claimed: true,
            state,
            evidence,
        });
    }
    for row in rows.into_iter().filter(|row| !named.contains(&row.id.0)) {
        all.push(ClaimView {
            evidence_id: Some(row.id),
            item_code: row.item_code.clone(),
            round: row.round,
            role: row.role.unwrap_or(EvidenceRole::Before),
            claimed: false,
            state: row.state(),
            evidence: views(rights, vec![row])?.pop(),
        });
    }
    // What nobody uses is missed by nobody.
    all.retain(|claim| !missing || (claim.claimed && claim.state != EvidenceState::Received));
    Ok(all)
}

/// The evidence of an inspection in sight, item by item; within domains that of its items alone. `missing`: only what is
/// not there.
///
/// # Errors
/// Whatever the engine says.
pub fn of_inspection(conn: &mut Conn, rights: &Rights, visit: &Seen, missing: bool) -> Result<Vec<ClaimView>, Problem> {
    let mut answers = rows_of(conn, visit.row.id)?;
    if let Some(domains) = domains_in_sight(conn, rights, visit)? {
        answers.retain(|row| domains.contains(&row.domain));
    }
    let codes: HashSet<String> = answers.iter().map(|row| row.item_code.clone()).collect();
    let mut rows: Vec<Row> = evidence::table
        .filter(evidence::inspection_id.eq(visit.row.id))
        .order((evidence::created_at, evidence::id))
        .select(Row::as_select())
        .load(conn)?;
    rows.retain(|row| row.item_code.as_ref().is_some_and(|code| codes.contains(code)));
    let mut claims = Vec::new();
    for (answer, item) in with_items(conn, answers)? {
        let made = answer.claims(&item);
        let claim = |id: Option<Uuid>, role| Claim { id, item_code: Some(answer.item_code.clone()), round: None, role };
        if made.gaps(&HashSet::new()).contains(&Gap::Unclaimed) {
            claims.push(claim(None, EvidenceRole::Before));
        }
        claims.extend(made.found.iter().map(|id| claim(Some(*id), EvidenceRole::Before)));
        claims.extend(made.others.iter().map(|id| claim(Some(*id), EvidenceRole::After)));
    }
    met(rights, claims, rows, missing)
}

/// The evidence of a hazard in sight: what was found, then round by round, with that of the item it came from.
///
/// # Errors
/// Whatever the engine says.
pub fn of_hazard(conn: &mut Conn, rights: &Rights, hazard: &Hazard, missing: bool) -> Result<Vec<ClaimView>, Problem> {
    let rows = rows_for(conn, hazard)?;
    let mut claims = Vec::new();
    let mut add = |ids: Vec<Uuid>, round: Option<i32>, role| {
        claims.extend(ids.into_iter().map(|id| Claim { id: Some(id), item_code: None, round, role }));
    };
    add(hazard.evidence_ids.read(), None, EvidenceRole::Before);
    for round in read::rounds(conn, hazard.id)? {
        add(round.evidence_ids.read(), Some(round.round), EvidenceRole::After);
        add(round.recheck_evidence_ids.read(), Some(round.round), EvidenceRole::After);
    }
    add(documented::progress_claims(conn, hazard.id)?.iter().map(|id| id.0).collect(), None, EvidenceRole::After);
    met(rights, claims, rows, missing)
}

/// Everything declared for a hazard, or for the item that became it.
pub(super) fn rows_for(conn: &mut Conn, hazard: &Hazard) -> Result<Vec<Row>, Problem> {
    let mut rows: Vec<Row> = evidence::table
        .filter(evidence::hazard_id.eq(hazard.id))
        .order((evidence::created_at, evidence::id))
        .select(Row::as_select())
        .load(conn)?;
    if let (Some(inspection), Some(code)) = (hazard.inspection_id, hazard.item_code.as_deref()) {
        let mut found: Vec<Row> = evidence::table
            .filter(evidence::inspection_id.eq(inspection))
            .filter(evidence::item_code.eq(code))
            .order((evidence::created_at, evidence::id))
            .select(Row::as_select())
            .load(conn)?;
        found.append(&mut rows);
        rows = found;
    }
    Ok(rows)
}
