//! The enumerations of the API, for `GET /api/v1/meta`.

use serde_json::{Value, json};

use crate::access::{Permission, Role};
use crate::catalogue::rules::{Cadence, ChecklistStatus, Response, Severity, Stage};
use crate::hazards::marks::Determination;
use crate::hazards::measures::words::{ExtensionStatus, ListingAuthority, ReferralAuthority};
use crate::hazards::policy::DayKind;
use crate::hazards::status::{Action, ClosedKind, Colour, Level, Refusal, Remedy, Source, Status};
use crate::inspections::rules::{AcknowledgementOutcome, InspectionKind, InspectionStatus, Outcome, Photo};
use crate::ledgers::kind::{Format, Ledger};
use crate::months::rules::MonthStatus;
use crate::notices::Kind;
use crate::orgs::rules::{Datum, Feature, OrgKind, SchoolKind, SiteKind};
use crate::plans::rules::{Every, MatrixStatus, OccurrenceStatus, PlanStatus};

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
        "inspection_kind": InspectionKind::ALL,
        "inspection_status": InspectionStatus::ALL,
        "answer_result": Outcome::ALL,
        "answer_photo": Photo::ALL,
        "acknowledgement_outcome": AcknowledgementOutcome::ALL,
        "hazard_status": Status::ALL,
        "hazard_level": Level::ALL,
        "hazard_source": Source::ALL,
        "hazard_action": Action::ALL,
        "hazard_refusal": Refusal::ALL,
        "hazard_closed_kind": ClosedKind::ALL,
        "hazard_remedy": Remedy::ALL,
        "hazard_determination": Determination::ALL,
        "hazard_warning": Colour::ALL,
        "extension_status": ExtensionStatus::ALL,
        "listing_authority": ListingAuthority::ALL,
        "referral_authority": ReferralAuthority::ALL,
        "ledger": Ledger::ALL,
        "export_format": Format::ALL,
        "deadline_day_kind": DayKind::ALL,
        "month_status": MonthStatus::ALL,
        "plan_status": PlanStatus::ALL,
        "plan_every": Every::ALL,
        "plan_matrix_status": MatrixStatus::ALL,
        "plan_occurrence_status": OccurrenceStatus::ALL,
        "notice_kind": Kind::ALL,
    })
}
