//! Working days: a calendar that is data.
//!
//! The built-in years are the holidays and make-up working days as announced for mainland China each year; a bureau may
//! replace a year with its own (school terms). A year nobody has told us about has Saturdays and Sundays off and is
//! called provisional.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};

/// One year: which weekdays are off and which weekend days are worked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Year {
    /// Days off although they may be weekdays.
    pub off: BTreeSet<NaiveDate>,
    /// Saturdays and Sundays worked in exchange (调休).
    pub worked: BTreeSet<NaiveDate>,
}

/// The years that are known; see the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    years: BTreeMap<i32, Year>,
}

impl Calendar {
    /// From the years that are announced, their days off and their weekend days that are worked.
    #[must_use]
    pub fn new(
        years: impl IntoIterator<Item = i32>,
        off: impl IntoIterator<Item = NaiveDate>,
        worked: impl IntoIterator<Item = NaiveDate>,
    ) -> Self {
        let mut years: BTreeMap<i32, Year> = years.into_iter().map(|year| (year, Year::default())).collect();
        for date in off {
            years.entry(date.year()).or_default().off.insert(date);
        }
        for date in worked {
            years.entry(date.year()).or_default().worked.insert(date);
        }
        Self { years }
    }

    /// Puts one year in place of what was known of it.
    pub fn replace(&mut self, number: i32, year: Year) {
        self.years.insert(number, year);
    }

    /// What is known of a year, or nothing.
    #[must_use]
    pub fn year(&self, number: i32) -> Option<&Year> {
        self.years.get(&number)
    }

    /// Whether people work on this date.
    #[must_use]
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        match self.years.get(&date.year()) {
            Some(year) if year.off.contains(&date) => false,
            Some(year) if year.worked.contains(&date) => true,
            _ => !weekend,
        }
    }

    /// Whether the year of this date has not been announced yet.
    #[must_use]
    pub fn provisional(&self, date: NaiveDate) -> bool {
        !self.years.contains_key(&date.year())
    }

    /// The date `count` working days after `start` (the start itself is not counted); `start` for zero.
    #[must_use]
    pub fn add_working_days(&self, start: NaiveDate, count: u32) -> NaiveDate {
        let mut date = start;
        let mut left = count;
        while left > 0 {
            let Some(next) = date.succ_opt() else { return date };
            date = next;
            if self.is_working_day(date) {
                left -= 1;
            }
        }
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn calendar() -> Calendar {
        Calendar::new([2026], [day("2026-10-01"), day("2026-10-02")], [day("2026-10-10")])
    }

    #[test]
    fn a_holiday_is_off_a_make_up_saturday_is_worked_and_other_weekends_are_off() {
        let known = calendar();
        assert!(!known.is_working_day(day("2026-10-01")));
        assert!(known.is_working_day(day("2026-10-10")));
        assert!(!known.is_working_day(day("2026-10-11")));
        assert!(known.is_working_day(day("2026-10-12")));
    }

    #[test]
    fn beyond_the_last_year_weekends_are_off_and_the_calendar_says_provisional() {
        let known = calendar();
        assert!(known.provisional(day("2027-10-01")) && !known.provisional(day("2026-10-01")));
        assert!(known.is_working_day(day("2027-10-01")) && !known.is_working_day(day("2027-10-02")));
    }

    #[test]
    fn working_days_step_over_holidays_and_count_make_up_days() {
        let known = calendar();
        // Wednesday 30 September; the 1st and 2nd are off, 3rd and 4th a weekend.
        assert_eq!(known.add_working_days(day("2026-09-30"), 1), day("2026-10-05"));
        // Friday 9 October; Saturday the 10th is worked.
        assert_eq!(known.add_working_days(day("2026-10-09"), 1), day("2026-10-10"));
        assert_eq!(known.add_working_days(day("2026-10-09"), 0), day("2026-10-09"));
    }
}
