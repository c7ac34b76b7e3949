//! The demo district: fictional, deterministic for its date, made by calling the product's own functions.
//!
//! One bureau, about forty schools of all kinds, and one term of inspections and hazards in every state, as they stand
//! on the morning of the date. Everything is one write: it is there whole or not at all.
//!
//! * `schools` — the bureau, its clusters and schools, their sites. `people` — who works there.
//! * `term` — the working days of the term. `world` — the people acting, one after the other, in the order of time.
//! * `visits` — the inspections. `findings` — what is reported without one. `stories` — what becomes of each hazard.
//! * `pointed_out` — hints and public reports.
//! * `months` — who reported the month before.

mod findings;
mod measures;
mod months;
mod people;
mod pointed_out;
mod schools;
mod stories;
mod term;
mod visits;
mod world;

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Asia::Shanghai;
use diesel::prelude::*;
use serde_json::json;

use self::term::Term;
use self::world::World;
use crate::accounts::passwords;
use crate::platform::clock::{Clock, SetClock};
use crate::platform::db::schema::{orgs, users};
use crate::platform::db::{Commit, Conn, DatabaseUrl, Db, DbOptions, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::ids::SeededIds;
use crate::platform::journal::{Event, Stream};
use crate::reports::Compartment;

/// Who can sign in; the other people of the district have names like `principal3` and the same password.
pub const SIGN_INS: [&str; 15] = [
    "leader",
    "office",
    "section.fire",
    "supervisor",
    "inspector1",
    "inspector2",
    "external1",
    "principal1",
    "officer1",
    "staff1",
    "principal2",
    "officer2",
    "sysadmin",
    "secadmin",
    "auditadmin",
];

/// The published password of all of them.
pub const PASSWORD: &str = "demo-Anquan-2026";

/// All ids of the district follow from it.
const SEED: u64 = 990_101;

fn nobody_here(conn: &mut Conn) -> Result<bool, Problem> {
    let users: i64 = users::table.count().get_result(conn)?;
    let orgs: i64 = orgs::table.count().get_result(conn)?;
    Ok(users == 0 && orgs == 0)
}

/// Whether the database holds no organisation and no user yet.
///
/// # Errors
/// Whatever the engine says.
pub async fn is_empty(db: &Db) -> Result<bool, Problem> {
    db.read(nobody_here).await
}

/// Whether somebody can sign in with the published password.
///
/// # Errors
/// Whatever the engine says.
pub async fn has_demo_accounts(db: &Db) -> Result<bool, Problem> {
    db.read(|conn| Ok(diesel::select(diesel::dsl::exists(users::table.filter(users::demo.eq(true)))).get_result(conn)?))
        .await
}

/// The date in the district.
#[must_use]
pub fn today(clock: &dyn Clock) -> NaiveDate {
    clock.now().utc().with_timezone(&Shanghai).date_naive()
}

/// Loads the district into an empty database, migrated and with what is built in; says whether it did.
///
/// # Errors
/// One sentence for the operator.
pub async fn load_if_empty(
    db: &Db,
    url: &DatabaseUrl,
    keys: &Arc<Compartment>,
    as_of: NaiveDate,
) -> Result<bool, String> {
    if !is_empty(db).await.map_err(|problem| problem.to_string())? {
        return Ok(false);
    }
    load(url, keys, as_of).await.map(|()| true)
}

/// Loads the district as it stands on the morning of `as_of` (2010 to 2099) into a database that is migrated, has what
/// is built in, and is empty otherwise.
///
/// # Errors
/// One sentence for the operator. Nothing was kept then.
pub async fn load(url: &DatabaseUrl, keys: &Arc<Compartment>, as_of: NaiveDate) -> Result<(), String> {
    if !(2010..=2099).contains(&as_of.year()) {
        return Err(format!("the demo district knows the years 2010 to 2099, not {as_of}"));
    }
    let term = Term::before(as_of);
    let ids = Arc::new(SeededIds::new(SEED));
    let hash = passwords::hash_now(PASSWORD, passwords::salt(ids.as_ref())).map_err(|problem| problem.to_string())?;
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(url, &options, SetClock::new(term.beginning().utc()), ids, 1)
        .map_err(|error| format!("no threads for the database: {error}"))?;
    let work = Work { alone: true, ..Work::default() };
    let keys = Arc::clone(keys);
    db.write(work, move |tx| tell(tx, &term, &hash, &keys)).await.map_err(|problem| match problem.code {
        Code::StateConflict => format!("{url} is not empty: the demo district is loaded into an empty database only"),
        _ => format!(
            "the demo district was not loaded into {url} ({problem}); nothing of it was kept: put right what is wrong \
             and run it again"
        ),
    })
}

/// The whole story in one transaction.
fn tell(tx: &mut Tx<'_>, term: &Term, hash: &str, keys: &Arc<Compartment>) -> Result<Commit<()>, Problem> {
    if !nobody_here(tx.conn)? {
        return Err(Problem::new(Code::StateConflict));
    }
    let bureau = schools::bureau(tx)?;
    let mut world = World::new(term.clone(), bureau);
    people::administrators(tx, &mut world, hash)?;
    people::bureau(tx, &mut world, hash)?;
    schools::all(tx, &mut world)?;
    people::schools(tx, &mut world, hash)?;
    visits::plan_all(&mut world);
    findings::report_all(&mut world);
    pointed_out::report_all(&mut world, keys);
    months::report_all(&mut world);
    world.run(tx)?;
    let bureau_id = world.bureau.id;
    let payload = json!({"as_of": world.term.as_of(), "seed": SEED});
    let event = Event::of("org", bureau_id, "demo_loaded").at(bureau_id, bureau_id).stream(Stream::Bureau);
    Ok(tx.record(event.with(payload))?.with(()))
}
