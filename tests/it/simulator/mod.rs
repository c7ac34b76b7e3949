//! The seeded simulator: phones, people and bad weather against the real server and the real database, judged by plain
//! maps. Everything that is done follows from a seed; a seed that fails prints itself and the last steps.
//!
//! * `deeds`: what people do on their phones; `phone`: outbox, ledger of what was sent, local store.
//! * `wire`: the requests, with what goes wrong on the way; `weather`: what goes wrong elsewhere.
//! * `oracle`: what was acknowledged, checked with every answer.
//! * `verdict`, `views`, `records`: what must hold when all is quiet.
//!
//! `ANXIAO_SEEDS=17` or `1..500`, `ANXIAO_STEPS`, `ANXIAO_ENGINE=sqlite|postgres`; see docs/simulator.md.

mod answers;
mod deeds;
mod dice;
mod oracle;
mod phone;
mod photos;
mod records;
mod sim;
mod verdict;
mod views;
mod weather;
mod wire;

use std::ops::RangeInclusive;

use crate::support::Engine;

/// Seeds of the short run that belongs to every test.
const SHORT: RangeInclusive<u64> = 1..=3;
/// Steps of a seed where nothing is said.
const STEPS: usize = 90;

/// `17` or `1..500`, both ends included.
fn seeds() -> RangeInclusive<u64> {
    let Ok(said) = std::env::var("ANXIAO_SEEDS") else { return SHORT };
    let number = |text: &str| text.trim().trim_start_matches('=').parse::<u64>().expect("ANXIAO_SEEDS: 17 or 1..500");
    match said.split_once("..") {
        Some((from, to)) => number(from)..=number(to),
        None => number(&said)..=number(&said),
    }
}

fn steps() -> usize {
    std::env::var("ANXIAO_STEPS").ok().map_or(STEPS, |said| said.parse().expect("ANXIAO_STEPS: a number"))
}

fn wanted(engine: &str) -> bool {
    std::env::var("ANXIAO_ENGINE").map_or(true, |said| said.is_empty() || said == engine)
}

fn run(engine: Engine, name: &str) {
    if !wanted(name) {
        return;
    }
    let mut total = sim::Figures::default();
    for seed in seeds() {
        total.add(&sim::one(engine, seed, steps()));
    }
    println!("{name}: {total}");
    total.worth_something(seeds().count());
}

mod sqlite {
    #[test]
    fn whatever_goes_wrong_nothing_acknowledged_is_lost_or_done_twice() {
        super::run(crate::support::Engine::Sqlite, "sqlite");
    }
}

mod postgres {
    #[test]
    fn whatever_goes_wrong_nothing_acknowledged_is_lost_or_done_twice() {
        super::run(crate::support::Engine::Postgres, "postgres");
    }
}
