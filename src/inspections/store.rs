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

pub use answer_record::{AnswerRow, AnswerView, shown, with_items};
pub use answers::{AnswerBody, AnswersBody, Origin, Touch, Touched, answer, answers_of, fields, has_item};
pub use arrival::{CheckIn, Location, check_in};
pub use close::{Acknowledgement, Reason, acknowledge, confirm, void};
pub use create::{Edit, NewInspection, create, edit, may_keep_secret, stored};
pub use findings::{Signature, Submit, Submitted, finding_of, link, source_of, submit};
pub use list::{AnswerFilter, InspectionFilter, answers_across, list};
pub use record::{InspectionRow, InspectionView, view, views};
pub use sight::{AnswerCondition, Condition, Seen, among, answers_in, history, inspections_in, seen, seen_to_change};
