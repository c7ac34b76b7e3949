//! When a month may be written: the bureau's zone, its days of grace, and months opened for one school.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::OrgRef;
use crate::hazards::store::read;
use crate::months::rules::{Month, Phase};
use crate::platform::db::schema::{month_policies, month_unlocks, orgs};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{FieldError, Record};
use crate::platform::journal::Event;

/// A bureau's zone and days of grace.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The zone in which months end.
    pub zone: Tz,
    /// Days after its end that a month stays open.
    pub grace_days: u32,
}

impl Terms {
    /// Of one bureau.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of(conn: &mut Conn, bureau_id: Id) -> Result<Self, Problem> {
        let zone = read::zone_of(conn, bureau_id)?;
        Ok(Self { zone, grace_days: policy(conn, bureau_id)?.grace() })
    }

    /// Of several bureaus.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of_all(conn: &mut Conn, bureaus: &[Id]) -> Result<HashMap<Id, Self>, Problem> {
        let grace: Vec<(Id, i32)> = month_policies::table
            .filter(month_policies::bureau_id.eq_any(bureaus))
            .select((month_policies::bureau_id, month_policies::grace_days))
            .load(conn)?;
        let grace: HashMap<Id, i32> = grace.into_iter().collect();
        let days = |id: &Id| u32::try_from(grace.get(id).copied().unwrap_or(0)).unwrap_or(0);
        let zones = read::zones(conn, bureaus)?;
        Ok(zones.into_iter().map(|(id, zone)| (id, Self { zone, grace_days: days(&id) })).collect())
    }

    /// Where a month stands.
    #[must_use]
    pub fn phase(&self, month: Month, now: Timestamp) -> Phase {
        month.phase(now.utc(), self.zone, self.grace_days)
    }

    /// Until when a month may be written, given an opening; nothing where it may not.
    #[must_use]
    pub fn editable_until(&self, month: Month, now: Timestamp, unlocked: Option<Timestamp>) -> Option<Timestamp> {
        let locks: DateTime<Utc> = month.locks(self.zone, self.grace_days);
        let open = (self.phase(month, now) == Phase::Open).then(|| Timestamp::from(locks));
        open.max(unlocked.filter(|until| *until > now))
    }
}

/// Where a school stands that wants to write a month now: whether only an opening lets it.
///
/// # Errors
/// 409 where the month is locked; whatever the engine says.
pub fn late(conn: &mut Conn, terms: Terms, org_id: Id, month: Month, now: Timestamp) -> Result<bool, Problem> {
    if terms.phase(month, now) == Phase::Open {
        return Ok(false);
    }
    let until = unlocks(conn, &[org_id], now)?.get(&(org_id, month.to_string())).copied();
    match until {
        Some(_) => Ok(true),
        None => Err(Problem::new(Code::MonthLocked).detail(
            format!("{month} 已锁定，可请教育局安全科限时开放"),
            format!("{month} is locked; the safety office can open it for a while"),
        )),
    }
}

/// Openings of these schools that hold now: (school, month) → until.
///
/// # Errors
/// Whatever the engine says.
pub fn unlocks(conn: &mut Conn, schools: &[Id], now: Timestamp) -> Result<HashMap<(Id, String), Timestamp>, Problem> {
    use month_unlocks as u;
    let rows: Vec<(Id, String, Timestamp)> = u::table
        .filter(u::org_id.eq_any(schools))
        .filter(u::until_at.gt(now))
        .select((u::org_id, u::month, u::until_at))
        .load(conn)?;
    Ok(rows.into_iter().map(|(org_id, month, until)| ((org_id, month), until)).collect())
}

/// A locked month of a school, opened for a while.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, Serialize, ToSchema)]
#[diesel(table_name = month_unlocks)]
pub struct MonthUnlock {
    /// The school.
    pub org_id: Id,
    /// The month.
    #[schema(value_type = Month)]
    pub month: String,
    /// Counts the openings of this month for this school.
    pub version: i64,
    /// When it was first opened.
    pub created_at: Timestamp,
    /// When it was last opened.
    pub updated_at: Timestamp,
    /// The bureau.
    #[serde(skip)]
    pub bureau_id: Id,
    /// Who opened it.
    pub unlocked_by: Id,
    /// Until when.
    #[serde(rename = "until")]
    pub until_at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Record for MonthUnlock {
    fn version(&self) -> i64 {
        self.version
    }
}

/// On PostgreSQL two that decide about the same organisation go one after the other: the second finds the row of the
/// first, counts on from its version, and neither inserts it twice.
fn one_at_a_time(conn: &mut Conn, org_id: Id) -> Result<(), Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Option<Id> = orgs::table.find(org_id).select(orgs::id).for_no_key_update().first(postgres).optional()?;
    }
    Ok(())
}

/// Opens a locked month of a school until an instant; what was opened before is replaced.
///
/// # Errors
/// 409 where the month is still open, 422 where it has not begun; whatever the engine says.
pub fn unlock(
    tx: &mut Tx<'_>,
    school: &OrgRef,
    month: Month,
    until_at: Timestamp,
    reason: &str,
) -> Result<(MonthUnlock, Receipt), Problem> {
    use month_unlocks as u;
    let terms = Terms::of(tx.conn, school.bureau_id)?;
    match terms.phase(month, tx.now) {
        Phase::Locked => {}
        Phase::Open => return Err(Problem::new(Code::MonthOpen)),
        Phase::Future => {
            return Err(Problem::invalid(FieldError::new(
                "/month",
                "in_the_future",
                "该月份尚未开始",
                "has not begun",
            )));
        }
    }
    one_at_a_time(tx.conn, school.id)?;
    let place = u::table.find((school.id, month.to_string()));
    let before: Option<MonthUnlock> = place.clone().select(MonthUnlock::as_select()).first(tx.conn).optional()?;
    let after = MonthUnlock {
        org_id: school.id,
        month: month.to_string(),
        version: before.as_ref().map_or(1, |before| before.version + 1),
        created_at: before.as_ref().map_or(tx.now, |before| before.created_at),
        updated_at: tx.now,
        bureau_id: school.bureau_id,
        unlocked_by: tx.actor()?,
        until_at,
        reason: reason.to_owned(),
    };
    if before.is_some() {
        diesel::update(place)
            .set((
                (u::version.eq(after.version), u::updated_at.eq(after.updated_at)),
                (u::unlocked_by.eq(after.unlocked_by), u::until_at.eq(until_at), u::reason.eq(reason)),
            ))
            .execute(tx.conn)?;
    } else {
        diesel::insert_into(u::table).values(&after).execute(tx.conn)?;
    }
    let set = json!({ "month": month, "until": until_at, "reason": reason });
    let event = Event::of("month", school.id, "unlock").at(school.bureau_id, school.id);
    let receipt = tx.record(event.with(json!({ "set": set })))?;
    Ok((after, receipt))
}

/// How long a month stays open after its end.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MonthPolicy {
    /// The bureau.
    pub bureau_id: Id,
    /// Counts the changes; 0 while nobody has set it.
    pub version: i64,
    /// When the bureau first set it.
    #[schema(required)]
    pub created_at: Option<Timestamp>,
    /// When the bureau last set it.
    #[schema(required)]
    pub updated_at: Option<Timestamp>,
    /// Days after its end on which a month may still be written; 0 unless the bureau says more.
    #[schema(minimum = 0, maximum = 15)]
    pub grace_days: i32,
}

impl MonthPolicy {
    fn grace(&self) -> u32 {
        u32::try_from(self.grace_days).unwrap_or(0)
    }
}

impl Record for MonthPolicy {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The policy of a bureau.
///
/// # Errors
/// Whatever the engine says.
pub fn policy(conn: &mut Conn, bureau_id: Id) -> Result<MonthPolicy, Problem> {
    use month_policies as p;
    let found: Option<(i64, Timestamp, Timestamp, i32)> = p::table
        .find(bureau_id)
        .select((p::version, p::created_at, p::updated_at, p::grace_days))
        .first(conn)
        .optional()?;
    let none = MonthPolicy { bureau_id, version: 0, created_at: None, updated_at: None, grace_days: 0 };
    Ok(found.map_or(none, |(version, created, updated, grace_days)| MonthPolicy {
        bureau_id,
        version,
        created_at: Some(created),
        updated_at: Some(updated),
        grace_days,
    }))
}

/// Sets the days of grace of a bureau.
///
/// # Errors
/// Whatever the engine says.
pub fn put_policy(tx: &mut Tx<'_>, bureau_id: Id, grace_days: i32) -> Result<(MonthPolicy, Receipt), Problem> {
    use month_policies as p;
    one_at_a_time(tx.conn, bureau_id)?;
    let before = policy(tx.conn, bureau_id)?;
    let version = before.version + 1;
    let set = (p::version.eq(version), p::updated_at.eq(tx.now), p::grace_days.eq(grace_days));
    if before.version == 0 {
        let new = (p::bureau_id.eq(bureau_id), p::created_at.eq(tx.now), set);
        diesel::insert_into(p::table).values(new).execute(tx.conn)?;
    } else {
        diesel::update(p::table.find(bureau_id)).set(set).execute(tx.conn)?;
    }
    let event = Event::of("month_policy", bureau_id, "put").at(bureau_id, bureau_id);
    let receipt = tx.record(event.with(json!({ "set": { "grace_days": grace_days } })))?;
    let created_at = before.created_at.or(Some(tx.now));
    Ok((MonthPolicy { bureau_id, version, created_at, updated_at: Some(tx.now), grace_days }, receipt))
}
