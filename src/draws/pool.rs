//! What is drawn from, frozen: schools with weights and strata, inspectors, who must not meet whom, and the text that
//! is hashed.
//!
//! Ids and times are texts here: what was frozen is compared byte by byte, and a proof file is read as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::algorithm::{ALGORITHM, Impossible};

/// How risk and time since the last visit become a weight. Whole numbers, so that everybody computes the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawWeights)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// What every school has; above 0, so that nobody is safe from the draw.
    pub base: u32,
    /// For each open hazard, up to 100 of them.
    pub open: u32,
    /// For each overdue hazard, up to 100 of them, beside what it counts as open.
    pub overdue: u32,
    /// For each open major hazard, up to 100 of them, beside what it counts as open.
    pub major: u32,
    /// For each 30 whole days since the bureau last visited, up to 730 days.
    pub unvisited: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { base: 10, open: 1, overdue: 3, major: 10, unvisited: 2 }
    }
}

/// What is known of a school when the pool is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Hazards neither closed nor void.
    pub open: u32,
    /// Of these, past their deadline.
    pub overdue: u32,
    /// Of these, major.
    pub major: u32,
    /// Whole days since the bureau last checked in there; [`NEVER`] where it never did.
    pub days_unvisited: u32,
}

/// Days that stand for two years or more, or for never.
pub const NEVER: u32 = 730;
const MOST: u32 = 100;

impl Weights {
    /// `base + open·min(o,100) + overdue·min(d,100) + major·min(m,100) + unvisited·⌊min(days,730)/30⌋`
    #[must_use]
    pub fn of(&self, facts: Facts) -> u64 {
        let part = |weight: u32, count: u32| u64::from(weight) * u64::from(count);
        u64::from(self.base)
            + part(self.open, facts.open.min(MOST))
            + part(self.overdue, facts.overdue.min(MOST))
            + part(self.major, facts.major.min(MOST))
            + part(self.unvisited, facts.days_unvisited.min(NEVER) / 30)
    }
}

/// A school that may be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawSchool)]
#[serde(deny_unknown_fields)]
pub struct School {
    /// Which.
    pub id: String,
    /// Its name when the pool was frozen, without line breaks.
    pub name: String,
    /// In which stratum it stands.
    pub stratum: String,
    /// Its weight, by the formula.
    pub weight: u64,
    /// Hazards neither closed nor void.
    pub open: u32,
    /// Of these, past their deadline.
    pub overdue: u32,
    /// Of these, major.
    pub major: u32,
    /// Whole days since the bureau last checked in there, at most 730.
    pub days_unvisited: u32,
}

impl School {
    /// What its weight follows from.
    #[must_use]
    pub const fn facts(&self) -> Facts {
        Facts { open: self.open, overdue: self.overdue, major: self.major, days_unvisited: self.days_unvisited }
    }
}

/// A part of the pool that is drawn from by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawStratum)]
#[serde(deny_unknown_fields)]
pub struct Stratum {
    /// A kind of school, or `all`.
    #[schema(example = "primary")]
    pub name: String,
    /// How many schools stand in it.
    pub size: u32,
    /// How many are drawn.
    pub take: u32,
}

/// Somebody who must not be sent to a school.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawExclusion)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Who.
    pub inspector: String,
    /// From which school.
    pub school: String,
    /// `recused`, `belongs` to the school, or `out_of_reach`.
    #[schema(example = "recused")]
    pub why: String,
}

/// What the drawn inspections will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawnInspection)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Always `random`.
    pub kind: String,
    /// With which checklists, in this order.
    pub checklist_ids: Vec<String>,
    /// From which day.
    pub planned_from: String,
    /// To which day.
    pub planned_to: String,
}

/// The frozen pools of one draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DrawPool)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The number of the draw.
    #[schema(example = "640104-2026-D0001")]
    pub number: String,
    /// Its title; one line.
    pub title: String,
    /// Why it repeats an earlier one; empty where it does not. One line.
    pub reason: String,
    /// When the pools were frozen.
    pub frozen_at: String,
    /// By whom.
    pub frozen_by: String,
    /// `two_officials` or `public_entropy`.
    pub seeding: String,
    /// The public source named beforehand; empty with two officials. One line.
    pub entropy_source: String,
    /// `school_kind` or `none`.
    pub strata_by: String,
    /// How many go to one school.
    pub per_object: u32,
    /// How weights are made.
    pub weights: Weights,
    /// The strata.
    pub strata: Vec<Stratum>,
    /// The schools.
    pub schools: Vec<School>,
    /// The inspectors.
    pub inspectors: Vec<String>,
    /// Who must not meet whom.
    pub excluded: Vec<Exclusion>,
    /// What the inspections will be.
    pub visit: Visit,
}

impl Pool {
    /// Everything in its canonical order: by the bytes of names and ids.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let mut pool = self.clone();
        pool.strata.sort_by(|a, b| a.name.cmp(&b.name));
        pool.schools.sort_by(|a, b| a.id.cmp(&b.id));
        pool.inspectors.sort();
        pool.excluded.sort();
        pool
    }

    /// The canonical text: one fact a line, each line ended by one newline, in the canonical order.
    #[must_use]
    pub fn text(&self) -> String {
        let pool = self.sorted();
        let mut out = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| {
            // Writing into a string cannot fail.
            let _ = out.write_fmt(text);
            out.push('\n');
        };
        line(format_args!("{ALGORITHM} pool"));
        line(format_args!("number {}", pool.number));
        line(format_args!("title {}", pool.title));
        line(format_args!("reason {}", pool.reason));
        line(format_args!("frozen {} {}", pool.frozen_at, pool.frozen_by));
        line(format_args!("seeding {} {}", pool.seeding, pool.entropy_source));
        line(format_args!("strata-by {}", pool.strata_by));
        line(format_args!("per-object {}", pool.per_object));
        let Weights { base, open, overdue, major, unvisited } = pool.weights;
        line(format_args!("weights {base} {open} {overdue} {major} {unvisited}"));
        let visit = &pool.visit;
        line(format_args!("visit {} {} {}", visit.kind, visit.planned_from, visit.planned_to));
        for id in &visit.checklist_ids {
            line(format_args!("checklist {id}"));
        }
        for one in &pool.strata {
            line(format_args!("stratum {} {} {}", one.name, one.size, one.take));
        }
        for one in &pool.schools {
            let facts = format!("{} {} {} {}", one.open, one.overdue, one.major, one.days_unvisited);
            line(format_args!("school {} {} {} {facts} {}", one.id, one.stratum, one.weight, one.name));
        }
        for id in &pool.inspectors {
            line(format_args!("inspector {id}"));
        }
        for one in &pool.excluded {
            line(format_args!("excluded {} {} {}", one.inspector, one.school, one.why));
        }
        out
    }

    /// SHA-256 of the canonical text.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text().as_bytes()).into()
    }

    /// Whether somebody must not be sent to a school; the pairs must be sorted.
    #[must_use]
    pub fn is_excluded(&self, inspector: &str, school: &str) -> bool {
        self.excluded
            .binary_search_by(|pair| (pair.inspector.as_str(), pair.school.as_str()).cmp(&(inspector, school)))
            .is_ok()
    }

    /// Whether a draw can be made of it.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    pub fn check(&self) -> Result<(), Impossible> {
        let pool = self.sorted();
        if pool.schools.is_empty() {
            return Err(Impossible::EmptyPool);
        }
        once(pool.schools.iter().map(|one| one.id.as_str()))?;
        once(pool.inspectors.iter().map(String::as_str))?;
        once(pool.strata.iter().map(|one| one.name.as_str()))?;
        let mut pairs = BTreeSet::new();
        for pair in &pool.excluded {
            if !pairs.insert((&pair.inspector, &pair.school)) {
                return Err(Impossible::Repeated(pair.inspector.clone()));
            }
        }
        let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
        for school in &pool.schools {
            *sizes.entry(&school.stratum).or_default() += 1;
            if school.weight == 0 || school.weight != pool.weights.of(school.facts()) {
                return Err(Impossible::Weight(school.id.clone()));
            }
        }
        for stratum in &pool.strata {
            let size = sizes.remove(stratum.name.as_str()).unwrap_or(0);
            if stratum.size != size || stratum.take == 0 || stratum.take > size {
                return Err(Impossible::Stratum(stratum.name.clone()));
            }
        }
        if let Some(name) = sizes.keys().next() {
            return Err(Impossible::Stratum((*name).to_owned()));
        }
        let wanted = usize::try_from(pool.per_object).unwrap_or(usize::MAX);
        if wanted == 0 || pool.inspectors.len() < wanted {
            return Err(Impossible::TooFewInspectors);
        }
        for school in &pool.schools {
            let able = pool.inspectors.iter().filter(|id| !pool.is_excluded(id, &school.id)).take(wanted).count();
            if able < wanted {
                return Err(Impossible::NobodyLeft(school.id.clone()));
            }
        }
        Ok(())
    }
}

/// Each once; they stand in their order.
fn once<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), Impossible> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(Impossible::Repeated(id.to_owned()));
        }
    }
    Ok(())
}
