//! Write lanes: one job's panic or refusal is its own; what was acknowledged of the others is there.

use std::sync::Arc;
use std::time::Duration;

use anxiao::platform::db::schema::events;
use anxiao::platform::db::types::Id;
use anxiao::platform::db::{Commit, Conn, Db, DbOptions, Purpose, Work};
use anxiao::platform::error::{Code, Problem};
use anxiao::platform::ids::{SeededIds, built_in};
use anxiao::platform::journal::Event;
use diesel::prelude::*;

use crate::support::{Engine, district};

fn job(number: usize) -> Id {
    built_in(&format!("job {number}"))
}

fn group(engine: Engine) {
    let (url, _folder) = engine.database();
    let clock = anxiao::platform::clock::SetClock::new(district::start_time());
    let options = DbOptions { read_lanes: 1, write_lanes: 2, ..DbOptions::default() };
    let db = Db::start(&url, &options, clock, Arc::new(SeededIds::new(3)), 1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers: Vec<Result<(), Problem>> = runtime.block_on(async {
        let work = (0..12).map(|number| {
            db.write(Work::default(), move |tx| {
                if number == 0 {
                    // The others gather behind this one and share its commit on SQLite.
                    std::thread::sleep(Duration::from_millis(15));
                }
                let receipt = tx.record(Event::of("job", job(number), "done"))?;
                assert!(number != 5, "job 5 panics after it has written");
                match number {
                    7 => Err(Problem::new(Code::StateConflict)),
                    8 => Ok(Commit::unchanged(())),
                    9 => Ok(receipt.refused(Problem::new(Code::InvalidCredentials))),
                    _ => Ok(receipt.with(())),
                }
            })
        });
        futures_util::future::join_all(work).await
    });
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(|problem| problem.code)).collect();
    let mut expected = vec![None; 12];
    expected[5] = Some(Code::Internal);
    expected[7] = Some(Code::StateConflict);
    expected[9] = Some(Code::InvalidCredentials);
    assert_eq!(codes, expected);
    let mut conn = Conn::open(&url, Purpose::Read).unwrap();
    for number in 0..12 {
        let rows: i64 = events::table.filter(events::entity_id.eq(job(number))).count().get_result(&mut conn).unwrap();
        let kept = !matches!(number, 5 | 7 | 8);
        assert_eq!(rows, i64::from(kept), "job {number}");
    }
}

#[test]
fn a_panicking_job_costs_nobody_else_their_write_on_sqlite() {
    group(Engine::Sqlite);
}

#[test]
fn a_panicking_job_costs_nobody_else_their_write_on_postgres() {
    group(Engine::Postgres);
}
