//! Reading checklists: built-in ones are everybody's, a bureau's and a school's own are seen within scope, drafts
//! only by those who keep them.

use diesel::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::scope::org_ref;
use crate::access::{Limit, Permission, Rights, Scope};
use crate::catalogue::rules::{ChecklistStatus, Item, Scoring, Section};
use crate::keyset;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{checklist_items, checklists, org_closure};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{Check, Faults, List, Page, Record};

/// A checklist without its items.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = checklists)]
pub struct ChecklistRow {
    /// Of this revision.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who made it; nobody for built-in ones.
    pub created_by: Option<Id>,
    /// Its bureau; none for built-in ones.
    pub bureau_id: Option<Id>,
    /// The organisation it belongs to; none for built-in ones.
    pub org_id: Option<Id>,
    /// The same for all revisions.
    pub lineage_id: Id,
    /// Which revision.
    pub revision: i32,
    /// Its name.
    pub title: String,
    /// Draft, published or retired.
    pub status: ChecklistStatus,
    /// When it came into force.
    pub published_at: Option<Timestamp>,
    /// When it went out of force.
    pub retired_at: Option<Timestamp>,
    sections: Doc,
    scoring: Option<Doc>,
    /// The line of the bureau's checklist beside whose items a school's own come.
    pub adds_to: Option<Id>,
}

impl ChecklistRow {
    /// Its sections, in order.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        self.sections.read()
    }

    /// Its own bands of grades; none where the usual ones do.
    #[must_use]
    pub fn own_scoring(&self) -> Option<Scoring> {
        self.scoring.as_ref().and_then(|doc| serde_json::from_value(doc.0.clone()).ok())
    }
}

/// A checklist with its items.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Checklist)]
pub struct ChecklistView {
    #[serde(flatten)]
    /// The checklist itself.
    pub head: ChecklistRowView,
    /// Its sections, in order; items without one come first.
    pub sections: Vec<Section>,
    /// The bands in which a score becomes a grade.
    pub scoring: Scoring,
    /// Its items, in order.
    pub items: Vec<Item>,
}

/// A checklist as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ChecklistRow)]
pub struct ChecklistRowView {
    /// Of this revision.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The organisation it belongs to; null for built-in ones.
    #[schema(required)]
    pub org_id: Option<Id>,
    /// Whether it ships with the product.
    pub built_in: bool,
    /// The same for all revisions.
    pub lineage_id: Id,
    /// Which revision.
    pub revision: i32,
    /// Its name.
    pub title: String,
    /// Draft, published or retired.
    pub status: ChecklistStatus,
    /// When it came into force.
    #[schema(required)]
    pub published_at: Option<Timestamp>,
    /// When it went out of force.
    #[schema(required)]
    pub retired_at: Option<Timestamp>,
    /// The categories of its items.
    pub categories: Vec<String>,
    /// The domains of its items.
    pub domains: Vec<String>,
    /// How many items it has.
    pub item_count: usize,
    /// For a school's additions: the `lineage_id` of the bureau's checklist whose items they come beside.
    #[schema(required)]
    pub adds_to: Option<Id>,
}

impl Record for ChecklistView {
    fn version(&self) -> i64 {
        self.head.version
    }
}

/// A checklist to be made; a draft until it is published.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChecklist {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// Its name, at most 100 characters.
    #[schema(example = "食堂专项检查")]
    pub title: String,
    /// The organisation it belongs to: the bureau (default of its office) or a school.
    pub org_id: Option<Id>,
    /// Category of the items that name none.
    pub category: Option<String>,
    /// Ordered groups of its items, at most 100.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// The bands of grades; the usual four where nothing is said.
    pub scoring: Option<Scoring>,
    /// Its items, at most 500; may be filled later. A school's own carry its prefix; it is put before codes that have
    /// none, so that the bureau's figures by item stay the bureau's.
    #[serde(default)]
    pub items: Vec<Item>,
}

impl Check for NewChecklist {
    fn check(&self, faults: &mut Faults) {
        faults.text("/title", &self.title, 1, 100);
    }
}

/// Which checklists.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChecklistFilter {
    /// With an item of this category.
    pub category: Option<String>,
    /// With an item of this domain.
    pub domain: Option<String>,
    /// In this status.
    pub status: Option<ChecklistStatus>,
    /// Belonging to this organisation.
    pub org_id: Option<Id>,
}

/// A condition on checklists.
pub type Condition = Box<dyn BoxableExpression<checklists::table, MultiBackend, SqlType = Nullable<Bool>>>;

fn any(conditions: Vec<Condition>) -> Condition {
    let nothing: Condition = Box::new(checklists::id.ne(checklists::id).nullable());
    conditions.into_iter().fold(nothing, |all, one| Box::new(all.or(one)))
}

fn belongs(bureau_id: Id, org_id: Option<Id>) -> Condition {
    match org_id {
        None => Box::new(checklists::bureau_id.eq(bureau_id)),
        Some(org_id) => Box::new(checklists::org_id.eq(org_id)),
    }
}

/// What the caller may read: built-in; published and retired ones of the own bureau and, for a school, its own;
/// drafts where the caller keeps them.
#[must_use]
pub fn sight(rights: &Rights) -> Condition {
    let mut conditions: Vec<Condition> = vec![Box::new(checklists::bureau_id.is_null().nullable())];
    for reach in &rights.of(Permission::CatalogueRead).reaches {
        let out = || checklists::status.ne(ChecklistStatus::Draft).nullable();
        conditions.push(Box::new(belongs(reach.bureau_id, Some(reach.bureau_id)).and(out())));
        match reach.org_kind {
            OrgKind::Bureau => conditions.push(Box::new(belongs(reach.bureau_id, None).and(out()))),
            OrgKind::Cluster => {
                let below = org_closure::table.filter(org_closure::ancestor_id.eq(reach.org_id));
                let below = below.select(org_closure::descendant_id.nullable());
                conditions.push(Box::new(checklists::org_id.eq_any(below).and(out())));
            }
            _ => conditions.push(Box::new(belongs(reach.bureau_id, Some(reach.org_id)).and(out()))),
        }
    }
    conditions.extend(kept(&rights.of(Permission::CatalogueManage)));
    any(conditions)
}

fn kept(scope: &Scope) -> Vec<Condition> {
    let keeps = |reach: &crate::access::Reach| match (reach.limit, reach.org_kind) {
        (Limit::Full, OrgKind::Bureau) => belongs(reach.bureau_id, None),
        _ => belongs(reach.bureau_id, Some(reach.org_id)),
    };
    scope.reaches.iter().map(keeps).collect()
}

/// A checklist the caller may read.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn readable(conn: &mut Conn, rights: &Rights, id: Id) -> Result<ChecklistRow, Problem> {
    Ok(checklists::table.find(id).filter(sight(rights)).select(ChecklistRow::as_select()).first(conn)?)
}

/// The same, with all revisions of it held against other writers until the end of the transaction.
///
/// # Errors
/// As [`readable`].
pub fn readable_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<ChecklistRow, Problem> {
    let lineage_id = readable(conn, rights, id)?.lineage_id;
    // SQLite has one writer; there the transaction itself holds.
    if let Conn::Postgres(pg) = conn {
        let revisions = checklists::table.filter(checklists::lineage_id.eq(lineage_id));
        let _: Vec<Id> = revisions.order(checklists::id).select(checklists::id).for_update().load(pg)?;
    }
    readable(conn, rights, id)
}

/// Whether the caller keeps this checklist.
///
/// # Errors
/// Whatever the engine says.
pub fn managed(conn: &mut Conn, rights: &Rights, id: Id) -> Result<bool, Problem> {
    let kept = any(kept(&rights.of(Permission::CatalogueManage)));
    let found: Option<Id> = checklists::table.find(id).filter(kept).select(checklists::id).first(conn).optional()?;
    Ok(found.is_some())
}

/// A page of the checklists the caller may read.
///
/// # Errors
/// 404 for an organisation out of sight.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<ChecklistFilter>) -> Result<Page<ChecklistRowView>, Problem> {
    if let Some(org_id) = list.filter.org_id {
        let bureaus = rights.scope().bureaus();
        let org = org_ref(conn, org_id)?;
        if !bureaus.contains(&org.id) && rights.scope().reaches_to(conn, &org)?.is_empty() {
            return Err(Problem::not_found());
        }
    }
    let filtered = || {
        let mut query = checklists::table.filter(sight(rights)).into_boxed();
        if let Some(status) = list.filter.status {
            query = query.filter(checklists::status.eq(status));
        }
        if let Some(org_id) = list.filter.org_id {
            query = query.filter(checklists::org_id.eq(org_id));
        }
        if let Some(category) = &list.filter.category {
            let inside = checklist_items::table.filter(checklist_items::category.eq(category.clone()));
            query = query.filter(checklists::id.eq_any(inside.select(checklist_items::checklist_id)));
        }
        if let Some(domain) = &list.filter.domain {
            let inside = checklist_items::table.filter(checklist_items::domain.eq(domain.clone()));
            query = query.filter(checklists::id.eq_any(inside.select(checklist_items::checklist_id)));
        }
        query
    };
    let rows: Vec<ChecklistRow> = keyset!(filtered(), checklists, list).select(ChecklistRow::as_select()).load(conn)?;
    let counted = if list.count {
        let found: Vec<Id> = filtered().select(checklists::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(found.len()).ok()
    } else {
        None
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    let ids: Vec<Id> = page.data.iter().map(|row| row.id).collect();
    let contents: Vec<(Id, String, String)> = checklist_items::table
        .filter(checklist_items::checklist_id.eq_any(ids))
        .order((checklist_items::checklist_id, checklist_items::position))
        .select((checklist_items::checklist_id, checklist_items::category, checklist_items::domain))
        .load(conn)?;
    let rows = page.data.into_iter().map(|row| {
        let mine: Vec<_> = contents.iter().filter(|(id, _, _)| *id == row.id).collect();
        let (categories, domains) = (mine.iter().map(|one| one.1.as_str()), mine.iter().map(|one| one.2.as_str()));
        head(row, categories, domains)
    });
    Ok(Page { data: rows.collect(), page: page.page }.counted(counted))
}

fn head<'a>(
    row: ChecklistRow,
    categories: impl Iterator<Item = &'a str>,
    domains: impl Iterator<Item = &'a str>,
) -> ChecklistRowView {
    let mut item_count = 0;
    let mut once = Vec::new();
    for category in categories {
        item_count += 1;
        if !once.iter().any(|known| known == category) {
            once.push(category.to_owned());
        }
    }
    let mut spheres: Vec<String> = domains.map(str::to_owned).collect();
    spheres.sort_unstable();
    spheres.dedup();
    ChecklistRowView {
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        org_id: row.org_id,
        built_in: row.bureau_id.is_none(),
        lineage_id: row.lineage_id,
        revision: row.revision,
        title: row.title,
        status: row.status,
        published_at: row.published_at,
        retired_at: row.retired_at,
        categories: once,
        domains: spheres,
        item_count,
        adds_to: row.adds_to,
    }
}

/// The row of a checklist, whoever asks.
///
/// # Errors
/// 404 where there is none.
pub fn load(conn: &mut Conn, id: Id) -> Result<ChecklistRow, Problem> {
    Ok(checklists::table.find(id).select(ChecklistRow::as_select()).first(conn)?)
}

/// The items of a checklist with the category and domain each counts for, in order.
///
/// # Errors
/// 500 where an item cannot be read.
pub fn items_of(conn: &mut Conn, id: Id) -> Result<Vec<(Item, String, String)>, Problem> {
    let rows: Vec<(Doc, String, String)> = checklist_items::table
        .filter(checklist_items::checklist_id.eq(id))
        .order(checklist_items::position)
        .select((checklist_items::item, checklist_items::category, checklist_items::domain))
        .load(conn)?;
    rows.into_iter()
        .map(|(item, category, domain)| {
            let item = serde_json::from_value(item.0).map_err(Problem::internal)?;
            Ok((item, category, domain))
        })
        .collect()
}

/// A checklist with its items.
///
/// # Errors
/// Whatever the engine says.
pub fn view(conn: &mut Conn, row: ChecklistRow) -> Result<ChecklistView, Problem> {
    let items = items_of(conn, row.id)?;
    let (sections, scoring) = (row.sections(), row.own_scoring().unwrap_or_default());
    let head = head(
        row,
        items.iter().map(|(_, category, _)| category.as_str()),
        items.iter().map(|(_, _, domain)| domain.as_str()),
    );
    Ok(ChecklistView { head, sections, scoring, items: items.into_iter().map(|(item, _, _)| item).collect() })
}
