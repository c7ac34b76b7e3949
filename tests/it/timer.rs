//! The timer of deadlines on several nodes: one works, one that lost its lease stops, and whatever runs twice or is
//! killed tells each thing once.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anxiao::hazards::status::{Level, Source, Status};
use anxiao::hazards::store::Row;
use anxiao::notices::warning::Outcome;
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{hazards, leases, notice_recipients, notices};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::ids::built_in;
use anxiao::platform::jobs::{Lease, Standing};
use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::notices::{issued, timer, unread};
use crate::support::TestApp;
use crate::support::district::start_time;
use crate::support::program::command;

both_engines! {
    async fn one_node_works_at_a_time_and_one_that_lost_its_lease_stops(app) {
        let db = timer(app, None, false).db;
        let claim = |n: u128| Lease::new("work", Id(uuid::Uuid::from_u128(n)), TimeDelta::seconds(60));
        assert!(matches!(claim(1).take(&db).await.unwrap(), Standing::Held(_)));
        assert_eq!(claim(2).take(&db).await.unwrap(), Standing::Elsewhere);
        app.clock.advance(TimeDelta::seconds(40));
        assert!(matches!(claim(1).take(&db).await.unwrap(), Standing::Held(_)), "renewed");
        app.clock.advance(TimeDelta::seconds(40));
        assert_eq!(claim(2).take(&db).await.unwrap(), Standing::Elsewhere);
        app.clock.advance(TimeDelta::seconds(21));
        assert!(matches!(claim(2).take(&db).await.unwrap(), Standing::Held(_)), "it ran out");
        claim(1).release(&db).await.unwrap();
        assert_eq!(claim(1).take(&db).await.unwrap(), Standing::Elsewhere, "only the holder gives it back");
        claim(2).release(&db).await.unwrap();
        assert!(matches!(claim(1).take(&db).await.unwrap(), Standing::Held(_)));

        let id = issued(app).await;
        multiply(app, &id, 450, |row, n| row.due_at = Some(Timestamp::from(start_time() - TimeDelta::days(1)) + TimeDelta::seconds(n)));
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let stolen = || {
            // Before the second page another node takes over.
            if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 {
                let thief = (leases::holder.eq(Id(uuid::Uuid::from_u128(9))), leases::until.eq(Timestamp::from(start_time() + TimeDelta::days(1))));
                assert_eq!(diesel::update(leases::table.find("warnings")).set(thief).execute(&mut app.connect()).unwrap(), 1);
            }
            true
        };
        let outcome = timer(app, None, true).run(&stolen).await.unwrap();
        assert!(outcome.elsewhere && (1..=200).contains(&outcome.made), "{outcome:?}");
        let still = timer(app, None, true).run(&|| true).await.unwrap();
        assert_eq!(still, Outcome { made: 0, elsewhere: true });
        app.clock.advance(TimeDelta::days(2));
        let rest = timer(app, None, true).run(&|| true).await.unwrap();
        assert_eq!((rest.elsewhere, rest.made + outcome.made), (false, 450));
    }

    async fn three_processes_at_once_and_one_killed_tell_each_thing_once(app) {
        let id = issued(app).await;
        #[expect(clippy::disallowed_methods, reason = "the real program looks at the real clock")]
        let now = Timestamp::from(Utc::now());
        let days = [2, -3, -20];
        multiply(app, &id, 2_000, |row, n| {
            row.due_at = Some(now + TimeDelta::days(days[usize::try_from(n).unwrap() % 3]));
            if n % 4 == 3 {
                (row.status, row.recheck_due_at) = (Status::AwaitingRecheck, Some(now - TimeDelta::days(1)));
            }
        });
        // The first one is far overdue by now.
        let expected = 2_001;
        let folder = tempfile::TempDir::new().unwrap();
        let start = |arguments: &[&str]| {
            let mut command = command(folder.path(), &app.url, arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut running: Vec<Child> = (0..3).map(|_| start(&["warn", "--anyway"])).collect();
        let mut conn = app.connect();
        let made = |conn: &mut Conn| -> i64 {
            notices::table.filter(notices::kind.eq_any(["warning", "recheck_overdue"])).count().get_result(conn).unwrap()
        };
        for _ in 0..600 {
            if made(&mut conn) > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut victim = running.pop().unwrap();
        victim.kill().unwrap();
        victim.wait().unwrap();
        let when_killed = made(&mut conn);
        let mut survivors = 0;
        for child in running {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let said = String::from_utf8(output.stdout).unwrap();
            survivors += said.split(' ').next().unwrap().parse::<i64>().unwrap();
        }
        let again = start(&["warn"]).wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&again.stdout).trim(), "0 notices made", "{}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(made(&mut conn), expected, "killed at {when_killed}, survivors made {survivors}");
        assert!(survivors <= expected);
        let keys: Vec<String> = notices::table.select(notices::dedupe).load(&mut conn).unwrap();
        assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), keys.len());
        let heard: Vec<Id> = notice_recipients::table.select(notice_recipients::notice_id).distinct().load(&mut conn).unwrap();
        assert_eq!(heard.len(), keys.len(), "a notice for nobody");
        // Blue to the officer, orange and late rechecks to office, section and (orange) supervisor, red to the leader.
        let orange: i64 = notices::table.filter(notices::colour.eq("orange")).count().get_result(&mut conn).unwrap();
        let recheck: i64 = notices::table.filter(notices::kind.eq("recheck_overdue")).count().get_result(&mut conn).unwrap();
        let people: i64 = notice_recipients::table.count().get_result(&mut conn).unwrap();
        assert_eq!(people, (expected - orange - recheck) + 3 * orange + 2 * recheck + 2, "with the two told of the issue");
        assert_eq!(unread(app, "officer1").await, 500 + 1);
    }
}

/// Copies a hazard many times, past all routes.
fn multiply(app: &TestApp, id: &str, times: i64, change: impl Fn(&mut Row, i64)) {
    let mut conn = app.connect();
    let one: Row = hazards::table.find(id.parse::<Id>().unwrap()).select(Row::as_select()).first(&mut conn).unwrap();
    assert_eq!((one.level, one.source), (Level::General, Source::Routine));
    conn.batch_execute("BEGIN").unwrap();
    for n in 0..times {
        let mut row = one.clone();
        (row.id, row.number) = (built_in(&format!("copy {n}")), format!("copy {n}"));
        change(&mut row, n);
        diesel::insert_into(hazards::table).values(&row).execute(&mut conn).unwrap();
    }
    conn.batch_execute("COMMIT").unwrap();
}

/// The program keeps its files in a folder of its own.
#[test]
fn the_command_needs_no_server() {
    for engine in [crate::support::Engine::Sqlite, crate::support::Engine::Postgres] {
        let (url, folder) = engine.database();
        let path: &Path = folder.path();
        let output = command(path, &url, &["warn"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0 notices made");
    }
}
