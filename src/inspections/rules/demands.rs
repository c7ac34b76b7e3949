//! What a failed answer must carry, judged in one place: the item demands, the inspector claims, the storage receives.

use super::{Outcome, Photo, photo};
use crate::catalogue::rules::{Fault, Item, Requirement};

/// What the bureau does about a photo that was taken and has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhotoGap {
    /// It is shown, and may come later: who hands in over a bad network is not held up.
    #[default]
    Shows,
    /// Nothing is handed in before it is there.
    Blocks,
}

/// Photos of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Photos {
    /// Named by the inspector, whether or not their content is there.
    pub claimed: usize,
    /// With their content.
    pub received: usize,
}

/// What an answer carries.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'a> {
    /// What the item came to.
    pub result: Option<Outcome>,
    /// The remark.
    pub note: Option<&'a str>,
    /// Its photos; before a fix on the spot, those from before.
    pub photos: Photos,
}

/// What an answer lacks of what its item demands. A photo that was not even taken is always lacking; one that has not
/// arrived is where the bureau says so.
#[must_use]
pub fn lacks(item: &Item, carried: Carried<'_>, gap: PhotoGap) -> Vec<Requirement> {
    if carried.result != Some(Outcome::Fail) {
        return Vec::new();
    }
    let lacking = |requirement: &Requirement| {
        item.demands(*requirement)
            && match requirement {
                Requirement::Note => carried.note.is_none_or(|note| note.trim().is_empty()),
                Requirement::Photo => {
                    let awaited = photo(item, carried.result, carried.photos.received) == Photo::Awaited;
                    carried.photos.claimed == 0 || (gap == PhotoGap::Blocks && awaited)
                }
            }
    };
    Requirement::ALL.iter().copied().filter(lacking).collect()
}

/// The faults of handing in answers that lack something: `/answers/{item_code}/note` and
/// `/answers/{item_code}/evidence_ids`.
#[must_use]
pub fn gaps<'a>(answers: impl IntoIterator<Item = (&'a Item, Carried<'a>)>, gap: PhotoGap) -> Vec<Fault> {
    let mut found = Vec::new();
    for (item, carried) in answers {
        for requirement in lacks(item, carried, gap) {
            let (field, code, zh, en) = match requirement {
                Requirement::Note => ("note", "note_required", "须写明情况", "needs a note"),
                Requirement::Photo if carried.photos.claimed > 0 => {
                    ("evidence_ids", "photo_not_received", "的照片尚未上传", "has a photo that has not arrived")
                }
                Requirement::Photo => ("evidence_ids", "photo_required", "须附照片", "needs a photo"),
            };
            let (item_code, title) = (&item.code, &item.title_zh);
            found.push(Fault::at(format!("/answers/{item_code}/{field}"), code).saying(
                format!("{item_code}“{title}”不合格，{zh}"),
                format!("{item_code} \"{title}\" failed and {en}"),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::builtin;

    fn item(demands: &[Requirement], photo_required: bool) -> Item {
        let item = builtin::catalogue().categories[0].items[0].clone();
        Item { on_fail_require: demands.to_vec(), photo_required, ..item }
    }

    fn carried(result: Outcome, note: Option<&str>, claimed: usize, received: usize) -> Carried<'_> {
        Carried { result: Some(result), note, photos: Photos { claimed, received } }
    }

    #[test]
    fn a_failed_item_names_the_note_and_the_photo_it_lacks() {
        let strict = item(&[Requirement::Note, Requirement::Photo], false);
        let found = gaps([(&strict, carried(Outcome::Fail, Some("  "), 0, 0))], PhotoGap::Shows);
        let found: Vec<(&str, &str)> = found.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(
            found,
            [("/answers/fang-001/note", "note_required"), ("/answers/fang-001/evidence_ids", "photo_required")]
        );
        assert_eq!(lacks(&strict, carried(Outcome::Fail, Some("锁闭"), 1, 0), PhotoGap::Shows), []);
    }

    #[test]
    fn whether_a_photo_on_its_way_blocks_is_the_bureau_s_to_say() {
        for demanding in [item(&[Requirement::Photo], false), item(&[], true)] {
            let taken = carried(Outcome::Fail, None, 1, 0);
            assert_eq!(lacks(&demanding, taken, PhotoGap::Shows), []);
            assert_eq!(lacks(&demanding, taken, PhotoGap::Blocks), [Requirement::Photo]);
            assert_eq!(gaps([(&demanding, taken)], PhotoGap::Blocks)[0].code, "photo_not_received");
            assert_eq!(lacks(&demanding, carried(Outcome::Fail, None, 1, 1), PhotoGap::Blocks), []);
            assert_eq!(lacks(&demanding, carried(Outcome::Fail, None, 0, 0), PhotoGap::Shows), [Requirement::Photo]);
        }
    }

    proptest! {
        #[test]
        fn nothing_is_demanded_of_what_did_not_fail(
            note in any::<bool>(), photo in any::<bool>(), required in any::<bool>(), na in any::<bool>(),
        ) {
            let demands: Vec<Requirement> =
                [(note, Requirement::Note), (photo, Requirement::Photo)].into_iter().filter(|one| one.0).map(|one| one.1).collect();
            let result = if na { Outcome::Na } else { Outcome::Pass };
            prop_assert!(lacks(&item(&demands, required), carried(result, None, 0, 0), PhotoGap::Blocks).is_empty());
        }

        #[test]
        fn more_never_lacks_more(claimed in 0_usize..3, received in 0_usize..3, blocks in any::<bool>()) {
            let strict = item(&[Requirement::Note, Requirement::Photo], true);
            let gap = if blocks { PhotoGap::Blocks } else { PhotoGap::Shows };
            let less = lacks(&strict, carried(Outcome::Fail, None, claimed, received.min(claimed)), gap);
            let more = lacks(&strict, carried(Outcome::Fail, Some("x"), claimed + 1, received.min(claimed) + 1), gap);
            prop_assert!(more.iter().all(|one| less.contains(one)));
        }
    }
}
