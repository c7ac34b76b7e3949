//! What a checklist must be before it binds anybody.

use std::collections::HashSet;

use super::applies::applies_somewhere;
use super::{Fault, Item, Response, Section, Severity, SeveritySource, Stage, bounds, category_of};
use crate::catalogue::builtin;

/// How strictly a checklist is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// A draft may be unfinished: lengths and codes are judged, completeness is not.
    Draft,
    /// Everything must be there.
    Publish,
}

const MAX_ITEMS: usize = 500;
const MAX_CODE: usize = 64;
const MAX_TITLE: usize = 200;
const MAX_GUIDANCE: usize = 2000;
const MAX_BASIS: usize = 500;
const MAX_UNIT: usize = 20;
const MAX_OPTIONS: usize = 50;
const MIN_WEIGHT: f64 = 0.001;
const MAX_WEIGHT: f64 = 1000.0;
const MAX_DECIMALS: u8 = 6;

/// Everything wrong with the items of a checklist, with pointers like `/items/3/min`. Empty where it may be stored
/// (draft) or published.
#[must_use]
pub fn faults(items: &[Item], checklist_category: Option<&str>, care: Care) -> Vec<Fault> {
    let mut found = Vec::new();
    if items.len() > MAX_ITEMS {
        found.push(Fault::at("/items", "too_many"));
    }
    if items.is_empty() && care == Care::Publish {
        found.push(Fault::at("/items", "required"));
    }
    let mut codes = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let mut judge = Judge { place: format!("/items/{index}"), found: &mut found };
        judge.item(item, care);
        if !codes.insert(item.code.to_lowercase()) {
            judge.fault("/code", "duplicate");
        }
        if category_of(item, checklist_category).is_none() {
            judge.fault("/category", if item.category.is_some() { "unknown_value" } else { "required" });
        }
    }
    found
}

struct Judge<'a> {
    place: String,
    found: &'a mut Vec<Fault>,
}

impl Judge<'_> {
    fn fault(&mut self, at: &str, code: &'static str) {
        self.found.push(Fault::at(format!("{}{at}", self.place), code));
    }

    fn length(&mut self, at: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.fault(at, "too_long");
        }
        if text.chars().any(forbidden) {
            self.fault(at, "control_character");
        }
    }

    fn item(&mut self, item: &Item, care: Care) {
        if !is_code(&item.code) {
            self.fault("/code", "invalid_format");
        }
        self.length("/title_zh", &item.title_zh, MAX_TITLE);
        self.length("/title_en", &item.title_en, MAX_TITLE);
        self.length("/guidance_zh", &item.guidance_zh, MAX_GUIDANCE);
        self.length("/basis_zh", &item.basis_zh, MAX_BASIS);
        if item.title_zh.trim().is_empty() {
            self.fault("/title_zh", "required");
        }
        if builtin::domain(&item.domain).is_none() {
            self.fault("/domain", "unknown_value");
        }
        let mut seen = HashSet::new();
        for (index, word) in item.applies_to.iter().enumerate() {
            if !builtin::is_feature(word) && Stage::parse(word).is_none() {
                self.fault(&format!("/applies_to/{index}"), "unknown_value");
            } else if !seen.insert(word) {
                self.fault(&format!("/applies_to/{index}"), "duplicate");
            }
        }
        self.kinds(item, care);
        for (index, requirement) in item.on_fail_require.iter().enumerate() {
            if item.on_fail_require.iter().take(index).any(|earlier| earlier == requirement) {
                self.fault(&format!("/on_fail_require/{index}"), "duplicate");
            }
        }
        if let Some(weight) = item.weight.as_ref().and_then(serde_json::Number::as_f64)
            && !(MIN_WEIGHT..=MAX_WEIGHT).contains(&weight)
        {
            self.fault("/weight", "out_of_range");
        }
        // A major is a match with a clause of law: an item that makes one must say which.
        if care == Care::Publish
            && (item.fail_severity == Severity::Major || item.severity_source == SeveritySource::GuideClause)
            && item.basis_zh.trim().is_empty()
        {
            self.fault("/basis_zh", "required");
        }
        self.numbers(item);
        self.options(item, care);
    }

    fn kinds(&mut self, item: &Item, care: Care) {
        let mut seen = HashSet::new();
        for (index, kind) in item.school_kinds.iter().enumerate() {
            if !builtin::is_school_kind(kind) {
                self.fault(&format!("/school_kinds/{index}"), "unknown_value");
            } else if !seen.insert(kind) {
                self.fault(&format!("/school_kinds/{index}"), "duplicate");
            }
        }
        if care == Care::Publish && !applies_somewhere(item) {
            self.fault("/applies_to", "never_applies");
        }
    }

    fn numbers(&mut self, item: &Item) {
        if item.response != Response::Number {
            for (at, present) in [
                ("/unit", item.unit.is_some()),
                ("/min", item.min.is_some()),
                ("/max", item.max.is_some()),
                ("/value_min", item.value_min.is_some()),
                ("/value_max", item.value_max.is_some()),
                ("/decimals", item.decimals.is_some()),
            ] {
                if present {
                    self.fault(at, "not_for_this_response");
                }
            }
            return;
        }
        if let Some(unit) = &item.unit {
            self.length("/unit", unit, MAX_UNIT);
        }
        if item.decimals.is_some_and(|decimals| decimals > MAX_DECIMALS) {
            self.fault("/decimals", "out_of_range");
        }
        let limit = |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
        for (at, number) in
            [("/min", &item.min), ("/max", &item.max), ("/value_min", &item.value_min), ("/value_max", &item.value_max)]
        {
            if limit(number).is_some_and(|number| number.abs() > bounds::GREATEST) {
                self.fault(at, "out_of_range");
            }
        }
        let (min, max) = (limit(&item.min), limit(&item.max));
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            self.fault("/max", "below_min");
        }
        if limit(&item.value_min).zip(limit(&item.value_max)).is_some_and(|(least, most)| least > most) {
            self.fault("/value_max", "below_min");
            return;
        }
        // What passes must be possible to answer.
        let accepted = bounds(item);
        if min.is_some_and(|min| min > accepted.most) {
            self.fault("/min", "never_passes");
        }
        if max.is_some_and(|max| max < accepted.least) {
            self.fault("/max", "never_passes");
        }
    }

    fn options(&mut self, item: &Item, care: Care) {
        if item.response != Response::Choice {
            if item.options.is_some() {
                self.fault("/options", "not_for_this_response");
            }
            return;
        }
        let options = item.options.as_deref().unwrap_or_default();
        if options.len() > MAX_OPTIONS {
            self.fault("/options", "too_many");
        }
        let mut values = HashSet::new();
        for (index, option) in options.iter().enumerate() {
            self.length(&format!("/options/{index}/value"), &option.value, MAX_CODE);
            self.length(&format!("/options/{index}/label_zh"), &option.label_zh, MAX_TITLE);
            if option.value.trim().is_empty() {
                self.fault(&format!("/options/{index}/value"), "required");
            } else if !values.insert(&option.value) {
                self.fault(&format!("/options/{index}/value"), "duplicate");
            }
            if option.label_zh.trim().is_empty() {
                self.fault(&format!("/options/{index}/label_zh"), "required");
            }
        }
        if care == Care::Publish {
            if options.len() < 2 {
                self.fault("/options", "too_few");
            } else if options.iter().all(|option| option.fail) {
                self.fault("/options", "no_passing_option");
            }
        }
    }
}

/// Items that stand in a section the checklist has not.
#[must_use]
pub fn misplaced(items: &[Item], sections: &[Section]) -> Vec<Fault> {
    let known: HashSet<&str> = sections.iter().map(|section| section.code.as_str()).collect();
    let wrong = |item: &Item| item.section.as_deref().is_some_and(|section| !known.contains(section));
    let places = items.iter().enumerate().filter(|(_, item)| wrong(item));
    places.map(|(place, _)| Fault::at(format!("/items/{place}/section"), "unknown_section")).collect()
}

/// What no text may hold: control characters but line break and tab, and what a spreadsheet cannot keep.
pub(super) fn forbidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// Letters and digits of ASCII with `.`, `_` and `-` between them: it stands in addresses and in spreadsheets.
pub(super) fn is_code(code: &str) -> bool {
    code.len() <= MAX_CODE
        && code.starts_with(|c: char| c.is_ascii_alphanumeric())
        && code.ends_with(|c: char| c.is_ascii_alphanumeric())
        && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn item(change: serde_json::Value) -> Item {
        let mut base = json!({"code": "fang-900", "title_zh": "门", "response": "pass_fail", "domain": "fire"});
        for (key, value) in change.as_object().unwrap() {
            base[key] = value.clone();
        }
        serde_json::from_value(base).unwrap()
    }

    fn found(items: &[Item]) -> Vec<(String, &'static str)> {
        faults(items, None, Care::Publish).into_iter().map(|f| (f.pointer, f.code)).collect()
    }

    #[test]
    fn the_smallest_item_may_be_published() {
        assert_eq!(found(&[item(json!({}))]), []);
    }

    #[test]
    fn an_empty_checklist_is_a_draft_and_no_more() {
        assert_eq!(found(&[]), [("/items".into(), "required")]);
        assert_eq!(faults(&[], None, Care::Draft), []);
    }

    #[test]
    fn all_faults_are_named_at_once_with_their_places() {
        let wrong = [
            item(json!({"code": "门 1", "title_zh": " ", "domain": "sea"})),
            item(json!({"response": "number", "min": 5, "max": 4, "applies_to": ["canteen", "pool", "canteen"]})),
            item(json!({"code": "FANG-900", "category": "fang", "options": []})),
            item(json!({"code": "x", "category": "none", "weight": 0})),
            item(json!({"code": "fang-1", "fail_severity": "major", "unit": "g", "title_en": "a\u{0}b"})),
        ];
        assert_eq!(
            found(&wrong),
            [
                ("/items/0/code".into(), "invalid_format"),
                ("/items/0/title_zh".into(), "required"),
                ("/items/0/domain".into(), "unknown_value"),
                ("/items/0/category".into(), "required"),
                ("/items/1/applies_to/1".into(), "unknown_value"),
                ("/items/1/applies_to/2".into(), "duplicate"),
                ("/items/1/max".into(), "below_min"),
                ("/items/2/options".into(), "not_for_this_response"),
                ("/items/2/code".into(), "duplicate"),
                ("/items/3/weight".into(), "out_of_range"),
                ("/items/3/category".into(), "unknown_value"),
                ("/items/4/title_en".into(), "control_character"),
                ("/items/4/basis_zh".into(), "required"),
                ("/items/4/unit".into(), "not_for_this_response"),
            ]
        );
    }

    #[test]
    fn a_choice_needs_two_options_one_of_which_passes() {
        let choice = |options| item(json!({"response": "choice", "options": options}));
        let option = |value: &str, fail: bool| json!({"value": value, "label_zh": "甲", "fail": fail});
        assert_eq!(found(&[choice(json!([option("a", false)]))]), [("/items/0/options".into(), "too_few")]);
        assert_eq!(
            found(&[choice(json!([option("a", true), option("b", true)]))]),
            [("/items/0/options".into(), "no_passing_option")]
        );
        assert_eq!(
            found(&[choice(json!([option("a", true), option("a", false)]))]),
            [("/items/0/options/1/value".into(), "duplicate")]
        );
        assert_eq!(found(&[choice(json!([option("a", true), option("b", false)]))]), []);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let text = r#"{"code":"a","title_zh":"b","response":"text","domain":"fire","colour":"red"}"#;
        assert!(serde_json::from_str::<Item>(text).is_err());
    }

    proptest! {
        #[test]
        fn what_may_be_published_may_be_stored_as_a_draft(code in "\\PC{0,70}", title in "\\PC{0,10}", min: f64, max: f64) {
            let item = Item {
                min: serde_json::Number::from_f64(min),
                max: serde_json::Number::from_f64(max),
                title_zh: title,
                code,
                ..item(json!({"response": "number"}))
            };
            let publish = faults(std::slice::from_ref(&item), Some("fang"), Care::Publish);
            let draft = faults(std::slice::from_ref(&item), Some("fang"), Care::Draft);
            prop_assert!(draft.iter().all(|fault| publish.contains(fault)));
        }
    }
}
