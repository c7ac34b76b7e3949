//! Two worlds (design/access.md "What a school must never learn early", acceptance 39–42): the same district twice, the
//! same script of the schools' people in both, and in the second one secret visits that are planned, changed, read and
//! called off between the script's steps. Up to the first check-in every byte of every answer to the schools' people is
//! the same.
//!
//! * `pair` — the two worlds: the same seeds, the same clock, ids and randomness that begin anew with each step of the
//!   script, so that what happens in secret draws nothing from what the script draws.
//! * `script` — what the schools' people do: every operation of the OpenAPI document, by the rows of the matrix; every
//!   query parameter of every list; pages; conditional reads; and every operation with the true id of a secret visit.
//! * `secret` — what the bureau does in the second world.
//! * `timing` — how long a 404 takes for a true id and for any other.

mod calls;
mod pair;
mod script;
mod secret;
mod timing;

use std::collections::BTreeSet;

use serde_json::json;

use crate::matrix::rows;
use crate::support::Engine;
use crate::support::district::org;
use pair::{Pair, TRUE_ID, VOID_ID};
use script::Source;
use secret::Secret;

/// Seeds of the usual run; `TWO_WORLDS_SEEDS` asks for more.
const SEEDS: u64 = 2;

#[derive(Default)]
struct Figures {
    operations: BTreeSet<String>,
    answers: usize,
    bytes: usize,
    secrets: usize,
    seeds: u64,
}

async fn one_seed(mut pair: Pair, seed: u64, figures: &mut Figures) {
    let mut source = Source::new(seed);
    let mut secret = Secret::new(source.fork());
    // From the first step on there is something to hide: one whose id the schools hold, one already void.
    secret.plan(&pair.second.app, Some(TRUE_ID)).await.expect(201);
    secret.plan(&pair.second.app, Some(VOID_ID)).await.expect(201);
    secret.call_off(&pair.second.app, VOID_ID).await;
    let rows = rows::all();
    let steps = script::write(&rows, &mut source);
    for (number, step) in steps.iter().enumerate() {
        if source.below(4) == 0 {
            secret.act(&pair.second.app).await;
        }
        if number % 40 == 39 {
            pair.later(7);
        }
        let answers = pair.take(number, step, &rows).await;
        for told in answers {
            figures.answers += 1;
            figures.bytes += told.bytes;
            if told.signed_in {
                figures.operations.insert(step.operation(&rows));
            }
        }
    }
    assert!(secret.looked > 0, "no closed hazard was drawn in secret");
    figures.secrets += secret.done;
    figures.seeds += 1;
    numbers(&pair).await;
    released(&pair, &secret).await;
}

/// The next numbers of hazards and documents are the same: no gap in them tells of what was tried or planned in secret.
async fn numbers(pair: &Pair) {
    let mut both = Vec::new();
    for app in [&pair.first.app, &pair.second.app] {
        let found = json!({
            "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口", "description": "锁闭",
            "source": "routine",
        });
        let hazard = app.post("office", "/hazards", found).await.expect(201);
        let at = format!("/hazards/{}", hazard.id());
        let order = json!({"action": "issue", "level": "general"});
        app.post("office", &format!("{at}/transitions"), order).await.expect(200);
        let notice = json!({"type": "rectification_notice"});
        let notice = app.post("office", &format!("{at}/documents"), notice).await.expect(201);
        let seen = app.get("principal1", &format!("/documents/{}", notice.id())).await.expect(200);
        both.push((hazard.body["number"].clone(), seen.body["number"].clone()));
    }
    assert_eq!(both[0], both[1]);
    assert!(both[0].1.is_string());
}

/// The team of the first one arrives: with the next request the school sees all of it, and nothing of the others.
async fn released(pair: &Pair, secret: &Secret) {
    let app = &pair.second.app;
    let at = format!("/inspections/{TRUE_ID}");
    app.get("principal1", &at).await.expect(404);
    secret.arrive(app, TRUE_ID).await;
    for who in ["principal1", "officer1", "double"] {
        let seen = app.get(who, &at).await.expect(200);
        assert_eq!(seen.text, app.get("office", &at).await.expect(200).text);
        let history = app.get(who, &format!("{at}/history")).await.expect(200).rows();
        assert_eq!(history[0]["action"], "released");
        assert!(!history[0]["payload"]["before"].as_array().unwrap().is_empty());
        assert!(!app.get(who, &format!("{at}/answers")).await.expect(200).rows().is_empty());
        let listed = app.get(who, "/inspections?limit=200").await.expect(200).rows();
        assert!(listed.iter().any(|row| row["id"] == TRUE_ID), "{who}");
        assert!(listed.iter().all(|row| row["announced"] == true || row["id"] == TRUE_ID), "{who}");
        app.get(who, &format!("/inspections/{VOID_ID}")).await.expect(404);
    }
    pair.first.app.get("principal1", &at).await.expect(404);
}

fn worlds(engine: Engine) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seeds = std::env::var("TWO_WORLDS_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SEEDS);
    let mut figures = Figures::default();
    for seed in 0..seeds {
        let databases = [engine.database(), engine.database()];
        let pair = runtime.block_on(Pair::start(engine, databases));
        runtime.block_on(one_seed(pair, seed, &mut figures));
    }
    script::every_operation_of_a_school_was_called(&figures.operations);
    eprintln!(
        "two worlds on {engine:?}: {} seeds, {} operations, {} answers, {} bytes equal, {} secret acts",
        figures.seeds,
        figures.operations.len(),
        figures.answers,
        figures.bytes,
        figures.secrets
    );
}

#[test]
fn no_school_can_tell_the_worlds_apart_on_sqlite() {
    worlds(Engine::Sqlite);
}

#[test]
fn no_school_can_tell_the_worlds_apart_on_postgres() {
    worlds(Engine::Postgres);
}
