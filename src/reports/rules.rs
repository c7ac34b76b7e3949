//! Pure rules of reports.

use uuid::Uuid;

use super::words::{ReportKind, ReportProgress, ReportStatus, TriageOutcome, TriageRefusal};
use crate::hazards::status::{Source, Status};

/// What triage depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Where the report stands.
    pub status: ReportStatus,
    /// Who reported; nobody for the public.
    pub reported_by: Option<Uuid>,
    /// Who put it right on the spot, where accepting it would register it as closed.
    pub fixed_by: Option<Uuid>,
}

/// Every rule in the way of triage by this person; none where it may go ahead.
#[must_use]
pub fn refusals(facts: Facts, triager: Uuid) -> Vec<TriageRefusal> {
    let mut refusals = Vec::new();
    if facts.status != ReportStatus::Waiting {
        refusals.push(TriageRefusal::AlreadyTriaged);
    }
    if facts.reported_by == Some(triager) {
        refusals.push(TriageRefusal::SamePerson);
    }
    if facts.fixed_by == Some(triager) {
        refusals.push(TriageRefusal::FixedIt);
    }
    refusals
}

/// The status after an outcome.
#[must_use]
pub const fn after(outcome: TriageOutcome) -> ReportStatus {
    match outcome {
        TriageOutcome::Review => ReportStatus::Waiting,
        TriageOutcome::Accept => ReportStatus::Accepted,
        TriageOutcome::Duplicate => ReportStatus::Duplicate,
        TriageOutcome::OutOfScope => ReportStatus::OutOfScope,
        TriageOutcome::Transferred => ReportStatus::Transferred,
    }
}

/// What a reporter is told. `hazard` is the status of the hazard it became or tells of.
#[must_use]
pub const fn progress(status: ReportStatus, reviewed: bool, hazard: Option<Status>) -> ReportProgress {
    match status {
        ReportStatus::Waiting if reviewed => ReportProgress::UnderReview,
        ReportStatus::Waiting => ReportProgress::Received,
        ReportStatus::OutOfScope => ReportProgress::NotAccepted,
        ReportStatus::Transferred => ReportProgress::Transferred,
        ReportStatus::Accepted | ReportStatus::Duplicate => match hazard {
            None | Some(Status::Registered | Status::Issued) => ReportProgress::Accepted,
            Some(Status::Rectifying | Status::AwaitingRecheck | Status::AwaitingApproval) => ReportProgress::Rectifying,
            Some(Status::Closed) => ReportProgress::Rectified,
            Some(Status::Void) => ReportProgress::NotAccepted,
        },
    }
}

/// The source of the hazard that a report becomes; a suggestion's is its inspection's, where it has one.
#[must_use]
pub const fn source(kind: ReportKind) -> Source {
    match kind {
        ReportKind::Hint => Source::StaffHint,
        ReportKind::Suggestion => Source::ThirdParty,
        ReportKind::Public => Source::Complaint,
    }
}

/// Whether a school's own people may ever see a report of this kind.
#[must_use]
pub const fn of_school(kind: ReportKind) -> bool {
    matches!(kind, ReportKind::Hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
        proptest::sample::select(all)
    }

    proptest! {
        #[test]
        fn triage_goes_ahead_once_and_never_by_who_reported_or_fixed_it(
            status in any(ReportStatus::ALL), reporter in proptest::option::of(0_u128..3),
            fixer in proptest::option::of(0_u128..3), triager in 0_u128..3
        ) {
            let (reported_by, fixed_by) = (reporter.map(Uuid::from_u128), fixer.map(Uuid::from_u128));
            let free = refusals(Facts { status, reported_by, fixed_by }, Uuid::from_u128(triager)).is_empty();
            let apart = reporter != Some(triager) && fixer != Some(triager);
            prop_assert_eq!(free, status == ReportStatus::Waiting && apart);
        }

        #[test]
        fn only_a_waiting_report_is_told_as_received_and_only_a_closed_hazard_as_rectified(
            status in any(ReportStatus::ALL), reviewed: bool, hazard in any(Status::ALL)
        ) {
            let told = progress(status, reviewed, Some(hazard));
            let early = matches!(told, ReportProgress::Received | ReportProgress::UnderReview);
            prop_assert_eq!(early, status == ReportStatus::Waiting);
            let known = matches!(status, ReportStatus::Accepted | ReportStatus::Duplicate);
            prop_assert_eq!(told == ReportProgress::Rectified, known && hazard == Status::Closed);
        }
    }

    #[test]
    fn every_outcome_but_review_ends_the_waiting() {
        for outcome in TriageOutcome::ALL {
            assert_eq!(after(*outcome) == ReportStatus::Waiting, *outcome == TriageOutcome::Review);
        }
        assert!(ReportKind::ALL.iter().all(|kind| of_school(*kind) == source(*kind).is_schools_own()));
    }
}
