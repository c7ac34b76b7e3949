//! Who is recused, decided without IO.

use chrono::NaiveDate;

use crate::platform::db::types::Id;

crate::text_enum! {
    /// What ties an inspector to a school (督导条例 第10条; domain reference §6.3).
    pub enum Relation {
        /// 近亲属
        Family = "family",
        /// 曾任职
        FormerEmployer = "former_employer",
        /// 现任职
        CurrentEmployer = "current_employer",
        /// 任教
        Teaching = "teaching",
        /// 其他
        Other = "other",
    }
}

/// A recusal that stands: neither ended nor past its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tie {
    /// The entry; nothing where the person is on the school's own staff, which nobody overrides.
    pub recusal_id: Option<Id>,
    /// Who.
    pub inspector_id: Id,
    /// From which school.
    pub org_id: Id,
}

/// An approved override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The override.
    pub id: Id,
    /// Of which recusal.
    pub recusal_id: Id,
    /// For this inspection alone.
    pub inspection_id: Option<Id>,
    /// Through this day.
    pub until: Option<NaiveDate>,
}

impl Release {
    /// Whether it lets the person onto the team of this inspection (nothing: one that is being made) on this day.
    /// One with neither inspection nor day is good for the next inspection.
    #[must_use]
    pub fn serves(&self, inspection: Option<Id>, today: NaiveDate) -> bool {
        let in_time = self.until.is_none_or(|until| today <= until);
        in_time && self.inspection_id.is_none_or(|bound| Some(bound) == inspection)
    }

    /// Whether it holds for every inspection of a span of days: only such a one lets a draw send the person there.
    #[must_use]
    pub fn serves_through(&self, last: NaiveDate) -> bool {
        self.inspection_id.is_none() && self.until.is_some_and(|until| last <= until)
    }

    /// Whether use binds it to the inspection.
    #[must_use]
    pub const fn is_for_one(&self) -> bool {
        self.inspection_id.is_none() && self.until.is_none()
    }
}

/// What becomes of a person on a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing stands in the way, or every tie has an override; those that are used up by it.
    Free(Vec<Id>),
    /// Must not go.
    Recused,
}

/// Whether the person may go. Every tie needs its own override.
#[must_use]
pub fn judge(person: Id, ties: &[Tie], releases: &[Release], serves: impl Fn(&Release) -> bool) -> Verdict {
    let mut used = Vec::new();
    for tie in ties.iter().filter(|tie| tie.inspector_id == person) {
        let Some(recusal_id) = tie.recusal_id else {
            return Verdict::Recused;
        };
        let fits = |release: &&Release| release.recusal_id == recusal_id && serves(release);
        // One that stands anyway is taken before one that would be used up.
        let standing = releases.iter().filter(fits).find(|release| !release.is_for_one());
        match standing.or_else(|| releases.iter().find(fits)) {
            None => return Verdict::Recused,
            Some(release) if release.is_for_one() => used.push(release.id),
            Some(_) => {}
        }
    }
    Verdict::Free(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::built_in;
    use proptest::prelude::*;

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, n).unwrap()
    }

    fn tie(recusal: Option<&str>) -> Tie {
        Tie { recusal_id: recusal.map(built_in), inspector_id: built_in("person"), org_id: built_in("school") }
    }

    fn release(recusal: &str, inspection: Option<&str>, until: Option<u32>) -> Release {
        Release {
            id: built_in(&format!("release {recusal}")),
            recusal_id: built_in(recusal),
            inspection_id: inspection.map(built_in),
            until: until.map(day),
        }
    }

    fn on(ties: &[Tie], releases: &[Release], inspection: Option<&str>, today: u32) -> Verdict {
        judge(built_in("person"), ties, releases, |one| one.serves(inspection.map(built_in), day(today)))
    }

    #[test]
    fn a_tie_recuses_and_an_override_of_that_tie_releases() {
        assert_eq!(on(&[], &[], None, 1), Verdict::Free(vec![]));
        assert_eq!(on(&[tie(Some("a"))], &[], None, 1), Verdict::Recused);
        assert_eq!(on(&[tie(Some("a"))], &[release("b", None, Some(9))], None, 1), Verdict::Recused);
        assert_eq!(on(&[tie(Some("a"))], &[release("a", None, Some(9))], None, 9), Verdict::Free(vec![]));
        assert_eq!(on(&[tie(Some("a"))], &[release("a", None, Some(9))], None, 10), Verdict::Recused);
    }

    #[test]
    fn an_override_for_one_inspection_serves_no_other_and_a_free_one_is_used_up() {
        let ties = [tie(Some("a"))];
        assert_eq!(on(&ties, &[release("a", Some("x"), None)], Some("x"), 1), Verdict::Free(vec![]));
        assert_eq!(on(&ties, &[release("a", Some("x"), None)], Some("y"), 1), Verdict::Recused);
        assert_eq!(on(&ties, &[release("a", Some("x"), None)], None, 1), Verdict::Recused);
        assert_eq!(on(&ties, &[release("a", None, None)], None, 1), Verdict::Free(vec![built_in("release a")]));
        assert!(!release("a", None, None).serves_through(day(1)), "a draw takes no override for a single inspection");
    }

    #[test]
    fn nobody_overrides_that_somebody_works_there() {
        assert_eq!(on(&[tie(None)], &[release("a", None, Some(9))], None, 1), Verdict::Recused);
    }

    proptest! {
        #[test]
        fn nobody_with_a_tie_left_open_goes(open in 0_usize..4, count in 1_usize..4) {
            let names = ["a", "b", "c"];
            let ties: Vec<Tie> = names.iter().take(count).map(|name| tie(Some(name))).collect();
            let releases: Vec<Release> =
                names.iter().enumerate().filter(|(n, _)| *n != open).map(|(_, name)| release(name, None, Some(9))).collect();
            let free = matches!(on(&ties, &releases, None, 1), Verdict::Free(_));
            prop_assert_eq!(free, open >= count);
        }
    }
}
