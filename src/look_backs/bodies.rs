//! What callers send about look-backs.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::LookBackOutcome;
use crate::hazards::status::Level;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::http::{Check, Faults, FieldError};

/// Most hazards named in one look-back.
const MAX_NAMED: usize = 200;
const MAX_POOL: usize = 200;
const MAX_TEAM: usize = 20;
const MAX_CHECKLISTS: usize = 20;
/// Most schools and hazards drawn at once.
pub const MAX_SCHOOLS: usize = 500;
/// Most days a closing may lie back.
const MAX_DAYS: i32 = 1000;

/// Which closed hazards a bureau looks at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LookBackPolicyToPut)]
#[serde(deny_unknown_fields)]
pub struct PolicyToPut {
    /// How many of a hundred, rounded up; of general and of major ones apart.
    #[schema(minimum = 1, maximum = 100, example = 20)]
    pub share_percent: i32,
    /// Closed at least so many days ago.
    #[schema(minimum = 0, maximum = 1000, example = 30)]
    pub min_days: i32,
    /// And at most so many.
    #[schema(minimum = 1, maximum = 1000, example = 90)]
    pub max_days: i32,
    /// Every major one, whatever the share.
    pub all_majors: bool,
}

impl Check for PolicyToPut {
    fn check(&self, faults: &mut Faults) {
        faults.range("/share_percent", &self.share_percent, &1, &100);
        check_days(faults, "", self.min_days, self.max_days);
    }
}

fn check_days(faults: &mut Faults, at: &str, min: i32, max: i32) {
    faults.range(&format!("{at}/min_days"), &min, &0, &MAX_DAYS);
    faults.range(&format!("{at}/max_days"), &max, &1, &MAX_DAYS);
    if max < min {
        faults.say(
            &format!("{at}/max_days"),
            "before_start",
            "不得小于最少天数",
            "must not be less than the fewest days",
        );
    }
}

/// What to draw from; what is not said is as in the policy.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = LookBackSample)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// How many of a hundred.
    #[schema(minimum = 1, maximum = 100)]
    pub share_percent: Option<i32>,
    /// Closed at least so many days ago.
    #[schema(minimum = 0, maximum = 1000)]
    pub min_days: Option<i32>,
    /// And at most so many.
    #[schema(minimum = 1, maximum = 1000)]
    pub max_days: Option<i32>,
    /// Every major one.
    pub all_majors: Option<bool>,
    /// Of these levels alone.
    #[schema(min_items = 1)]
    pub levels: Option<Vec<Level>>,
    /// Of these schools, or those below these organisations, alone.
    #[schema(min_items = 1, max_items = 500)]
    pub org_ids: Option<Vec<Id>>,
}

/// Who goes: teams are taken from the pool round and round, as for plans. Who put a hazard of a school right or rechecked
/// it does not go there.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = LookBackInspectors)]
#[serde(deny_unknown_fields)]
pub struct Inspectors {
    /// The people.
    #[schema(min_items = 1, max_items = 200)]
    pub pool: Vec<Id>,
    /// How many of them go to each school, the lead first.
    #[schema(minimum = 1, maximum = 20, example = 2)]
    pub per_school: usize,
}

/// A look-back: hazards that are named, or a draw.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLookBack {
    /// These closed hazards; where nothing is said, a share of all is drawn.
    #[schema(min_items = 1, max_items = 200)]
    pub hazard_ids: Option<Vec<Id>>,
    /// What to draw from.
    pub sample: Option<Sample>,
    /// Who goes.
    pub inspectors: Inspectors,
    /// Published checklists to be worked through as well; none where nothing is said.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub checklist_ids: Vec<Id>,
    /// Whether the schools know beforehand; they do not where nothing is said.
    #[serde(default)]
    #[schema(default = false)]
    pub announced: bool,
    /// The day the visits are planned for, in the bureau's zone.
    pub planned_on: Option<NaiveDate>,
}

impl Check for NewLookBack {
    fn check(&self, faults: &mut Faults) {
        if let Some(ids) = &self.hazard_ids {
            some_of(faults, "/hazard_ids", ids, MAX_NAMED);
            if self.sample.is_some() {
                faults.say(
                    "/sample",
                    "named_or_drawn",
                    "指定隐患与抽取只能选一",
                    "must not stand beside named hazards",
                );
            }
        }
        if let Some(sample) = &self.sample {
            if let Some(share) = sample.share_percent {
                faults.range("/sample/share_percent", &share, &1, &100);
            }
            check_days(faults, "/sample", sample.min_days.unwrap_or(0), sample.max_days.unwrap_or(MAX_DAYS));
            if let Some(ids) = &sample.org_ids {
                some_of(faults, "/sample/org_ids", ids, MAX_SCHOOLS);
            }
            if sample.levels.as_ref().is_some_and(Vec::is_empty) {
                faults.add(FieldError::required("/sample/levels"));
            }
        }
        some_of(faults, "/inspectors/pool", &self.inspectors.pool, MAX_POOL);
        faults.range("/inspectors/per_school", &self.inspectors.per_school, &1, &MAX_TEAM);
        faults.at_most("/checklist_ids", self.checklist_ids.len(), MAX_CHECKLISTS);
        repeated(faults, "/checklist_ids", &self.checklist_ids);
        if let Some(day) = self.planned_on {
            faults.range("/planned_on", &day.year(), &2000, &2100);
        }
    }
}

fn some_of(faults: &mut Faults, at: &str, ids: &[Id], most: usize) {
    if ids.is_empty() {
        faults.add(FieldError::required(at));
    }
    faults.at_most(at, ids.len(), most);
    repeated(faults, at, ids);
}

fn repeated(faults: &mut Faults, at: &str, ids: &[Id]) {
    for (place, id) in ids.iter().enumerate() {
        if ids.iter().take(place).any(|earlier| earlier == id) {
            faults.say(&format!("{at}/{place}"), "duplicate", "重复", "is there already");
        }
    }
}

/// What the team found of one hazard.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = LookBackFinding)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Whether it held.
    pub outcome: LookBackOutcome,
    /// What was seen, at most 1000 characters; needed where it failed: it is the reason of the reopening.
    pub note: Option<String>,
    /// The new deadline where it failed; the bureau's policy gives one where nothing is said.
    pub due_at: Option<Timestamp>,
}

impl Finding {
    /// The faults of it, below a place in the body.
    pub fn check_at(&self, faults: &mut Faults, at: &str) {
        faults.optional_text(&format!("{at}/note"), self.note.as_deref(), 1000);
        let failed = self.outcome == LookBackOutcome::Failed;
        if failed && self.note.as_deref().is_none_or(|note| note.trim().chars().count() < 2) {
            faults.add(FieldError::required(format!("{at}/note")));
        }
        if !failed && self.due_at.is_some() {
            faults.say(&format!("{at}/due_at"), "only_failed", "仅不合格时填写", "belongs to a failed one only");
        }
    }
}

impl Check for Finding {
    fn check(&self, faults: &mut Faults) {
        self.check_at(faults, "");
    }
}

/// What the team found of one hazard, handed in with the visit: all that a phone without a network needs.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookBackToHandIn {
    /// Of which hazard.
    pub hazard_id: Id,
    /// Whether it held.
    pub outcome: LookBackOutcome,
    /// What was seen; needed where it failed.
    pub note: Option<String>,
    /// The new deadline where it failed.
    pub due_at: Option<Timestamp>,
}

impl LookBackToHandIn {
    /// Without the hazard.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding { outcome: self.outcome, note: self.note.clone(), due_at: self.due_at }
    }
}
