//! Pure decisions about inspections: kinds, states and who may move them, and what an answer is worth.

mod answers;
mod kinds;
mod states;

pub use answers::{AnswerInput, Evaluated, Outcome, Photo, evaluate, missing, photo};
pub use kinds::{Announcement, Kind};
pub use states::{
    AcknowledgementOutcome, Action, Actor, Facts, Refusal, Status, allowed_actions, decide, may_acknowledge,
};
