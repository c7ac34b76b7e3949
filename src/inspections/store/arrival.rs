//! The check-in: the team is at the school, and the school may know.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::record::{InspectionView, view};
use super::rights::may;
use super::sight::Seen;
use crate::access::Rights;
use crate::inspections::rules::{Action, distance_m};
use crate::notices::visits as told;
use crate::orgs::rules::{Datum, Location as Place};
use crate::platform::db::schema::{inspections, orgs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Check, Faults};
use crate::platform::journal::{self, Event, Stream};

/// What of a plan's history its school would have seen, had it been announced.
const TOLD_LATER: [&str; 2] = ["created", "edited"];

/// Where a device is, as it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CheckInLocation)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north.
    #[schema(example = 36.9)]
    pub lat: f64,
    /// Degrees east.
    #[schema(example = 105.2)]
    pub lng: f64,
    /// How far it may be off, in metres.
    #[serde(default)]
    #[schema(example = 12)]
    pub accuracy_m: Option<f64>,
    /// The grid of the two numbers.
    pub datum: Datum,
}

/// The arrival of the team. Where and when the device says it is are noted beside what the server knows; neither
/// refuses a check-in.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckIn {
    /// Where the device is.
    pub location: Option<Location>,
    /// What its clock says. It proves nothing and brings nothing forward: the server's clock starts the inspection.
    pub device_time: Option<Timestamp>,
}

impl Check for Location {
    fn check(&self, faults: &mut Faults) {
        faults.range("/location/lat", &self.lat, &-90.0, &90.0);
        faults.range("/location/lng", &self.lng, &-180.0, &180.0);
        if let Some(accuracy) = self.accuracy_m {
            faults.range("/location/accuracy_m", &accuracy, &0.0, &1_000_000.0);
        }
    }
}

impl Check for CheckIn {
    fn check(&self, faults: &mut Faults) {
        if let Some(location) = &self.location {
            location.check(faults);
        }
    }
}

/// Metres between the device and the school; nothing where one of the two is not known.
///
/// # Errors
/// Whatever the engine says.
pub fn distance(conn: &mut Conn, school: Id, device: Option<&Location>) -> Result<Option<f64>, Problem> {
    type Row = (Option<f64>, Option<f64>, Option<Datum>);
    let Some(device) = device else { return Ok(None) };
    let found: Row = orgs::table.find(school).select((orgs::lat, orgs::lng, orgs::datum)).first(conn)?;
    let (Some(lat), Some(lng), Some(datum)) = found else { return Ok(None) };
    let device = Place { lat: device.lat, lng: device.lng, datum: device.datum };
    Ok(Some(distance_m(&device, &Place { lat, lng, datum })))
}

/// Seconds by which the device's clock is ahead.
#[must_use]
pub fn skew(device: Timestamp, server: Timestamp) -> i64 {
    device.micros().saturating_sub(server.micros()).saturating_div(1_000_000)
}

/// The team arrives; the inspection is in progress. One that was hidden is released to its school by this very
/// transaction: from its commit on the school sees all of it, before it nothing.
///
/// # Errors
/// 409 by the rules.
pub fn check_in(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &CheckIn,
) -> Result<(Receipt, InspectionView), Problem> {
    let status = may(tx.conn, rights, seen, Action::CheckIn)?;
    let row = &seen.row;
    let distance = distance(tx.conn, row.org_id, body.location.as_ref())?;
    let skew = body.device_time.map(|device| skew(device, tx.now));
    diesel::update(inspections::table.find(row.id))
        .set((
            inspections::version.eq(row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::status.eq(status),
            inspections::started_at.eq(tx.now),
            inspections::started_by.eq(rights.user_id()),
            inspections::start_location.eq(body.location.as_ref().map(Doc::of)),
            inspections::start_device_time.eq(body.device_time),
            inspections::start_skew_s.eq(skew),
            inspections::start_distance_m.eq(distance),
        ))
        .execute(tx.conn)?;
    if seen.is_hidden() {
        release(tx, seen)?;
    }
    told::started(tx, seen)?;
    let view = view(tx.conn, row.id)?;
    // Where a person was is no matter for the journal; the row keeps it.
    let payload = json!({"status": status, "located": body.location.is_some(), "clock_skew_s": skew});
    let event = Event::of("inspection", row.id, "checked_in").at(row.bureau_id, row.org_id).with(payload);
    Ok((tx.record(event)?, view))
}

/// The one event by which a hidden inspection comes into the school's stream, with what happened to it before.
fn release(tx: &mut Tx<'_>, seen: &Seen) -> Result<(), Problem> {
    let row = &seen.row;
    let before = journal::history_in(tx.conn, "inspection", row.id, &[Stream::Bureau])?;
    let before: Vec<_> = before
        .iter()
        .filter(|entry| TOLD_LATER.contains(&entry.action.as_str()))
        .map(|entry| json!({"action": entry.action, "at": entry.at, "actor": entry.actor, "payload": entry.payload}))
        .collect();
    let payload = json!({
        "kind": row.kind, "team": seen.team, "lead_id": row.lead_id, "planned_on": row.planned_on, "before": before,
    });
    let event = Event::of("inspection", row.id, "released").at(row.bureau_id, row.org_id).with(payload);
    tx.record(event).map(drop)
}
