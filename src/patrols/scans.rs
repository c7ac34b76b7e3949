//! The scans of a round.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::labels::{Point, points};
use crate::access::Rights;
use crate::inspections::rules::InspectionAction;
use crate::inspections::store::{Location, Seen, distance, may, skew};
use crate::platform::db::schema::{patrol_scans, sites};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Commit, Conn, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Check, Faults, FieldError, Record, Reply};
use crate::platform::journal::Event;

/// The label of a place was read.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScan {
    /// Made by the client, so that a repeated call scans nothing twice.
    pub id: Option<Id>,
    /// What the label carries.
    #[schema(min_length = 1, max_length = 64, example = "A-101")]
    pub code: String,
    /// What the device's clock says; noted beside the server's time, which counts.
    pub device_time: Option<Timestamp>,
    /// Where the device is; noted, and never a reason to refuse.
    pub location: Option<Location>,
}

impl Check for NewScan {
    fn check(&self, faults: &mut Faults) {
        faults.text("/code", &self.code, 1, 64);
        if let Some(location) = &self.location {
            location.check(faults);
        }
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = patrol_scans)]
struct ScanRow {
    id: Id,
    created_at: Timestamp,
    created_by: Id,
    body_hash: Option<Vec<u8>>,
    bureau_id: Id,
    org_id: Id,
    inspection_id: Id,
    site_id: Id,
    device_time: Option<Timestamp>,
    skew_s: Option<i64>,
    location: Option<Doc>,
    distance_m: Option<f64>,
}

/// A place reached on a round.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Scan {
    /// Of the scan.
    pub id: Id,
    /// Always 1: a scan never changes.
    pub version: i64,
    /// When, by the server's clock.
    pub created_at: Timestamp,
    /// The same.
    pub updated_at: Timestamp,
    /// Who read the label.
    pub created_by: Id,
    /// On which inspection.
    pub inspection_id: Id,
    /// The place.
    pub site_id: Id,
    /// What the device's clock said.
    #[schema(required)]
    pub device_time: Option<Timestamp>,
    /// Seconds by which it was ahead.
    #[schema(required)]
    pub clock_skew_s: Option<i64>,
    /// Where the device said it was.
    #[schema(required, value_type = Option<Location>)]
    pub location: Option<Value>,
    /// Metres from there to the school.
    #[schema(required)]
    pub distance_m: Option<f64>,
}

impl Record for Scan {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<ScanRow> for Scan {
    fn from(row: ScanRow) -> Self {
        Self {
            id: row.id,
            version: 1,
            created_at: row.created_at,
            updated_at: row.created_at,
            created_by: row.created_by,
            inspection_id: row.inspection_id,
            site_id: row.site_id,
            device_time: row.device_time,
            clock_skew_s: row.skew_s,
            location: row.location.map(|doc| doc.0),
            distance_m: row.distance_m,
        }
    }
}

/// One point of a round with its scans, oldest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoundPoint {
    /// Of the place.
    pub site_id: Id,
    /// Its name.
    pub name: String,
    /// What its label carries.
    #[schema(required)]
    pub code: Option<String>,
    /// When it was reached; empty where it was not.
    pub scans: Vec<Scan>,
}

/// How far a round has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Round {
    /// The points of the school as they are now.
    pub points: Vec<RoundPoint>,
    /// Labels read of places that are no points, or are none any more; oldest first.
    pub elsewhere: Vec<Scan>,
    /// How many there are.
    pub expected: usize,
    /// How many of them were reached.
    pub reached: usize,
    /// Whether none is missing; of a school without points, nothing was asked.
    pub complete: bool,
}

/// Puts down that a point was reached. Only the team, while the inspection is in progress.
///
/// # Errors
/// 409 by the rules, or for an id in use; 422 for a code that no place of the school has.
pub fn scan(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    new: &NewScan,
    hash: &[u8],
) -> Result<Commit<Reply>, Problem> {
    if let Some(id) = new.id
        && let Some(row) = patrol_scans::table.find(id).select(ScanRow::as_select()).first(tx.conn).optional()?
    {
        let same = row.created_by == rights.user_id()
            && row.inspection_id == seen.row.id
            && row.body_hash.as_deref() == Some(hash);
        return if same {
            Ok(Commit::unchanged(Reply::record(&Scan::from(row))?))
        } else {
            Err(Problem::new(Code::IdReused))
        };
    }
    let known: Option<Id> = sites::table
        .filter(sites::org_id.eq(seen.row.org_id))
        .filter(sites::code.eq(new.code.trim()))
        .select(sites::id)
        .first(tx.conn)
        .optional()?;
    let site_id = known.ok_or_else(|| {
        let (zh, en) = ("本校没有此编码的场所", "is the code of no place of this school");
        Problem::invalid(FieldError::new("/code", "unknown_code", zh, en))
    })?;
    may(tx.conn, rights, seen, InspectionAction::Answer)?;
    let row = ScanRow {
        id: new.id.unwrap_or_else(|| tx.new_id()),
        created_at: tx.now,
        created_by: rights.user_id(),
        body_hash: Some(hash.to_vec()),
        bureau_id: seen.row.bureau_id,
        org_id: seen.row.org_id,
        inspection_id: seen.row.id,
        site_id,
        device_time: new.device_time,
        skew_s: new.device_time.map(|device| skew(device, tx.now)),
        location: new.location.as_ref().map(Doc::of),
        distance_m: distance(tx.conn, seen.row.org_id, new.location.as_ref())?,
    };
    diesel::insert_into(patrol_scans::table).values(&row).execute(tx.conn)?;
    // Where a person was is no matter for the journal; the row keeps it.
    let payload = json!({"scan_id": row.id, "site_id": site_id, "clock_skew_s": row.skew_s});
    let event = Event::of("inspection", seen.row.id, "point_reached").at(row.bureau_id, row.org_id).with(payload);
    let receipt = tx.record(event)?;
    let path = format!("/inspections/{}/scans", seen.row.id);
    Ok(receipt.with(Reply::created(&path, &Scan::from(row))?))
}

/// How far the round of an inspection has come, in two statements.
///
/// # Errors
/// Whatever the engine says.
pub fn round(conn: &mut Conn, seen: &Seen) -> Result<Round, Problem> {
    let rows: Vec<ScanRow> = patrol_scans::table
        .filter(patrol_scans::inspection_id.eq(seen.row.id))
        .order((patrol_scans::created_at, patrol_scans::id))
        .select(ScanRow::as_select())
        .load(conn)?;
    let mut scans: Vec<Scan> = rows.into_iter().map(Scan::from).collect();
    let asked = points(conn, seen.row.org_id)?;
    let points: Vec<RoundPoint> = asked
        .into_iter()
        .map(|Point { id, name, code }| {
            let (here, rest) = std::mem::take(&mut scans).into_iter().partition(|scan| scan.site_id == id);
            scans = rest;
            RoundPoint { site_id: id, name, code, scans: here }
        })
        .collect();
    let (expected, reached) = (points.len(), points.iter().filter(|point| !point.scans.is_empty()).count());
    Ok(Round { points, elsewhere: scans, expected, reached, complete: reached == expected })
}
