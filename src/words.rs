//! The enumerations of the API, for `GET /api/v1/meta`.

use serde_json::{Value, json};

use crate::access::{Permission, Role};
use crate::catalogue::rules::{Cadence, ChecklistStatus, Requirement, Response, Severity, Stage};
use crate::documents::words::{DocumentRefusal, DocumentType, RecheckResult};
use crate::draws::rules::{DrawStatus, Seeding, StrataBy};
use crate::evidence::words::{EvidenceRole, EvidenceState, GapPolicy, MediaType, Reuse};
use crate::hazards::marks::Determination;
use crate::hazards::measures::words::{ExtensionStatus, ListingAuthority, ReferralAuthority};
use crate::hazards::policy::DayKind;
use crate::hazards::status::{Action, ClosedKind, Colour, Level, Refusal, Remedy, Source, Status};
use crate::inspections::rules::{
    AcknowledgementOutcome, InspectionKind, InspectionStatus, ObjectionDecision, Outcome, Photo,
};
use crate::inspections::store::{AmendedHazard, Observed};
use crate::ledgers::kind::{Format, Ledger};
use crate::look_backs::rules::LookBackOutcome;
use crate::months::rules::MonthStatus;
use crate::notices::Kind;
use crate::orgs::rules::{Datum, Feature, OrgKind, SchoolKind, SiteKind};
use crate::plans::rules::{Every, MatrixStatus, OccurrenceStatus, PlanStatus};
use crate::reports::words::{ReportKind, ReportProgress, ReportStatus, TriageOutcome, TriageRefusal};

/// Every enumeration with its words.
#[must_use]
pub fn all() -> Value {
    let words = [
        ("role", json!(Role::ALL)),
        ("permission", json!(Permission::ALL)),
        ("org_kind", json!(OrgKind::ALL)),
        ("school_kind", json!(SchoolKind::ALL)),
        ("school_feature", json!(Feature::ALL)),
        ("site_kind", json!(SiteKind::ALL)),
        ("datum", json!(Datum::ALL)),
        ("item_response", json!(Response::ALL)),
        ("item_severity", json!(Severity::ALL)),
        ("item_on_fail_require", json!(Requirement::ALL)),
        ("item_cadence", json!(Cadence::ALL)),
        ("school_stage", json!(Stage::ALL)),
        ("checklist_status", json!(ChecklistStatus::ALL)),
        ("inspection_kind", json!(InspectionKind::ALL)),
        ("inspection_status", json!(InspectionStatus::ALL)),
        ("answer_result", json!(Outcome::ALL)),
        ("answer_photo", json!(Photo::ALL)),
        ("acknowledgement_outcome", json!(AcknowledgementOutcome::ALL)),
        ("objection_decision", json!(ObjectionDecision::ALL)),
        ("amended_hazard", json!(AmendedHazard::ALL)),
        ("hazard_observed", json!(Observed::ALL)),
        ("hazard_status", json!(Status::ALL)),
        ("hazard_level", json!(Level::ALL)),
        ("hazard_source", json!(Source::ALL)),
        ("hazard_action", json!(Action::ALL)),
        ("hazard_refusal", json!(Refusal::ALL)),
        ("hazard_closed_kind", json!(ClosedKind::ALL)),
        ("hazard_remedy", json!(Remedy::ALL)),
        ("hazard_determination", json!(Determination::ALL)),
        ("hazard_warning", json!(Colour::ALL)),
        ("recusal_relation", json!(crate::recusals::rules::Relation::ALL)),
        ("document_type", json!(DocumentType::ALL)),
        ("document_refusal", json!(DocumentRefusal::ALL)),
        ("document_recheck_result", json!(RecheckResult::ALL)),
        ("draw_status", json!(DrawStatus::ALL)),
        ("draw_seeding", json!(Seeding::ALL)),
        ("draw_strata_by", json!(StrataBy::ALL)),
        ("extension_status", json!(ExtensionStatus::ALL)),
        ("listing_authority", json!(ListingAuthority::ALL)),
        ("referral_authority", json!(ReferralAuthority::ALL)),
        ("ledger", json!(Ledger::ALL)),
        ("export_format", json!(Format::ALL)),
        ("deadline_day_kind", json!(DayKind::ALL)),
        ("report_kind", json!(ReportKind::ALL)),
        ("report_status", json!(ReportStatus::ALL)),
        ("report_outcome", json!(TriageOutcome::ALL)),
        ("report_refusal", json!(TriageRefusal::ALL)),
        ("report_progress", json!(ReportProgress::ALL)),
        ("month_status", json!(MonthStatus::ALL)),
        ("plan_status", json!(PlanStatus::ALL)),
        ("plan_every", json!(Every::ALL)),
        ("plan_matrix_status", json!(MatrixStatus::ALL)),
        ("look_back_outcome", json!(LookBackOutcome::ALL)),
        ("plan_occurrence_status", json!(OccurrenceStatus::ALL)),
        ("evidence_media_type", json!(MediaType::ALL)),
        ("evidence_role", json!(EvidenceRole::ALL)),
        ("evidence_state", json!(EvidenceState::ALL)),
        ("evidence_reuse", json!(Reuse::ALL)),
        ("evidence_gaps", json!(GapPolicy::ALL)),
        ("sync_status", json!(crate::sync::ledger::OpStatus::ALL)),
        ("sync_collection", json!(crate::sync::pull::collections::Collection::ALL)),
        ("notice_kind", json!(Kind::ALL)),
    ];
    words.into_iter().map(|(name, words)| (name.to_owned(), words)).collect()
}
