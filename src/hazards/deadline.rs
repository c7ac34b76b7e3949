//! What time does to a hazard: ends of days, overdue, days left, warning colour. All pure.

use chrono::{DateTime, Days, Duration, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

use super::calendar::Calendar;
use super::policy::{DayKind, Policy};
use super::status::{Colour, Level, Status};

/// The bureau's own time to recheck what is reported done.
pub const RECHECK_WORKING_DAYS: u32 = 5;

/// A deadline as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The instant.
    pub at: DateTime<Utc>,
    /// Its local date.
    pub date: NaiveDate,
    /// Working days were counted in a year that is not announced yet.
    pub provisional: bool,
}

/// The date of an instant in a zone.
#[must_use]
pub fn local_date(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The last microsecond of a local day.
#[must_use]
pub fn end_of_day(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let next = date.succ_opt().unwrap_or(date);
    start_of_day(next, zone) - Duration::microseconds(1)
}

/// The first instant of a local day. Where clocks skip midnight, the first hour that exists.
#[must_use]
pub fn start_of_day(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    (0..24)
        .filter_map(|hour| date.and_hms_opt(hour, 0, 0))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(|| date.and_time(chrono::NaiveTime::MIN).and_utc(), |local| local.with_timezone(&Utc))
}

/// The end of the local day that lies `days` of the kind after the local day of `now`.
#[must_use]
pub fn after(now: DateTime<Utc>, days: u32, kind: DayKind, calendar: &Calendar, zone: Tz) -> Deadline {
    let start = local_date(now, zone);
    let date = match kind {
        DayKind::Calendar => start.checked_add_days(Days::new(u64::from(days))).unwrap_or(start),
        DayKind::Working => calendar.add_working_days(start, days),
    };
    Deadline {
        at: end_of_day(date, zone),
        date,
        provisional: kind == DayKind::Working && (calendar.provisional(start) || calendar.provisional(date)),
    }
}

/// What a policy gives from `now` on.
#[must_use]
pub fn by_policy(now: DateTime<Utc>, policy: &Policy, calendar: &Calendar, zone: Tz) -> Deadline {
    after(now, policy.days, policy.day_kind, calendar, zone)
}

/// An instant given by a person, kept as given.
#[must_use]
pub fn given(at: DateTime<Utc>, zone: Tz) -> Deadline {
    Deadline { at, date: local_date(at, zone), provisional: false }
}

/// Not yet reported done, and the deadline has passed.
#[must_use]
pub fn overdue(status: Status, due_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    status.clock_runs() && due_at.is_some_and(|due| due < now)
}

/// Local calendar days until the deadline, negative when it lies behind; nothing when no clock runs.
#[must_use]
pub fn days_left(status: Status, due_at: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: Tz) -> Option<i64> {
    let due = due_at.filter(|_| status.clock_runs())?;
    Some((local_date(due, zone) - local_date(now, zone)).num_days())
}

/// How pressing it is, for whoever looks now.
#[must_use]
pub fn colour(status: Status, level: Level, due_at: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: Tz) -> Colour {
    let Some(left) = days_left(status, due_at, now, zone) else { return Colour::None };
    let ahead = match level {
        Level::General => 3,
        Level::Major => 7,
    };
    match left {
        _ if level == Level::Major && overdue(status, due_at, now) => Colour::Red,
        left if left > ahead => Colour::None,
        1.. => Colour::Blue,
        0 => Colour::Yellow,
        -7..=-1 => Colour::Orange,
        _ => Colour::Red,
    }
}

/// From when until before when a running deadline has a colour; nothing where none ever has. The inverse of [`colour`],
/// for lists.
#[must_use]
pub fn due_range(colour: Colour, level: Level, now: DateTime<Utc>, zone: Tz) -> Option<Range> {
    let today = local_date(now, zone);
    let morning = |days: i64| start_of_day(today.checked_add_signed(Duration::days(days)).unwrap_or(today), zone);
    let ahead = match level {
        Level::General => 3,
        Level::Major => 7,
    };
    Some(match (colour, level) {
        (Colour::None, _) => (Some(morning(ahead + 1)), None),
        (Colour::Blue, _) => (Some(morning(1)), Some(morning(ahead + 1))),
        (Colour::Yellow, Level::General) => (Some(morning(0)), Some(morning(1))),
        (Colour::Orange, Level::General) => (Some(morning(-7)), Some(morning(0))),
        (Colour::Red, Level::General) => (None, Some(morning(-7))),
        (Colour::Yellow, Level::Major) => (Some(now), Some(morning(1))),
        (Colour::Orange, Level::Major) => return None,
        (Colour::Red, Level::Major) => (None, Some(now)),
    })
}

/// From an instant on, until before another.
pub type Range = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_ends_where_the_school_is_not_in_utc() {
        // 2 March 20:00 UTC is already 3 March in Shanghai.
        let due = after(at("2026-03-02T20:00:00Z"), 7, DayKind::Calendar, &Calendar::default(), Asia::Shanghai);
        assert_eq!(due.date, "2026-03-10".parse().unwrap());
        assert_eq!(due.at, at("2026-03-10T15:59:59.999999Z"));
    }

    #[test]
    fn a_zone_that_skips_midnight_still_has_a_first_instant() {
        // Sao Paulo went from 23:59:59 on the 3rd to 01:00 on the 4th of November 2018.
        assert_eq!(start_of_day("2018-11-04".parse().unwrap(), America::Sao_Paulo), at("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn overdue_starts_after_the_deadline_and_stops_at_the_report() {
        let due = Some(at("2026-03-10T15:59:59.999999Z"));
        assert!(!overdue(Status::Rectifying, due, at("2026-03-10T15:59:59Z")));
        assert!(overdue(Status::Rectifying, due, at("2026-03-10T16:00:00Z")));
        assert!(!overdue(Status::AwaitingRecheck, due, at("2026-04-10T16:00:00Z")));
        assert!(!overdue(Status::Issued, None, at("2026-04-10T16:00:00Z")));
    }

    #[test]
    fn colours_follow_the_days() {
        let due = Some(at("2026-03-10T15:59:59.999999Z"));
        let seen = |level, now: &str| colour(Status::Rectifying, level, due, at(now), Asia::Shanghai);
        assert_eq!(seen(Level::General, "2026-03-06T04:00:00Z"), Colour::None);
        assert_eq!(seen(Level::Major, "2026-03-06T04:00:00Z"), Colour::Blue);
        assert_eq!(seen(Level::General, "2026-03-07T04:00:00Z"), Colour::Blue);
        assert_eq!(seen(Level::Major, "2026-03-10T04:00:00Z"), Colour::Yellow);
        assert_eq!(seen(Level::General, "2026-03-11T04:00:00Z"), Colour::Orange);
        assert_eq!(seen(Level::Major, "2026-03-11T04:00:00Z"), Colour::Red);
        assert_eq!(seen(Level::General, "2026-03-17T04:00:00Z"), Colour::Orange);
        assert_eq!(seen(Level::General, "2026-03-18T04:00:00Z"), Colour::Red);
        assert_eq!(colour(Status::Closed, Level::Major, due, at("2026-05-01T00:00:00Z"), Asia::Shanghai), Colour::None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_deadline_is_the_last_instant_of_its_local_date(secs in 1_600_000_000_i64..2_000_000_000, days in 0_u32..400, working: bool) {
            let now = DateTime::from_timestamp(secs, 0).unwrap();
            let kind = if working { DayKind::Working } else { DayKind::Calendar };
            let due = after(now, days, kind, &Calendar::default(), Asia::Shanghai);
            prop_assert_eq!(local_date(due.at, Asia::Shanghai), due.date);
            prop_assert_eq!(local_date(due.at + Duration::microseconds(1), Asia::Shanghai), due.date.succ_opt().unwrap());
            prop_assert!(due.at >= now);
            prop_assert!(!overdue(Status::Issued, Some(due.at), now));
        }

        #[test]
        fn the_range_of_a_colour_holds_what_shows_it(secs in 1_600_000_000_i64..2_000_000_000, off in -900_000_i64..900_000, major: bool) {
            let now = DateTime::from_timestamp(secs, 0).unwrap();
            let due = now + Duration::seconds(off);
            let level = if major { Level::Major } else { Level::General };
            let shown = colour(Status::Issued, level, Some(due), now, Asia::Shanghai);
            for one in Colour::ALL {
                let inside = due_range(*one, level, now, Asia::Shanghai)
                    .is_some_and(|(from, until)| from.is_none_or(|from| from <= due) && until.is_none_or(|until| due < until));
                prop_assert_eq!(inside, *one == shown, "{} {}", one, shown);
            }
        }

        #[test]
        fn exactly_that_many_working_days_lie_between(secs in 1_600_000_000_i64..2_000_000_000, days in 0_u32..90) {
            let calendar = Calendar::default();
            let start = local_date(DateTime::from_timestamp(secs, 0).unwrap(), Asia::Shanghai);
            let end = calendar.add_working_days(start, days);
            let counted = start.iter_days().skip(1).take_while(|day| *day <= end).filter(|day| calendar.is_working_day(*day)).count();
            prop_assert_eq!(counted, usize::try_from(days).unwrap());
        }
    }
}
