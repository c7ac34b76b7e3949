//! Unique constraints by name, mapped once to the code a caller sees.
//!
//! PostgreSQL names the constraint; SQLite names the columns.

use crate::platform::error::{Code, Problem};

/// (name on PostgreSQL, columns on SQLite, code)
const CONSTRAINTS: &[(&str, &str, Code)] = &[
    ("users_username_key", "users.username", Code::UsernameTaken),
    ("orgs_name_key", "orgs.bureau_id, orgs.name", Code::NameTaken),
    ("orgs_identifier_key", "orgs.bureau_id, orgs.identifier", Code::IdentifierTaken),
    ("orgs_region_code_key", "orgs.region_code", Code::RegionCodeTaken),
    ("sites_code_key", "sites.bureau_id, sites.code", Code::SiteCodeTaken),
    ("orgs_pkey", "orgs.id", Code::IdReused),
    ("sites_pkey", "sites.id", Code::IdReused),
    ("users_pkey", "users.id", Code::IdReused),
    ("checklists_pkey", "checklists.id", Code::IdReused),
    ("checklists_revision_key", "checklists.lineage_id, checklists.revision", Code::StateConflict),
    ("checklists_addition_key", "checklists.org_id, checklists.adds_to, checklists.revision", Code::StateConflict),
    ("deadline_policies_pkey", "deadline_policies.id", Code::IdReused),
    ("inspections_pkey", "inspections.id", Code::IdReused),
    ("inspection_amendments_pkey", "inspection_amendments.id", Code::IdReused),
    ("signing_delegations_pkey", "signing_delegations.id", Code::IdReused),
    ("hazards_pkey", "hazards.id", Code::IdReused),
    ("recusals_pkey", "recusals.id", Code::IdReused),
    ("recusal_overrides_pkey", "recusal_overrides.id", Code::IdReused),
    ("draws_pkey", "draws.id", Code::IdReused),
    ("documents_pkey", "documents.id", Code::IdReused),
    ("documents_number_key", "documents.bureau_id, documents.number", Code::NumberTaken),
    ("hazard_extensions_pkey", "hazard_extensions.id", Code::IdReused),
    ("hazard_listings_pkey", "hazard_listings.id", Code::IdReused),
    ("hazard_listings_number_key", "hazard_listings.bureau_id, hazard_listings.number", Code::NumberTaken),
    ("hazard_progress_reports_pkey", "hazard_progress_reports.id", Code::IdReused),
    ("hazard_suspensions_pkey", "hazard_suspensions.id", Code::IdReused),
    ("hazard_referrals_pkey", "hazard_referrals.id", Code::IdReused),
    ("evidence_pkey", "evidence.id", Code::IdReused),
    ("comments_pkey", "comments.id", Code::IdReused),
    ("reports_pkey", "reports.id", Code::IdReused),
    ("monthly_reports_pkey", "monthly_reports.id", Code::IdReused),
    ("monthly_reports_month_key", "monthly_reports.org_id, monthly_reports.month", Code::MonthReported),
    ("uploads_evidence_key", "uploads.user_id, uploads.evidence_id", Code::StateConflict),
    ("plans_pkey", "plans.id", Code::IdReused),
    ("journal_epochs_pkey", "journal_epochs.number", Code::IdReused),
    ("sync_devices_device_key", "sync_devices.user_id, sync_devices.device_id", Code::IdReused),
    ("sync_ops_op_key", "sync_ops.user_id, sync_ops.op_id", Code::IdReused),
    ("reader_marks_pkey", "reader_marks.view_id, reader_marks.mark", Code::IdReused),
    (
        "idempotency_keys_pkey",
        "idempotency_keys.user_id, idempotency_keys.method, idempotency_keys.path, idempotency_keys.key",
        Code::IdempotencyInProgress,
    ),
];

/// The problem behind a unique violation.
pub fn problem(name: Option<&str>, message: &str) -> Problem {
    let columns = message.strip_prefix("UNIQUE constraint failed: ");
    let known = CONSTRAINTS.iter().find(|(pg, sqlite, _)| name == Some(*pg) || columns == Some(*sqlite));
    // An id or key that another transaction has just used: run again, the second run finds the stored record.
    known.map_or_else(
        || Problem::internal("unique constraint without a code"),
        |(_, _, code)| {
            let retry = matches!(code, Code::IdReused | Code::IdempotencyInProgress);
            Problem { retry, ..Problem::new(*code) }
        },
    )
}
