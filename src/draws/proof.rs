//! The proof of a draw: everything that went in and everything that came out, to be computed again by anybody.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::algorithm::{ALGORITHM, Pick, commitment, draw, hex, key_material, sha256_hex, unhex};
use super::pool::Pool;

/// A seed, promised first and shown later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawSeed)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Who.
    pub official: String,
    /// When the promise was made.
    pub committed_at: String,
    /// SHA-256 over seed and salt.
    pub commitment: String,
    /// When it was shown.
    pub revealed_at: String,
    /// 64 lower hexadecimal digits.
    pub seed: String,
    /// 64 lower hexadecimal digits.
    pub salt: String,
}

/// Something that everybody could see and nobody could choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawEntropy)]
#[serde(deny_unknown_fields)]
pub struct Entropy {
    /// Where it can be read; one line.
    pub source: String,
    /// The thing itself, exactly; one line.
    pub text: String,
    /// Who wrote it down.
    pub recorded_by: String,
    /// When.
    pub recorded_at: String,
}

/// The proof of a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawProof)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// By which rules.
    #[schema(example = "anxiao-draw-1")]
    pub algorithm: String,
    /// What was drawn from.
    pub pool: Pool,
    /// SHA-256 of the pool's canonical text.
    pub pool_sha256: String,
    /// The seeds in the order of their commitments.
    pub seeds: Vec<Seed>,
    /// The public entropy; null with two officials.
    #[schema(required)]
    pub entropy: Option<Entropy>,
    /// When it was drawn.
    pub drawn_at: String,
    /// By whom.
    pub drawn_by: String,
    /// What came out.
    pub results: Vec<Pick>,
    /// SHA-256 of the canonical text of the whole; the same stands in the journal since the draw.
    pub result_sha256: String,
}

/// The first thing in a proof that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct Mismatch {
    /// Where in the proof.
    pub at: String,
    /// What is wrong with it.
    pub what: String,
}

fn wrong(at: impl Into<String>, what: impl Into<String>) -> Mismatch {
    Mismatch { at: at.into(), what: what.into() }
}

impl Proof {
    /// The canonical text of the whole draw: the pool by its hash, then every seed, the entropy and the results.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| {
            // Writing into a string cannot fail.
            let _ = out.write_fmt(text);
            out.push('\n');
        };
        line(format_args!("{} result", self.algorithm));
        line(format_args!("number {}", self.pool.number));
        line(format_args!("pool {}", self.pool_sha256));
        for one in &self.seeds {
            line(format_args!("commitment {} {} {}", one.official, one.committed_at, one.commitment));
            line(format_args!("seed {} {} {}", one.revealed_at, one.seed, one.salt));
        }
        if let Some(entropy) = &self.entropy {
            line(format_args!("entropy {} {}", entropy.recorded_by, entropy.recorded_at));
            line(format_args!("entropy-source {}", entropy.source));
            line(format_args!("entropy-text {}", entropy.text));
        }
        line(format_args!("drawn {} {}", self.drawn_by, self.drawn_at));
        for pick in &self.results {
            let team = pick.team.join(" ");
            line(format_args!("pick {} {} {} {team}", pick.position, pick.stratum, pick.school));
        }
        out
    }

    /// Key material of the draw.
    ///
    /// # Errors
    /// Where a seed is not of its form or does not fit its commitment.
    pub fn material(&self) -> Result<Vec<u8>, Mismatch> {
        let mut seeds = Vec::new();
        for (place, one) in self.seeds.iter().enumerate() {
            let at = |name: &str| format!("/seeds/{place}/{name}");
            let seed = unhex(&one.seed).ok_or_else(|| wrong(at("seed"), "is not 64 lower hexadecimal digits"))?;
            let salt = unhex(&one.salt).ok_or_else(|| wrong(at("salt"), "is not 64 lower hexadecimal digits"))?;
            if commitment(&seed, &salt) != one.commitment {
                return Err(wrong(at("commitment"), "is not SHA-256 of seed and salt"));
            }
            seeds.push(seed);
        }
        Ok(key_material(&seeds, self.entropy.as_ref().map(|entropy| entropy.text.as_str())))
    }

    /// The number of seeds and whether there is entropy, as the pool's seeding demands.
    fn check_seeding(&self) -> Result<(), Mismatch> {
        let right = match (self.pool.seeding.as_str(), self.seeds.as_slice(), &self.entropy) {
            ("two_officials", [first, second], None) => {
                first.official != second.official && first.commitment != second.commitment
            }
            ("public_entropy", [only], Some(entropy)) => only.official != entropy.recorded_by,
            _ => false,
        };
        if right { Ok(()) } else { Err(wrong("/seeds", "are not what the pool's seeding demands")) }
    }

    /// Computes everything again.
    ///
    /// # Errors
    /// The first thing that does not match.
    pub fn verify(&self) -> Result<(), Mismatch> {
        if self.algorithm != ALGORITHM {
            return Err(wrong("/algorithm", format!("is not {ALGORITHM}")));
        }
        if let Some(at) = self.broken_line() {
            return Err(wrong(at, "holds a line break"));
        }
        if let Some(word) = self.words().find(|word| word.is_empty() || word.contains(char::is_whitespace)) {
            return Err(wrong("/", format!("`{word}` is not one word")));
        }
        self.pool.check().map_err(|impossible| wrong("/pool", format!("cannot be drawn from: {impossible:?}")))?;
        if hex(&self.pool.hash()) != self.pool_sha256 {
            return Err(wrong("/pool_sha256", "is not SHA-256 of the pool"));
        }
        self.check_seeding()?;
        let material = self.material()?;
        let results = draw(&self.pool, &material).map_err(|reason| wrong("/pool", format!("{reason:?}")))?;
        for (place, pick) in results.iter().enumerate() {
            if self.results.get(place) != Some(pick) {
                return Err(wrong(format!("/results/{place}"), "is not what the seeds draw"));
            }
        }
        if self.results.len() != results.len() {
            return Err(wrong("/results", "has more than the seeds draw"));
        }
        if sha256_hex(self.text().as_bytes()) != self.result_sha256 {
            return Err(wrong("/result_sha256", "is not SHA-256 of the whole draw"));
        }
        Ok(())
    }

    /// Every text that stands between blanks in the canonical texts: with blanks of its own it could be two of them.
    fn words(&self) -> impl Iterator<Item = &str> {
        let Pool { number, frozen_at, frozen_by, seeding, strata_by, visit, .. } = &self.pool;
        let single = [number, frozen_at, frozen_by, seeding, strata_by, &visit.kind, &visit.planned_from];
        let rest = [&visit.planned_to, &self.pool_sha256, &self.drawn_at, &self.drawn_by, &self.result_sha256];
        let seeds = self.seeds.iter();
        let seeds = seeds.flat_map(|one| {
            [&one.official, &one.committed_at, &one.commitment, &one.revealed_at, &one.seed, &one.salt]
        });
        let pool = &self.pool;
        single
            .into_iter()
            .chain(rest)
            .chain(&visit.checklist_ids)
            .chain(pool.strata.iter().map(|one| &one.name))
            .chain(pool.schools.iter().flat_map(|one| [&one.id, &one.stratum]))
            .chain(&pool.inspectors)
            .chain(pool.excluded.iter().flat_map(|one| [&one.inspector, &one.school, &one.why]))
            .chain(seeds)
            .chain(self.entropy.iter().flat_map(|one| [&one.recorded_by, &one.recorded_at]))
            .chain(self.results.iter().flat_map(|one| [&one.stratum, &one.school].into_iter().chain(&one.team)))
            .map(String::as_str)
    }

    /// A text with a line break could pretend to be several lines of the canonical text.
    fn broken_line(&self) -> Option<&'static str> {
        let lines = self.pool.text().lines().count();
        let pool = &self.pool;
        let told = 10 + pool.visit.checklist_ids.len() + pool.strata.len() + pool.schools.len();
        if lines != told + pool.inspectors.len() + pool.excluded.len() || pool.text().contains('\r') {
            return Some("/pool");
        }
        let told = 4 + 2 * self.seeds.len() + 3 * usize::from(self.entropy.is_some()) + self.results.len();
        (self.text().lines().count() != told || self.text().contains('\r')).then_some("/")
    }
}
