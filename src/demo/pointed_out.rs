//! What is pointed out without being a hazard yet: a hint of a member of staff, what the public reports.

use std::sync::Arc;

use super::world::World;
use crate::access::Permission;
use crate::platform::db::types::Id;
use crate::platform::db::{Tx, Work};
use crate::platform::error::Problem;
use crate::reports::Compartment;
use crate::reports::compartment::Contact;
use crate::reports::store::public::{self, PublicDraft};
use crate::reports::store::read;
use crate::reports::store::send::{self, Draft};
use crate::reports::store::triage::{self, Judgement};
use crate::reports::words::TriageOutcome;

/// Puts the reports into the story.
pub fn report_all(world: &mut World, keys: &Arc<Compartment>) {
    world.at((2, 16), hint);
    let waiting = ("校门东侧下水井盖松动，放学时家长和孩子都从上面走。", true);
    let accepted = ("食堂后门堆放的纸箱和油桶挡住了消防通道，已经好几天。", false);
    for (when, school, (text, named)) in [((1, 17), 0, waiting), ((6, 8), 2, accepted)] {
        let keys = Arc::clone(keys);
        world.at(when, move |world, tx| {
            let id = public_report(world, tx, &keys, school, text, named)?;
            if !named {
                world.at((5, 10), move |world, tx| accept(world, tx, id));
            }
            Ok(())
        });
    }
}

fn hint(world: &mut World, tx: &mut Tx<'_>) -> Result<(), Problem> {
    let org_id = world.school(0)?.org.id;
    world.has(tx, "staff1", &[Permission::HazardReport], |tx, rights| {
        let school = send::school(tx.conn, rights, org_id)?;
        let draft = Draft {
            id: None,
            body_hash: None,
            category: None,
            domain: Some("electric".to_owned()),
            title: "三年级教室插座发热".to_owned(),
            description: "多媒体柜旁的插座用久了烫手，有焦味。".to_owned(),
            site_id: None,
            level: None,
            basis: None,
            found_at: None,
            evidence_ids: Vec::new(),
            inspection_id: None,
        };
        send::send(tx, rights, &school, draft).map(drop)
    })
}

fn public_report(
    world: &World,
    tx: &mut Tx<'_>,
    keys: &Compartment,
    school: usize,
    text: &str,
    named: bool,
) -> Result<Id, Problem> {
    let org = world.school(school)?.org.clone();
    let contact =
        Contact { name: Some("家长（虚构）".to_owned()), phone: Some("000-0000-0000".to_owned()), other: None };
    let draft = PublicDraft {
        id: None,
        body_hash: Vec::new(),
        category: None,
        domain: None,
        title: None,
        description: text.to_owned(),
        found_at: None,
        contact: named.then_some(contact),
    };
    let (nobody, now) = (Work::default(), tx.now);
    let (row, _, _receipt) = public::send(&mut tx.acting(&nobody, now), keys, &(org, None), &draft, 0)?;
    Ok(row.id)
}

fn accept(world: &mut World, tx: &mut Tx<'_>, id: Id) -> Result<(), Problem> {
    world.has(tx, "office", &[Permission::ReportTriage], |tx, rights| {
        let row = read::one_to_change(tx.conn, rights, id)?;
        let judgement = Judgement {
            outcome: TriageOutcome::Accept,
            category: Some("cha".to_owned()),
            domain: Some("fire".to_owned()),
            title: Some("食堂后门消防通道被占用".to_owned()),
            description: Some("食堂后门堆放杂物，占用消防通道。".to_owned()),
            site_id: None,
            level: None,
            basis: None,
            duplicate_of: None,
            reason: None,
            transferred_to: None,
        };
        triage::triage(tx, rights, row, &judgement).map(drop)
    })
}
