//! How long a 404 takes: for the true id of a secret visit, and for an id of nothing.

use std::time::{Duration, Instant};

use super::pair::TRUE_ID;
use super::script::Source;
use super::secret::Secret;
use crate::matrix::world;
use crate::support::{Engine, TestApp};

const NOTHING: &str = "3b241101-e2bb-4255-8caf-4136c566a963";
const TRIES: usize = 600;

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1e6
}

fn compare(engine: Engine) {
    TestApp::run(engine, async |app: &TestApp| {
        drop(world::build(app).await);
        Secret::new(Source::new(1)).plan(app, Some(TRUE_ID)).await.expect(201);
        for (name, rest) in [("read", ""), ("answers", "/answers"), ("check-in", "/check-in")] {
            let (mut known, mut unknown) = (Vec::new(), Vec::new());
            // By turns, so that whatever else the machine does falls on both.
            for turn in 0..TRIES {
                let first = if turn % 2 == 0 { TRUE_ID } else { NOTHING };
                let second = if turn % 2 == 0 { NOTHING } else { TRUE_ID };
                for id in [first, second] {
                    let path = format!("/inspections/{id}{rest}");
                    let method = if rest == "/check-in" { reqwest::Method::POST } else { reqwest::Method::GET };
                    let request = app.request("principal1", method, &path).json(&serde_json::json!({}));
                    let started = Instant::now();
                    app.send(request).await.expect(404);
                    let took = started.elapsed();
                    if id == TRUE_ID { known.push(took) } else { unknown.push(took) }
                }
            }
            let (known, unknown) = (median(known), median(unknown));
            let apart = (known / unknown - 1.0) * 100.0;
            eprintln!("404 of {name} on {engine:?}: true id {known:.0} µs, any other {unknown:.0} µs, {apart:+.1} %");
            assert!(apart.abs() < 5.0, "{name}: {apart:+.1} %");
        }
    });
}

#[test]
#[ignore = "measures time; run alone: cargo test --test it two_worlds::timing -- --ignored --nocapture --test-threads 1"]
fn a_404_takes_as_long_for_a_true_id_on_sqlite() {
    compare(Engine::Sqlite);
}

#[test]
#[ignore = "measures time; run alone: cargo test --test it two_worlds::timing -- --ignored --nocapture --test-threads 1"]
fn a_404_takes_as_long_for_a_true_id_on_postgres() {
    compare(Engine::Postgres);
}
