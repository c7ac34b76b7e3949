//! The days of the story, counted back from the date: deterministic, and only days on which schools work.

use chrono::{Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Asia::Shanghai;

use crate::catalogue::builtin;
use crate::hazards::calendar::Calendar;
use crate::platform::db::types::Timestamp;

/// Working days of the term.
const DAYS: usize = 90;

/// The working days before a date, and some after it.
#[derive(Debug, Clone)]
pub struct Term {
    as_of: NaiveDate,
    /// The last working day before the date comes first.
    past: Vec<NaiveDate>,
    /// The date itself, if people work on it, and later ones.
    ahead: Vec<NaiveDate>,
}

impl Term {
    /// The term that stands on the morning of `as_of`.
    #[must_use]
    pub fn before(as_of: NaiveDate) -> Self {
        let known = builtin::holidays();
        let calendar = Calendar::new(
            known.years.iter().copied(),
            known.holidays.iter().map(|day| day.date),
            known.makeup_workdays.iter().map(|day| day.date),
        );
        let works = |day: &NaiveDate| calendar.is_working_day(*day);
        let back = std::iter::successors(as_of.pred_opt(), NaiveDate::pred_opt);
        let on = std::iter::successors(Some(as_of), NaiveDate::succ_opt);
        Self { as_of, past: back.filter(works).take(DAYS).collect(), ahead: on.filter(works).take(DAYS).collect() }
    }

    /// The date.
    #[must_use]
    pub const fn as_of(&self) -> NaiveDate {
        self.as_of
    }

    /// The morning on which the district is set up.
    #[must_use]
    pub fn beginning(&self) -> Timestamp {
        let first = self.past.last().copied().unwrap_or(self.as_of);
        instant(first.checked_sub_days(Days::new(7)).unwrap_or(first), 8, 0)
    }

    /// An hour of the `back`th working day before the date; nothing for what lies ahead or before the term.
    #[must_use]
    pub fn at(&self, back: i64, hour: u32, minute: u32) -> Option<Timestamp> {
        let place = usize::try_from(back.checked_sub(1)?).ok()?;
        self.past.get(place).map(|day| instant(*day, hour, minute))
    }

    /// The working day `back` days before the date; ahead of it where that is negative or nothing.
    #[must_use]
    pub fn day(&self, back: i64) -> NaiveDate {
        let place = |n: i64| usize::try_from(n).unwrap_or(0);
        let found = if back > 0 { self.past.get(place(back - 1)) } else { self.ahead.get(place(-back)) };
        found.copied().unwrap_or(self.as_of)
    }
}

fn instant(day: NaiveDate, hour: u32, minute: u32) -> Timestamp {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    let local = Shanghai.from_local_datetime(&day.and_time(time)).earliest();
    local.map_or_else(|| Timestamp::from(day.and_time(time).and_utc()), |at| Timestamp::from(at.with_timezone(&Utc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_ends_before_the_date_and_never_on_a_day_off() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let term = Term::before(date("2026-03-02"));
        // 28 February 2026 is a Saturday that is worked for the Spring Festival.
        assert_eq!(term.day(1), date("2026-02-28"));
        assert_eq!(term.day(0), date("2026-03-02"));
        assert_eq!(term.at(1, 9, 30).unwrap(), Timestamp::parse("2026-02-28T09:30:00+08:00").unwrap());
        assert_eq!(term.at(0, 9, 0), None);
        assert!(term.at(90, 9, 0).unwrap() > term.beginning());
    }
}
