//! What the public reports, and what a reporter may ask.

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;

use super::contacts;
use super::row::{self, Row};
use crate::access::OrgRef;
use crate::access::scope::ORG_REF;
use crate::access::turnstile;
use crate::hazards::deadline::local_date;
use crate::hazards::status::Status;
use crate::hazards::store::read::zone;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{hazards, orgs, reports, sites};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::reports::compartment::{Compartment, Contact};
use crate::reports::rules;
use crate::reports::tracking::TrackingCode;
use crate::reports::words::{ReportKind, ReportProgress, ReportStatus};

/// What somebody without an account reports; its shape is checked already.
#[derive(Debug, Clone)]
pub struct PublicDraft {
    /// The client's own id.
    pub id: Option<Id>,
    /// Hash of the body it came in.
    pub body_hash: Vec<u8>,
    /// One of the ten.
    pub category: Option<String>,
    /// The second axis.
    pub domain: Option<String>,
    /// What is wrong, in a line.
    pub title: Option<String>,
    /// What is wrong, at length.
    pub description: String,
    /// When it was seen; now when absent.
    pub found_at: Option<Timestamp>,
    /// How to reach the reporter.
    pub contact: Option<Contact>,
}

/// The school of its own code (标识码), or of the code of a place in it, with that place.
///
/// # Errors
/// 422 where nothing has the code, or several schools of different bureaus have.
pub fn school(conn: &mut Conn, code: &str) -> Result<(OrgRef, Option<Id>), Problem> {
    let named: Vec<OrgRef> = orgs::table
        .filter(orgs::identifier.eq(code))
        .filter(orgs::kind.eq(OrgKind::School))
        .select(ORG_REF)
        .limit(2)
        .load(conn)?;
    let mut found: Vec<(OrgRef, Option<Id>)> = named.into_iter().map(|org| (org, None)).collect();
    if found.is_empty() {
        let places: Vec<(OrgRef, Id)> = sites::table
            .inner_join(orgs::table.on(orgs::id.eq(sites::org_id)))
            .filter(sites::code.eq(code))
            .filter(orgs::kind.eq(OrgKind::School))
            .select((ORG_REF, sites::id))
            .limit(2)
            .load(conn)?;
        found = places.into_iter().map(|(org, site)| (org, Some(site))).collect();
    }
    let fault = |code, zh, en| Problem::invalid(FieldError::new("/school_code", code, zh, en));
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => {
            Err(fault("ambiguous_school_code", "该编码不唯一，请使用学校标识码", "is the code of several places"))
        }
        (None, _) => Err(fault("unknown_school_code", "没有此学校或点位编码", "is the code of no school and no place")),
    }
}

/// The report, with the code to ask after it, where this is a repeat.
///
/// # Errors
/// 409 where the id is another's.
pub fn repeated(
    conn: &mut Conn,
    keys: &Compartment,
    draft: &PublicDraft,
) -> Result<Option<(Row, TrackingCode)>, Problem> {
    let Some(id) = draft.id else { return Ok(None) };
    let Some(row) = row::stored(conn, id)? else { return Ok(None) };
    let same = row.kind == ReportKind::Public
        && row
            .body_hash
            .as_ref()
            .is_some_and(|kept| keys.fingerprints(&draft.body_hash).is_ok_and(|all| all.contains(kept)));
    let code = keys.tracking_codes(id)?.into_iter().find(|code| row.tracking_hash == Some(code.hash()));
    match code.filter(|_| same) {
        Some(code) => Ok(Some((row, code))),
        None => Err(Problem::new(Code::IdReused)),
    }
}

/// Strangers must not fill the disk: so many reports to one bureau in a day.
fn within_the_day(tx: &mut Tx<'_>, bureau_id: Id, most: u32) -> Result<(), Problem> {
    if most == 0 {
        return Ok(());
    }
    let since = tx.now - TimeDelta::days(1);
    let oldest: Option<Timestamp> = reports::table
        .filter(reports::bureau_id.eq(bureau_id))
        .filter(reports::kind.eq(ReportKind::Public))
        .filter(reports::created_at.gt(since))
        .order((reports::created_at.desc(), reports::id.desc()))
        .offset(i64::from(most - 1))
        .select(reports::created_at)
        .first(tx.conn)
        .optional()?;
    oldest.map_or(Ok(()), |oldest| {
        let seconds = (oldest - since).num_seconds();
        Err(turnstile::refused(u64::try_from(seconds).unwrap_or(0).saturating_add(1)))
    })
}

/// Files what somebody without an account reports.
///
/// # Errors
/// 422 for an hour to come, 429 when the bureau has had enough for a day.
pub fn send(
    tx: &mut Tx<'_>,
    keys: &Compartment,
    (org, site_id): &(OrgRef, Option<Id>),
    draft: &PublicDraft,
    most: u32,
) -> Result<(Row, TrackingCode, Receipt), Problem> {
    let found_at = draft.found_at.unwrap_or(tx.now);
    if found_at > tx.now {
        let error = FieldError::new("/found_at", "in_the_future", "不得晚于现在", "must not lie in the future");
        return Err(Problem::invalid(error));
    }
    within_the_day(tx, org.bureau_id, most)?;
    let id = draft.id.unwrap_or_else(|| tx.new_id());
    let lost = || Problem::internal("no contact key");
    let code = keys.tracking_codes(id)?.first().copied().ok_or_else(lost)?;
    let row = Row {
        body_hash: Some(keys.fingerprints(&draft.body_hash)?.first().cloned().ok_or_else(lost)?),
        category: draft.category.clone(),
        domain: draft.domain.clone(),
        title: draft.title.clone(),
        site_id: *site_id,
        found_at,
        tracking_hash: Some(code.hash()),
        has_contact: draft.contact.is_some(),
        ..Row::waiting(id, ReportKind::Public, (org.bureau_id, org.id), &draft.description, tx.now)
    };
    let receipt = row::file(tx, &row)?;
    if let Some(contact) = &draft.contact {
        contacts::put(tx.conn, id, &keys.seal(id, contact, tx.ids)?)?;
    }
    Ok((row, code, receipt))
}

/// How far a report has come.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Where the report stands.
    pub status: ReportStatus,
    /// How far it, or what it became, has come.
    pub progress: ReportProgress,
    /// The day of the last change, in the bureau's zone.
    pub day: NaiveDate,
}

/// How far the report of a code has come.
///
/// # Errors
/// 404 for a code of nothing.
pub fn progress(conn: &mut Conn, code: TrackingCode) -> Result<Told, Problem> {
    let row: Row =
        reports::table.filter(reports::tracking_hash.eq(code.hash())).select(Row::as_select()).first(conn)?;
    let zone_name: String = orgs::table.find(row.bureau_id).select(orgs::time_zone).first(conn)?;
    let hazard: Option<(Status, Timestamp)> = match row.hazard_id.or(row.duplicate_of) {
        Some(id) => hazards::table.find(id).select((hazards::status, hazards::updated_at)).first(conn).optional()?,
        None => None,
    };
    let changed = hazard.map_or(row.updated_at, |(_, at)| at.max(row.updated_at));
    Ok(Told {
        status: row.status,
        progress: rules::progress(row.status, row.reviewed_at.is_some(), hazard.map(|(status, _)| status)),
        day: local_date(changed.utc(), zone(&zone_name)),
    })
}
