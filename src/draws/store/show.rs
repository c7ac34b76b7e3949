//! What is shown of a draw to whom, and when its proof opens.

use super::record::{CommitmentView, DrawRecord, ResultView, Seen};
use super::steps::allow;
use crate::access::Rights;
use crate::draws::algorithm::Pick;
use crate::draws::proof::Proof;
use crate::draws::rules::{Facts, Step};
use crate::platform::db::{Commit, Tx};
use crate::platform::error::Problem;
use crate::platform::http::Reply;

/// Whether seeds and what follows from them are kept from this caller.
fn withheld(facts: &Facts) -> bool {
    facts.belongs && !facts.open()
}

/// The answer kept for a repeated request; none for whom the draw is withheld by now. Who has come to a school of the
/// pool since would read in it what was drawn; the rules of each step refuse them what was done already.
pub fn again(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen) -> Option<Commit<Reply>> {
    if withheld(&seen.facts(rights)) { None } else { tx.replay() }
}

/// What this caller sees of a draw. Seeds come out together, so that whoever shows the last one cannot have computed
/// the result from the others; from people of the pool's schools they stay hidden with everything that follows from
/// them, whether their own school was drawn or not: that it is withheld must not tell.
#[must_use]
pub fn view(rights: &Rights, seen: &Seen) -> DrawRecord {
    let facts = seen.facts(rights);
    let withheld = withheld(&facts);
    let all_shown = facts.revealed == facts.needed();
    let commitments = seen.commitments.iter().map(|one| {
        let shown = |text: &Option<String>| text.clone().filter(|_| all_shown && !withheld);
        CommitmentView {
            official: one.official,
            committed_at: one.committed_at,
            commitment: one.commitment.clone(),
            revealed_at: one.revealed_at,
            seed: shown(&one.seed),
            salt: shown(&one.salt),
        }
    });
    // A visit that was given up before the check-in never was, for people of a school.
    let known = |pick: &Pick| !facts.belongs || seen.has_begun(pick.position);
    let results = seen.picks().map(|(pick, id)| ResultView { inspection_id: id.filter(|_| known(&pick)), pick });
    DrawRecord {
        summary: seen.row.clone(),
        pool: seen.pool.clone(),
        commitments: commitments.collect(),
        entropy: seen.entropy.clone().filter(|_| !withheld),
        results: (facts.results > 0 && !withheld).then(|| results.collect()),
        withheld,
        proof_open: facts.open(),
    }
}

/// The proof, once it is open.
///
/// # Errors
/// 409 `not_yet` while a drawn inspection may still be a secret; 500 where the stored draw does not hold.
pub fn proof(rights: &Rights, seen: &Seen) -> Result<Proof, Problem> {
    allow(Step::Prove, &seen.facts(rights))?;
    let proof = seen.proof();
    proof.verify().map_err(|mismatch| Problem::internal(format!("draw {}: {mismatch}", seen.row.number)))?;
    Ok(proof)
}
