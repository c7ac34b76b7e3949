//! The declaration.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{EvidenceRole, GapPolicy, MediaType};
use crate::inspections::store::Location;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::files::ContentHash;
use crate::platform::http::{Check, Faults, FieldError};

/// Nothing longer is ever taken; the limits of an installation lie below.
const MOST_BYTES: i64 = 1 << 40;

/// What a piece of evidence is for: an item of an inspection, or a hazard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidenceTarget)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The inspection; with `item_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inspection_id: Option<Id>,
    /// Which of its items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "fang-003")]
    pub item_code: Option<String>,
    /// The hazard; with `round` and `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hazard_id: Option<Id>,
    /// Its round, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub round: Option<i32>,
    /// What it shows of the hazard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<EvidenceRole>,
}

/// The same, once it is known which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim<'a> {
    /// An item of an inspection.
    Item(Id, &'a str),
    /// A round of a hazard.
    Hazard(Id, i32, EvidenceRole),
}

impl Target {
    /// Which of the two it is; nothing where it is neither or both.
    #[must_use]
    pub fn aim(&self) -> Option<Aim<'_>> {
        match (self.inspection_id, self.item_code.as_deref(), self.hazard_id, self.round, self.role) {
            (Some(inspection), Some(code), None, None, None) => Some(Aim::Item(inspection, code)),
            (None, None, Some(hazard), Some(round), Some(role)) => Some(Aim::Hazard(hazard, round, role)),
            _ => None,
        }
    }
}

/// What will come, and for what. The content follows.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = EvidenceDeclaration)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The client's own id: the one that the answer or the transition claims.
    pub id: Option<Id>,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    #[schema(example = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")]
    pub sha256: String,
    /// Its length.
    #[schema(example = 3_481_203, minimum = 1)]
    pub bytes: i64,
    /// What it is; its content has the last word.
    pub media_type: MediaType,
    /// When it was taken, by the device. It proves nothing.
    pub captured_at: Option<Timestamp>,
    /// What the device's clock said when this was sent: tells how far `captured_at` is off.
    pub device_time: Option<Timestamp>,
    /// Where it was taken, by the device.
    pub location: Option<Location>,
    /// For what.
    pub target: Target,
}

impl Check for Declaration {
    fn check(&self, faults: &mut Faults) {
        if self.sha256.parse::<ContentHash>().is_err() {
            faults.say(
                "/sha256",
                "invalid_format",
                "须为 64 位小写十六进制",
                "must be 64 lower-case hexadecimal digits",
            );
        }
        faults.range("/bytes", &self.bytes, &1, &MOST_BYTES);
        if let Some(location) = &self.location {
            faults.range("/location/lat", &location.lat, &-90.0, &90.0);
            faults.range("/location/lng", &location.lng, &-180.0, &180.0);
            if let Some(accuracy) = location.accuracy_m {
                faults.range("/location/accuracy_m", &accuracy, &0.0, &1_000_000.0);
            }
        }
        match self.target.aim() {
            None => faults.add(FieldError::new(
                "/target",
                "one_target",
                "须为 inspection_id 与 item_code，或 hazard_id、round 与 role",
                "must be either inspection_id and item_code, or hazard_id, round and role",
            )),
            Some(Aim::Item(_, code)) => faults.text("/target/item_code", code, 1, 100),
            Some(Aim::Hazard(_, round, _)) => faults.range("/target/round", &round, &1, &1_000_000),
        }
    }
}

/// What a bureau wants to come of missing photos.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = EvidencePolicyToPut)]
#[serde(deny_unknown_fields)]
pub struct PolicyToPut {
    /// Shown, or in the way of what.
    pub gaps: GapPolicy,
}

impl Check for PolicyToPut {}
