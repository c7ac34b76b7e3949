//! Known answers (made by the independent program), properties, and frequencies.

use proptest::prelude::*;

use super::*;
use crate::draws::pool::{Exclusion, Facts, NEVER, Stratum, Visit, Weights};
use crate::draws::proof::Proof;

fn id(kind: &str, n: usize) -> String {
    crate::platform::ids::built_in(&format!("{kind} {n}")).to_string()
}

/// A pool of one stratum whose weights come from the days unvisited alone: one for each 30 days and one for all.
fn pool(days: &[u32], take: u32, inspectors: usize, per_object: u32) -> Pool {
    let weights = Weights { base: 1, open: 0, overdue: 0, major: 0, unvisited: 1 };
    let school = |(n, days): (usize, &u32)| {
        let facts = Facts { open: 0, overdue: 0, major: 0, days_unvisited: *days };
        let (open, overdue, major, days_unvisited) = (0, 0, 0, *days);
        let (id, name, stratum, weight) = (id("school", n), format!("学校{n}"), "all".to_owned(), weights.of(facts));
        School { id, name, stratum, weight, open, overdue, major, days_unvisited }
    };
    Pool {
        number: "640104-2026-D0001".into(),
        title: "抽查".into(),
        reason: String::new(),
        frozen_at: "2026-03-02T02:00:00.000000Z".into(),
        frozen_by: id("user", 0),
        seeding: "two_officials".into(),
        entropy_source: String::new(),
        strata_by: "none".into(),
        per_object,
        weights,
        strata: vec![Stratum { name: "all".into(), size: u32::try_from(days.len()).unwrap(), take }],
        schools: days.iter().enumerate().map(school).collect(),
        inspectors: (0..inspectors).map(|n| id("inspector", n)).collect(),
        excluded: Vec::new(),
        visit: Visit {
            kind: "random".into(),
            checklist_ids: vec![id("checklist", 0)],
            planned_from: "2026-03-05".into(),
            planned_to: "2026-03-20".into(),
        },
    }
}

fn vectors() -> Vec<Proof> {
    serde_json::from_str(include_str!("../../tests/draws/vectors.json")).unwrap()
}

#[test]
fn the_known_answers_come_out() {
    for proof in vectors() {
        assert_eq!(proof.verify(), Ok(()));
    }
    assert_eq!(vectors().len(), 3);
}

#[test]
fn the_weight_follows_the_formula_and_is_capped() {
    let facts = |open, overdue, major, days_unvisited| Facts { open, overdue, major, days_unvisited };
    let weights = Weights::default();
    assert_eq!(weights.of(facts(0, 0, 0, 0)), 10);
    assert_eq!(weights.of(facts(4, 2, 1, 59)), 10 + 4 + 6 + 10 + 2);
    assert_eq!(weights.of(facts(900, 0, 0, 9000)), 10 + 100 + 2 * u64::from(NEVER / 30));
}

#[test]
fn numbers_below_n_throw_the_incomplete_run_away() {
    let mut stream = Stream::new(&[1; 32], &[2; 32], "n");
    let n = (1 << 63) + 1;
    // Nearly half of all words lie in the incomplete run here; none of the numbers may reach n.
    assert!((0..1000).all(|_| stream.below(n) < n));
    assert_eq!((stream.below(1), stream.below(0)), (0, 0));
}

#[test]
fn hexadecimal_digits_are_lower_and_exactly_64() {
    assert_eq!(unhex(&"0f".repeat(32)), Some([15; 32]));
    for wrong in ["", "0f", &"0F".repeat(32), &"0f".repeat(33), &"0g".repeat(32)] {
        assert_eq!(unhex(wrong), None, "{wrong}");
    }
}

/// Chances of each school to be among two drawn, by going through every ordered pair: computed without the algorithm.
fn chances_of_two(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mut chances = vec![0.0; weights.len()];
    for (first, a) in weights.iter().enumerate() {
        for (second, b) in weights.iter().enumerate().filter(|(second, _)| *second != first) {
            let chance = a / total * b / (total - a);
            chances[first] += chance;
            chances[second] += chance;
        }
    }
    chances
}

fn chi_square(seen: &[f64], expected: &[f64]) -> f64 {
    seen.iter().zip(expected).map(|(seen, expected)| (seen - expected).powi(2) / expected).sum()
}

#[test]
fn ten_thousand_draws_fit_the_weights() {
    const DRAWS: u32 = 10_000;
    let pool = pool(&[0, 30, 60, 90, 150, 210, 330, 450, 570, 730], 2, 6, 2);
    let (mut first, mut either, mut load) = (vec![0.0; 10], vec![0.0; 10], vec![0.0; 6]);
    for n in 0..DRAWS {
        let picks = draw(&pool, &Sha256::digest(n.to_be_bytes())).unwrap();
        for pick in &picks {
            let place = pool.schools.iter().position(|school| school.id == pick.school).unwrap();
            either[place] += 1.0;
            first[place] += f64::from(u8::from(pick.position == 1));
            for id in &pick.team {
                load[pool.inspectors.iter().position(|one| one == id).unwrap()] += 1.0;
            }
        }
    }
    let weights: Vec<f64> =
        pool.schools.iter().map(|school| f64::from(u32::try_from(school.weight).unwrap())).collect();
    let total: f64 = weights.iter().sum();
    let draws = f64::from(DRAWS);
    let of_first = chi_square(&first, &weights.iter().map(|one| one / total * draws).collect::<Vec<_>>());
    let of_either = chi_square(&either, &chances_of_two(&weights).iter().map(|one| one * draws).collect::<Vec<_>>());
    let of_load = chi_square(&load, &[draws * 4.0 / 6.0; 6]);
    println!("chi-square: first {of_first:.2} (9), among two {of_either:.2} (9), inspectors {of_load:.2} (5)");
    // 27.88 and 20.52 are passed by chance once in a thousand for 9 and 5 degrees of freedom.
    assert!(of_first < 27.88 && of_either < 27.88 && of_load < 20.52, "{of_first} {of_either} {of_load}");
}

proptest! {
    #[test]
    fn a_draw_is_settled_by_its_inputs_alone(
        days in prop::collection::vec(0_u32..=730, 1..30),
        take in 1_u32..30,
        inspectors in 3_usize..12,
        banned in prop::collection::btree_set((0_usize..12, 0_usize..30), 0..20),
        seed in any::<[u8; 32]>(),
        turn in 0_usize..30,
    ) {
        let take = take.min(u32::try_from(days.len()).unwrap());
        let mut pool = pool(&days, take, inspectors, 2);
        for (who, school) in banned.iter().filter(|(who, school)| *who < inspectors && *school < days.len()) {
            let (inspector, school) = (id("inspector", *who), id("school", *school));
            pool.excluded.push(Exclusion { inspector, school, why: "recused".into() });
        }
        let drawn = draw(&pool, &seed);
        let able = |school: &str| {
            pool.inspectors.iter().filter(|id| !pool.excluded.iter().any(|one| one.inspector == **id && one.school == school)).count()
        };
        prop_assert_eq!(drawn.is_ok(), pool.schools.iter().all(|school| able(&school.id) >= 2));
        let Ok(picks) = drawn else { return Ok(()) };
        prop_assert_eq!(picks.len(), usize::try_from(take).unwrap());
        let mut schools: Vec<&str> = picks.iter().map(|pick| pick.school.as_str()).collect();
        schools.sort_unstable();
        schools.dedup();
        prop_assert_eq!(schools.len(), picks.len(), "each school at most once");
        for pick in &picks {
            prop_assert!(pick.team.len() == 2 && pick.team[0] != pick.team[1]);
            prop_assert!(pick.team.iter().all(|id| !pool.excluded.iter().any(|one| one.inspector == *id && one.school == pick.school)));
        }
        if pool.excluded.is_empty() {
            let load = |id: &String| picks.iter().filter(|pick| pick.team.contains(id)).count();
            let loads: Vec<usize> = pool.inspectors.iter().map(load).collect();
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{:?}", loads);
        }
        let mut other = pool.clone();
        other.schools.reverse();
        other.inspectors.rotate_left(turn % inspectors);
        other.excluded.reverse();
        prop_assert_eq!(other.hash(), pool.hash());
        prop_assert_eq!(draw(&other, &seed).unwrap(), picks, "the order of the pools decides nothing");
    }
}
