//! The row of a recusal, what is shown of it, its beginning and its end.

use chrono::NaiveDate;
use diesel::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::scope::OrgRef;
use crate::access::{Limit, Permission, Rights};
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::{zone, zone_of, zones};
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{memberships, recusal_overrides, recusals, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{FieldError, List, Page, Record};
use crate::platform::journal::{Event, Stream};
use crate::recusals::bodies::{EndRecusal, NewRecusal, RecusalFilter};
use crate::recusals::rules::Relation;
use crate::{in_reach, keyset};

/// A recusal as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = recusals)]
#[expect(missing_docs, reason = "the columns are explained in the migrations")]
pub struct RecusalRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub bureau_id: Id,
    pub org_id: Id,
    pub inspector_id: Id,
    pub relation: Relation,
    pub note: Option<String>,
    pub until: Option<NaiveDate>,
    pub ended_at: Option<Timestamp>,
    pub ended_by: Option<Id>,
    pub end_reason: Option<String>,
}

/// An exception of a recusal.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = recusal_overrides)]
#[schema(as = RecusalOverride)]
pub struct OverrideView {
    /// Of the override.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who asked.
    #[diesel(column_name = created_by)]
    pub asked_by: Id,
    /// Of which recusal.
    pub recusal_id: Id,
    /// For which inspection; with neither this nor a day it serves the next one, which is then put down here.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// Through which day.
    #[schema(required)]
    pub until: Option<NaiveDate>,
    /// Why.
    pub reason: String,
    /// When it was approved; without effect until then.
    #[schema(required)]
    pub approved_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub approved_by: Option<Id>,
}

/// A recusal as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Recusal)]
pub struct RecusalView {
    /// Of the recusal.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who entered it.
    pub created_by: Id,
    /// The bureau.
    pub bureau_id: Id,
    /// The school.
    pub org_id: Id,
    /// Who must not inspect it.
    pub inspector_id: Id,
    /// Why.
    pub relation: Relation,
    /// In more words.
    #[schema(required)]
    pub note: Option<String>,
    /// Through which day; for good where null.
    #[schema(required)]
    pub until: Option<NaiveDate>,
    /// Whether it stands today.
    pub standing: bool,
    /// When it was ended.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub ended_by: Option<Id>,
    /// Why.
    #[schema(required)]
    pub end_reason: Option<String>,
    /// Exceptions, oldest first.
    pub overrides: Vec<OverrideView>,
}

impl Record for RecusalView {
    fn version(&self) -> i64 {
        self.version
    }
}

type Condition = Box<dyn BoxableExpression<recusals::table, MultiBackend, SqlType = Bool>>;

/// The recusals in sight: the bureau's officers see all of theirs, others their own.
fn sight(rights: &Rights) -> Condition {
    let user = rights.user_id();
    let mut all: Condition = Box::new(recusals::id.ne(recusals::id));
    for reach in &rights.of(Permission::RecusalRead).reaches {
        let within = in_reach!(recusals, reach);
        all = match reach.limit {
            Limit::Full => Box::new(all.or(within)),
            // Whoever has moved to another area still sees the own declaration.
            Limit::Own => {
                Box::new(all.or(recusals::bureau_id.eq(reach.bureau_id).and(recusals::inspector_id.eq(user))))
            }
            _ => all,
        };
    }
    all
}

/// What the filter asks for, within sight.
fn wanted(conn: &mut Conn, rights: &Rights, filter: &RecusalFilter) -> Result<Condition, Problem> {
    let mut all = sight(rights);
    if let Some(org_id) = filter.org_id {
        all = Box::new(all.and(recusals::org_id.eq(org_id)));
    }
    if let Some(inspector_id) = filter.inspector_id {
        all = Box::new(all.and(recusals::inspector_id.eq(inspector_id)));
    }
    if let Some(standing) = filter.standing {
        // Days of the first bureau's zone: a caller of several bureaus lists across them rarely.
        let bureau = rights.scope().own_bureau().ok_or_else(Problem::not_found)?;
        let today = local_date(rights.now.utc(), zone_of(conn, bureau)?);
        let in_time = recusals::until.is_null().or(recusals::until.assume_not_null().ge(today));
        all = if standing {
            Box::new(all.and(recusals::ended_at.is_null().and(in_time)))
        } else {
            Box::new(all.and(diesel::dsl::not(recusals::ended_at.is_null().and(in_time))))
        };
    }
    Ok(all)
}

/// A page of the recusals in sight.
///
/// # Errors
/// 404 for a school out of sight.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<RecusalFilter>) -> Result<Page<RecusalView>, Problem> {
    if let Some(org_id) = list.filter.org_id {
        rights.scope().org(conn, org_id)?;
    }
    let counted = if list.count {
        let found = recusals::table.filter(wanted(conn, rights, &list.filter)?).select(recusals::id);
        let ids: Vec<Id> = found.limit(COUNT_LIMIT + 1).load(conn)?;
        Some(i64::try_from(ids.len()).unwrap_or(i64::MAX))
    } else {
        None
    };
    let query = recusals::table
        .filter(wanted(conn, rights, &list.filter)?)
        .select(RecusalRow::as_select())
        .into_boxed::<MultiBackend>();
    let rows: Vec<RecusalRow> = keyset!(query, recusals, list).load(conn)?;
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    let data = views(conn, page.data, rights.now)?;
    Ok(Page { data, page: page.page }.counted(counted))
}

fn views(conn: &mut Conn, rows: Vec<RecusalRow>, now: Timestamp) -> Result<Vec<RecusalView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let overrides: Vec<OverrideView> = recusal_overrides::table
        .filter(recusal_overrides::recusal_id.eq_any(ids))
        .order((recusal_overrides::created_at, recusal_overrides::id))
        .select(OverrideView::as_select())
        .load(conn)?;
    let mut bureaus: Vec<Id> = rows.iter().map(|row| row.bureau_id).collect();
    bureaus.sort_unstable();
    bureaus.dedup();
    let zones = zones(conn, &bureaus)?;
    let shown = |row: RecusalRow| {
        let zone = zones.get(&row.bureau_id).copied().unwrap_or(chrono_tz::Asia::Shanghai);
        let today = local_date(now.utc(), zone);
        RecusalView {
            standing: row.ended_at.is_none() && row.until.is_none_or(|until| today <= until),
            overrides: overrides.iter().filter(|one| one.recusal_id == row.id).cloned().collect(),
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
            bureau_id: row.bureau_id,
            org_id: row.org_id,
            inspector_id: row.inspector_id,
            relation: row.relation,
            note: row.note,
            until: row.until,
            ended_at: row.ended_at,
            ended_by: row.ended_by,
            end_reason: row.end_reason,
        }
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// One recusal as it is shown, read anew.
///
/// # Errors
/// 404 where there is none.
pub fn view(conn: &mut Conn, id: Id, now: Timestamp) -> Result<RecusalView, Problem> {
    let row: RecusalRow = recusals::table.find(id).select(RecusalRow::as_select()).first(conn)?;
    views(conn, vec![row], now)?.pop().ok_or_else(Problem::not_found)
}

/// One recusal in sight.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one(conn: &mut Conn, rights: &Rights, id: Id) -> Result<RecusalRow, Problem> {
    Ok(recusals::table.find(id).filter(sight(rights)).select(RecusalRow::as_select()).first(conn)?)
}

/// The same, held against other writers until the end of the transaction.
///
/// # Errors
/// As [`one`].
pub fn one_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<RecusalRow, Problem> {
    // SQLite has one writer; there the transaction itself holds.
    if let Conn::Postgres(pg) = conn {
        recusals::table.find(id).select(recusals::id).for_update().first::<Id>(pg)?;
    }
    one(conn, rights, id)
}

/// The recusal already entered with this id by this caller with this body.
///
/// # Errors
/// 409 where the id belongs to something else.
pub fn stored(conn: &mut Conn, id: Option<Id>, rights: &Rights, hash: &[u8]) -> Result<Option<RecusalView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<(Id, Option<Vec<u8>>)> =
        recusals::table.find(id).select((recusals::created_by, recusals::body_hash)).first(conn).optional()?;
    match found {
        None => Ok(None),
        Some((by, kept)) if by == rights.user_id() && kept.as_deref() == Some(hash) => {
            view(conn, id, rights.now).map(Some)
        }
        Some(_) => Err(Problem::new(Code::IdReused)),
    }
}

/// Enters that somebody must not inspect a school which the caller is known to reach.
///
/// # Errors
/// 403 for another person's where only the own is the caller's to declare; 404 for somebody the bureau does not know;
/// 422 where it is no school or the day has passed.
pub fn create(
    tx: &mut Tx<'_>,
    rights: &Rights,
    org: &OrgRef,
    new: &NewRecusal,
    hash: &[u8],
) -> Result<(Receipt, RecusalView), Problem> {
    let scope = rights.of(Permission::RecusalManage);
    let own = new.inspector_id == rights.user_id();
    let known: Option<Id> = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::user_id.eq(new.inspector_id))
        .filter(memberships::bureau_id.eq(org.bureau_id))
        .filter(memberships::ended_at.is_null())
        .select(memberships::user_id)
        .first(tx.conn)
        .optional()?;
    if known.is_none() {
        return Err(Problem::not_found());
    }
    if !scope.reaches_to(tx.conn, org)?.iter().any(|reach| reach.limit == Limit::Full || own) {
        return Err(Problem::new(Code::Forbidden));
    }
    let mut faults = Vec::new();
    if org.kind != OrgKind::School {
        faults.push(FieldError::new("/org_id", "not_a_school", "只能对学校回避", "must be a school"));
    }
    let today = local_date(tx.now.utc(), zone(&org.time_zone));
    if new.until.is_some_and(|until| until < today) {
        faults.push(FieldError::new("/until", "in_the_past", "日期已过", "has passed"));
    }
    if !faults.is_empty() {
        return Err(Problem::new(Code::ValidationFailed).errors(faults));
    }
    let id = new.id.unwrap_or_else(|| tx.new_id());
    diesel::insert_into(recusals::table)
        .values((
            (recusals::id.eq(id), recusals::version.eq(1_i64), recusals::created_at.eq(tx.now)),
            (recusals::updated_at.eq(tx.now), recusals::created_by.eq(rights.user_id())),
            (recusals::body_hash.eq(hash.to_vec()), recusals::bureau_id.eq(org.bureau_id)),
            (recusals::org_id.eq(org.id), recusals::inspector_id.eq(new.inspector_id)),
            (recusals::relation.eq(new.relation), recusals::until.eq(new.until)),
            recusals::note.eq(new.note.as_deref().map(str::trim)),
        ))
        .execute(tx.conn)?;
    // Of what kind the tie is, is the person's own matter; the row keeps it.
    let payload = json!({"inspector_id": new.inspector_id, "org_id": org.id, "until": new.until});
    finish(tx, org.bureau_id, id, "declared", payload)
}

/// Ends a recusal. Nobody ends the own one: whoever wants to go there again asks somebody else.
///
/// # Errors
/// 403 where only declaring is the caller's; 409 where it has ended, or for the person concerned.
pub fn end(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &RecusalRow,
    body: &EndRecusal,
) -> Result<(Receipt, RecusalView), Problem> {
    let mut errors = Vec::new();
    if row.ended_at.is_some() {
        errors.push(FieldError::new("", "wrong_state", "该回避已解除", "it has ended already"));
    }
    if row.inspector_id == rights.user_id() {
        errors.push(FieldError::new("", "same_person", "不得解除本人的回避", "nobody ends the own recusal"));
    }
    if !errors.is_empty() {
        return Err(Problem::new(Code::StateConflict).errors(errors));
    }
    diesel::update(recusals::table.find(row.id))
        .set((
            recusals::version.eq(row.version + 1),
            recusals::updated_at.eq(tx.now),
            recusals::ended_at.eq(tx.now),
            recusals::ended_by.eq(rights.user_id()),
            recusals::end_reason.eq(body.reason.trim()),
        ))
        .execute(tx.conn)?;
    finish(tx, row.bureau_id, row.id, "ended", json!({"reason": body.reason.trim()}))
}

/// Ends a change: the record as it is now, with its journal entry, which is the bureau's own.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    bureau_id: Id,
    id: Id,
    action: &'static str,
    payload: Value,
) -> Result<(Receipt, RecusalView), Problem> {
    let event = Event::of("recusal", id, action).at(bureau_id, bureau_id).stream(Stream::Bureau).with(payload);
    let receipt = tx.record(event)?;
    Ok((receipt, view(tx.conn, id, tx.now)?))
}
