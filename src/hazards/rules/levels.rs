//! Rules of registration: which source a side may give, which level a proposal ends at, closing on the spot.

use uuid::Uuid;

use crate::hazards::status::{Level, Refusal, Source};

/// The level at registration and the gravest proposal behind it.
///
/// `default` is the item's (general without an item), `asked` the finder's. A school may raise the default and never
/// lower it; a bureau role may propose less, but what is major by default still waits for the bureau to decide.
#[must_use]
pub fn graded(default: Level, asked: Option<Level>, by_school: bool) -> (Level, Level) {
    let wanted = asked.unwrap_or(default);
    let gravest = wanted.max(default);
    (if by_school { gravest } else { wanted }, gravest)
}

/// Whether somebody may enter a finding of this source without an inspection.
///
/// A school enters its own; a bureau role anything that is not the school's own.
#[must_use]
pub const fn source_allowed(source: Source, for_school: bool, for_bureau: bool) -> bool {
    if source.is_schools_own() { for_school } else { for_bureau }
}

/// What stands in the way of closing on the spot (立查立改).
#[must_use]
pub fn on_spot_refusals(level: Level, source: Source, recorded_by: Uuid, fixed_by: Uuid) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if level != Level::General {
        refusals.push(Refusal::NotGeneral);
    }
    if recorded_by == fixed_by {
        refusals.push(if source.is_schools_own() { Refusal::NoSecondPerson } else { Refusal::SamePerson });
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_may_raise_a_default_and_never_lower_it() {
        use Level::{General, Major};
        assert_eq!(graded(Major, Some(General), true), (Major, Major));
        assert_eq!(graded(General, Some(Major), true), (Major, Major));
        assert_eq!(graded(Major, Some(General), false), (General, Major));
        assert_eq!(graded(General, None, false), (General, General));
    }

    #[test]
    fn only_a_general_hazard_fixed_by_another_is_closed_on_the_spot() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(on_spot_refusals(Level::General, Source::SelfCheck, one, two).is_empty());
        assert_eq!(on_spot_refusals(Level::General, Source::SelfCheck, one, one), [Refusal::NoSecondPerson]);
        assert_eq!(
            on_spot_refusals(Level::Major, Source::Routine, one, one),
            [Refusal::NotGeneral, Refusal::SamePerson]
        );
    }
}
