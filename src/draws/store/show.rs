//! What is shown of a draw to whom, and when its proof opens.

use super::record::{CommitmentView, DrawRecord, ResultView, Seen};
use super::steps::allow;
use crate::access::Rights;
use crate::draws::proof::Proof;
use crate::draws::rules::Step;
use crate::platform::error::Problem;

/// What this caller sees of a draw. Seeds come out together, so that whoever shows the last one cannot have computed
/// the result from the others; from people of the pool's schools they stay hidden with everything that follows from
/// them, whether their own school was drawn or not: that it is withheld must not tell.
#[must_use]
pub fn view(rights: &Rights, seen: &Seen) -> DrawRecord {
    let facts = seen.facts(rights);
    let withheld = facts.belongs && !facts.open();
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
    let results = seen.picks().map(|(pick, inspection_id)| ResultView { pick, inspection_id });
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
