//! What callers send about draws.

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::algorithm::unhex;
use super::pool::Weights;
use super::rules::{DrawStatus, Seeding, StrataBy};
use crate::access::Role;
use crate::inspections::rules::InspectionKind as Kind;
use crate::orgs::rules::{Feature, SchoolKind};
use crate::platform::db::types::Id;
use crate::platform::http::{Check, Faults, FieldError};

const MAX_TEXT: usize = 1000;
const MAX_PER_OBJECT: u32 = 10;

/// The query of the list of draws.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DrawFilter {
    /// Only in this state.
    pub status: Option<DrawStatus>,
    /// Only of this year.
    pub year: Option<i32>,
}

/// Which schools.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectFilter {
    /// Below this organisation; the whole bureau where nothing is said.
    pub under: Option<Id>,
    /// Of this kind.
    pub school_kind: Option<SchoolKind>,
    /// With all of these.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Neither drawn nor visited by the bureau within so many months: neither in the result of a draw that is not void,
    /// nor checked in.
    #[schema(minimum = 1, maximum = 60)]
    pub untouched_months: Option<u32>,
}

/// How many of a stratum are drawn.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Of this kind of school; of every stratum not named elsewhere where nothing is said.
    pub stratum: Option<SchoolKind>,
    /// So many.
    #[schema(minimum = 1, maximum = 10000)]
    pub count: Option<u32>,
    /// So many of a hundred, rounded up.
    #[schema(minimum = 1, maximum = 100)]
    pub rate_percent: Option<u32>,
}

/// The pool of schools.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Objects {
    /// By filter; not together with a list.
    pub filter: Option<ObjectFilter>,
    /// By list.
    pub org_ids: Option<Vec<Id>>,
    /// What makes the strata; nothing does where nothing is said.
    pub strata_by: Option<StrataBy>,
    /// How many of each stratum.
    pub quotas: Vec<Quota>,
}

/// The pool of inspectors.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Inspectors {
    /// By list; not together with roles.
    pub user_ids: Option<Vec<Id>>,
    /// Everybody with one of these roles.
    pub roles: Option<Vec<Role>>,
    /// And of these only those of this organisation or below.
    pub under: Option<Id>,
    /// How many go to one school.
    #[schema(minimum = 2, maximum = 10)]
    pub per_object: u32,
}

/// What the drawn inspections will be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedVisit {
    /// Always `random`.
    pub kind: Kind,
    /// With these published checklists.
    pub checklist_ids: Vec<Id>,
    /// From this day.
    pub planned_from: NaiveDate,
    /// To this day.
    pub planned_to: NaiveDate,
}

/// A draw to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDraw {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// What it is for; one line.
    #[schema(min_length = 1, max_length = 100)]
    pub title: String,
    /// The year of its number: this one, the default, or the next.
    pub year: Option<i32>,
    /// Why it repeats an earlier draw of that year with the same title, or a void one with the same schools.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// Where the randomness comes from; two officials where nothing is said.
    pub seeding: Option<Seeding>,
    /// With public entropy: which source, said before it speaks; one line.
    #[schema(max_length = 200)]
    pub entropy_source: Option<String>,
    /// The schools.
    pub objects: Objects,
    /// How risk and time become weights.
    pub weights: Option<Weights>,
    /// The inspectors.
    pub inspectors: Inspectors,
    /// What the inspections will be.
    pub inspection: PlannedVisit,
}

fn say(faults: &mut Faults, at: &str, code: &'static str, zh: &str, en: &str) {
    faults.say(at, code, zh, en);
}

/// Line breaks would make two lines of one in the canonical text.
fn one_line(faults: &mut Faults, at: &str, text: Option<&str>) {
    if text.is_some_and(|text| text.trim().contains(['\n', '\r', '\t'])) {
        say(faults, at, "invalid_format", "须为一行文字", "must be one line");
    }
}

fn unique<T: PartialEq>(faults: &mut Faults, at: &str, all: &[T], max: usize) {
    faults.at_most(at, all.len(), max);
    if all.is_empty() {
        faults.add(FieldError::required(at));
    }
    for (place, one) in all.iter().enumerate().take(max) {
        if all.iter().take(place).any(|earlier| earlier == one) {
            say(faults, &format!("{at}/{place}"), "duplicate", "重复", "is there already");
        }
    }
}

/// Either the one or the other.
fn either(faults: &mut Faults, first: (&str, bool), second: (&str, bool)) {
    match (first.1, second.1) {
        (false, false) => faults.add(FieldError::required(first.0)),
        (true, true) => say(faults, second.0, "only_one_of", "两者只填其一", "does not go with the other"),
        _ => {}
    }
}

impl Objects {
    fn check(&self, faults: &mut Faults) {
        either(faults, ("/objects/filter", self.filter.is_some()), ("/objects/org_ids", self.org_ids.is_some()));
        if let Some(ids) = &self.org_ids {
            unique(faults, "/objects/org_ids", ids, 2000);
        }
        if let Some(months) = self.filter.as_ref().and_then(|filter| filter.untouched_months) {
            faults.range("/objects/filter/untouched_months", &months, &1, &60);
        }
        let strata: Vec<Option<SchoolKind>> = self.quotas.iter().map(|quota| quota.stratum).collect();
        unique(faults, "/objects/quotas", &strata, 20);
        let by_kind = self.strata_by == Some(StrataBy::SchoolKind);
        for (place, quota) in self.quotas.iter().enumerate().take(20) {
            let at = |name: &str| format!("/objects/quotas/{place}/{name}");
            if quota.stratum.is_some() && !by_kind {
                say(faults, &at("stratum"), "no_strata", "未按学校类别分层", "there are no strata by kind");
            }
            either(faults, (&at("count"), quota.count.is_some()), (&at("rate_percent"), quota.rate_percent.is_some()));
            if let Some(count) = quota.count {
                faults.range(&at("count"), &count, &1, &10_000);
            }
            if let Some(rate) = quota.rate_percent {
                faults.range(&at("rate_percent"), &rate, &1, &100);
            }
        }
    }
}

impl Check for NewDraw {
    fn check(&self, faults: &mut Faults) {
        faults.text("/title", &self.title, 1, 100);
        one_line(faults, "/title", Some(&self.title));
        faults.optional_text("/reason", self.reason.as_deref(), MAX_TEXT);
        one_line(faults, "/reason", self.reason.as_deref());
        faults.optional_text("/entropy_source", self.entropy_source.as_deref(), 200);
        one_line(faults, "/entropy_source", self.entropy_source.as_deref());
        let public = self.seeding == Some(Seeding::PublicEntropy);
        if public && self.entropy_source.is_none() {
            faults.add(FieldError::required("/entropy_source"));
        }
        if !public && self.entropy_source.is_some() {
            say(
                faults,
                "/entropy_source",
                "not_public",
                "只有使用公开随机源时才填写",
                "belongs to public entropy only",
            );
        }
        self.objects.check(faults);
        if let Some(weights) = &self.weights {
            faults.range("/weights/base", &weights.base, &1, &1000);
            for (name, weight) in [
                ("open", weights.open),
                ("overdue", weights.overdue),
                ("major", weights.major),
                ("unvisited", weights.unvisited),
            ] {
                faults.range(&format!("/weights/{name}"), &weight, &0, &1000);
            }
        }
        let who = &self.inspectors;
        either(faults, ("/inspectors/user_ids", who.user_ids.is_some()), ("/inspectors/roles", who.roles.is_some()));
        if let Some(ids) = &who.user_ids {
            unique(faults, "/inspectors/user_ids", ids, 500);
        }
        if let Some(roles) = &who.roles {
            unique(faults, "/inspectors/roles", roles, 12);
        }
        faults.range("/inspectors/per_object", &who.per_object, &2, &MAX_PER_OBJECT);
        let visit = &self.inspection;
        if visit.kind != Kind::Random {
            say(faults, "/inspection/kind", "not_for_this_kind", "须为双随机抽查", "must be random");
        }
        unique(faults, "/inspection/checklist_ids", &visit.checklist_ids, 20);
        faults.range("/inspection/planned_from", &visit.planned_from.year(), &2000, &2100);
        faults.range("/inspection/planned_to", &visit.planned_to.year(), &2000, &2100);
        if visit.planned_to < visit.planned_from {
            say(
                faults,
                "/inspection/planned_to",
                "before_from",
                "不得早于开始日期",
                "must not be before the first day",
            );
        }
    }
}

fn hex64(faults: &mut Faults, at: &str, text: &str) {
    if unhex(text).is_none() {
        say(faults, at, "invalid_format", "须为 64 位小写十六进制", "must be 64 lower hexadecimal digits");
    }
}

/// The promise of a seed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommitment {
    /// SHA-256 over the 32 bytes of the seed and the 32 bytes of the salt, as 64 lower hexadecimal digits.
    pub commitment: String,
}

impl Check for NewCommitment {
    fn check(&self, faults: &mut Faults) {
        hex64(faults, "/commitment", &self.commitment);
    }
}

/// A seed shown.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownSeed {
    /// 32 bytes as 64 lower hexadecimal digits.
    pub seed: String,
    /// 32 bytes as 64 lower hexadecimal digits.
    pub salt: String,
}

impl Check for ShownSeed {
    fn check(&self, faults: &mut Faults) {
        hex64(faults, "/seed", &self.seed);
        hex64(faults, "/salt", &self.salt);
    }
}

/// What the public source has said.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntropy {
    /// Where it can be read; one line.
    #[schema(min_length = 1, max_length = 200)]
    pub source: String,
    /// Exactly what it says; one line.
    #[schema(min_length = 1, max_length = 1000)]
    pub text: String,
}

impl Check for NewEntropy {
    fn check(&self, faults: &mut Faults) {
        faults.text("/source", &self.source, 1, 200);
        one_line(faults, "/source", Some(&self.source));
        faults.text("/text", &self.text, 1, MAX_TEXT);
        one_line(faults, "/text", Some(&self.text));
    }
}

/// The drawn inspections to be made.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawnInspections {
    /// On which of the days settled when the pools were frozen; the first of them that has not passed where nothing is
    /// said.
    pub planned_on: Option<NaiveDate>,
    /// The checklists settled when the pools were frozen, or later revisions of them; those where nothing is said.
    pub checklist_ids: Option<Vec<Id>>,
    /// Whether the schools know beforehand; false where nothing is said.
    #[schema(default = false)]
    pub announced: Option<bool>,
    /// The kind settled when the pools were frozen: `random`.
    pub kind: Option<Kind>,
}

impl Check for DrawnInspections {
    fn check(&self, faults: &mut Faults) {
        if let Some(day) = self.planned_on {
            faults.range("/planned_on", &day.year(), &2000, &2100);
        }
        if let Some(ids) = &self.checklist_ids {
            unique(faults, "/checklist_ids", ids, 20);
        }
        if self.kind.is_some_and(|kind| kind != Kind::Random) {
            say(faults, "/kind", "not_for_this_kind", "须为双随机抽查", "must be random");
        }
    }
}

/// That every drawn visit has begun.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// What the caller states, for the record.
    #[schema(min_length = 1, max_length = 1000)]
    pub statement: String,
}

impl Check for Publication {
    fn check(&self, faults: &mut Faults) {
        faults.text("/statement", &self.statement, 1, MAX_TEXT);
    }
}

/// Why a draw is given up.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidDraw {
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

impl Check for VoidDraw {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, MAX_TEXT);
    }
}
