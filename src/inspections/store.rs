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
mod scores;
mod sight;

pub use answer_record::{AnswerRow, AnswerView};
pub use answers::{AnswerBody, AnswersBody, answer, answers_of, has_item};
pub use arrival::{CheckIn, Location, check_in, distance, skew};
pub use close::{Acknowledgement, Reason, acknowledge, confirm, void};
pub use create::{Edit, NewInspection, create, edit, may_keep_secret, stored};
pub use findings::{Signature, Submit, Submitted, finding_of, link, source_of, submit};
pub use list::{AnswerFilter, InspectionFilter, answers_across, list};
pub use people::team as check_people;
pub use record::{InspectionRow, InspectionView, view};
pub use rights::may;
pub use scores::{InspectionScores, scores_of};
pub use sight::{AnswerCondition, Condition, Seen, among, answers_in, history, inspections_in, seen, seen_to_change};
