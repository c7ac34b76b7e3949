//! The deadline policy: how many days a hazard of a kind is given.
//!
//! Rows of a bureau stand over the built-in ones. Of all rows that fit, the one that names most wins; at equal detail
//! the bureau's own. Changing a row never moves a deadline that stands.

use uuid::Uuid;

use super::status::{Level, Remedy, Source};

crate::text_enum! {
    /// Which days are counted.
    pub enum DayKind {
        /// Every day.
        Calendar = "calendar",
        /// Days on which people work, by the calendar.
        Working = "working",
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The row.
    pub id: Uuid,
    /// The bureau's own row, not a built-in one.
    pub own: bool,
    /// For which level. For a major the days are those until its plan is due.
    pub level: Level,
    /// Only for this domain.
    pub domain: Option<String>,
    /// Only for this source.
    pub source: Option<Source>,
    /// Only where putting it right takes this.
    pub remedy: Option<Remedy>,
    /// How many days.
    pub days: u32,
    /// Of which kind.
    pub day_kind: DayKind,
}

/// What a deadline is looked up for.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The level being set.
    pub level: Level,
    /// The hazard's domain.
    pub domain: &'a str,
    /// The hazard's source.
    pub source: Source,
    /// What putting it right takes.
    pub remedy: Remedy,
}

impl Policy {
    fn fits(&self, case: Case<'_>) -> bool {
        self.level == case.level
            && self.domain.as_deref().is_none_or(|domain| domain == case.domain)
            && self.source.is_none_or(|source| source == case.source)
            && self.remedy.is_none_or(|remedy| remedy == case.remedy)
    }

    /// More detail is greater; then domain before source before remedy; then the bureau's own; then the newer row.
    fn rank(&self) -> (u8, bool, bool, bool, bool, Uuid) {
        let named = [self.domain.is_some(), self.source.is_some(), self.remedy.is_some()];
        let count = named.iter().map(|set| u8::from(*set)).sum();
        (count, self.domain.is_some(), self.source.is_some(), self.remedy.is_some(), self.own, self.id)
    }
}

/// The row that applies, or nothing when none fits.
#[must_use]
pub fn choose<'a>(policies: &'a [Policy], case: Case<'_>) -> Option<&'a Policy> {
    policies.iter().filter(|policy| policy.fits(case)).max_by_key(|policy| policy.rank())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u128, days: u32) -> Policy {
        Policy {
            id: Uuid::from_u128(n),
            own: false,
            level: Level::General,
            domain: None,
            source: None,
            remedy: None,
            days,
            day_kind: DayKind::Calendar,
        }
    }

    #[test]
    fn the_most_specific_row_wins_and_at_equal_detail_the_bureaus_own() {
        let rows = [
            row(1, 7),
            Policy { remedy: Some(Remedy::Purchase), ..row(2, 15) },
            Policy { own: true, ..row(3, 5) },
            Policy { own: true, domain: Some("fire".to_owned()), ..row(4, 3) },
        ];
        let case = |domain, remedy| Case { level: Level::General, domain, source: Source::Routine, remedy };
        let days = |case| choose(&rows, case).map(|policy| policy.days);
        assert_eq!(days(case("food", Remedy::Simple)), Some(5));
        assert_eq!(days(case("food", Remedy::Purchase)), Some(15));
        assert_eq!(days(case("fire", Remedy::Purchase)), Some(3));
        assert_eq!(days(Case { level: Level::Major, ..case("fire", Remedy::Simple) }), None);
    }
}
