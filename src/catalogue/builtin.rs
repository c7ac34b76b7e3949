//! What ships with the product: categories, domains, school kinds and features, 151 items, public holidays.
//!
//! The two documents are compiled in and read once. Built-in checklists have ids that follow from their code, so
//! that every installation, node and engine agrees on them without asking a database.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;
use uuid::Uuid;

use super::rules::{Item, Stage};
use crate::platform::ids::built_in;

/// The whole of `catalogue.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Month of the edition, `YYYY-MM`.
    pub version: String,
    /// What the items are and are not, for people.
    pub note_zh: String,
    /// The ten, in the order in which they are shown.
    pub categories: Vec<Category>,
    /// The second axis.
    pub domains: Vec<Domain>,
    /// Kinds of school, each with the stages it teaches (see [`stages`]).
    pub school_kinds: Vec<Word>,
    /// What a school may have: a canteen, boarders, a laboratory …
    pub school_features: Vec<Word>,
    /// How `applies_to` is read.
    pub applies_to_note: String,
}

/// One of the ten work lines, with the items of its built-in checklist.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Stable pinyin code, for example `fang`; the order and the names may change, this never does.
    pub code: String,
    /// The character itself, for example 防.
    #[serde(rename = "char")]
    pub character: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// What belongs to it.
    pub definition_zh: String,
    /// Items of the built-in checklist.
    pub items: Vec<Item>,
}

/// A domain of hazards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Stable code, for example `fire`.
    pub code: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
}

/// A code with its Chinese name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Stable code.
    pub code: String,
    /// Chinese name.
    pub name_zh: String,
}

/// The whole of `holidays-cn.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holidays {
    /// Where the dates come from and how far they reach.
    pub note: String,
    /// The years that are announced, ascending.
    pub years: Vec<i32>,
    /// Days off.
    pub holidays: Vec<Holiday>,
    /// Weekend days that are worked in exchange (调休).
    pub makeup_workdays: Vec<MakeupWorkday>,
}

/// A public day off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The day.
    pub date: NaiveDate,
    /// English name.
    pub name: String,
    /// Chinese name.
    pub name_zh: String,
}

/// A Saturday or Sunday that is a working day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeupWorkday {
    /// The day.
    pub date: NaiveDate,
    /// English name of the holiday it pays for.
    #[serde(rename = "for")]
    pub holiday: String,
    /// Chinese name of the holiday it pays for.
    #[serde(rename = "for_zh")]
    pub holiday_zh: String,
}

#[expect(clippy::expect_used, reason = "the document is compiled in; a test reads it")]
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    serde_json::from_str(include_str!("builtin/catalogue.json")).expect("the built-in catalogue is well formed")
});

#[expect(clippy::expect_used, reason = "the document is compiled in; a test reads it")]
static HOLIDAYS: LazyLock<Holidays> = LazyLock::new(|| {
    serde_json::from_str(include_str!("builtin/holidays-cn.json")).expect("the built-in calendar is well formed")
});

/// The built-in catalogue, read on first use.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

/// The built-in calendar, read on first use.
#[must_use]
pub fn holidays() -> &'static Holidays {
    &HOLIDAYS
}

/// The category with this code.
#[must_use]
pub fn category(code: &str) -> Option<&'static Category> {
    CATALOGUE.categories.iter().find(|known| known.code == code)
}

/// The domain with this code.
#[must_use]
pub fn domain(code: &str) -> Option<&'static Domain> {
    CATALOGUE.domains.iter().find(|known| known.code == code)
}

/// Whether this is the code of a kind of school.
#[must_use]
pub fn is_school_kind(code: &str) -> bool {
    CATALOGUE.school_kinds.iter().any(|known| known.code == code)
}

/// Whether this is the code of a feature of a school.
#[must_use]
pub fn is_feature(code: &str) -> bool {
    CATALOGUE.school_features.iter().any(|known| known.code == code)
}

/// The stages a kind of school teaches, by `applies_to_note` of the catalogue. None for an unknown kind and for
/// off-campus institutions.
#[must_use]
pub fn stages(school_kind: &str) -> &'static [Stage] {
    match school_kind {
        "kindergarten" => &[Stage::Kindergarten],
        "primary" | "teaching_point" => &[Stage::Primary],
        "junior_high" => &[Stage::Junior],
        "senior_high" | "vocational" => &[Stage::Senior],
        "complete_secondary" => &[Stage::Junior, Stage::Senior],
        "nine_year" | "special" => &[Stage::Primary, Stage::Junior],
        "twelve_year" => &[Stage::Primary, Stage::Junior, Stage::Senior],
        _ => &[],
    }
}

/// Id of the built-in checklist of a category: a UUID of version 8 made from the SHA-256 of its code and revision.
#[must_use]
pub fn checklist_id(category_code: &str, revision: u32) -> Uuid {
    built_in(&format!("checklist/{category_code}/{revision}")).0
}

/// Id under which all revisions of the built-in checklist of a category are one.
#[must_use]
pub fn checklist_lineage_id(category_code: &str) -> Uuid {
    built_in(&format!("checklist/{category_code}")).0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::catalogue::rules::{self, Care};

    #[test]
    fn the_ten_categories_come_in_their_order_with_151_items() {
        let codes: Vec<&str> = catalogue().categories.iter().map(|c| c.code.as_str()).collect();
        assert_eq!(codes, ["fang", "cha", "gai", "jiao", "qiang", "ji", "zhi", "du", "jiu", "diao"]);
        assert_eq!(catalogue().categories.iter().map(|c| c.items.len()).sum::<usize>(), 151);
        assert_eq!((catalogue().domains.len(), catalogue().school_kinds.len()), (26, 11));
        assert_eq!(catalogue().school_features.len(), 9);
    }

    #[test]
    fn every_built_in_checklist_may_be_published() {
        let mut codes = HashSet::new();
        for category in &catalogue().categories {
            assert_eq!(rules::faults(&category.items, Some(&category.code), Care::Publish), [], "{}", category.code);
            for item in &category.items {
                assert!(codes.insert(&item.code), "{} twice", item.code);
                assert_eq!(rules::category_of(item, None), Some(category.code.as_str()));
            }
        }
    }

    #[test]
    fn an_item_is_written_as_it_was_read() {
        let text: serde_json::Value = serde_json::from_str(include_str!("builtin/catalogue.json")).unwrap();
        for (category, raw) in catalogue().categories.iter().zip(text["categories"].as_array().unwrap()) {
            assert_eq!(serde_json::to_value(&category.items).unwrap(), raw["items"]);
        }
    }

    #[test]
    fn ids_follow_from_the_code_and_never_move() {
        let id = checklist_id("fang", 1);
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id, checklist_id("fang", 1));
        let all: HashSet<Uuid> = catalogue()
            .categories
            .iter()
            .flat_map(|c| [checklist_id(&c.code, 1), checklist_id(&c.code, 2), checklist_lineage_id(&c.code)])
            .collect();
        assert_eq!(all.len(), 30);
    }

    #[test]
    fn every_kind_of_school_but_off_campus_has_a_stage() {
        for kind in &catalogue().school_kinds {
            assert_eq!(stages(&kind.code).is_empty(), kind.code == "offcampus", "{}", kind.code);
        }
    }

    #[test]
    fn the_calendar_reaches_2026_and_its_make_up_days_are_weekend_days() {
        use chrono::{Datelike, Weekday};
        assert_eq!(holidays().years, [2023, 2024, 2025, 2026]);
        assert_eq!(holidays().holidays.len(), 117);
        for day in &holidays().makeup_workdays {
            assert!(matches!(day.date.weekday(), Weekday::Sat | Weekday::Sun), "{}", day.date);
        }
    }
}
