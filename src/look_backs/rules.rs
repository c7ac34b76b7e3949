//! Which closed hazards are drawn, from what is given alone.

use crate::draws::algorithm::Stream;
use crate::hazards::status::Level;
use crate::platform::db::types::Id;

crate::text_enum! {
    /// What a look-back found of a hazard that was closed.
    pub enum LookBackOutcome {
        /// What was put right is still right.
        Held = "held",
        /// It is not: the hazard is open again once the visit is handed in.
        Failed = "failed",
    }
}

/// The label under which the stream of numbers is made.
const LABEL: &str = "anxiao look-back 1";

/// A closed hazard that may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Of the hazard.
    pub id: Id,
    /// Its level.
    pub level: Level,
}

/// How many of so many a share is, rounded up: of one there is always one, unless nothing is asked.
#[must_use]
pub const fn share(count: usize, percent: usize) -> usize {
    count.saturating_mul(percent).div_ceil(100)
}

/// Draws a share of the candidates, of general and of major hazards apart; every major one where all are asked. The
/// order of the answer is that of the candidates. The same candidates and seed give the same answer.
#[must_use]
pub fn choose(
    candidates: &[Candidate],
    percent: usize,
    all_majors: bool,
    seed: &[u8; 32],
    pool_hash: &[u8; 32],
) -> Vec<Candidate> {
    let mut stream = Stream::new(seed, pool_hash, LABEL);
    let mut taken: Vec<Id> = Vec::new();
    for level in [Level::General, Level::Major] {
        let mut of_level: Vec<Id> = candidates.iter().filter(|one| one.level == level).map(|one| one.id).collect();
        let count = if level == Level::Major && all_majors { of_level.len() } else { share(of_level.len(), percent) };
        stream.shuffle(&mut of_level);
        taken.extend(of_level.into_iter().take(count));
    }
    candidates.iter().filter(|one| taken.contains(&one.id)).copied().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn candidates(majors: &[bool]) -> Vec<Candidate> {
        let level = |major: &bool| if *major { Level::Major } else { Level::General };
        (1_u128..).zip(majors).map(|(n, major)| Candidate { id: Id(Uuid::from_u128(n)), level: level(major) }).collect()
    }

    #[test]
    fn a_share_is_rounded_up() {
        assert_eq!([share(0, 20), share(1, 20), share(5, 20), share(6, 20), share(7, 100)], [0, 1, 1, 2, 7]);
    }

    #[test]
    fn in_the_long_run_each_is_drawn_as_often_as_any_other() {
        let all = candidates(&[false; 10]);
        let mut hits = [0_u32; 10];
        for n in 0..2_000_u32 {
            let mut seed = [0; 32];
            seed[..4].copy_from_slice(&n.to_be_bytes());
            for one in choose(&all, 20, false, &seed, &[7; 32]) {
                hits[all.iter().position(|other| *other == one).unwrap()] += 1;
            }
        }
        // 400 expected for each; chi-square with 9 degrees of freedom stays below 27.9 with p = 0.999.
        let chi: f64 = hits.iter().map(|hit| (f64::from(*hit) - 400.0).powi(2) / 400.0).sum();
        assert!(chi < 27.9, "{hits:?} {chi}");
    }

    proptest! {
        #[test]
        fn of_each_level_its_share_is_drawn_and_nothing_twice(
            majors in proptest::collection::vec(any::<bool>(), 0..60),
            percent in 0_usize..=100,
            all_majors: bool,
            seed: [u8; 32],
        ) {
            let all = candidates(&majors);
            let drawn = choose(&all, percent, all_majors, &seed, &[1; 32]);
            prop_assert_eq!(&drawn, &choose(&all, percent, all_majors, &seed, &[1; 32]));
            let of = |list: &[Candidate], level| list.iter().filter(|one| one.level == level).count();
            prop_assert_eq!(of(&drawn, Level::General), share(of(&all, Level::General), percent));
            let major = of(&all, Level::Major);
            prop_assert_eq!(of(&drawn, Level::Major), if all_majors { major } else { share(major, percent) });
            let mut ids: Vec<Id> = drawn.iter().map(|one| one.id).collect();
            ids.dedup();
            prop_assert_eq!(ids.len(), drawn.len());
            prop_assert!(drawn.iter().all(|one| all.contains(one)));
        }
    }
}
