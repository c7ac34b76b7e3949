//! The content of a checklist on its way into the database: made uniform, marked as a school's where it is one, judged,
//! and put in the order of its sections.

use std::collections::HashMap;

use uuid::Uuid;

use super::own::{self, MAX_ADDITIONS};
use super::{Care, Content, Fault, Item, Scoring, Section, faults, misplaced, section_faults};

/// Code of the section in which a school's additions stand where it names none.
const OWN_SECTION: &str = "own";
/// Its title.
const OWN_TITLE: &str = "本校补充";

/// Whose the content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeper {
    /// The school it belongs to; none for a bureau's.
    pub school: Option<Uuid>,
    /// Whether it comes beside the items of a bureau's checklist.
    pub addition: bool,
}

/// The content as it may be stored.
///
/// # Errors
/// Every fault, with pointers like `/items/3/min`.
pub fn prepared(content: Content, keeper: Keeper, category: Option<&str>, care: Care) -> Result<Content, Vec<Fault>> {
    let Content { sections, scoring, items } = content;
    let mut sections: Vec<Section> = sections.into_iter().map(trimmed).collect();
    let mut items: Vec<Item> = items.into_iter().map(Item::normal).collect();
    let scoring = scoring.map(Scoring::normal);
    let mut found = own::reserved(&items, keeper.school);
    if let Some(school) = keeper.school {
        items = own::owned(items, school, category);
    }
    if keeper.addition {
        found.extend(own_section(&mut sections, &mut items));
    }
    found.extend(section_faults(&sections));
    found.extend(scoring.iter().flat_map(Scoring::faults));
    found.extend(faults(&items, category, care));
    found.extend(misplaced(&items, &sections));
    if !found.is_empty() {
        return Err(found);
    }
    let order: HashMap<&str, usize> =
        sections.iter().enumerate().map(|(place, section)| (section.code.as_str(), place + 1)).collect();
    items.sort_by_key(|item| item.section.as_deref().and_then(|code| order.get(code)).copied().unwrap_or(0));
    Ok(Content { sections, scoring, items })
}

fn trimmed(section: Section) -> Section {
    Section { code: section.code.trim().to_owned(), title_zh: section.title_zh.trim().to_owned() }
}

/// Additions stand in sections of their own, whatever the school says or leaves out.
fn own_section(sections: &mut Vec<Section>, items: &mut [Item]) -> Vec<Fault> {
    for item in items.iter_mut().filter(|item| item.section.is_none()) {
        item.section = Some(OWN_SECTION.to_owned());
    }
    let wanted = items.iter().any(|item| item.section.as_deref() == Some(OWN_SECTION));
    if wanted && !sections.iter().any(|section| section.code == OWN_SECTION) {
        sections.insert(0, Section { code: OWN_SECTION.to_owned(), title_zh: OWN_TITLE.to_owned() });
    }
    if items.len() > MAX_ADDITIONS { vec![Fault::at("/items", "too_many")] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn item(code: &str, section: Option<&str>) -> Item {
        let item = json!({
            "code": code, "title_zh": " 门 ", "response": "pass_fail", "domain": "fire", "category": "fang",
            "section": section,
        });
        serde_json::from_value(item).unwrap()
    }

    fn section(code: &str) -> Section {
        Section { code: code.into(), title_zh: code.into() }
    }

    const BUREAU: Keeper = Keeper { school: None, addition: false };

    #[test]
    fn items_stand_in_the_order_of_their_sections() {
        let items = vec![item("a", Some("two")), item("b", Some("one")), item("c", None), item("d", Some("two"))];
        let content = Content { sections: vec![section("one"), section("two")], scoring: None, items };
        let stored = prepared(content, BUREAU, None, Care::Publish).unwrap();
        let codes: Vec<&str> = stored.items.iter().map(|item| item.code.as_str()).collect();
        assert_eq!(codes, ["c", "b", "a", "d"]);
        assert_eq!(stored.items[0].title_zh, "门");
    }

    #[test]
    fn a_section_that_is_not_there_is_a_fault() {
        let content = Content { items: vec![item("a", Some("none"))], ..Content::default() };
        let found = prepared(content, BUREAU, None, Care::Draft).unwrap_err();
        assert_eq!((found[0].pointer.as_str(), found[0].code), ("/items/0/section", "unknown_section"));
    }

    #[test]
    fn additions_stand_in_a_section_of_their_own_under_the_school_s_prefix() {
        let school = Uuid::from_u128(0xabc);
        let keeper = Keeper { school: Some(school), addition: true };
        let content = Content { items: vec![item("cha-001", None)], ..Content::default() };
        let stored = prepared(content, keeper, None, Care::Publish).unwrap();
        assert_eq!(stored.items[0].section.as_deref(), Some("own"));
        assert_eq!(
            (stored.sections[0].title_zh.as_str(), stored.items[0].code.as_str()),
            ("本校补充", "x000000000abc-cha-001")
        );
        let many = (0..101).map(|n| item(&format!("a{n}"), None)).collect();
        let found = prepared(Content { items: many, ..Content::default() }, keeper, None, Care::Draft).unwrap_err();
        assert_eq!((found[0].pointer.as_str(), found[0].code), ("/items", "too_many"));
    }

    proptest! {
        #[test]
        fn preparing_again_changes_nothing(
            codes in prop::collection::hash_set("[a-z]{1,6}", 0..12), places in prop::collection::vec(0_usize..3, 12), own in any::<bool>(),
        ) {
            let sections = vec![section("one"), section("two")];
            let names = [None, Some("one"), Some("two")];
            let items = codes.iter().zip(&places).map(|(code, place)| item(code, names[*place])).collect();
            let keeper = Keeper { school: own.then(|| Uuid::from_u128(7)), addition: own };
            let once = prepared(Content { sections, scoring: None, items }, keeper, None, Care::Draft).unwrap();
            prop_assert_eq!(prepared(once.clone(), keeper, None, Care::Draft).unwrap(), once);
        }
    }
}
