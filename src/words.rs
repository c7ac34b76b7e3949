//! The enumerations of the API, for `GET /api/v1/meta`.

use serde_json::{Value, json};

use crate::access::{Permission, Role};
use crate::catalogue::rules::{Cadence, ChecklistStatus, Response, Severity, Stage};
use crate::inspections::rules::{AcknowledgementOutcome, Kind, Outcome, Photo, Status};
use crate::orgs::rules::{Datum, Feature, OrgKind, SchoolKind, SiteKind};

/// Every enumeration with its words.
#[must_use]
pub fn all() -> Value {
    json!({
        "role": Role::ALL,
        "permission": Permission::ALL,
        "org_kind": OrgKind::ALL,
        "school_kind": SchoolKind::ALL,
        "school_feature": Feature::ALL,
        "site_kind": SiteKind::ALL,
        "datum": Datum::ALL,
        "item_response": Response::ALL,
        "item_severity": Severity::ALL,
        "item_cadence": Cadence::ALL,
        "school_stage": Stage::ALL,
        "checklist_status": ChecklistStatus::ALL,
        "inspection_kind": Kind::ALL,
        "inspection_status": Status::ALL,
        "answer_result": Outcome::ALL,
        "answer_photo": Photo::ALL,
        "acknowledgement_outcome": AcknowledgementOutcome::ALL,
    })
}
