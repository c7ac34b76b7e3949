//! What a checklist is besides its items: sections, and the bands in which a score becomes a grade.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::{Fault, Item};

const MAX_SECTIONS: usize = 100;
const MAX_BANDS: usize = 10;
const MAX_WORD: usize = 40;
const MAX_TITLE: usize = 100;

/// An ordered group of items with a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChecklistSection)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Unique within the checklist; items name it.
    #[schema(example = "kitchen")]
    pub code: String,
    /// What people read.
    #[schema(example = "后厨")]
    pub title_zh: String,
}

/// A grade and the score from which it is earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = GradeBand)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Stable word or letter.
    #[schema(example = "good")]
    pub grade: String,
    /// What people read.
    #[schema(example = "良好")]
    pub name_zh: String,
    /// Least score, inclusive, from 0 to 100 with at most two decimals. One band begins at 0.
    #[schema(value_type = f64, example = 80)]
    pub from: Number,
}

/// How a score becomes a grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// At most ten, in any order.
    pub bands: Vec<Band>,
    /// No better grade than this where an item with `veto` failed.
    #[schema(example = "unqualified")]
    pub veto_grade: String,
}

impl Default for Scoring {
    /// The usual four: 优秀 from 90, 良好 from 80, 合格 from 60, 不合格 below; a failed veto is 不合格.
    fn default() -> Self {
        let band = |grade: &str, name_zh: &str, from: u32| Band {
            grade: grade.to_owned(),
            name_zh: name_zh.to_owned(),
            from: from.into(),
        };
        Self {
            bands: vec![
                band("excellent", "优秀", 90),
                band("good", "良好", 80),
                band("qualified", "合格", 60),
                band("unqualified", "不合格", 0),
            ],
            veto_grade: "unqualified".to_owned(),
        }
    }
}

impl Scoring {
    /// The same as it is stored: blanks dropped, whole numbers whole.
    #[must_use]
    pub fn normal(mut self) -> Self {
        for band in &mut self.bands {
            band.grade = band.grade.trim().to_owned();
            band.name_zh = band.name_zh.trim().to_owned();
            band.from = super::item::whole(band.from.clone());
        }
        self.veto_grade = self.veto_grade.trim().to_owned();
        self
    }

    /// The band a score of so many hundredths earns.
    #[must_use]
    pub fn band(&self, hundredths: i64) -> Option<&Band> {
        let earned =
            self.bands.iter().filter(|band| self::hundredths(&band.from).is_some_and(|from| from <= hundredths));
        earned.max_by_key(|band| self::hundredths(&band.from))
    }

    /// The best band that is left where an item with `veto` failed.
    #[must_use]
    pub fn veto_band(&self) -> Option<&Band> {
        self.bands.iter().find(|band| band.grade == self.veto_grade)
    }

    /// Everything wrong with it, with pointers like `/scoring/bands/1/from`.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        if self.bands.is_empty() {
            found.push(Fault::at("/scoring/bands", "required"));
        }
        if self.bands.len() > MAX_BANDS {
            found.push(Fault::at("/scoring/bands", "too_many"));
        }
        let (mut grades, mut starts) = (HashSet::new(), HashSet::new());
        for (place, band) in self.bands.iter().enumerate() {
            let at = |field: &str| format!("/scoring/bands/{place}/{field}");
            word(&at("grade"), &band.grade, MAX_WORD, &mut found);
            word(&at("name_zh"), &band.name_zh, MAX_WORD, &mut found);
            if !grades.insert(band.grade.as_str()) {
                found.push(Fault::at(at("grade"), "duplicate"));
            }
            match hundredths(&band.from) {
                Some(from) if !starts.insert(from) => found.push(Fault::at(at("from"), "duplicate")),
                Some(_) => {}
                None => found.push(Fault::at(at("from"), "out_of_range")),
            }
        }
        if !self.bands.is_empty() && !starts.contains(&0) {
            found.push(Fault::at("/scoring/bands", "no_lowest_band"));
        }
        if !self.bands.is_empty() && self.veto_band().is_none() {
            found.push(Fault::at("/scoring/veto_grade", "unknown_value"));
        }
        found
    }
}

/// Sections, bands and items as somebody wrote them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// In order.
    pub sections: Vec<Section>,
    /// The usual bands where nothing is said.
    pub scoring: Option<Scoring>,
    /// In order; those without a section come first.
    pub items: Vec<Item>,
}

/// A score of 0 to 100 with at most two decimals, in hundredths.
#[must_use]
pub fn hundredths(number: &Number) -> Option<i64> {
    let value = number.as_f64().filter(|value| (0.0..=100.0).contains(value))?;
    let parts: i64 = format!("{:.0}", value * 100.0).parse().ok()?;
    // As close as two decimals come in binary.
    (format!("{:.2}", value).parse::<f64>().ok()? - value).abs().lt(&1e-9).then_some(parts)
}

fn word(at: &str, text: &str, most: usize, found: &mut Vec<Fault>) {
    if text.trim().is_empty() {
        found.push(Fault::at(at, "required"));
    }
    if text.chars().count() > most {
        found.push(Fault::at(at, "too_long"));
    }
    if text.chars().any(super::publish::forbidden) || text.contains(['\n', '\t']) {
        found.push(Fault::at(at, "control_character"));
    }
}

/// Everything wrong with the sections of a checklist, with pointers like `/sections/1/code`.
#[must_use]
pub fn section_faults(sections: &[Section]) -> Vec<Fault> {
    let mut found = Vec::new();
    if sections.len() > MAX_SECTIONS {
        found.push(Fault::at("/sections", "too_many"));
    }
    let mut codes = HashSet::new();
    for (place, section) in sections.iter().enumerate() {
        if !super::publish::is_code(&section.code) {
            found.push(Fault::at(format!("/sections/{place}/code"), "invalid_format"));
        }
        if !codes.insert(section.code.to_lowercase()) {
            found.push(Fault::at(format!("/sections/{place}/code"), "duplicate"));
        }
        word(&format!("/sections/{place}/title_zh"), &section.title_zh, MAX_TITLE, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(scoring: &Scoring) -> Vec<(String, &'static str)> {
        scoring.faults().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn the_usual_bands_are_good() {
        assert_eq!(codes(&Scoring::default()), []);
        let grade = |score| Scoring::default().band(score).unwrap().grade.clone();
        assert_eq!(
            (grade(10_000), grade(9_000), grade(8_999)),
            ("excellent".into(), "excellent".into(), "good".into())
        );
        assert_eq!(
            (grade(6_000), grade(5_999), grade(0)),
            ("qualified".into(), "unqualified".into(), "unqualified".into())
        );
    }

    #[test]
    fn bands_begin_at_zero_and_differ_and_the_veto_names_one() {
        let mut scoring = Scoring::default();
        scoring.bands.pop();
        assert_eq!(
            codes(&scoring),
            [("/scoring/bands".into(), "no_lowest_band"), ("/scoring/veto_grade".into(), "unknown_value")]
        );
        let mut scoring = Scoring::default();
        scoring.bands[0].from = 80.into();
        scoring.bands[1].grade = "qualified".into();
        scoring.bands[2].from = Number::from_f64(60.005).unwrap();
        assert_eq!(
            codes(&scoring),
            [
                ("/scoring/bands/1/from".into(), "duplicate"),
                ("/scoring/bands/2/grade".into(), "duplicate"),
                ("/scoring/bands/2/from".into(), "out_of_range"),
            ]
        );
    }

    #[test]
    fn sections_have_codes_and_titles_once() {
        let section = |code: &str, title: &str| Section { code: code.into(), title_zh: title.into() };
        let found = section_faults(&[section("a", "甲"), section("A", " "), section("b c", "乙\u{7}")]);
        let found: Vec<(&str, &str)> = found.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(
            found,
            [
                ("/sections/1/code", "duplicate"),
                ("/sections/1/title_zh", "required"),
                ("/sections/2/code", "invalid_format"),
                ("/sections/2/title_zh", "control_character"),
            ]
        );
    }
}
