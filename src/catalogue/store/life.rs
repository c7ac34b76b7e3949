//! The life of a checklist: drafted, changed, published, revised, retired.

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::checklists::{ChecklistRow, ChecklistView, NewChecklist, load, view};
use super::content::put;
use crate::access::scope::org_ref;
use crate::access::{Limit, Permission, Rights};
use crate::catalogue::rules::{Care, ChecklistStatus, Content, Item, Keeper, Scoring, Section, prepared};
use crate::catalogue::words::invalid;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::checklists;
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Patch;
use crate::platform::http::{Check, Faults, FieldError};
use crate::platform::journal::Event;

/// Changes of a draft.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistChange {
    /// Its name, at most 100 characters.
    pub title: Option<String>,
    /// Category of the items that name none.
    pub category: Option<String>,
    /// All sections anew, in order.
    pub sections: Option<Vec<Section>>,
    /// The bands of grades anew; null for the usual ones.
    #[serde(default)]
    #[schema(value_type = Option<Scoring>)]
    pub scoring: Patch<Scoring>,
    /// All items anew. A school's own carry its prefix; it is put before codes that have none.
    pub items: Option<Vec<Item>>,
}

impl Check for ChecklistChange {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/title", self.title.as_deref(), 100);
    }
}

/// The checklist already made with this id by this caller with this body.
///
/// # Errors
/// 409 where the id belongs to something else.
pub fn stored(conn: &mut Conn, id: Option<Id>, caller: Id, body_hash: &[u8]) -> Result<Option<ChecklistView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<(Option<Id>, Option<Vec<u8>>)> =
        checklists::table.find(id).select((checklists::created_by, checklists::body_hash)).first(conn).optional()?;
    match found {
        None => Ok(None),
        Some((by, hash)) if by == Some(caller) && hash.as_deref() == Some(body_hash) => {
            let row = load(conn, id)?;
            view(conn, row).map(Some)
        }
        Some(_) => Err(Problem::new(Code::IdReused)),
    }
}

/// Bureau and organisation of a new checklist: the organisation named, or the one the caller keeps.
///
/// # Errors
/// 403 for who keeps none, 404 for an organisation out of reach, 422 for one that has no checklists.
pub fn home(conn: &mut Conn, rights: &Rights, org_id: Option<Id>) -> Result<(Id, Id), Problem> {
    let scope = rights.of(Permission::CatalogueManage);
    let first = scope.reaches.first().ok_or_else(|| Problem::new(Code::Forbidden))?;
    let Some(org_id) = org_id else {
        return Ok((first.bureau_id, first.org_id));
    };
    let org = org_ref(conn, org_id)?;
    let reaches = scope.reaches_to(conn, &org)?;
    let keeps = reaches.iter().any(|reach| reach.limit == Limit::Full || reach.org_id == org.id);
    if !keeps {
        return Err(Problem::not_found());
    }
    if !matches!(org.kind, OrgKind::Bureau | OrgKind::School) {
        return Err(Problem::invalid(FieldError::unknown_value("/org_id")));
    }
    Ok((org.bureau_id, org.id))
}

#[derive(Insertable)]
#[diesel(table_name = checklists)]
pub(super) struct NewRow<'a> {
    id: Id,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    created_by: Option<Id>,
    body_hash: Option<Vec<u8>>,
    bureau_id: Option<Id>,
    org_id: Option<Id>,
    lineage_id: Id,
    revision: i32,
    title: &'a str,
    status: ChecklistStatus,
    sections: Doc,
    scoring: Option<Doc>,
    adds_to: Option<Id>,
}

/// Whose the content of a checklist of this organisation is.
pub(super) fn keeper(conn: &mut Conn, org_id: Option<Id>, adds_to: Option<Id>) -> Result<Keeper, Problem> {
    let Some(org_id) = org_id else { return Ok(Keeper { school: None, addition: false }) };
    let school = org_ref(conn, org_id)?.kind == OrgKind::School;
    Ok(Keeper { school: school.then_some(org_id.0), addition: adds_to.is_some() })
}

/// What a checklist holds now.
///
/// # Errors
/// 500 where an item cannot be read.
pub fn held(conn: &mut Conn, row: &ChecklistRow) -> Result<Content, Problem> {
    let items = super::items_of(conn, row.id)?.into_iter().map(|(item, _, _)| item).collect();
    Ok(Content { sections: row.sections(), scoring: row.own_scoring(), items })
}

pub(super) fn known_category(category: Option<&str>) -> Result<(), Problem> {
    match category {
        Some(code) if crate::catalogue::builtin::category(code).is_none() => {
            Err(Problem::invalid(FieldError::unknown_value("/category")))
        }
        _ => Ok(()),
    }
}

/// Makes a draft.
///
/// # Errors
/// 403 and 404 by the organisation, 422 by the items.
pub fn create(
    tx: &mut Tx<'_>,
    rights: &Rights,
    new: &NewChecklist,
    body_hash: &[u8],
) -> Result<(Receipt, ChecklistView), Problem> {
    let (bureau_id, org_id) = home(tx.conn, rights, new.org_id)?;
    known_category(new.category.as_deref())?;
    let keeper = keeper(tx.conn, Some(org_id), None)?;
    let content = Content { sections: new.sections.clone(), scoring: new.scoring.clone(), items: new.items.clone() };
    let content = prepared(content, keeper, new.category.as_deref(), Care::Draft).map_err(invalid)?;
    let draft = Draft { id: new.id, body_hash, bureau_id, org_id, title: &new.title, adds_to: None };
    drafted(tx, rights, &draft, &content, new.category.as_deref())
}

/// A draft of a new line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft<'a> {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// Of what was sent.
    pub body_hash: &'a [u8],
    /// Its bureau.
    pub bureau_id: Id,
    /// The organisation it belongs to.
    pub org_id: Id,
    /// Its name.
    pub title: &'a str,
    /// The line it comes beside.
    pub adds_to: Option<Id>,
}

/// Stores a draft whose content is prepared.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn drafted(
    tx: &mut Tx<'_>,
    rights: &Rights,
    draft: &Draft<'_>,
    content: &Content,
    category: Option<&str>,
) -> Result<(Receipt, ChecklistView), Problem> {
    let id = draft.id.unwrap_or_else(|| tx.new_id());
    let row = NewRow {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: Some(rights.user_id()),
        body_hash: Some(draft.body_hash.to_vec()),
        bureau_id: Some(draft.bureau_id),
        org_id: Some(draft.org_id),
        lineage_id: id,
        revision: 1,
        title: draft.title.trim(),
        status: ChecklistStatus::Draft,
        sections: Doc::of(&content.sections),
        scoring: content.scoring.as_ref().map(Doc::of),
        adds_to: draft.adds_to,
    };
    diesel::insert_into(checklists::table).values(&row).execute(tx.conn)?;
    put(tx.conn, id, content, category)?;
    finish(tx, id, "created")
}

pub(super) fn finish(tx: &mut Tx<'_>, id: Id, action: &'static str) -> Result<(Receipt, ChecklistView), Problem> {
    let row = load(tx.conn, id)?;
    let mut event = Event::of("checklist", id, action)
        .with(json!({"lineage_id": row.lineage_id, "revision": row.revision, "status": row.status}));
    if let (Some(bureau_id), Some(org_id)) = (row.bureau_id, row.org_id) {
        event = event.at(bureau_id, org_id);
    }
    let view = view(tx.conn, row)?;
    Ok((tx.record(event)?, view))
}

pub(super) fn refuse(row: &ChecklistRow, zh: &str, en: &str) -> Problem {
    Problem::new(Code::StateConflict)
        .detail(zh, en)
        .current(json!({"id": row.id, "status": row.status, "version": row.version}))
}

fn must_be(row: &ChecklistRow, status: ChecklistStatus) -> Result<(), Problem> {
    if row.status == status {
        return Ok(());
    }
    Err(match status {
        ChecklistStatus::Draft => refuse(row, "只有草稿可以修改或发布", "only a draft can be changed or published"),
        _ => refuse(row, "只有已发布的清单可以停用", "only a published checklist can be retired"),
    })
}

fn touch(tx: &mut Tx<'_>, row: &ChecklistRow) -> Result<(), Problem> {
    diesel::update(checklists::table.find(row.id))
        .set((checklists::version.eq(row.version + 1), checklists::updated_at.eq(tx.now)))
        .execute(tx.conn)?;
    Ok(())
}

/// Changes a draft.
///
/// # Errors
/// 409 where it is no draft, 422 by the items.
pub fn change(
    tx: &mut Tx<'_>,
    row: &ChecklistRow,
    change: &ChecklistChange,
) -> Result<(Receipt, ChecklistView), Problem> {
    known_category(change.category.as_deref())?;
    let now = held(tx.conn, row)?;
    let content = Content {
        sections: change.sections.clone().unwrap_or_else(|| now.sections.clone()),
        scoring: change.scoring.apply(now.scoring.clone()),
        items: change.items.clone().unwrap_or_else(|| now.items.clone()),
    };
    let touched = change.sections.is_some() || change.items.is_some() || content.scoring != now.scoring;
    let keeper = keeper(tx.conn, row.org_id, row.adds_to)?;
    let content = prepared(content, keeper, change.category.as_deref(), Care::Draft).map_err(invalid)?;
    must_be(row, ChecklistStatus::Draft)?;
    if touched {
        put(tx.conn, row.id, &content, change.category.as_deref())?;
    }
    if let Some(title) = &change.title {
        diesel::update(checklists::table.find(row.id)).set(checklists::title.eq(title.trim())).execute(tx.conn)?;
    }
    touch(tx, row)?;
    finish(tx, row.id, "changed")
}

/// Puts a draft into force; the revision in force before is retired.
///
/// # Errors
/// 409 where it is no draft, 422 where it is not complete.
pub fn publish(tx: &mut Tx<'_>, row: &ChecklistRow) -> Result<(Receipt, ChecklistView), Problem> {
    must_be(row, ChecklistStatus::Draft)?;
    let (content, keeper) = (held(tx.conn, row)?, keeper(tx.conn, row.org_id, row.adds_to)?);
    prepared(content, keeper, None, Care::Publish).map_err(invalid)?;
    let now = tx.now;
    diesel::update(
        checklists::table
            .filter(checklists::lineage_id.eq(row.lineage_id))
            .filter(checklists::status.eq(ChecklistStatus::Published)),
    )
    .set((
        checklists::status.eq(ChecklistStatus::Retired),
        checklists::retired_at.eq(now),
        checklists::updated_at.eq(now),
        checklists::version.eq(checklists::version + 1),
    ))
    .execute(tx.conn)?;
    diesel::update(checklists::table.find(row.id))
        .set((checklists::status.eq(ChecklistStatus::Published), checklists::published_at.eq(now)))
        .execute(tx.conn)?;
    touch(tx, row)?;
    finish(tx, row.id, "published")
}

/// Takes a checklist out of force; inspections made with it keep it.
///
/// # Errors
/// 409 where it is not published.
pub fn retire(tx: &mut Tx<'_>, row: &ChecklistRow) -> Result<(Receipt, ChecklistView), Problem> {
    must_be(row, ChecklistStatus::Published)?;
    diesel::update(checklists::table.find(row.id))
        .set((checklists::status.eq(ChecklistStatus::Retired), checklists::retired_at.eq(tx.now)))
        .execute(tx.conn)?;
    touch(tx, row)?;
    finish(tx, row.id, "retired")
}

/// Makes the next draft of a checklist. A built-in one belongs to everybody, so its next draft begins a line of the
/// caller's own organisation.
///
/// # Errors
/// 409 where it is a draft, or where the next draft exists already.
pub fn revise(tx: &mut Tx<'_>, rights: &Rights, row: &ChecklistRow) -> Result<(Receipt, ChecklistView), Problem> {
    let id = tx.new_id();
    let (lineage_id, revision, bureau_id, org_id) = match (row.bureau_id, row.org_id) {
        (Some(bureau_id), Some(org_id)) => {
            let newest: ChecklistRow = checklists::table
                .filter(checklists::lineage_id.eq(row.lineage_id))
                .order(checklists::revision.desc())
                .select(ChecklistRow::as_select())
                .first(tx.conn)?;
            if newest.status == ChecklistStatus::Draft {
                return Err(refuse(&newest, "已有未发布的修订稿", "there is a draft already"));
            }
            (row.lineage_id, newest.revision + 1, bureau_id, org_id)
        }
        _ => {
            let (bureau_id, org_id) = home(tx.conn, rights, None)?;
            (id, 1, bureau_id, org_id)
        }
    };
    // A school's copy of a built-in checklist becomes its own: prefix and all.
    let keeper = keeper(tx.conn, Some(org_id), row.adds_to)?;
    let content = prepared(held(tx.conn, row)?, keeper, None, Care::Draft).map_err(invalid)?;
    let next = NewRow {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: Some(rights.user_id()),
        body_hash: None,
        bureau_id: Some(bureau_id),
        org_id: Some(org_id),
        lineage_id,
        revision,
        title: &row.title,
        status: ChecklistStatus::Draft,
        sections: Doc::of(&content.sections),
        scoring: content.scoring.as_ref().map(Doc::of),
        adds_to: row.adds_to,
    };
    diesel::insert_into(checklists::table).values(&next).execute(tx.conn)?;
    put(tx.conn, id, &content, None)?;
    finish(tx, id, "created")
}
