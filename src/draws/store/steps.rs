//! The steps of a draw after its pools are frozen. Each is in the journal at once, with hashes, never with seeds.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::{Value, json};

use super::freeze::stamp;
use super::record::{DrawRecord, Seen};
use super::show::view;
use crate::access::Rights;
use crate::draws::algorithm::{commitment, draw, hex, sha256_hex, unhex};
use crate::draws::bodies::{NewCommitment, NewEntropy, Publication, ShownSeed, VoidDraw};
use crate::draws::proof::Entropy;
use crate::draws::rules::{DrawStatus, Facts, Refusal, Step, refusals};
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::zone_of;
use crate::platform::db::schema::{draw_commitments, draw_results, draws};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::{Event, Stream};
use crate::recusals;

/// 409 naming every rule in the way.
pub(super) fn allow(step: Step, facts: &Facts) -> Result<(), Problem> {
    let errors: Vec<FieldError> = refusals(step, facts)
        .into_iter()
        .map(|refusal: Refusal| {
            let (zh, en) = refusal.words();
            FieldError::new("", refusal.as_str(), zh, en)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::new(Code::StateConflict).errors(errors)) }
}

/// Ends a step: the status that follows, the journal entry, the draw as it is now.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    status: Option<DrawStatus>,
    entry: (&'static str, Value),
) -> Result<(Receipt, DrawRecord), Problem> {
    let now = Seen::load(tx.conn, seen.row.id)?;
    let status = status.unwrap_or_else(|| now.facts(rights).settled());
    diesel::update(draws::table.find(seen.row.id))
        .set((draws::version.eq(seen.row.version + 1), draws::updated_at.eq(tx.now), draws::status.eq(status)))
        .execute(tx.conn)?;
    let bureau = seen.row.bureau_id;
    let event = Event::of("draw", seen.row.id, entry.0).at(bureau, bureau).stream(Stream::Bureau);
    let receipt = tx.record(event.with(entry.1))?;
    let now = Seen::load(tx.conn, seen.row.id)?;
    Ok((receipt, view(rights, &now)))
}

/// Whether somebody of the pool is recused from a school of it who was not when it was frozen.
fn outdated(conn: &mut Conn, tx_now: crate::platform::db::types::Timestamp, seen: &Seen) -> Result<bool, Problem> {
    let pool = &seen.pool;
    let people: Vec<Id> = pool.inspectors.iter().filter_map(|id| id.parse().ok()).collect();
    let today = local_date(tx_now.utc(), zone_of(conn, seen.row.bureau_id)?);
    let last = pool.visit.planned_to.parse().map_err(Problem::internal)?;
    let pairs = recusals::store::excluded_pairs(conn, seen.row.bureau_id, &people, (tx_now, today), last)?;
    let schools: BTreeSet<&str> = pool.schools.iter().map(|school| school.id.as_str()).collect();
    Ok(pairs.into_iter().any(|(person, school, _)| {
        let (person, school) = (person.to_string(), school.to_string());
        schools.contains(school.as_str()) && !pool.is_excluded(&person, &school)
    }))
}

/// Promises a seed.
///
/// # Errors
/// 409 by the rules; 422 for a promise made before, in this or another draw of the bureau.
pub fn commit(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &NewCommitment,
) -> Result<(Receipt, DrawRecord), Problem> {
    let outdated = outdated(tx.conn, tx.now, seen)?;
    allow(Step::Commit, &Facts { outdated, ..seen.facts(rights) })?;
    let used: i64 = draw_commitments::table
        .inner_join(draws::table.on(draws::id.eq(draw_commitments::draw_id)))
        .filter(draws::bureau_id.eq(seen.row.bureau_id))
        .filter(draw_commitments::commitment.eq(&body.commitment))
        .count()
        .get_result(tx.conn)?;
    if used > 0 {
        let (zh, en) = ("承诺值已被使用，须使用新的种子", "was used before: take a fresh seed");
        return Err(Problem::invalid(FieldError::new("/commitment", "duplicate", zh, en)));
    }
    let position = i32::try_from(seen.commitments.len() + 1).map_err(Problem::internal)?;
    diesel::insert_into(draw_commitments::table)
        .values((
            (draw_commitments::draw_id.eq(seen.row.id), draw_commitments::position.eq(position)),
            (draw_commitments::official.eq(rights.user_id()), draw_commitments::committed_at.eq(tx.now)),
            draw_commitments::commitment.eq(&body.commitment),
        ))
        .execute(tx.conn)?;
    let payload = json!({"position": position, "commitment": body.commitment, "pool_sha256": seen.row.pool_sha256});
    finish(tx, rights, seen, None, ("committed", payload))
}

/// Writes down what the public source has said.
///
/// # Errors
/// 409 by the rules.
pub fn entropy(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &NewEntropy,
) -> Result<(Receipt, DrawRecord), Problem> {
    allow(Step::Entropy, &seen.facts(rights))?;
    let entropy = Entropy {
        source: body.source.trim().to_owned(),
        text: body.text.trim().to_owned(),
        recorded_by: rights.user_id().to_string(),
        recorded_at: stamp(tx.now),
    };
    diesel::update(draws::table.find(seen.row.id)).set(draws::entropy.eq(Doc::of(&entropy))).execute(tx.conn)?;
    let payload = json!({"text_sha256": sha256_hex(entropy.text.as_bytes())});
    finish(tx, rights, seen, None, ("entropy_recorded", payload))
}

/// Shows a seed.
///
/// # Errors
/// 409 by the rules; 422 where seed and salt are not what was promised.
pub fn reveal(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &ShownSeed,
) -> Result<(Receipt, DrawRecord), Problem> {
    allow(Step::Reveal, &seen.facts(rights))?;
    let own = seen.commitments.iter().find(|one| one.official == rights.user_id());
    let own = own.ok_or_else(|| Problem::internal("a seed without a promise passed the rules"))?;
    let fits =
        unhex(&body.seed).zip(unhex(&body.salt)).is_some_and(|(seed, salt)| commitment(&seed, &salt) == own.commitment);
    if !fits {
        let (zh, en) = ("种子与承诺值不符", "seed and salt are not what was promised");
        return Err(Problem::invalid(FieldError::new("/seed", "does_not_fit_commitment", zh, en)));
    }
    diesel::update(draw_commitments::table.find((seen.row.id, own.position)))
        .set((
            draw_commitments::revealed_at.eq(tx.now),
            draw_commitments::seed.eq(&body.seed),
            draw_commitments::salt.eq(&body.salt),
        ))
        .execute(tx.conn)?;
    finish(tx, rights, seen, None, ("seed_revealed", json!({"position": own.position})))
}

/// Draws, once.
///
/// # Errors
/// 409 by the rules; 500 where the stored pools are not what was frozen.
pub fn run(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen) -> Result<(Receipt, DrawRecord), Problem> {
    allow(Step::Run, &seen.facts(rights))?;
    if hex(&seen.pool.hash()) != seen.row.pool_sha256 {
        return Err(Problem::internal(format!("the pools of draw {} are not what was frozen", seen.row.number)));
    }
    let mut proof = seen.proof();
    let material = proof.material().map_err(Problem::internal)?;
    proof.results = draw(&seen.pool, &material).map_err(|reason| Problem::internal(format!("{reason:?}")))?;
    proof.drawn_at = stamp(tx.now);
    proof.drawn_by = rights.user_id().to_string();
    let result_sha256 = sha256_hex(proof.text().as_bytes());
    for pick in &proof.results {
        let org_id: Id = pick.school.parse().map_err(Problem::internal)?;
        diesel::insert_into(draw_results::table)
            .values((
                draw_results::draw_id.eq(seen.row.id),
                draw_results::position.eq(i32::try_from(pick.position).map_err(Problem::internal)?),
                draw_results::stratum.eq(&pick.stratum),
                draw_results::org_id.eq(org_id),
                draw_results::team.eq(Doc::of(&pick.team)),
            ))
            .execute(tx.conn)?;
    }
    diesel::update(draws::table.find(seen.row.id))
        .set((
            draws::drawn_at.eq(tx.now),
            draws::drawn_by.eq(rights.user_id()),
            draws::result_sha256.eq(&result_sha256),
        ))
        .execute(tx.conn)?;
    let payload = json!({"algorithm": proof.algorithm, "result_sha256": result_sha256});
    finish(tx, rights, seen, Some(DrawStatus::Drawn), ("drawn", payload))
}

/// Opens the proof by statement, for visits kept elsewhere.
///
/// # Errors
/// 409 by the rules.
pub fn publish(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &Publication,
) -> Result<(Receipt, DrawRecord), Problem> {
    allow(Step::Publish, &seen.facts(rights))?;
    diesel::update(draws::table.find(seen.row.id))
        .set((
            draws::published_at.eq(tx.now),
            draws::published_by.eq(rights.user_id()),
            draws::statement.eq(body.statement.trim()),
        ))
        .execute(tx.conn)?;
    let payload = json!({"statement": body.statement.trim()});
    finish(tx, rights, seen, Some(DrawStatus::Published), ("published", payload))
}

/// Gives the draw up; the number stays taken.
///
/// # Errors
/// 409 by the rules.
pub fn void(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen, body: &VoidDraw) -> Result<(Receipt, DrawRecord), Problem> {
    allow(Step::Void, &seen.facts(rights))?;
    diesel::update(draws::table.find(seen.row.id))
        .set((
            draws::voided_at.eq(tx.now),
            draws::voided_by.eq(rights.user_id()),
            draws::void_reason.eq(body.reason.trim()),
        ))
        .execute(tx.conn)?;
    let payload = json!({"reason": body.reason.trim(), "result_sha256": seen.row.result_sha256});
    finish(tx, rights, seen, Some(DrawStatus::Void), ("voided", payload))
}
