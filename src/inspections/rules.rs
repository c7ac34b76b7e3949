//! Pure decisions about inspections: kinds, states and who may move them, and what an answer is worth.

mod amendments;
mod answers;
mod demands;
mod kinds;
mod place;
mod score;
mod states;

pub use amendments::{Consequence, consequence};
pub use answers::{AnswerInput, Evaluated, Outcome, Photo, evaluate, missing, photo};
pub use demands::{Carried, PhotoGap, Photos, gaps, lacks};
pub use kinds::{Announcement, InspectionKind, KindRule, RULES, Side, markdown as kinds_markdown};
pub use place::distance_m;
pub use score::{Counted, Score, score};
pub use states::{
    AcknowledgementOutcome, Actor, Facts, InspectionAction, InspectionRefusal, InspectionStatus, ObjectionDecision,
    allowed_actions, decide, may_acknowledge,
};
// The long names are those of the contract; within this folder the short ones do.
pub(super) use kinds::InspectionKind as Kind;
pub(super) use states::{InspectionAction as Action, InspectionRefusal as Refusal, InspectionStatus as Status};
