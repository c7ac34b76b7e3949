//! The row of a document, who sees it, and what is shown of it.

use diesel::BoxableExpression;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use serde::Serialize;
use utoipa::ToSchema;

use super::later::{AfterIssue, after_issue};
use crate::access::{Limit, Permission, Rights};
use crate::documents::bodies::DocumentFilter;
use crate::documents::content::Content;
use crate::documents::words::DocumentType;
use crate::platform::db::schema::{document_domains, document_hazards, documents, inspection_team, org_closure};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{List, Page, Record};
use crate::{hazards, in_reach, inspections, keyset};

/// A document as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = documents, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Row {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub kind: DocumentType,
    pub number: String,
    pub year: i32,
    pub serial: i64,
    pub inspection_id: Option<Id>,
    pub hazard_id: Option<Id>,
    pub supersedes: Option<Id>,
    pub content: String,
    pub content_sha256: String,
    pub voided_at: Option<Timestamp>,
    pub voided_by: Option<Id>,
    pub void_reason: Option<String>,
}

/// A document as it stands in lists.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentSummary {
    /// Of the document.
    pub id: Id,
    /// Counts its changes; what it says never changes.
    pub version: i64,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The bureau.
    pub bureau_id: Id,
    /// The school.
    pub org_id: Id,
    /// What kind of document.
    pub r#type: DocumentType,
    /// Its number; that of a void one is never given again.
    #[schema(example = "某教安改〔2026〕3号")]
    pub number: String,
    /// The inspection it is about.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// The one hazard it is about, where it is about one.
    #[schema(required)]
    pub hazard_id: Option<Id>,
    /// The hazards it tells of, in order.
    pub hazard_ids: Vec<Id>,
    /// Who issued it.
    pub issued_by: Id,
    /// SHA-256 of what it says, as kept; in the journal since it was issued.
    pub content_sha256: String,
    /// The document it replaces.
    #[schema(required)]
    pub supersedes: Option<Id>,
    /// The document that replaces it.
    #[schema(required)]
    pub superseded_by: Option<Id>,
    /// When it was declared void.
    #[schema(required)]
    pub voided_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub voided_by: Option<Id>,
    /// Why.
    #[schema(required)]
    pub void_reason: Option<String>,
}

/// A document with what it says.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Document)]
pub struct DocumentView {
    /// What lists show.
    #[serde(flatten)]
    pub summary: DocumentSummary,
    /// What it says, as it was issued.
    pub content: Content,
    /// Of a record of inspection: what became of it since; null where nothing did.
    #[schema(required)]
    pub after_issue: Option<AfterIssue>,
}

impl Record for DocumentView {
    fn version(&self) -> i64 {
        self.summary.version
    }
}

type Condition = Box<dyn BoxableExpression<documents::table, MultiBackend, SqlType = Nullable<Bool>>>;

/// The documents in sight: those of a reach, where it is narrowed to domains only those that tell of nothing else; of
/// an inspector those of the own teams and what was issued by the own hand.
fn sight(rights: &Rights) -> Option<Condition> {
    let me = rights.user_id();
    let seen_through = |reach: &crate::access::Reach| -> Option<Condition> {
        let within = in_reach!(documents, reach);
        let inside: Condition = Box::new(within.nullable());
        let inside: Condition = match &reach.domains {
            None => inside,
            Some(domains) => {
                let others = document_domains::table
                    .filter(document_domains::document_id.eq(documents::id))
                    .filter(document_domains::domain.ne_all(domains.clone()));
                Box::new(inside.and(not(exists(others)).nullable()))
            }
        };
        match reach.limit {
            Limit::Full => Some(inside),
            Limit::Team => {
                let mine = inspection_team::table
                    .filter(inspection_team::user_id.eq(me))
                    .select(inspection_team::inspection_id.nullable());
                let own = documents::created_by.eq(me).nullable();
                Some(Box::new(inside.and(own.or(documents::inspection_id.eq_any(mine)))))
            }
            _ => None,
        }
    };
    let scope = rights.of(Permission::DocumentRead);
    scope.reaches.iter().filter_map(seen_through).reduce(|one, other| Box::new(one.or(other)))
}

/// What the filter asks for, within sight; its ids are known to be in sight.
fn wanted(rights: &Rights, filter: &DocumentFilter) -> Option<Condition> {
    let mut all = sight(rights)?;
    macro_rules! and {
        ($condition:expr) => {
            all = Box::new(all.and($condition))
        };
    }
    if let Some(kind) = filter.kind {
        and!(documents::kind.eq(kind).nullable());
    }
    if let Some(org) = filter.org_id {
        and!(documents::org_id.eq(org).nullable());
    }
    if let Some(org) = filter.under {
        let below = org_closure::table.filter(org_closure::ancestor_id.eq(org)).select(org_closure::descendant_id);
        and!(documents::org_id.eq_any(below).nullable());
    }
    if let Some(inspection) = filter.inspection_id {
        and!(documents::inspection_id.eq(inspection));
    }
    if let Some(hazard) = filter.hazard_id {
        let told = document_hazards::table
            .filter(document_hazards::document_id.eq(documents::id))
            .filter(document_hazards::hazard_id.eq(hazard));
        and!(exists(told).nullable());
    }
    match filter.void {
        Some(true) => and!(documents::voided_at.is_not_null().nullable()),
        Some(false) => and!(documents::voided_at.is_null().nullable()),
        None => {}
    }
    Some(all)
}

/// A page of the documents in sight.
///
/// # Errors
/// 404 where the filter names what is out of sight.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<DocumentFilter>) -> Result<Page<DocumentSummary>, Problem> {
    let filter = &list.filter;
    for org in [filter.org_id, filter.under].into_iter().flatten() {
        rights.of(Permission::DocumentRead).org(conn, org)?;
    }
    if let Some(id) = filter.inspection_id {
        inspections::store::seen(conn, rights, id)?;
    }
    if let Some(id) = filter.hazard_id {
        hazards::store::read::one(conn, rights, id)?;
    }
    let Some(condition) = wanted(rights, filter) else {
        return list.page(Vec::new(), |row: &DocumentSummary| (row.created_at, row.id));
    };
    let query = documents::table.filter(condition).select(Row::as_select()).into_boxed::<MultiBackend>();
    let rows: Vec<Row> = keyset!(query, documents, list).load(conn)?;
    let counted = match (list.count, wanted(rights, filter)) {
        (true, Some(condition)) => {
            let found = documents::table.filter(condition).select(documents::id);
            let ids: Vec<Id> = found.limit(COUNT_LIMIT + 1).load(conn)?;
            i64::try_from(ids.len()).ok()
        }
        _ => None,
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    let data = summaries(conn, page.data)?;
    Ok(Page { data, page: page.page }.counted(counted))
}

fn summaries(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<DocumentSummary>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let told: Vec<(Id, Id)> = document_hazards::table
        .filter(document_hazards::document_id.eq_any(&ids))
        .order((document_hazards::document_id, document_hazards::position))
        .select((document_hazards::document_id, document_hazards::hazard_id))
        .load(conn)?;
    let later: Vec<(Option<Id>, Id)> = documents::table
        .filter(documents::supersedes.eq_any(ids.iter().copied().map(Some)))
        .filter(documents::voided_at.is_null())
        .select((documents::supersedes, documents::id))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| DocumentSummary {
            hazard_ids: told.iter().filter(|(document, _)| *document == row.id).map(|(_, hazard)| *hazard).collect(),
            superseded_by: later.iter().find(|(of, _)| *of == Some(row.id)).map(|(_, by)| *by),
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            bureau_id: row.bureau_id,
            org_id: row.org_id,
            r#type: row.kind,
            number: row.number,
            inspection_id: row.inspection_id,
            hazard_id: row.hazard_id,
            issued_by: row.created_by,
            content_sha256: row.content_sha256,
            supersedes: row.supersedes,
            voided_at: row.voided_at,
            voided_by: row.voided_by,
            void_reason: row.void_reason,
        })
        .collect())
}

/// A document as it is shown.
///
/// # Errors
/// 500 where what it says is not what was issued.
pub fn view(conn: &mut Conn, row: Row) -> Result<DocumentView, Problem> {
    let content = Content::thaw(&row.number, &row.content, &row.content_sha256)?;
    let after_issue = after_issue(conn, &row, &content)?;
    let summary = summaries(conn, vec![row])?.pop().ok_or_else(Problem::not_found)?;
    Ok(DocumentView { summary, content, after_issue })
}

/// The document, if the caller may see it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    let sight = sight(rights).ok_or_else(Problem::not_found)?;
    Ok(documents::table.filter(documents::id.eq(id)).filter(sight).select(Row::as_select()).first(conn)?)
}

/// The same, held against other writers until the end of the transaction.
///
/// # Errors
/// As [`one`].
pub fn one_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Option<Id> = documents::table.find(id).select(documents::id).for_update().first(postgres).optional()?;
    }
    one(conn, rights, id)
}

/// Those of these documents that the caller may see.
///
/// # Errors
/// Whatever the engine says.
pub fn among(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    let mut seen = Vec::new();
    // SQLite binds at most 32 766 values.
    for some in ids.chunks(1_000) {
        let Some(sight) = sight(rights) else { break };
        let found = documents::table.filter(documents::id.eq_any(some)).filter(sight).select(documents::id);
        seen.extend(found.load::<Id>(conn)?);
    }
    Ok(seen)
}

/// The document issued before with this id by this caller with this body about this subject.
///
/// # Errors
/// 409 where the id belongs to something else.
pub fn stored(
    conn: &mut Conn,
    id: Option<Id>,
    rights: &Rights,
    hash: &[u8],
    about: (Option<Id>, Option<Id>),
) -> Result<Option<DocumentView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<Row> = documents::table.find(id).select(Row::as_select()).first(conn).optional()?;
    match found {
        None => Ok(None),
        Some(row)
            if row.created_by == rights.user_id()
                && row.body_hash.as_deref() == Some(hash)
                && (row.inspection_id, row.hazard_id) == about =>
        {
            view(conn, row).map(Some)
        }
        Some(_) => Err(Problem::new(Code::IdReused)),
    }
}
