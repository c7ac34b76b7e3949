//! Delegated signing: the principal of a school lets its safety officer sign records of inspection, in writing, from day
//! to day, until it is revoked. It ends by itself with the office of either of the two.

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::scope::OrgRef;
use crate::access::{Limit, Permission, Rights, Role, Scope};
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::zone;
use crate::keyset;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{memberships, signing_delegations, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Check, Faults, FieldError, List, Page, Record};
use crate::platform::journal::Event;

/// Longest delegation, in days: a school year.
const MOST_DAYS: i64 = 366;

/// A delegation to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSigningDelegation {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// The safety officer of the school who may sign.
    pub user_id: Id,
    /// From this day, in the bureau's zone.
    pub from: NaiveDate,
    /// Through this day; at most 366 days.
    pub until: NaiveDate,
    /// What the paper says, at most 500 characters.
    pub note: Option<String>,
}

impl Check for NewSigningDelegation {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/note", self.note.as_deref(), 500);
        for (at, day) in [("/from", self.from), ("/until", self.until)] {
            faults.range(at, &day.year(), &2000, &2100);
        }
        if self.until < self.from {
            faults.say("/until", "before_start", "不得早于开始日", "must not lie before its start");
        } else if (self.until - self.from).num_days() >= MOST_DAYS {
            faults.say("/until", "too_long", "委托期限不得超过一年", "must not last longer than 366 days");
        }
    }
}

/// A delegation as it is shown.
#[derive(Debug, Clone, Queryable, Serialize, ToSchema)]
#[schema(as = SigningDelegation)]
pub struct DelegationView {
    /// Of the delegation.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The principal who delegates.
    pub created_by: Id,
    /// The school.
    pub org_id: Id,
    /// Who may sign.
    pub user_id: Id,
    /// From this day.
    pub from: NaiveDate,
    /// Through this day.
    pub until: NaiveDate,
    /// What the paper says.
    #[schema(required)]
    pub note: Option<String>,
    /// When it was revoked.
    #[schema(required)]
    pub revoked_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub revoked_by: Option<Id>,
}

impl Record for DelegationView {
    fn version(&self) -> i64 {
        self.version
    }
}

use signing_delegations as d;

type Columns = (
    d::id,
    d::version,
    d::created_at,
    d::updated_at,
    d::created_by,
    d::org_id,
    d::user_id,
    d::valid_from,
    d::valid_to,
    d::note,
    d::revoked_at,
    d::revoked_by,
);
const COLUMNS: Columns = (
    d::id,
    d::version,
    d::created_at,
    d::updated_at,
    d::created_by,
    d::org_id,
    d::user_id,
    d::valid_from,
    d::valid_to,
    d::note,
    d::revoked_at,
    d::revoked_by,
);

/// Whether somebody holds a role in a school now.
fn holds(conn: &mut Conn, org_id: Id, user_id: Id, role: Role, now: Timestamp) -> Result<bool, Problem> {
    let count: i64 = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::user_id.eq(user_id))
        .filter(memberships::org_id.eq(org_id))
        .filter(memberships::role.eq(role))
        .filter(memberships::ended_at.is_null())
        .filter(memberships::valid_from.le(now))
        .filter(memberships::valid_to.is_null().nullable().or(memberships::valid_to.gt(now)))
        .filter(users::disabled_at.is_null())
        .count()
        .get_result(conn)?;
    Ok(count > 0)
}

/// The delegation by which somebody may sign for a school now; nothing where there is none, where it was revoked, or
/// where whoever gave it is not the principal any more.
///
/// # Errors
/// Whatever the engine says.
pub fn in_force(conn: &mut Conn, org: &OrgRef, user_id: Id, now: Timestamp) -> Result<Option<Id>, Problem> {
    let today = local_date(now.utc(), zone(&org.time_zone));
    let found: Vec<(Id, Id)> = d::table
        .filter(d::org_id.eq(org.id))
        .filter(d::user_id.eq(user_id))
        .filter(d::revoked_at.is_null())
        .filter(d::valid_from.le(today))
        .filter(d::valid_to.ge(today))
        .order((d::created_at, d::id))
        .select((d::id, d::created_by))
        .load(conn)?;
    for (id, by) in found {
        if holds(conn, org.id, by, Role::Principal, now)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The school, if the caller's right reaches it; `whole`: as its principal.
///
/// # Errors
/// 404 where it is out of sight, 403 where another right than the caller's is needed, 422 where it is no school.
pub fn delegating_school(conn: &mut Conn, scope: &Scope, org_id: Id, whole: bool) -> Result<OrgRef, Problem> {
    let org = scope.org(conn, org_id)?;
    if whole && !scope.reaches_to(conn, &org)?.iter().any(|reach| reach.limit == Limit::Full) {
        return Err(Problem::new(Code::Forbidden));
    }
    Ok(org)
}

/// A page of the delegations of a school in scope, newest first.
///
/// # Errors
/// Whatever the engine says.
pub fn delegations<F>(conn: &mut Conn, org: &OrgRef, list: &List<F>) -> Result<Page<DelegationView>, Problem> {
    let query = d::table.filter(d::org_id.eq(org.id)).select(COLUMNS).into_boxed::<MultiBackend>();
    let rows: Vec<DelegationView> = keyset!(query, signing_delegations, list).load(conn)?;
    let counted = if list.count { Some(d::table.filter(d::org_id.eq(org.id)).count().get_result(conn)?) } else { None };
    Ok(list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
}

/// The delegation already made with this id by this caller with this body.
///
/// # Errors
/// 409 where the id belongs to something else.
pub fn delegated_before(
    conn: &mut Conn,
    rights: &Rights,
    id: Option<Id>,
    hash: &[u8],
) -> Result<Option<DelegationView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<(DelegationView, Option<Vec<u8>>)> =
        d::table.find(id).select((COLUMNS, d::body_hash)).first(conn).optional()?;
    match found {
        None => Ok(None),
        Some((view, kept)) if view.created_by == rights.user_id() && kept.as_deref() == Some(hash) => Ok(Some(view)),
        Some(_) => Err(Problem::new(Code::IdReused)),
    }
}

/// Delegates. `org` is a school whose principal the caller is.
///
/// # Errors
/// 404 for somebody the school does not know, 422 for who is not its safety officer and for days that are over.
pub fn delegate(
    tx: &mut Tx<'_>,
    rights: &Rights,
    org: &OrgRef,
    new: &NewSigningDelegation,
    hash: &[u8],
) -> Result<(Receipt, DelegationView), Problem> {
    let known: i64 = memberships::table
        .filter(memberships::user_id.eq(new.user_id))
        .filter(memberships::org_id.eq(org.id))
        .filter(memberships::ended_at.is_null())
        .count()
        .get_result(tx.conn)?;
    if known == 0 {
        return Err(Problem::not_found());
    }
    let mut faults = Faults::default();
    if org.kind != OrgKind::School || !holds(tx.conn, org.id, new.user_id, Role::SchoolSafetyOfficer, tx.now)? {
        faults.say("/user_id", "not_eligible", "须为本校安全员", "must be the school's safety officer");
    }
    if new.until < local_date(tx.now.utc(), zone(&org.time_zone)) {
        faults.say("/until", "in_the_past", "不得早于今天", "must not lie in the past");
    }
    faults.finish()?;
    let id = new.id.unwrap_or_else(|| tx.new_id());
    diesel::insert_into(d::table)
        .values((
            (d::id.eq(id), d::version.eq(1_i64), d::created_at.eq(tx.now), d::updated_at.eq(tx.now)),
            (d::created_by.eq(rights.user_id()), d::body_hash.eq(hash.to_vec())),
            (d::bureau_id.eq(org.bureau_id), d::org_id.eq(org.id), d::user_id.eq(new.user_id)),
            (d::valid_from.eq(new.from), d::valid_to.eq(new.until)),
            d::note.eq(new.note.as_deref().map(str::trim)),
        ))
        .execute(tx.conn)?;
    let view: DelegationView = d::table.find(id).select(COLUMNS).first(tx.conn)?;
    let event = Event::of("signing_delegation", id, "created").at(org.bureau_id, org.id);
    let facts = json!({"user_id": new.user_id, "from": new.from, "until": new.until});
    Ok((tx.record(event.with(facts))?, view))
}

/// A delegation of a school whose principal the caller is, held against other writers.
///
/// # Errors
/// 404 where it is absent or out of scope, 403 where the caller sees it and is not the principal.
pub fn delegation_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<(OrgRef, DelegationView), Problem> {
    let scope = rights.of(Permission::InspectionAcknowledge);
    let org_id: Id = d::table.find(id).select(d::org_id).first(conn)?;
    let org = delegating_school(conn, &scope, org_id, true)?;
    if let Conn::Postgres(pg) = conn {
        d::table.find(id).select(d::id).for_update().first::<Id>(pg)?;
    }
    let view = d::table.find(id).select(COLUMNS).first(conn)?;
    Ok((org, view))
}

/// Revokes it from now on; what was signed by it stays signed.
///
/// # Errors
/// 409 where it was revoked before.
pub fn revoke(
    tx: &mut Tx<'_>,
    rights: &Rights,
    org: &OrgRef,
    view: &DelegationView,
) -> Result<(Receipt, DelegationView), Problem> {
    if view.revoked_at.is_some() {
        let error = FieldError::new("", "wrong_state", "该委托已撤销", "it was revoked already");
        let current = json!({"id": view.id, "version": view.version, "revoked_at": view.revoked_at});
        return Err(Problem::new(Code::TransitionNotAllowed).errors(vec![error]).current(current));
    }
    diesel::update(d::table.find(view.id))
        .set((
            d::version.eq(view.version + 1),
            d::updated_at.eq(tx.now),
            d::revoked_at.eq(tx.now),
            d::revoked_by.eq(rights.user_id()),
        ))
        .execute(tx.conn)?;
    let after: DelegationView = d::table.find(view.id).select(COLUMNS).first(tx.conn)?;
    let event = Event::of("signing_delegation", view.id, "revoked").at(org.bureau_id, org.id);
    Ok((tx.record(event.with(json!({"user_id": view.user_id})))?, after))
}
