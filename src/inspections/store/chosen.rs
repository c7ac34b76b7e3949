//! The items that choose themselves: those of the checklists that concern the school, one answer row for each.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde_json::json;

use crate::access::Rights;
use crate::access::scope::OrgRef;
use crate::catalogue::rules::{ChecklistStatus, Fault, Item, applies};
use crate::catalogue::store::{additions_in_force, items_of, readable};
use crate::catalogue::words::invalid;
use crate::inspections::rules::Kind;
use crate::on_conn;
use crate::platform::db::schema::{answers, orgs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::Problem;

/// An item chosen for the school, with the checklist it comes from.
pub struct Chosen {
    checklist_id: Id,
    item: Item,
    category: String,
    /// The domain it counts for.
    pub domain: String,
}

/// What an inspection is made of.
#[derive(Default)]
pub struct Choice {
    /// The items, each code once.
    pub items: Vec<Chosen>,
    /// The checklists they come from: those named, and the school's additions to them.
    pub checklist_ids: Vec<Id>,
}

/// The items of these checklists that concern the school, each code once. Where the school looks for itself, its
/// additions in force come beside them; the bureau's people are not made to answer what a school would have answered.
///
/// # Errors
/// 404 for a checklist out of sight; 422 for one not in force, for items that contradict each other, and for none.
pub fn choose(
    conn: &mut Conn,
    rights: &Rights,
    org: &OrgRef,
    kind: Kind,
    checklist_ids: &[Id],
) -> Result<Choice, Problem> {
    let (school_kind, features): (Option<String>, Doc) =
        orgs::table.find(org.id).select((orgs::school_kind, orgs::features)).first(conn)?;
    let (kind_of_school, features): (String, Vec<String>) = (school_kind.unwrap_or_default(), features.read());
    let mut chosen: Vec<Chosen> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut lineages = Vec::new();
    for (place, id) in checklist_ids.iter().enumerate() {
        let at = format!("/checklist_ids/{place}");
        let row = readable(conn, rights, *id)?;
        lineages.push(row.lineage_id);
        // A school's own checklist is no other school's.
        if row.org_id.is_some_and(|owner| owner != org.id && owner != org.bureau_id) {
            return Err(Problem::not_found());
        }
        if row.status != ChecklistStatus::Published {
            faults.push(Fault::at(at, "not_published"));
            continue;
        }
        for (item, category, domain) in items_of(conn, *id)? {
            if !applies(&item, &kind_of_school, &features) {
                continue;
            }
            match places.get(&item.code).and_then(|place| chosen.get(*place)) {
                Some(known) if known.item == item => {}
                Some(_) => {
                    faults.push(Fault::at(&at, "conflicting_items"));
                    break;
                }
                None => {
                    places.insert(item.code.clone(), chosen.len());
                    chosen.push(Chosen { checklist_id: *id, item, category, domain });
                }
            }
        }
    }
    let mut ids = checklist_ids.to_vec();
    let additions = if kind.of_school() { additions_in_force(conn, org.id, lineages)? } else { Vec::new() };
    for id in additions {
        if ids.contains(&id) {
            continue;
        }
        ids.push(id);
        for (item, category, domain) in items_of(conn, id)? {
            // Their codes are the school's own: they never stand beside another of the same name.
            if applies(&item, &kind_of_school, &features) && !places.contains_key(&item.code) {
                places.insert(item.code.clone(), chosen.len());
                chosen.push(Chosen { checklist_id: id, item, category, domain });
            }
        }
    }
    if faults.is_empty() && chosen.is_empty() {
        faults.push(Fault::at("/checklist_ids", "no_items"));
    }
    if faults.is_empty() { Ok(Choice { items: chosen, checklist_ids: ids }) } else { Err(invalid(faults)) }
}

#[derive(Insertable)]
#[diesel(table_name = answers)]
struct NewAnswer {
    id: Id,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    bureau_id: Id,
    org_id: Id,
    inspection_id: Id,
    checklist_id: Id,
    item_code: String,
    position: i32,
    category: String,
    domain: String,
    on_the_spot: bool,
    evidence_ids: Doc,
    before_evidence_ids: Doc,
    after_evidence_ids: Doc,
}

/// Puts the answer rows of an inspection, in the place of those it had. The ids of hidden ones tell no hour.
///
/// # Errors
/// Whatever the engine says.
pub fn put_answers(
    tx: &mut Tx<'_>,
    org: &OrgRef,
    inspection_id: Id,
    announced: bool,
    chosen: Vec<Chosen>,
) -> Result<(), Problem> {
    diesel::delete(answers::table.filter(answers::inspection_id.eq(inspection_id))).execute(tx.conn)?;
    let none = || Doc(json!([]));
    let rows: Vec<NewAnswer> = chosen
        .into_iter()
        .enumerate()
        .map(|(place, one)| NewAnswer {
            id: if announced { tx.new_id() } else { tx.ids.hidden() },
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
            bureau_id: org.bureau_id,
            org_id: org.id,
            inspection_id,
            checklist_id: one.checklist_id,
            item_code: one.item.code,
            position: i32::try_from(place).unwrap_or(i32::MAX),
            category: one.category,
            domain: one.domain,
            on_the_spot: false,
            evidence_ids: none(),
            before_evidence_ids: none(),
            after_evidence_ids: none(),
        })
        .collect();
    // Engines limit the parameters of one statement.
    for some in rows.chunks(200) {
        on_conn!(&mut *tx.conn, conn => diesel::insert_into(answers::table).values(some).execute(conn)?);
    }
    Ok(())
}
