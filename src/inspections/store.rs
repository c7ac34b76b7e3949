//! Queries of inspections, teams and answers.

mod answer_record;
mod answers;
mod arrival;
mod chosen;
mod close;
mod create;
mod findings;
mod list;
mod people;
mod record;
mod rights;
mod sight;

pub use answer_record::{AnswerRow, AnswerView, rows_of, with_items};
pub use answers::{AnswerBody, AnswersBody, answer, answers_of, has_item, weigh};
pub use arrival::{CheckIn, Location, check_in};
pub use close::{Acknowledgement, Reason, acknowledge, confirm, void};
pub use create::{Edit, NewInspection, create, edit, may_keep_secret, stored};
pub use findings::{Signature, Submit, Submitted, finding_of, link, source_of, submit};
pub use list::{AnswerFilter, InspectionFilter, answers_across, list};
pub use record::{InspectionRow, InspectionView, view};
pub use rights::{actor, may};
pub use sight::{
    AnswerCondition, Condition, Seen, among, answers_in, domains_in_sight, history, inspections_in, seen,
    seen_to_change,
};
