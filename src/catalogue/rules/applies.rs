//! Which items concern which school.

use super::Item;
use crate::catalogue::builtin;

/// Whether an item concerns a school of this kind with these features: the school is of one of the kinds named in
/// `school_kinds` and has any of the features or stages named in `applies_to`. An empty list restricts nothing.
#[must_use]
pub fn applies<S: AsRef<str>>(item: &Item, school_kind: &str, features: &[S]) -> bool {
    let of_kind = item.school_kinds.is_empty() || item.school_kinds.iter().any(|kind| kind == school_kind);
    let any = item.applies_to.is_empty()
        || item.applies_to.iter().any(|wanted| {
            features.iter().any(|has| has.as_ref() == wanted)
                || builtin::stages(school_kind).iter().any(|stage| stage.as_str() == wanted)
        });
    of_kind && any
}

/// Whether an item can concern any school at all, whatever its features: an item for kindergartens of the senior stage
/// concerns none.
#[must_use]
pub fn applies_somewhere(item: &Item) -> bool {
    let features: Vec<&str> = builtin::catalogue().school_features.iter().map(|word| word.code.as_str()).collect();
    builtin::catalogue().school_kinds.iter().any(|kind| applies(item, &kind.code, &features))
}

/// The category of an item: its own, else that of its checklist, else the first syllable of its code. None where
/// none of these is a known category.
#[must_use]
pub fn category_of<'a>(item: &'a Item, checklist_category: Option<&'a str>) -> Option<&'a str> {
    item.category
        .as_deref()
        .or(checklist_category)
        .or_else(|| item.code.split_once('-').map(|(first, _)| first))
        .filter(|code| builtin::category(code).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &[&str] = &[];

    fn item(code: &str) -> &'static Item {
        builtin::catalogue().categories.iter().flat_map(|c| &c.items).find(|i| i.code == code).unwrap()
    }

    #[test]
    fn an_item_without_restriction_is_for_every_school() {
        assert!(applies(item("fang-001"), "offcampus", NONE));
    }

    #[test]
    fn a_feature_or_a_stage_is_enough() {
        let storeys = item("fang-005");
        assert_eq!(storeys.applies_to, ["boarding", "kindergarten"]);
        assert!(applies(storeys, "kindergarten", NONE));
        assert!(applies(storeys, "senior_high", &["boarding"]));
        assert!(!applies(storeys, "senior_high", &["canteen"]));
    }

    #[test]
    fn a_school_of_several_stages_gets_the_items_of_each() {
        let count = |kind: &str| {
            ["jiao-001", "jiao-002", "jiao-003"].iter().filter(|code| applies(item(code), kind, NONE)).count()
        };
        assert_eq!((count("primary"), count("nine_year"), count("twelve_year")), (1, 2, 3));
        assert_eq!((count("complete_secondary"), count("vocational"), count("kindergarten")), (2, 1, 0));
    }

    #[test]
    fn kind_and_feature_must_both_fit() {
        let mut kitchen = item("fang-010").clone();
        kitchen.school_kinds = vec!["kindergarten".into(), "primary".into()];
        assert!(applies(&kitchen, "primary", &["canteen"]));
        assert!(!applies(&kitchen, "primary", NONE));
        assert!(!applies(&kitchen, "junior_high", &["canteen"]));
        kitchen.applies_to = vec!["senior".into()];
        assert!(!applies_somewhere(&kitchen));
        kitchen.applies_to.push("gas".into());
        assert!(applies_somewhere(&kitchen));
    }

    #[test]
    fn a_canteen_brings_its_items_and_nothing_else() {
        let items = || builtin::catalogue().categories.iter().flat_map(|c| &c.items);
        let plain = items().filter(|i| applies(i, "primary", NONE)).count();
        let canteen = items().filter(|i| applies(i, "primary", &["canteen"])).count();
        assert_eq!(canteen - plain, 9);
    }
}
