//! What callers send about plans.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::{Every, Recurrence};
use crate::inspections::rules::InspectionKind;
use crate::orgs::rules::{Feature, SchoolKind};
use crate::platform::db::types::Id;
use crate::platform::http::{Check, Faults, FieldError};

/// Most schools of one plan.
pub const MAX_SCHOOLS: usize = 500;
const MAX_PEOPLE: usize = 200;
const MAX_TEAM: usize = 20;
const MAX_CHECKLISTS: usize = 20;

/// Which schools: by name, or by what they are at the moment the plan is drawn up. All fields of a filter together;
/// none at all means every school in the caller's reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanSchools {
    /// These, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 500)]
    pub org_ids: Option<Vec<Id>>,
    /// Those below this organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Id>,
    /// Those of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school_kind: Option<SchoolKind>,
    /// Those that have all of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<Feature>>,
}

/// The team of one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SchoolTeam {
    /// The school.
    pub org_id: Id,
    /// Who goes there, the lead first.
    #[schema(min_items = 1, max_items = 20)]
    pub team: Vec<Id>,
}

/// Who goes: a team for each school, or one pool for all. From a pool teams are taken round and round in the order of
/// schools and people: each begins behind the last of the one before; who may not go to a school comes first at the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanInspectors {
    /// A team for each school of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 500)]
    pub teams: Option<Vec<SchoolTeam>>,
    /// One pool for all schools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 200)]
    pub pool: Option<Vec<Id>>,
    /// How many of the pool go to each school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 20)]
    pub per_school: Option<usize>,
}

/// From when until when, in local days of whoever keeps the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first day.
    pub from: NaiveDate,
    /// The last day; a recurring plan may have none.
    #[serde(default)]
    pub to: Option<NaiveDate>,
}

/// A plan to be drawn up.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlan {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// Its name, also that of its inspections.
    #[schema(min_length = 1, max_length = 100, example = "2026 春季开学大排查")]
    pub title: String,
    /// The kinds of its inspections: one of each at every school, and at every occurrence. All of them the bureau's, or
    /// all the school's; the same people go.
    #[schema(min_items = 1, max_items = 11)]
    pub kinds: Vec<InspectionKind>,
    /// With which published checklists.
    #[schema(min_items = 1, max_items = 20)]
    pub checklist_ids: Vec<Id>,
    /// Which schools.
    pub schools: PlanSchools,
    /// Who goes there.
    pub inspectors: PlanInspectors,
    /// From when until when.
    pub period: Period,
    /// Again and again within the period; once where nothing is said.
    pub recurrence: Option<Recurrence>,
    /// Whether the schools know beforehand; true where nothing is said, but with `unannounced`. Fixed from then on.
    #[schema(default = true)]
    pub announced: Option<bool>,
    /// Part of a campaign (大排查大整治, 百日整治).
    #[serde(default)]
    #[schema(default = false)]
    pub campaign: bool,
}

impl NewPlan {
    /// Whether the schools know beforehand.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.announced.unwrap_or_else(|| self.kinds.iter().all(|kind| kind.announced_by_default()))
    }
}

impl Check for NewPlan {
    fn check(&self, faults: &mut Faults) {
        faults.text("/title", &self.title, 1, 100);
        check_checklists(faults, &self.checklist_ids);
        self.schools.check(faults);
        self.inspectors.check(faults);
        check_period(faults, self.period, self.recurrence.is_some());
        if let Some(recurrence) = &self.recurrence {
            recurrence.check(faults);
        }
        check_kinds(faults, &self.kinds);
        if !self.kinds.iter().all(|kind| kind.permits(self.is_announced())) {
            faults.say("/announced", "not_for_this_kind", "此类检查不适用", "does not fit this kind of inspection");
        } else if !self.is_announced() {
            if self.recurrence.is_some() {
                // What comes by a calendar is expected.
                faults.say("/recurrence", "not_for_surprise", "突击检查不得定期", "does not fit a surprise visit");
            }
            if self.id.is_some_and(|id| id.0.get_version_num() != 4) {
                faults.say("/id", "not_uuid_v4", "须为 UUIDv4", "must be a UUIDv4");
            }
        }
    }
}

fn check_kinds(faults: &mut Faults, kinds: &[InspectionKind]) {
    if kinds.is_empty() {
        faults.add(FieldError::required("/kinds"));
    }
    faults.at_most("/kinds", kinds.len(), InspectionKind::ALL.len());
    let mut seen = Vec::new();
    for (place, kind) in kinds.iter().enumerate() {
        let at = format!("/kinds/{place}");
        if seen.contains(kind) {
            faults.say(&at, "duplicate", "重复", "is there already");
        }
        if kinds.first().is_some_and(|first| first.of_school() != kind.of_school()) {
            let (zh, en) = (
                "学校自查类与教育局检查不能同在一个计划",
                "must be the bureau's like the first, or the school's like it",
            );
            faults.say(&at, "other_side", zh, en);
        }
        seen.push(*kind);
    }
}

fn check_checklists(faults: &mut Faults, ids: &[Id]) {
    faults.at_most("/checklist_ids", ids.len(), MAX_CHECKLISTS);
    if ids.is_empty() {
        faults.add(FieldError::required("/checklist_ids"));
    }
    repeated(faults, "/checklist_ids", ids);
}

fn check_period(faults: &mut Faults, period: Period, recurring: bool) {
    faults.range("/period/from", &period.from.year(), &2000, &2100);
    match period.to {
        None if !recurring => faults.add(FieldError::required("/period/to")),
        Some(to) if to < period.from => {
            faults.say("/period/to", "before_start", "不得早于开始日", "must not lie before its start");
        }
        Some(to) => faults.range("/period/to", &to.year(), &2000, &2100),
        None => {}
    }
}

fn repeated(faults: &mut Faults, at: &str, ids: &[Id]) {
    let mut seen = std::collections::HashSet::new();
    for (place, id) in ids.iter().enumerate() {
        if !seen.insert(id) {
            faults.say(&format!("{at}/{place}"), "duplicate", "重复", "is there already");
        }
    }
}

impl Check for PlanSchools {
    fn check(&self, faults: &mut Faults) {
        let filter = self.under.is_some() || self.school_kind.is_some() || self.features.is_some();
        match &self.org_ids {
            Some(ids) => {
                if ids.is_empty() {
                    faults.add(FieldError::required("/schools/org_ids"));
                }
                faults.at_most("/schools/org_ids", ids.len(), MAX_SCHOOLS);
                repeated(faults, "/schools/org_ids", ids);
                if filter {
                    faults.say("/schools", "list_or_filter", "名单与条件只能选一", "must be a list or a filter");
                }
            }
            None => faults.at_most("/schools/features", self.features.as_ref().map_or(0, Vec::len), 20),
        }
    }
}

impl Check for PlanInspectors {
    fn check(&self, faults: &mut Faults) {
        match (&self.teams, &self.pool) {
            (Some(teams), None) => {
                faults.at_most("/inspectors/teams", teams.len(), MAX_SCHOOLS);
                if self.per_school.is_some() {
                    let at = "/inspectors/per_school";
                    faults.say(at, "only_with_pool", "只与人员库同用", "belongs to a pool only");
                }
                let ids: Vec<Id> = teams.iter().map(|one| one.org_id).collect();
                repeated(faults, "/inspectors/teams", &ids);
                for (place, SchoolTeam { team, .. }) in teams.iter().enumerate() {
                    let at = format!("/inspectors/teams/{place}/team");
                    if team.is_empty() {
                        faults.add(FieldError::required(&at));
                    }
                    faults.at_most(&at, team.len(), MAX_TEAM);
                    repeated(faults, &at, team);
                }
            }
            (None, Some(pool)) => {
                if pool.is_empty() {
                    faults.add(FieldError::required("/inspectors/pool"));
                }
                faults.at_most("/inspectors/pool", pool.len(), MAX_PEOPLE);
                repeated(faults, "/inspectors/pool", pool);
                match self.per_school {
                    None => faults.add(FieldError::required("/inspectors/per_school")),
                    Some(size) => faults.range("/inspectors/per_school", &size, &1, &MAX_TEAM),
                }
            }
            _ => faults.say("/inspectors", "teams_or_pool", "须填各校检查组或人员库之一", "must be teams or a pool"),
        }
    }
}

impl Check for Recurrence {
    fn check(&self, faults: &mut Faults) {
        let mut only = |name: &str, of: Every, needed: bool, given: bool| {
            let at = format!("/recurrence/{name}");
            if self.every == of && needed && !given {
                faults.add(FieldError::required(at));
            } else if self.every != of && given {
                faults.say(&at, "not_for_this_cadence", "此频次不含该字段", "does not belong to this cadence");
            }
        };
        only("weekday", Every::Week, true, self.weekday.is_some());
        only("day_of_month", Every::Month, true, self.day_of_month.is_some());
        only("working_days_only", Every::Day, false, self.working_days_only);
        if let Some(number) = self.weekday {
            faults.range("/recurrence/weekday", &number, &1, &7);
        }
        if let Some(number) = self.day_of_month {
            faults.range("/recurrence/day_of_month", &number, &1, &31);
        }
    }
}

/// Changes of a plan. All of a draft; of an active recurring plan its title, its last day, who goes, and how often from
/// tomorrow on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanEdit {
    /// Its name.
    pub title: Option<String>,
    /// With which published checklists.
    pub checklist_ids: Option<Vec<Id>>,
    /// Which schools.
    pub schools: Option<PlanSchools>,
    /// Who goes there.
    pub inspectors: Option<PlanInspectors>,
    /// From when until when.
    pub period: Option<Period>,
    /// How often; a plan that recurs goes on recurring, one that does not does not.
    pub recurrence: Option<Recurrence>,
}

impl Check for PlanEdit {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/title", self.title.as_deref(), 100);
        if let Some(ids) = &self.checklist_ids {
            check_checklists(faults, ids);
        }
        if let Some(schools) = &self.schools {
            schools.check(faults);
        }
        if let Some(inspectors) = &self.inspectors {
            inspectors.check(faults);
        }
        if let Some(recurrence) = &self.recurrence {
            recurrence.check(faults);
        }
        if let Some(period) = self.period {
            // Whether it may be without end is known with the plan.
            check_period(faults, period, true);
        }
    }
}

/// Why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanReason {
    /// Why.
    #[schema(min_length = 2, max_length = 1000, example = "寒假")]
    pub reason: String,
}

impl Check for PlanReason {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 2, 1000);
    }
}
