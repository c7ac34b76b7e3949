//! The month before the date: two schools have reported it, one of them that nothing was found; the others have not.

use diesel::prelude::*;

use super::world::World;
use crate::access::{Permission, scope};
use crate::hazards::status::Status;
use crate::months::rules::Month;
use crate::months::store::submit::{self, Statement};
use crate::platform::db::Tx;
use crate::platform::db::schema::hazards;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

/// Puts them into the story: on the last working day of that month, at its end.
pub fn report_all(world: &mut World) {
    let month = |day: chrono::NaiveDate| day.format("%Y-%m").to_string();
    let this = month(world.term.as_of());
    let Some(back) = (1..60).find(|back| month(world.term.day(*back)) != this) else { return };
    world.at((back, 18), |world, tx| {
        let zone = crate::hazards::store::read::zone(&world.bureau.time_zone);
        let month = Month::of(tx.now.utc(), zone);
        let began = Timestamp::from(month.begins(zone));
        for nothing_found in [false, true] {
            let mut who = None;
            for school in &world.schools {
                if who.is_none() && (found(tx, school.org.id, began)? == 0) == nothing_found {
                    who = Some((school.org.id, school.principal()));
                }
            }
            let Some((school, principal)) = who else { continue };
            world.has(tx, &principal, &[Permission::MonthSubmit], |tx, _| {
                let school = scope::org_ref(tx.conn, school)?;
                let note = (!nothing_found).then(|| "已逐条落实整改责任人".to_owned());
                let statement = Statement { nothing_found, note, aggregates: Vec::new(), spent_fen: None };
                let id = tx.new_id();
                submit::submit(tx, &school, (id, month, None), &statement).map(drop)
            })?;
        }
        Ok(())
    });
}

fn found(tx: &mut Tx<'_>, school: Id, since: Timestamp) -> Result<i64, Problem> {
    Ok(hazards::table
        .filter(hazards::org_id.eq(school))
        .filter(hazards::registered_at.ge(since))
        .filter(hazards::status.ne(Status::Void))
        .count()
        .get_result(tx.conn)?)
}
