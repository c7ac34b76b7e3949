//! The algorithm `anxiao-draw-1`, as `docs/draws.md` says it: no clock, no database, no floating point.
//!
//! From the same pool, the same seeds and the same public entropy the same draw follows, on any machine and in any
//! language; `tests/draws/verify.py` is a second program written from the document alone. Everything is sorted before
//! it is used, so that the order in which a pool was gathered decides nothing.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use super::pool::{Pool, School};

/// The name of this algorithm. Another way of drawing gets another name; this one never changes.
pub const ALGORITHM: &str = "anxiao-draw-1";

/// One school drawn, with those who go there; the first of them leads.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = DrawnSchool)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    /// The how-manieth of the whole draw, from 1.
    pub position: u32,
    /// Of which stratum.
    #[schema(example = "primary")]
    pub stratum: String,
    /// Which school.
    pub school: String,
    /// Who goes there, in the order drawn.
    pub team: Vec<String>,
}

/// Why a pool cannot be drawn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Impossible {
    /// No school at all.
    EmptyPool,
    /// The same school, inspector, stratum or pair twice; of this id.
    Repeated(String),
    /// A stratum asks for more than it has, or for nothing; a school stands in no stratum.
    Stratum(String),
    /// A weight that does not follow from the facts by the formula, or is not above nothing; of this school.
    Weight(String),
    /// Fewer inspectors than go to one school, whoever is excluded.
    TooFewInspectors,
    /// So many are excluded from this school that too few are left.
    NobodyLeft(String),
}

/// SHA-256 as 64 lower hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes from 64 lower hexadecimal digits, exactly: one text for one value.
#[must_use]
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0_u8; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != out.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = digit(*high)? * 16 + digit(*low)?;
    }
    Some(out)
}

/// The commitment to a seed: SHA-256 over the 32 bytes of the seed and the 32 bytes of the salt. Both lengths are
/// fixed, since with free lengths one commitment could be opened as several seeds.
#[must_use]
pub fn commitment(seed: &[u8; 32], salt: &[u8; 32]) -> String {
    hex(&Sha256::new().chain_update(seed).chain_update(salt).finalize())
}

/// Key material: the seeds in the order of their commitments, then the public entropy as UTF-8.
#[must_use]
pub fn key_material(seeds: &[[u8; 32]], entropy: Option<&str>) -> Vec<u8> {
    let mut out = seeds.concat();
    out.extend_from_slice(entropy.unwrap_or("").as_bytes());
    out
}

/// The endless numbers of one draw.
pub struct Stream(ChaCha20);

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl Stream {
    /// HKDF-SHA256 (RFC 5869) over the key material, salted with the pool's hash, for this draw's number: the key of
    /// ChaCha20 (RFC 8439) with a nonce of zeros, from block 0.
    #[must_use]
    pub fn new(material: &[u8], pool_hash: &[u8; 32], number: &str) -> Self {
        let mut key = [0_u8; 32];
        // 32 bytes are far below the 8160 at which HKDF refuses; then the key stays zero and every check fails.
        let _ = Hkdf::<Sha256>::new(Some(pool_hash), material).expand(number.as_bytes(), &mut key);
        Self(ChaCha20::new(&key.into(), &[0_u8; 12].into()))
    }

    /// The next eight bytes of the key stream as a little-endian number.
    fn word(&mut self) -> u64 {
        let mut bytes = [0_u8; 8];
        self.0.apply_keystream(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number below `n`, each equally likely: words in the incomplete last run of `n` are thrown away. Takes at
    /// least one word, also where there is no choice. Nothing is below nothing: 0 for 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        // 2^64 mod n, without a wider number.
        let rest = n.wrapping_neg() % n;
        loop {
            let word = self.word();
            if word <= u64::MAX - rest {
                return word % n;
            }
        }
    }

    /// Fisher–Yates from the last place down.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let bound = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
            let other = usize::try_from(self.below(bound)).unwrap_or(last);
            all.swap(last, other);
        }
    }
}

/// Draws `take` of these candidates, which stand in their order: each time a number below the sum of the weights that
/// are left points at one, who then leaves.
fn sample<'a>(stream: &mut Stream, candidates: &[&'a School], take: u32) -> Vec<&'a School> {
    let mut left: Vec<&School> = candidates.to_vec();
    let mut drawn = Vec::new();
    for _ in 0..take {
        let total: u64 = left.iter().map(|school| school.weight).sum();
        let mut point = stream.below(total);
        let hit = left.iter().position(|school| {
            let here = point < school.weight;
            point = point.saturating_sub(if here { 0 } else { school.weight });
            here
        });
        if let Some(place) = hit {
            drawn.push(left.remove(place));
        }
    }
    drawn
}

/// The draw. Strata in their order, in each the schools as they are drawn; then for each school a team: those not
/// excluded from it, shuffled, and of these the ones with the fewest schools so far. Where nobody is excluded, nobody
/// gets two schools more than another.
///
/// # Errors
/// What stands in the way; a pool that has been frozen never answers so.
pub fn draw(pool: &Pool, material: &[u8]) -> Result<Vec<Pick>, Impossible> {
    pool.check()?;
    let pool = pool.sorted();
    let mut stream = Stream::new(material, &pool.hash(), &pool.number);
    let mut drawn: Vec<&School> = Vec::new();
    for stratum in &pool.strata {
        let candidates: Vec<&School> = pool.schools.iter().filter(|school| school.stratum == stratum.name).collect();
        drawn.extend(sample(&mut stream, &candidates, stratum.take));
    }
    let mut loads: Vec<(&str, u32)> = pool.inspectors.iter().map(|id| (id.as_str(), 0)).collect();
    let mut picks = Vec::new();
    for (position, school) in (1..).zip(drawn) {
        let mut able: Vec<(&str, u32)> =
            loads.iter().filter(|(id, _)| !pool.is_excluded(id, &school.id)).copied().collect();
        stream.shuffle(&mut able);
        able.sort_by_key(|(_, load)| *load);
        let team: Vec<String> =
            able.iter().take(usize::try_from(pool.per_object).unwrap_or(0)).map(|(id, _)| (*id).to_owned()).collect();
        for (id, load) in &mut loads {
            *load += u32::from(team.iter().any(|one| one == id));
        }
        picks.push(Pick { position, stratum: school.stratum.clone(), school: school.id.clone(), team });
    }
    Ok(picks)
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
