//! Queries about places in a school.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::access::{OrgRef, Permission, Rights, Scope};
use crate::orgs::bodies::{add, kept, told};
use crate::orgs::rules::{self, OrgKind, Reason, SiteKind};
use crate::orgs::store::visible;
use crate::platform::db::schema::sites;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Conn, MultiBackend, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{Check, Faults, FieldError, IfMatch, List, Page, Patch, Record, Reply};
use crate::platform::journal::Event;

/// A row of `sites`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = sites)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct SiteRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Option<Id>,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub parent_id: Option<Id>,
    pub kind: SiteKind,
    pub name: String,
    pub code: Option<String>,
}

/// A place in a school.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SiteView {
    /// Of the place.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The school.
    pub org_id: Id,
    /// The place it lies in; null for one directly in the school.
    #[schema(required)]
    pub parent_id: Option<Id>,
    /// What it is.
    pub kind: SiteKind,
    /// Its name.
    #[schema(example = "教学楼A")]
    pub name: String,
    /// What a QR label carries, unique in the bureau.
    #[schema(required, example = "A-101")]
    pub code: Option<String>,
}

impl Record for SiteView {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<SiteRow> for SiteView {
    fn from(row: SiteRow) -> Self {
        Self {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            org_id: row.org_id,
            parent_id: row.parent_id,
            kind: row.kind,
            name: row.name,
            code: row.code,
        }
    }
}

/// A new place.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSite {
    /// Made by the client, so that a repeated call makes nothing twice.
    pub id: Option<Id>,
    /// The place it lies in, of the same school and wider.
    pub parent_id: Option<Id>,
    /// What it is.
    pub kind: SiteKind,
    /// 1 to 100 characters.
    #[schema(example = "教学楼A")]
    pub name: String,
    /// What a QR label carries: 1 to 64 printable ASCII characters, unique in the bureau.
    #[schema(example = "A-101")]
    pub code: Option<String>,
}

impl Check for NewSite {
    fn check(&self, faults: &mut Faults) {
        add(faults, "/name", rules::name(&self.name));
        if let Some(code) = &self.code {
            add(faults, "/code", rules::site_code(code));
        }
    }
}

/// Changes to a place; absent fields stay. The kind never changes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SitePatch {
    /// Another place of the same school; null for directly in the school.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub parent_id: Patch<Id>,
    /// 1 to 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub name: Patch<String>,
    /// Null takes the label away.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Patch<String>,
}

impl Check for SitePatch {
    fn check(&self, faults: &mut Faults) {
        kept(faults, "/name", &self.name);
        if let Some(name) = self.name.set() {
            add(faults, "/name", rules::name(name));
        }
        if let Some(code) = self.code.set() {
            add(faults, "/code", rules::site_code(code));
        }
    }
}

/// The query of the list of places.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SiteFilter {
    /// Only this kind.
    pub kind: Option<SiteKind>,
    /// Only directly in this place.
    pub parent_id: Option<Id>,
    /// Exactly this code.
    pub code: Option<String>,
}

fn filtered<'a>(org_id: Id, filter: &SiteFilter) -> sites::BoxedQuery<'a, MultiBackend> {
    let mut query = sites::table.filter(sites::org_id.eq(org_id)).into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(sites::kind.eq(kind));
    }
    if let Some(parent_id) = filter.parent_id {
        query = query.filter(sites::parent_id.eq(parent_id));
    }
    if let Some(code) = &filter.code {
        query = query.filter(sites::code.eq(code.clone()));
    }
    query
}

/// One page of the places of a school.
///
/// # Errors
/// 404 where the school, or a place named in the filter, is out of sight.
pub fn list(conn: &mut Conn, scope: &Scope, org_id: Id, list: &List<SiteFilter>) -> Result<Page<SiteView>, Problem> {
    let org = visible(conn, scope, org_id)?;
    if let Some(parent_id) = list.filter.parent_id {
        in_org(conn, org.id, parent_id)?;
    }
    let query = filtered(org.id, &list.filter).select(SiteRow::as_select());
    let rows: Vec<SiteRow> = crate::keyset!(query, sites, list).load(conn)?;
    let counted = if list.count {
        let ids: Vec<Id> = filtered(org.id, &list.filter).select(sites::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(ids.len()).ok()
    } else {
        None
    };
    Ok(list.page(rows, |row| (row.created_at, row.id))?.map(SiteView::from).counted(counted))
}

/// The place, if its school is in sight.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn read(conn: &mut Conn, scope: &Scope, id: Id) -> Result<SiteRow, Problem> {
    let row: SiteRow = sites::table.find(id).select(SiteRow::as_select()).first(conn)?;
    visible(conn, scope, row.org_id)?;
    Ok(row)
}

/// The place, if it lies in this school. For every id of a place inside a body: a place of another school is 404.
///
/// # Errors
/// 404 where it does not.
pub fn in_org(conn: &mut Conn, org_id: Id, id: Id) -> Result<SiteRow, Problem> {
    Ok(sites::table.find(id).filter(sites::org_id.eq(org_id)).select(SiteRow::as_select()).first(conn)?)
}

/// Makes a place in a school.
///
/// # Errors
/// 404 for a school or parent out of sight, 409 for a taken id or code, 422 for what is no school or no wider place.
pub fn create(
    tx: &mut Tx<'_>,
    rights: &Rights,
    org_id: Id,
    hash: &[u8],
    body: impl FnOnce() -> Result<NewSite, Problem>,
) -> Result<Commit<Reply>, Problem> {
    let org = rights.scope().org(tx.conn, org_id)?;
    let body = body()?;
    let parent = body.parent_id.map(|id| in_org(tx.conn, org.id, id)).transpose()?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    if let Some(id) = body.id
        && let Some(row) = sites::table.find(id).select(SiteRow::as_select()).first(tx.conn).optional()?
    {
        let same = row.created_by == tx.work.actor && row.body_hash.as_deref() == Some(hash) && row.org_id == org.id;
        return if same {
            Ok(Commit::unchanged(Reply::record(&SiteView::from(row))?))
        } else {
            Err(Problem::new(Code::IdReused))
        };
    }
    fits(&org, body.kind, parent.as_ref())?;
    let row = SiteRow {
        id: body.id.unwrap_or_else(|| tx.new_id()),
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: tx.work.actor,
        body_hash: Some(hash.to_vec()),
        bureau_id: org.bureau_id,
        org_id: org.id,
        parent_id: body.parent_id,
        kind: body.kind,
        name: body.name.trim().to_owned(),
        code: body.code.as_deref().map(|code| code.trim().to_owned()),
    };
    diesel::insert_into(sites::table).values(&row).execute(tx.conn)?;
    let payload = json!({"kind": row.kind, "parent_id": row.parent_id});
    let receipt = tx.record(Event::of("site", row.id, "created").at(row.bureau_id, row.org_id).with(payload))?;
    Ok(receipt.with(Reply::created(&format!("/sites/{}", row.id), &SiteView::from(row))?))
}

/// Changes a place.
///
/// # Errors
/// 404, 428 and 412, 422, 409 for a taken code.
pub fn change(
    tx: &mut Tx<'_>,
    rights: &Rights,
    id: Id,
    if_match: &IfMatch,
    body: impl FnOnce() -> Result<SitePatch, Problem>,
) -> Result<Commit<Reply>, Problem> {
    let old: SiteRow = sites::table.find(id).select(SiteRow::as_select()).first(tx.conn)?;
    let org = rights.of(Permission::SiteManage).org(tx.conn, old.org_id)?;
    if_match.check(old.version, || json!(SiteView::from(old.clone())))?;
    let patch = body()?;
    let mut new = old.clone();
    if let Some(name) = patch.name.set() {
        name.trim().clone_into(&mut new.name);
    }
    new.code = patch.code.apply(old.code.clone()).map(|code| code.trim().to_owned());
    new.parent_id = patch.parent_id.apply(old.parent_id);
    let parent = new.parent_id.map(|id| in_org(tx.conn, org.id, id)).transpose()?;
    fits(&org, new.kind, parent.as_ref())?;
    if new == old {
        return Ok(Commit::unchanged(Reply::record(&SiteView::from(old))?));
    }
    new.version = old.version.saturating_add(1);
    new.updated_at = tx.now;
    let changed = diesel::update(sites::table.find(id).filter(sites::version.eq(old.version)))
        .set((
            sites::version.eq(new.version),
            sites::updated_at.eq(new.updated_at),
            sites::parent_id.eq(new.parent_id),
            sites::name.eq(&new.name),
            sites::code.eq(&new.code),
        ))
        .execute(tx.conn)?;
    if changed != 1 {
        return Err(Problem { retry: true, ..Problem::new(Code::VersionConflict) });
    }
    let payload = json!({"version": new.version, "parent_id": new.parent_id});
    let receipt = tx.record(Event::of("site", id, "changed").at(new.bureau_id, new.org_id).with(payload))?;
    Ok(receipt.with(Reply::record(&SiteView::from(new))?))
}

/// Places lie in schools, and in wider places.
fn fits(org: &OrgRef, kind: SiteKind, parent: Option<&SiteRow>) -> Result<(), Problem> {
    if org.kind != OrgKind::School {
        return Err(Problem::invalid(told("", &Reason::OnlyForSchools)));
    }
    if parent.is_some_and(|parent| !kind.may_sit_in(parent.kind)) {
        return Err(Problem::invalid(FieldError::new(
            "/parent_id",
            "wrong_parent",
            "只能放在更大的场所之内",
            "must lie in a wider place",
        )));
    }
    Ok(())
}
