//! Queries of inspections, teams and answers.

mod amend;
mod amendment_record;
mod answer_record;
mod answers;
mod arrival;
mod chosen;
mod close;
mod create;
mod decisions;
mod delegations;
mod findings;
mod list;
mod open_hazards;
mod people;
mod record;
mod rights;
mod scores;
mod sight;
mod versions;

pub use amend::amend;
pub use amendment_record::{Amended, AmendedHazard, AmendmentView, NewAmendment, amended_before, amendments};
pub use answer_record::{AnswerRow, AnswerView, rows_of, shown, with_items};
pub use answers::{AnswerBody, AnswersBody, Origin, Touch, Touched, answer, answers_of, fields, has_item, weigh};
pub use arrival::{CheckIn, Location, check_in, distance, skew};
pub use close::{Acknowledgement, ObjectionReply, Reason, acknowledge, confirm, reply_objection, void};
pub use create::{Edit, NewInspection, create, edit, may_keep_secret, stored};
pub use decisions::{
    DecidedView, Decision, Decisions, check_decisions, decide_findings, decided_view, findings_of, in_sight,
};
pub use delegations::{
    DelegationView, NewSigningDelegation, delegate, delegated_before, delegating_school, delegation_to_change,
    delegations, revoke,
};
pub use findings::{Signature, Submit, Submitted, finding_of, link, source_of, submit};
pub use list::{AnswerFilter, InspectionFilter, answers_across, list};
pub use open_hazards::{Observation, Observed, OpenHazard, observe, open_hazard, open_hazards};
pub use people::team as check_people;
pub use record::{InspectionRow, InspectionView, view, views};
pub use rights::{actor, may, refused};
pub use scores::{InspectionScores, scores_of};
pub use sight::{
    AnswerCondition, Condition, Seen, among, answers_in, domains_in_sight, history, inspections_in, seen,
    seen_to_change,
};
pub use versions::{VersionView, version};
