//! Pure rules: which claims are met, what is missing, and whether a picture was used before.

use std::collections::HashSet;

use uuid::Uuid;

use super::words::{EvidenceRole, EvidenceState, Reuse};

/// The photos that one item (or one hazard) claims, and whether it demands any.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// A photo is demanded.
    pub demanded: bool,
    /// Ids that show the state found: what a demand asks for.
    pub found: Vec<Uuid>,
    /// Ids that show anything else.
    pub others: Vec<Uuid>,
}

/// Something missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// A photo is demanded and none is claimed.
    Unclaimed,
    /// This one has not arrived.
    Missing(Uuid),
}

impl Claims {
    /// What is missing, given which evidence of this very target has been received. Each id counts once.
    #[must_use]
    pub fn gaps(&self, received: &HashSet<Uuid>) -> Vec<Gap> {
        let mut told = HashSet::new();
        let missing = self.found.iter().chain(&self.others).filter(|id| !received.contains(id) && told.insert(**id));
        let mut gaps: Vec<Gap> = missing.map(|id| Gap::Missing(*id)).collect();
        if self.demanded && self.found.is_empty() {
            gaps.push(Gap::Unclaimed);
        }
        gaps
    }

    /// How many photos of the state found are there.
    #[must_use]
    pub fn received(&self, received: &HashSet<Uuid>) -> usize {
        self.found.iter().collect::<HashSet<_>>().into_iter().filter(|id| received.contains(id)).count()
    }
}

/// The state of a claim, given whether evidence of that id was declared for the target and has been received.
#[must_use]
pub const fn state(declared: bool, received: bool) -> EvidenceState {
    match (declared, received) {
        (false, _) => EvidenceState::Awaited,
        (true, false) => EvidenceState::Declared,
        (true, true) => EvidenceState::Received,
    }
}

/// What a picture shows, for telling a use from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The hazard, where it is known: its own, or that which the item became.
    pub hazard: Option<Uuid>,
    /// The inspection and item, of the picture or of its hazard.
    pub item: Option<(Uuid, String)>,
    /// Of the hazard's round; 0 for what was found in an inspection.
    pub round: i32,
    /// Before or after.
    pub role: EvidenceRole,
    /// Found and put right in one visit: both pictures belong to one item.
    pub on_the_spot: bool,
}

/// Whether `new` uses a picture again that `earlier` has used, and how. The same picture of the same thing is a repeat
/// and no reuse.
#[must_use]
pub fn reuse(new: &Shown, earlier: &[Shown]) -> Option<Reuse> {
    earlier.iter().filter_map(|before| against(new, before)).min()
}

fn against(new: &Shown, before: &Shown) -> Option<Reuse> {
    let same_hazard = new.hazard.is_some() && new.hazard == before.hazard;
    let same_item = new.item.is_some() && new.item == before.item;
    if !same_hazard && !same_item {
        return Some(Reuse::OtherRecord);
    }
    if new.role != before.role || (new.on_the_spot && new.round == 0 && before.round == 0) {
        return Some(Reuse::BeforeAsAfter);
    }
    (new.role == EvidenceRole::After && new.round != before.round).then_some(Reuse::EarlierRound)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = Vec<Uuid>> {
        proptest::collection::vec((0..6_u128).prop_map(Uuid::from_u128), 0..5)
    }

    fn shown() -> impl Strategy<Value = Shown> {
        let id = || proptest::option::of((0..3_u128).prop_map(Uuid::from_u128));
        (id(), id(), 0..3, any::<bool>(), any::<bool>()).prop_map(|(hazard, item, round, after, on_the_spot)| Shown {
            hazard,
            item: item.map(|item| (item, "fang-001".to_owned())),
            round,
            role: if after { EvidenceRole::After } else { EvidenceRole::Before },
            on_the_spot,
        })
    }

    proptest! {
        #[test]
        fn nothing_is_missing_exactly_when_all_is_there_and_what_is_demanded_is_claimed(
            found in ids(), others in ids(), there in ids(), demanded: bool,
        ) {
            let received: HashSet<Uuid> = there.into_iter().collect();
            let claims = Claims { demanded, found: found.clone(), others: others.clone() };
            let whole = found.iter().chain(&others).all(|id| received.contains(id)) && (!demanded || !found.is_empty());
            prop_assert_eq!(claims.gaps(&received).is_empty(), whole);
        }

        #[test]
        fn what_arrives_closes_its_gap_and_opens_none(found in ids(), others in ids(), there in ids(), demanded: bool, new in 0..6_u128) {
            let mut received: HashSet<Uuid> = there.into_iter().collect();
            let claims = Claims { demanded, found, others };
            let before = claims.gaps(&received);
            received.insert(Uuid::from_u128(new));
            let after = claims.gaps(&received);
            prop_assert!(after.iter().all(|gap| before.contains(gap)));
            prop_assert!(!after.contains(&Gap::Missing(Uuid::from_u128(new))));
            prop_assert!(before.len() - after.len() <= 1);
        }

        #[test]
        fn a_claim_nobody_declared_for_the_target_never_counts(found in ids(), demanded: bool) {
            let claims = Claims { demanded, found: found.clone(), others: Vec::new() };
            let distinct: HashSet<_> = found.iter().collect();
            let expected = distinct.len() + usize::from(demanded && found.is_empty());
            prop_assert_eq!(claims.gaps(&HashSet::new()).len(), expected);
            prop_assert_eq!(claims.received(&HashSet::new()), 0);
        }

        #[test]
        fn a_repeat_is_no_reuse_and_another_record_always_is(one in shown(), other in shown()) {
            let anchored = one.hazard.is_some() || one.item.is_some();
            if anchored && !one.on_the_spot {
                prop_assert_eq!(reuse(&one, std::slice::from_ref(&one)), None);
            }
            let apart = (one.hazard.is_none() || one.hazard != other.hazard) && (one.item.is_none() || one.item != other.item);
            prop_assert_eq!(reuse(&one, std::slice::from_ref(&other)) == Some(Reuse::OtherRecord), apart);
            prop_assert_eq!(reuse(&one, &[]), None);
        }

        #[test]
        fn a_before_used_as_after_is_the_first_thing_told(one in shown(), other in shown()) {
            let hazard = Some(Uuid::from_u128(9));
            let before = Shown { hazard, role: EvidenceRole::Before, ..one };
            let after = Shown { hazard, role: EvidenceRole::After, ..other.clone() };
            prop_assert_eq!(reuse(&after, &[other, before]), Some(Reuse::BeforeAsAfter));
        }
    }
}
