//! What accompanies some of the hazards: more time asked for and given, a listed major, a stop of use, a referral.

use super::world::World;
use crate::access::{Permission, Rights};
use crate::hazards::measures::store::{Sent, extension, listing, progress, referral, suspension};
use crate::hazards::measures::words::{ListingAuthority, ReferralAuthority};
use crate::hazards::store::{Row, read};
use crate::platform::db::Tx;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

/// A working day of the story, counted back from the date, and the hour.
type When = (i64, u32);

fn sent(tx: &Tx<'_>) -> Sent {
    Sent { id: tx.new_id(), body_hash: None }
}

fn has<T>(
    world: &World,
    tx: &mut Tx<'_>,
    who: &str,
    hazard: Id,
    f: impl FnOnce(&mut Tx<'_>, &Rights, &Row) -> Result<T, Problem>,
) -> Result<T, Problem> {
    world.has(tx, who, &[Permission::HazardRead], |tx, rights| {
        let row = read::one_to_change(tx.conn, rights, hazard)?;
        f(tx, rights, &row)
    })
}

/// The school asks for more time, on the day of the order so that it is in time on any date; and `decided` says who
/// agrees when.
pub(super) fn more_time(
    world: &mut World,
    when: When,
    who: String,
    hazard: Id,
    due_at: Timestamp,
    decided: Option<(When, &'static str)>,
) {
    world.at(when, move |world, tx| {
        let request = extension::Request {
            reason: "配件需定制，供货周期较长".to_owned(),
            interim_controls: "现场设围挡和警示标识，安排专人值守".to_owned(),
            due_at,
        };
        let asked = has(world, tx, &who, hazard, |tx, rights, row| {
            extension::ask(tx, rights, row, sent(tx), request).map(|(_, asked, _)| asked.id)
        })?;
        if let Some((when, decider)) = decided {
            world.at(when, move |world, tx| {
                has(world, tx, decider, hazard, |tx, rights, row| {
                    let asked = extension::of_hazard(tx.conn, row.id, asked)?;
                    let opinion = "情况属实，同意延期，临时管控措施须落实到位".to_owned();
                    extension::decide(tx, rights, row, asked, true, opinion).map(drop)
                })
            });
        }
        Ok(())
    });
}

/// A leader puts a major under supervised listing.
pub(super) fn list(world: &mut World, when: When, hazard: Id) {
    world.at(when, move |world, tx| {
        has(world, tx, "leader", hazard, |tx, rights, row| {
            let request = listing::Request {
                authority: ListingAuthority::County,
                demand: "按方案限期整改，每季度报告进展，完成后申请验收".to_owned(),
                number: None,
            };
            listing::list_major(tx, rights, row, sent(tx), request).map(drop)
        })
    });
}

/// The school reports its progress.
pub(super) fn report_progress(world: &mut World, when: When, who: String, hazard: Id, percent: i32) {
    world.at(when, move |world, tx| {
        has(world, tx, &who, hazard, |tx, rights, row| {
            let request = progress::Request {
                progress: "施工单位已进场，完成拆除，正在安装".to_owned(),
                percent,
                difficulties: Some("部分设备到货推迟".to_owned()),
                evidence_ids: vec![tx.new_id()],
            };
            progress::report(tx, rights, row, sent(tx), request).map(drop)
        })
    });
}

/// The office stops the use of the place.
pub(super) fn stop_use(world: &mut World, when: When, hazard: Id) {
    world.at(when, move |world, tx| {
        has(world, tx, "office", hazard, |tx, rights, row| {
            let request = suspension::Request {
                scope: "隐患所在楼层及其上方教室".to_owned(),
                reason: "重大隐患整改期间不能保证安全".to_owned(),
                since: None,
            };
            suspension::suspend(tx, rights, row, sent(tx), request).map(drop)
        })
    });
}

/// The office refers it to the fire service.
pub(super) fn refer(world: &mut World, when: When, hazard: Id) {
    world.at(when, move |world, tx| {
        has(world, tx, "office", hazard, |tx, rights, row| {
            let request = referral::Request {
                authority: ReferralAuthority::Fire,
                authority_name: "示范区消防救援大队".to_owned(),
                matter: "请依法核查处理，并将结果函复".to_owned(),
                reply_due_at: None,
            };
            referral::refer(tx, rights, row, sent(tx), request).map(drop)
        })
    });
}
