//! What has become of an occurrence, from facts and the hour: right even when nothing else ran.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Occurrence;
use crate::hazards::deadline::{end_of_day, start_of_day};

crate::text_enum! {
    /// What has become of an occurrence at a school.
    pub enum OccurrenceStatus {
        /// Handed in within its days.
        Done = "done",
        /// Handed in after them.
        Late = "late",
        /// Begun and not handed in.
        InProgress = "in_progress",
        /// Not begun, its days not over.
        Pending = "pending",
        /// Not begun, its days over.
        Missed = "missed",
        /// The plan was paused when its day began.
        Skipped = "skipped",
    }
}

crate::text_enum! {
    /// How far a school has come with a plan.
    pub enum MatrixStatus {
        /// Handed in within the period.
        Done = "done",
        /// Handed in after it.
        Late = "late",
        /// Begun and not handed in.
        InProgress = "in_progress",
        /// Not begun, the period not over.
        Pending = "pending",
        /// Not begun, the period over.
        Missing = "missing",
        /// Nothing is asked: the plan was paused.
        Skipped = "skipped",
    }
}

impl From<OccurrenceStatus> for MatrixStatus {
    fn from(status: OccurrenceStatus) -> Self {
        match status {
            OccurrenceStatus::Done => Self::Done,
            OccurrenceStatus::Late => Self::Late,
            OccurrenceStatus::InProgress => Self::InProgress,
            OccurrenceStatus::Pending => Self::Pending,
            OccurrenceStatus::Missed => Self::Missing,
            OccurrenceStatus::Skipped => Self::Skipped,
        }
    }
}

/// The instants of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its day begins.
    pub opens: DateTime<Utc>,
    /// Its last day ends.
    pub closes: DateTime<Utc>,
}

impl Window {
    /// In the zone of whoever keeps the plan.
    #[must_use]
    pub fn of(occurrence: Occurrence, zone: Tz) -> Self {
        Self { opens: start_of_day(occurrence.on, zone), closes: end_of_day(occurrence.until, zone) }
    }

    /// Whether the plan was paused when the day began. Times of pause run from the first to before the second.
    #[must_use]
    pub fn is_paused(&self, pauses: &[(DateTime<Utc>, Option<DateTime<Utc>>)]) -> bool {
        pauses.iter().any(|(from, to)| *from <= self.opens && to.is_none_or(|to| self.opens < to))
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// The team has checked in.
    pub started: bool,
    /// When it was handed in.
    pub submitted_at: Option<DateTime<Utc>>,
    /// The plan was paused when the day began.
    pub paused: bool,
}

/// What has become of it. What was done although nobody asked is done.
#[must_use]
pub fn outcome(window: Window, facts: Facts, now: DateTime<Utc>) -> OccurrenceStatus {
    match facts.submitted_at {
        Some(at) if at <= window.closes => OccurrenceStatus::Done,
        Some(_) => OccurrenceStatus::Late,
        None if facts.started => OccurrenceStatus::InProgress,
        None if facts.paused => OccurrenceStatus::Skipped,
        None if now > window.closes => OccurrenceStatus::Missed,
        None => OccurrenceStatus::Pending,
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn window(zone: Tz) -> Window {
        let day = "2026-03-08".parse().unwrap();
        Window::of(Occurrence { on: day, until: day }, zone)
    }

    #[test]
    fn the_day_is_that_of_the_zone_and_its_last_moment_is_in_time() {
        let shanghai = window(Asia::Shanghai);
        let handed_in = |text| Facts { submitted_at: Some(at(text)), ..Facts::default() };
        let now = at("2026-04-01T00:00:00Z");
        let done = |window, text| outcome(window, handed_in(text), now);
        assert_eq!(done(shanghai, "2026-03-08T23:59:59.999999+08:00"), OccurrenceStatus::Done);
        assert_eq!(done(shanghai, "2026-03-09T00:00:00+08:00"), OccurrenceStatus::Late);
        let kashgar = window(Asia::Urumqi);
        assert_eq!(done(kashgar, "2026-03-09T00:00:00+08:00"), OccurrenceStatus::Done);
        // The day on which clocks go forward has 23 hours.
        let york = window(America::New_York);
        assert_eq!((york.closes - york.opens).num_hours(), 22);
    }

    #[test]
    fn without_an_inspection_time_alone_decides() {
        let window = window(Asia::Shanghai);
        let none = Facts::default();
        assert_eq!(outcome(window, none, at("2026-03-08T23:59:59+08:00")), OccurrenceStatus::Pending);
        assert_eq!(outcome(window, none, at("2026-03-09T00:00:00+08:00")), OccurrenceStatus::Missed);
        let started = Facts { started: true, ..none };
        assert_eq!(outcome(window, started, at("2026-03-19T00:00:00+08:00")), OccurrenceStatus::InProgress);
        let paused = Facts { paused: true, ..none };
        assert_eq!(outcome(window, paused, at("2026-03-19T00:00:00+08:00")), OccurrenceStatus::Skipped);
    }

    #[test]
    fn a_day_that_begins_within_a_pause_is_skipped() {
        let window = window(Asia::Shanghai);
        let pause = |from: &str, to: Option<&str>| window.is_paused(&[(at(from), to.map(at))]);
        assert!(pause("2026-03-07T12:00:00+08:00", None));
        assert!(pause("2026-03-08T00:00:00+08:00", Some("2026-03-08T08:00:00+08:00")));
        assert!(!pause("2026-03-07T12:00:00+08:00", Some("2026-03-08T00:00:00+08:00")));
        assert!(!pause("2026-03-08T00:00:01+08:00", None));
    }
}
