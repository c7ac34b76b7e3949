//! What a school may add to a checklist of its bureau: items whose codes say whose they are.
//!
//! Statistics count by the code of an item. An item of a school that carried the code of a bureau's one would change
//! the bureau's figures; so every item of a school has the school's prefix, and nobody else's item has one.

use uuid::Uuid;

use super::{Fault, Item, category_of};

/// Most items a school adds to one checklist.
pub const MAX_ADDITIONS: usize = 100;

/// What the codes of a school's own items begin with: `x`, the end of its id, and a hyphen.
#[must_use]
pub fn prefix(org_id: Uuid) -> String {
    let id = org_id.simple().to_string();
    format!("x{}-", id.get(20..).unwrap_or_default())
}

/// Whether a code has the form that is kept for the items of some school.
#[must_use]
pub fn is_a_schools(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    let Some((prefix, _)) = code.split_once('-') else { return false };
    prefix.len() == 13
        && prefix.starts_with('x')
        && prefix.chars().skip(1).all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

/// The items as those of a school: with its prefix, and with the category they counted for without it.
#[must_use]
pub fn owned(items: Vec<Item>, org_id: Uuid, category: Option<&str>) -> Vec<Item> {
    let prefix = prefix(org_id);
    let own = |mut item: Item| {
        if !item.code.is_empty() && !item.code.to_ascii_lowercase().starts_with(&prefix) && !is_a_schools(&item.code) {
            if item.category.is_none() {
                item.category = category_of(&item, category).map(str::to_owned);
            }
            item.code = format!("{prefix}{}", item.code);
        }
        item
    };
    items.into_iter().map(own).collect()
}

/// Items with a code that is kept for another: a school's form in a bureau's checklist, or another school's prefix.
#[must_use]
pub fn reserved(items: &[Item], school: Option<Uuid>) -> Vec<Fault> {
    let own = school.map(prefix);
    let foreign = |item: &Item| {
        is_a_schools(&item.code)
            && own.as_ref().is_none_or(|own| !item.code.to_ascii_lowercase().starts_with(own.as_str()))
    };
    let mut found = Vec::new();
    for (place, item) in items.iter().enumerate() {
        if foreign(item) {
            found.push(Fault::at(format!("/items/{place}/code"), "reserved_code"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::catalogue::builtin;

    fn item(code: &str) -> Item {
        serde_json::from_value(json!({"code": code, "title_zh": "门", "response": "pass_fail", "domain": "fire"}))
            .unwrap()
    }

    #[test]
    fn a_school_s_code_keeps_its_category_and_is_prefixed_once() {
        let school = Uuid::from_u128(0x0195_e0c0_0000_7000_8000_00ab_cdef_0123);
        let once = owned(vec![item("cha-001")], school, None);
        assert_eq!((once[0].code.as_str(), once[0].category.as_deref()), ("x00abcdef0123-cha-001", Some("cha")));
        assert_eq!(owned(once.clone(), school, None), once);
        assert_eq!(reserved(&once, Some(school)), []);
        assert_eq!(reserved(&once, None)[0].code, "reserved_code");
        assert_eq!(reserved(&once, Some(Uuid::from_u128(7)))[0].pointer, "/items/0/code");
    }

    #[test]
    fn no_built_in_code_has_the_form_of_a_school_s() {
        let items = builtin::catalogue().categories.iter().flat_map(|category| &category.items);
        assert!(items.into_iter().all(|item| !is_a_schools(&item.code)));
    }

    proptest! {
        #[test]
        fn a_school_s_items_never_meet_a_bureau_s(
            theirs in "[a-z0-9][a-z0-9._-]{0,20}[a-z0-9]", ours in "[a-z0-9][a-z0-9._-]{0,20}[a-z0-9]", id: u128, other: u128,
        ) {
            let bureau = [item(&theirs)];
            let own = owned(vec![item(&ours)], Uuid::from_u128(id), Some("cha"));
            // A bureau's checklist with such a code is refused, and so is another school's prefix.
            if reserved(&bureau, None).is_empty() && reserved(&own, Some(Uuid::from_u128(id))).is_empty() {
                prop_assert!(!own[0].code.eq_ignore_ascii_case(&bureau[0].code));
                if prefix(Uuid::from_u128(id)) != prefix(Uuid::from_u128(other)) {
                    let beside = owned(vec![item(&ours)], Uuid::from_u128(other), Some("cha"));
                    prop_assert!(is_a_schools(&ours) || beside[0].code != own[0].code);
                }
            }
        }
    }
}
