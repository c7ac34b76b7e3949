//! Which days are occurrences of a recurring plan.

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hazards::calendar::Calendar;

crate::text_enum! {
    /// How often.
    pub enum Every {
        /// Each day.
        Day = "day",
        /// Each week.
        Week = "week",
        /// Each month.
        Month = "month",
        /// Each school term of the bureau's calendar.
        Term = "term",
    }
}

/// How often a plan recurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// How often.
    pub every: Every,
    /// Of `day`: only days on which people work, by the bureau's calendar.
    #[serde(default)]
    #[schema(default = false)]
    pub working_days_only: bool,
    /// Of `week`, and needed there: Monday is 1, Sunday 7.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 7)]
    pub weekday: Option<u32>,
    /// Of `month`, and needed there; the last day of a month that is shorter.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 31)]
    pub day_of_month: Option<u32>,
}

/// A day on which something falls due, and the last day on which doing it is in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Its day.
    pub on: NaiveDate,
    /// The last day in time.
    pub until: NaiveDate,
}

/// The schedules of a plan in their order, each from a day on, and what they are read by.
#[derive(Debug)]
pub struct Schedule<'a> {
    /// From when which recurrence holds.
    pub segments: &'a [(NaiveDate, Recurrence)],
    /// The first day of the plan at all: not before it was activated.
    pub from: NaiveDate,
    /// Its last day; none for a plan without end.
    pub to: Option<NaiveDate>,
    /// First and last days of school terms.
    pub terms: &'a [(NaiveDate, NaiveDate)],
    /// Working days.
    pub calendar: &'a Calendar,
}

impl Schedule<'_> {
    /// The occurrences whose day lies within these days, in order.
    #[must_use]
    pub fn occurrences(&self, from: NaiveDate, to: NaiveDate) -> Vec<Occurrence> {
        let first = from.max(self.from);
        let last = self.to.map_or(to, |end| to.min(end));
        first.iter_days().take_while(|day| *day <= last).filter_map(|day| self.on(day)).collect()
    }

    /// The occurrence of this day, if it is one.
    fn on(&self, day: NaiveDate) -> Option<Occurrence> {
        let (_, recurrence) = self.segments.iter().rev().find(|(from, _)| *from <= day)?;
        let until = match recurrence.every {
            Every::Day if recurrence.working_days_only && !self.calendar.is_working_day(day) => return None,
            Every::Day => day,
            Every::Week if Some(day.weekday().number_from_monday()) == recurrence.weekday => day + Days::new(6),
            Every::Month if day == day_in_month(day, recurrence.day_of_month?) => {
                let next = last_of_month(day).succ_opt().unwrap_or(day);
                day_in_month(next, recurrence.day_of_month?).pred_opt().unwrap_or(day)
            }
            Every::Term => self.terms.iter().find(|(first, _)| *first == day).map(|(_, last)| *last)?,
            Every::Week | Every::Month => return None,
        };
        Some(Occurrence { on: day, until: self.to.map_or(until, |end| until.min(end)) })
    }
}

fn last_of_month(day: NaiveDate) -> NaiveDate {
    let next = if day.month() == 12 { (day.year() + 1, 1) } else { (day.year(), day.month() + 1) };
    NaiveDate::from_ymd_opt(next.0, next.1, 1).and_then(|first| first.pred_opt()).unwrap_or(day)
}

/// The day of this number in the month of `any`; its last day where the month is shorter.
fn day_in_month(any: NaiveDate, number: u32) -> NaiveDate {
    any.with_day(number).unwrap_or_else(|| last_of_month(any))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn every(every: Every) -> Recurrence {
        Recurrence { every, working_days_only: false, weekday: None, day_of_month: None }
    }

    fn of(recurrence: Recurrence, from: &str, to: &str) -> Vec<String> {
        let calendar = Calendar::new([2026], [day("2026-10-01")], [day("2026-10-10")]);
        let terms = [(day("2026-03-02"), day("2026-07-10")), (day("2026-09-01"), day("2027-01-20"))];
        let segments = [(day(from), recurrence)];
        let schedule = Schedule { segments: &segments, from: day(from), to: None, terms: &terms, calendar: &calendar };
        let shown = |one: Occurrence| format!("{}..{}", one.on, one.until);
        schedule.occurrences(day(from), day(to)).into_iter().map(shown).collect()
    }

    #[test]
    fn the_31st_is_the_last_day_of_shorter_months() {
        let monthly = Recurrence { day_of_month: Some(31), ..every(Every::Month) };
        assert_eq!(
            of(monthly, "2028-01-15", "2028-05-01"),
            ["2028-01-31..2028-02-28", "2028-02-29..2028-03-30", "2028-03-31..2028-04-29", "2028-04-30..2028-05-30"]
        );
        let monthly = Recurrence { day_of_month: Some(29), ..every(Every::Month) };
        assert_eq!(of(monthly, "2026-02-01", "2026-03-28"), ["2026-02-28..2026-03-28"]);
    }

    #[test]
    fn a_week_lasts_until_the_day_before_the_next() {
        let weekly = Recurrence { weekday: Some(1), ..every(Every::Week) };
        assert_eq!(of(weekly, "2026-03-03", "2026-03-16"), ["2026-03-09..2026-03-15", "2026-03-16..2026-03-22"]);
    }

    #[test]
    fn working_days_follow_the_calendar() {
        let daily = Recurrence { working_days_only: true, ..every(Every::Day) };
        assert_eq!(of(daily, "2026-09-30", "2026-10-02"), ["2026-09-30..2026-09-30", "2026-10-02..2026-10-02"]);
        assert_eq!(of(daily, "2026-10-10", "2026-10-11"), ["2026-10-10..2026-10-10"]);
    }

    #[test]
    fn a_term_is_an_occurrence_on_its_first_day_until_its_last() {
        assert_eq!(of(every(Every::Term), "2026-03-03", "2026-12-31"), ["2026-09-01..2027-01-20"]);
    }

    #[test]
    fn another_schedule_changes_nothing_before_its_day() {
        let (calendar, terms) = (Calendar::default(), []);
        let weekly = Recurrence { weekday: Some(1), ..every(Every::Week) };
        let segments = [(day("2026-03-02"), every(Every::Day)), (day("2026-03-05"), weekly)];
        let (from, to) = (day("2026-03-02"), Some(day("2026-03-11")));
        let schedule = Schedule { segments: &segments, from, to, terms: &terms, calendar: &calendar };
        let found: Vec<NaiveDate> =
            schedule.occurrences(day("2026-01-01"), day("2026-12-31")).into_iter().map(|one| one.on).collect();
        assert_eq!(found, ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-09"].map(day));
        // The end of the plan ends its last week.
        assert_eq!(schedule.occurrences(day("2026-03-09"), day("2026-03-09"))[0].until, day("2026-03-11"));
    }

    fn any_recurrence() -> impl Strategy<Value = Recurrence> {
        prop_oneof![
            Just(every(Every::Day)),
            (1_u32..=7).prop_map(|weekday| Recurrence { weekday: Some(weekday), ..every(Every::Week) }),
            (1_u32..=31).prop_map(|number| Recurrence { day_of_month: Some(number), ..every(Every::Month) }),
        ]
    }

    proptest! {
        #[test]
        fn occurrences_follow_each_other_without_gap_or_overlap(recurrence in any_recurrence(), start in 0_u64..4000, length in 1_u64..900) {
            let (calendar, terms) = (Calendar::default(), []);
            let from = day("2024-01-01") + Days::new(start);
            let to = from + Days::new(length);
            let segments = [(from, recurrence)];
            let schedule = Schedule { segments: &segments, from, to: None, terms: &terms, calendar: &calendar };
            let all = schedule.occurrences(from - Days::new(50), to);
            for pair in all.windows(2) {
                prop_assert_eq!(pair[0].until.succ_opt().unwrap(), pair[1].on);
            }
            for one in &all {
                prop_assert!(one.on >= from && one.on <= to && one.until >= one.on);
            }
            let most = match recurrence.every { Every::Day => 1, Every::Week => 7, _ => 31 };
            prop_assert!(all.first().is_none_or(|first| first.on < from + Days::new(most)));
            prop_assert!(length < most || !all.is_empty());
        }

        #[test]
        fn a_part_of_the_days_has_that_part_of_the_occurrences(recurrence in any_recurrence(), cut in 0_u64..300) {
            let (calendar, terms) = (Calendar::default(), []);
            let (from, to) = (day("2026-01-01"), day("2026-12-31"));
            let segments = [(from, recurrence)];
            let schedule = Schedule { segments: &segments, from, to: None, terms: &terms, calendar: &calendar };
            let middle = from + Days::new(cut);
            let mut parts = schedule.occurrences(from, middle);
            parts.extend(schedule.occurrences(middle + Days::new(1), to));
            prop_assert_eq!(parts, schedule.occurrences(from, to));
        }
    }
}
