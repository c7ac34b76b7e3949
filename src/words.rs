//! The enumerations of the API, for `GET /api/v1/meta`.

use serde_json::{Value, json};

use crate::access::{Permission, Role};
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
    })
}
