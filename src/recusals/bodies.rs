//! What callers send about recusals.

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::rules::Relation;
use crate::platform::db::types::Id;
use crate::platform::http::{Check, Faults};

const MAX_TEXT: usize = 1000;

fn day(faults: &mut Faults, at: &str, day: Option<NaiveDate>) {
    if let Some(day) = day {
        faults.range(at, &day.year(), &2000, &2100);
    }
}

/// The query of the list of recusals.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecusalFilter {
    /// Only of this school.
    pub org_id: Option<Id>,
    /// Only of this person.
    pub inspector_id: Option<Id>,
    /// Only those that stand (true), only those that have ended or run out (false).
    pub standing: Option<bool>,
}

/// A recusal to be entered.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecusal {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// Who must not inspect.
    pub inspector_id: Id,
    /// Which school.
    pub org_id: Id,
    /// Why.
    pub relation: Relation,
    /// In more words; never shown to a school.
    #[schema(max_length = 1000)]
    pub note: Option<String>,
    /// Through which day, in the bureau's zone; for good where nothing is said.
    pub until: Option<NaiveDate>,
}

impl Check for NewRecusal {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/note", self.note.as_deref(), MAX_TEXT);
        day(faults, "/until", self.until);
    }
}

/// Why a recusal ends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRecusal {
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

impl Check for EndRecusal {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, MAX_TEXT);
    }
}

/// An exception asked for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// Why there is no other way.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
    /// For this planned inspection of the school alone. With neither this nor a day: for the next one.
    pub inspection_id: Option<Id>,
    /// Through which day, in the bureau's zone, for every inspection of the school.
    pub until: Option<NaiveDate>,
}

impl Check for NewOverride {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, MAX_TEXT);
        day(faults, "/until", self.until);
        if self.inspection_id.is_some() && self.until.is_some() {
            faults.say("/until", "not_with_inspection", "已指定检查时不填", "does not go with an inspection");
        }
    }
}

/// Nothing to say.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl Check for Nothing {}
