//! Registering hazards: from a report, or from the failed items of an inspection. There is no second way in.

use chrono::Datelike;
use diesel::prelude::*;
use serde_json::json;

use super::read::zone;
use super::recurrence;
use super::row::{Round, Row, ids};
use crate::access::OrgRef;
use crate::hazards::marks::Marks;
use crate::hazards::rules;
use crate::hazards::status::{ClosedKind, Level, Source, Status};
use crate::hazards::{deadline, number};
use crate::notices::occasions;
use crate::on_conn;
use crate::platform::db::schema::{hazard_rounds, hazards, orgs, serials};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::Event;
use crate::statistics::counters;

/// A finding that becomes a hazard.
#[derive(Debug, Clone)]
pub struct NewHazard {
    /// Its id; the client's own where it made one.
    pub id: Id,
    /// Hash of the body it came in, where a client may repeat it.
    pub body_hash: Option<Vec<u8>>,
    /// One of the ten.
    pub category: String,
    /// The second axis.
    pub domain: String,
    /// What is wrong, in a line.
    pub title: String,
    /// What is wrong, at length.
    pub description: String,
    /// Where in the school.
    pub site_id: Option<Id>,
    /// The clause.
    pub basis: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// The item's own level; general without an item.
    pub default_level: Level,
    /// The finder's proposal.
    pub proposed_level: Option<Level>,
    /// Found by the school's side: it may raise the item's level, never lower it.
    pub by_school: bool,
    /// The bureau is told at once, whatever the level.
    pub escalate: bool,
    /// When it was found.
    pub found_at: Timestamp,
    /// Who found it.
    pub reported_by: Id,
    /// In which inspection.
    pub inspection_id: Option<Id>,
    /// At which item.
    pub item_code: Option<String>,
    /// Claims of evidence; those of before, where it was fixed on the spot.
    pub evidence_ids: Doc,
    /// The closed hazard that has come back.
    pub recurrence_of: Option<Id>,
    /// Fixed during the visit.
    pub on_spot: Option<OnSpot>,
}

/// What putting it right on the spot leaves behind (立查立改).
#[derive(Debug, Clone)]
pub struct OnSpot {
    /// What was done.
    pub measures_taken: String,
    /// Who did it; not who recorded it.
    pub fixed_by: Id,
    /// Claims of evidence of afterwards.
    pub after_evidence_ids: Doc,
}

/// Registers findings of one school: numbers without gaps, counters, journal. The caller has checked rights and that
/// every id named is the school's.
///
/// Locks are taken in one order everywhere: entities, then counters, the number last; so findings of one submission
/// come together.
///
/// # Errors
/// 422 where something cannot be closed on the spot; whatever the engine says.
pub fn register(tx: &mut Tx<'_>, org: &OrgRef, found: Vec<NewHazard>) -> Result<(Vec<Row>, Option<Receipt>), Problem> {
    let (zone_name, region): (String, Option<String>) =
        orgs::table.find(org.bureau_id).select((orgs::time_zone, orgs::region_code)).first(tx.conn)?;
    let region = region.ok_or_else(|| Problem::internal("a bureau without region code"))?;
    let zone = zone(&zone_name);
    let year = deadline::local_date(tx.now.utc(), zone).year();
    let mut rows = Vec::with_capacity(found.len());
    let mut spots = Vec::new();
    for one in found {
        if let Some(spot) = &one.on_spot {
            spots.push((one.id, spot.clone()));
        }
        rows.push(row(one, org, tx.now)?);
    }
    if rows.is_empty() {
        return Ok((rows, None));
    }
    recurrence::propose(tx.conn, org.id, &mut rows)?;
    let contributions: Vec<_> = rows.iter().map(|row| row.contribution(zone)).collect();
    counters::add_all(tx, &contributions)?;
    let count = i64::try_from(rows.len()).map_err(Problem::internal)?;
    let last = take_numbers(tx, org.bureau_id, "hazard", year, count)?;
    let mut receipt = None;
    for (serial, row) in (last - count + 1..).zip(&mut rows) {
        row.number = number::format(&region, year, serial);
        diesel::insert_into(hazards::table).values(&*row).execute(tx.conn)?;
        receipt = Some(tx.record(registered(row))?);
    }
    for (id, spot) in spots {
        if let Some(row) = rows.iter().find(|row| row.id == id) {
            diesel::insert_into(hazard_rounds::table).values(fixed(row, spot)).execute(tx.conn)?;
        }
    }
    occasions::hazards_registered(tx, &rows)?;
    Ok((rows, receipt))
}

/// The next `count` serials of a bureau, series and year; answers the last of them. The row stays locked until the
/// commit.
pub(crate) fn take_numbers(
    tx: &mut Tx<'_>,
    bureau_id: Id,
    series: &str,
    year: i32,
    count: i64,
) -> Result<i64, Problem> {
    let row =
        (serials::bureau_id.eq(bureau_id), serials::series.eq(series), serials::year.eq(year), serials::last.eq(count));
    Ok(on_conn!(tx.conn, conn => diesel::insert_into(serials::table)
        .values(row)
        .on_conflict((serials::bureau_id, serials::series, serials::year))
        .do_update()
        .set(serials::last.eq(serials::last + count))
        .returning(serials::last)
        .get_result(conn)?))
}

fn row(new: NewHazard, org: &OrgRef, now: Timestamp) -> Result<Row, Problem> {
    let (level, proposed_level) = rules::graded(new.default_level, new.proposed_level, new.by_school);
    let spot = new.on_spot.as_ref();
    if let Some(spot) = spot {
        let refusals = rules::on_spot_refusals(proposed_level, new.source, new.reported_by.0, spot.fixed_by.0);
        if !refusals.is_empty() {
            let errors = refusals.into_iter().map(|refusal| {
                let (zh, en) = super::transition::words(refusal);
                FieldError::new("/on_the_spot", refusal.as_str(), zh, en)
            });
            return Err(Problem::new(Code::ValidationFailed).errors(errors.collect()));
        }
    }
    let at_once = spot.map(|_| now);
    Ok(Row {
        id: new.id,
        version: 1,
        created_at: now,
        updated_at: now,
        created_by: Some(new.reported_by),
        body_hash: new.body_hash,
        bureau_id: org.bureau_id,
        org_id: org.id,
        site_id: new.site_id,
        number: String::new(),
        status: if spot.is_some() { Status::Closed } else { Status::Registered },
        level,
        proposed_level,
        level_decided_by: None,
        category: new.category,
        domain: new.domain,
        title: new.title,
        description: new.description,
        basis: new.basis,
        requirement: None,
        source: new.source,
        escalate: new.escalate,
        found_at: new.found_at,
        registered_at: now,
        reported_by: new.reported_by,
        inspection_id: new.inspection_id,
        item_code: new.item_code,
        evidence_ids: new.evidence_ids,
        responsible_org_id: org.id,
        responsible_user_id: None,
        leader_user_id: None,
        lead_section: None,
        remedy: None,
        bureau_side: false,
        issued_at: None,
        issued_by: None,
        acknowledged_at: None,
        acknowledged_by: None,
        due_at: None,
        due_on: None,
        original_due_at: None,
        plan_due_at: None,
        policy_id: None,
        calendar_provisional: false,
        plan: None,
        plan_filed_at: None,
        round: 1,
        returns: 0,
        submissions: i32::from(spot.is_some()),
        rectifiers: ids(&spot.map(|spot| spot.fixed_by.0).into_iter().collect::<Vec<_>>()),
        reported_done_at: at_once,
        reported_done_by: spot.map(|spot| spot.fixed_by),
        recheck_due_at: None,
        recheckers: ids(&spot.map(|_| new.reported_by.0).into_iter().collect::<Vec<_>>()),
        passed_at: at_once,
        approved_by: None,
        closed_at: at_once,
        closed_by: spot.map(|_| new.reported_by),
        closed_kind: spot.map(|_| ClosedKind::OnSpot),
        void_reason: None,
        reopened: 0,
        recurrence_of: new.recurrence_of,
        marks: Doc::of(&Marks::default()),
        proposed_recurrence_of: None,
    })
}

fn fixed(row: &Row, spot: OnSpot) -> Round {
    Round {
        hazard_id: row.id,
        round: 1,
        due_at: None,
        measures_taken: Some(spot.measures_taken),
        cost_fen: None,
        evidence_ids: spot.after_evidence_ids,
        signed_off_by: None,
        reported_by: Some(spot.fixed_by),
        reported_at: Some(row.registered_at),
        outcome: Some("passed".to_owned()),
        opinion: None,
        recheckers: row.recheckers.clone(),
        on_site: Some(true),
        recheck_evidence_ids: ids(&[]),
        rechecked_by: Some(row.reported_by),
        rechecked_at: Some(row.registered_at),
        approval_opinion: None,
        approved_by: None,
        approved_at: None,
    }
}

/// The first entry of a hazard's history holds the row as it began; who found it is the entry's actor.
fn registered(row: &Row) -> Event {
    let set = json!({
        "number": row.number, "status": row.status, "level": row.level, "proposed_level": row.proposed_level,
        "category": row.category, "domain": row.domain, "title": row.title, "description": row.description,
        "basis": row.basis, "source": row.source, "escalate": row.escalate, "found_at": row.found_at,
        "site_id": row.site_id, "inspection_id": row.inspection_id, "item_code": row.item_code,
        "evidence_ids": row.evidence_ids, "rectifiers": row.rectifiers, "recurrence_of": row.recurrence_of,
        "proposed_recurrence_of": row.proposed_recurrence_of, "marks": row.marks, "registered_at": row.registered_at,
        "responsible_org_id": row.responsible_org_id, "round": row.round, "submissions": row.submissions,
        "closed_kind": row.closed_kind, "reported_done_at": row.reported_done_at, "passed_at": row.passed_at,
        "reported_done_by": row.reported_done_by, "closed_at": row.closed_at,
    });
    Event::of("hazard", row.id, "register")
        .at(row.bureau_id, row.org_id)
        .with(json!({ "set": set, "to": row.status, "round": row.round }))
}
