//! The journal is read in commit order: nobody who follows it ever misses an event.

use std::time::{Duration, Instant};

use anxiao::platform::db::schema::events;
use anxiao::platform::db::types::Timestamp;
use anxiao::platform::db::{Conn, DatabaseUrl, Purpose};
use anxiao::platform::ids::built_in;
use anxiao::platform::journal::{Position, feed};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::{Engine, district};

fn open(url: &DatabaseUrl) -> Conn {
    Conn::open(url, Purpose::Write).unwrap()
}

/// Appends an event inside the open transaction; `action` names it.
fn append(conn: &mut Conn, action: &str) {
    let at = Timestamp::from(district::start_time());
    diesel::insert_into(events::table)
        .values((
            (events::epoch.eq(1), events::stream.eq("open"), events::entity.eq("test")),
            (events::entity_id.eq(built_in("journal test")), events::action.eq(action), events::at.eq(at)),
            (events::payload.eq("{}"), events::content_hash.eq(vec![0_u8; 32])),
        ))
        .execute(conn)
        .unwrap();
}

/// Everything there is behind `after`, and the place behind it.
fn read(conn: &mut Conn, after: &mut Position) -> Vec<String> {
    let mut actions = Vec::new();
    loop {
        let rows = feed(conn, *after, 7).unwrap();
        let Some(last) = rows.last() else { return actions };
        assert!(rows.iter().all(|row| row.position() > *after), "an event came twice");
        assert!(rows.windows(2).all(|pair| pair[0].position() < pair[1].position()), "events out of order");
        *after = last.position();
        actions.extend(rows.into_iter().filter(|row| row.entity == "test").map(|row| row.action));
    }
}

/// What a reader would get who remembers the greatest `seq` seen.
fn read_by_seq(conn: &mut Conn, after: &mut i64) -> Vec<String> {
    let rows: Vec<(i64, String)> = events::table
        .filter(events::seq.gt(*after))
        .filter(events::entity.eq("test"))
        .order(events::seq)
        .select((events::seq, events::action))
        .load(conn)
        .unwrap();
    *after = rows.last().map_or(*after, |row| row.0);
    rows.into_iter().map(|row| row.1).collect()
}

#[test]
fn an_event_that_commits_late_is_not_skipped() {
    let (url, _folder) = Engine::Postgres.database();
    let (mut first, mut second, mut reader) = (open(&url), open(&url), open(&url));
    let (mut place, mut seq) = (Position::default(), 0);
    // The first has its number and its place in the order, and does not commit yet.
    first.batch_execute("BEGIN").unwrap();
    append(&mut first, "first");
    second.batch_execute("BEGIN").unwrap();
    append(&mut second, "second");
    second.batch_execute("COMMIT").unwrap();
    let mut by_seq = read_by_seq(&mut reader, &mut seq);
    let mut by_feed = read(&mut reader, &mut place);
    assert_eq!(by_seq, ["second"]);
    assert!(by_feed.is_empty(), "the feed ran ahead of a transaction that is still open: {by_feed:?}");
    first.batch_execute("COMMIT").unwrap();
    // Transactions of other tests hold the feed back too.
    let start = Instant::now();
    while by_feed.len() < 2 && start.elapsed() < Duration::from_secs(20) {
        by_feed.extend(read(&mut reader, &mut place));
        std::thread::sleep(Duration::from_millis(5));
    }
    by_seq.extend(read_by_seq(&mut reader, &mut seq));
    assert_eq!(by_feed, ["first", "second"]);
    assert_eq!(by_seq, ["second"], "a cursor by seq is enough: then the feed is more than is needed");
}

/// A number that looks random and is the same in every run.
fn dice(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn everybody_writes_one_reads(engine: Engine, writers: u64, each: usize) {
    let (url, _folder) = engine.database();
    let begin = if engine == Engine::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
    let mut reader = open(&url);
    let mut place = Position::default();
    let mut got = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let mut conn = open(&url);
                scope.spawn(move || {
                    let mut state = writer + 1;
                    for n in 0..each {
                        conn.batch_execute(begin).unwrap();
                        append(&mut conn, &format!("{writer}.{n}"));
                        std::thread::sleep(Duration::from_micros(dice(&mut state) % 3_000));
                        let end = if dice(&mut state) % 5 == 0 { "ROLLBACK" } else { "COMMIT" };
                        conn.batch_execute(end).unwrap();
                    }
                })
            })
            .collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            got.extend(read(&mut reader, &mut place));
        }
    });
    let written: Vec<String> = events::table
        .filter(events::entity.eq("test"))
        .order((events::epoch, events::tx, events::seq))
        .select(events::action)
        .load(&mut reader)
        .unwrap();
    let start = Instant::now();
    while got.len() < written.len() && start.elapsed() < Duration::from_secs(20) {
        got.extend(read(&mut reader, &mut place));
    }
    assert_eq!(got, written, "every event once, in order");
    assert!(written.len() > each, "{} events are no crowd", written.len());
}

#[test]
fn a_reader_gets_every_event_once_in_order_on_sqlite() {
    everybody_writes_one_reads(Engine::Sqlite, 4, 40);
}

#[test]
fn a_reader_gets_every_event_once_in_order_on_postgres() {
    everybody_writes_one_reads(Engine::Postgres, 8, 60);
}
