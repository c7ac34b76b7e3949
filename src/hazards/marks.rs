//! The standing marks of a hazard: what accompanies it beside its state.
//!
//! Extensions, supervised listing, stop of use and referral have rows of their own; what decisions and lists need of
//! them stands on the hazard's row too, so that nothing asks a query per row.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::platform::db::types::Timestamp;

crate::text_enum! {
    /// How a major was judged to be one (判定方式).
    pub enum Determination {
        /// One clause alone makes it a major (直接判定).
        Direct = "direct",
        /// Several findings together make it one (综合判定).
        Combined = "combined",
    }
}

/// What accompanies a hazard. None of it is a state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a hazard")]
pub struct Marks {
    /// Extensions granted so far.
    pub extensions: i32,
    /// An extension is asked for and not decided.
    pub extension_pending: bool,
    /// Under supervised listing (挂牌督办).
    pub listed: bool,
    /// When it was last put under supervised listing; kept when it is taken off.
    pub listed_at: Option<Timestamp>,
    /// When its progress was last reported.
    pub progress_at: Option<Timestamp>,
    /// When its clock last started again, by a return or a reopening: no progress is owed of the time it stood.
    pub resumed_at: Option<Timestamp>,
    /// A stop of use is in force (停用).
    pub suspended: bool,
    /// Referrals to other authorities without a reply yet.
    pub awaiting_reply: i32,
    /// How it was judged to be a major.
    pub determination: Option<Determination>,
    /// The bureau has given it a deadline or somebody to put it right: no school declares it void.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bureau_ordered: bool,
    /// The record of inspection that found it was amended and does not find it any more: the bureau looks into it.
    pub finding_withdrawn: bool,
}
