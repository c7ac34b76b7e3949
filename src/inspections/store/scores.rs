//! The score of inspections, kept apart by whose items they are: the bureau's figures compare across schools, a
//! school's additions are its own.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::rules::{Item, Scoring};
use crate::inspections::rules::{Counted, Outcome, Score, score};
use crate::platform::db::Conn;
use crate::platform::db::schema::{answers, checklist_items, checklists};
use crate::platform::db::types::{Doc, Id};
use crate::platform::error::Problem;

/// What an inspection came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InspectionScores {
    /// Of the bureau's items and the built-in ones, graded by the bands of the first of their checklists; null where
    /// there are none.
    #[schema(required)]
    pub bureau: Option<Score>,
    /// Of the school's own items, graded by the bands of the first of their checklists; null where there are none.
    #[schema(required)]
    pub additions: Option<Score>,
    /// Of each checklist by itself, in order.
    pub checklists: Vec<ChecklistScore>,
}

/// What the items of one checklist came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChecklistScore {
    /// The checklist, in the revision used.
    pub checklist_id: Id,
    #[serde(flatten)]
    /// Its score.
    pub score: Score,
}

struct List {
    of_school: bool,
    scoring: Scoring,
    items: BTreeMap<String, Item>,
}

/// The items of one checklist of an inspection, as they count.
struct Part {
    checklist_id: Id,
    items: Vec<Counted>,
}

/// The scores of an inspection by its answers as they stand; none where it has none. Two statements.
///
/// # Errors
/// 500 where an item cannot be read.
pub fn scores_of(conn: &mut Conn, id: Id) -> Result<Option<InspectionScores>, Problem> {
    let given: Vec<(Id, String, Option<Outcome>)> = answers::table
        .filter(answers::inspection_id.eq(id))
        .order(answers::position)
        .select((answers::checklist_id, answers::item_code, answers::result))
        .load(conn)?;
    let mut used: Vec<Id> = given.iter().map(|row| row.0).collect();
    used.sort_unstable();
    used.dedup();
    let lists = lists(conn, used)?;
    let mut parts: Vec<Part> = Vec::new();
    for (checklist_id, code, result) in given {
        let Some(item) = lists.get(&checklist_id).and_then(|list| list.items.get(&code)) else { continue };
        let counted = Counted::of(item, result);
        match parts.iter_mut().find(|part| part.checklist_id == checklist_id) {
            Some(part) => part.items.push(counted),
            None => parts.push(Part { checklist_id, items: vec![counted] }),
        }
    }
    Ok((!parts.is_empty()).then(|| scored(&parts, &lists)))
}

type ListRow = (Id, Option<Id>, Option<Id>, Option<Doc>, String, Doc);

fn lists(conn: &mut Conn, ids: Vec<Id>) -> Result<BTreeMap<Id, List>, Problem> {
    let rows: Vec<ListRow> = checklist_items::table
        .inner_join(checklists::table.on(checklists::id.eq(checklist_items::checklist_id)))
        .filter(checklist_items::checklist_id.eq_any(ids))
        .select((
            checklists::id,
            checklists::org_id,
            checklists::bureau_id,
            checklists::scoring,
            checklist_items::code,
            checklist_items::item,
        ))
        .load(conn)?;
    let mut lists: BTreeMap<Id, List> = BTreeMap::new();
    for (id, org_id, bureau_id, scoring, code, item) in rows {
        let item = Item::deserialize(&item.0).map_err(Problem::internal)?;
        let list = lists.entry(id).or_insert_with(|| List {
            of_school: org_id != bureau_id,
            scoring: scoring.and_then(|doc| serde_json::from_value(doc.0).ok()).unwrap_or_default(),
            items: BTreeMap::new(),
        });
        list.items.insert(code, item);
    }
    Ok(lists)
}

fn scored(parts: &[Part], lists: &BTreeMap<Id, List>) -> InspectionScores {
    let usual = Scoring::default();
    let bands = |part: &Part| lists.get(&part.checklist_id).map_or(&usual, |list| &list.scoring);
    let whole = |of_school: bool| {
        let mine =
            parts.iter().filter(|part| lists.get(&part.checklist_id).is_some_and(|list| list.of_school == of_school));
        let mine: Vec<&Part> = mine.collect();
        let items: Vec<Counted> = mine.iter().flat_map(|part| part.items.iter().cloned()).collect();
        mine.first().map(|first| score(bands(first), &items))
    };
    let each = |part: &Part| ChecklistScore { checklist_id: part.checklist_id, score: score(bands(part), &part.items) };
    InspectionScores { bureau: whole(false), additions: whole(true), checklists: parts.iter().map(each).collect() }
}
