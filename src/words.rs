//! The enumerations of the API, for `GET /api/v1/meta`.

use serde_json::{Value, json};

use crate::access::{Permission, Role};
use crate::hazards::policy::DayKind;
use crate::hazards::status::{Action, ClosedKind, Colour, Level, Refusal, Remedy, Source, Status};
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
        "hazard_status": Status::ALL,
        "hazard_level": Level::ALL,
        "hazard_source": Source::ALL,
        "hazard_action": Action::ALL,
        "hazard_refusal": Refusal::ALL,
        "hazard_closed_kind": ClosedKind::ALL,
        "hazard_remedy": Remedy::ALL,
        "hazard_warning": Colour::ALL,
        "deadline_day_kind": DayKind::ALL,
    })
}
