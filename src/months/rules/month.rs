//! A calendar month in a bureau's zone, and when it may be written.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::hazards::deadline::{end_of_day, local_date, start_of_day};

/// A month, `YYYY-MM`, from 2000 to 2100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: NaiveDate,
}

/// Where a month stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has not begun.
    Future,
    /// It runs, or has ended within the days of grace: it may be written.
    Open,
    /// It may not be written any more.
    Locked,
}

impl Month {
    fn holding(date: NaiveDate) -> Self {
        Self { first: date.with_day(1).unwrap_or(date) }
    }

    /// The month of an instant.
    #[must_use]
    pub fn of(at: DateTime<Utc>, zone: Tz) -> Self {
        Self::holding(local_date(at, zone))
    }

    /// January of its year: figures are cumulative from there.
    #[must_use]
    pub fn january(self) -> Self {
        Self { first: self.first.with_month(1).unwrap_or(self.first) }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self { first: self.first.checked_add_months(Months::new(1)).unwrap_or(self.first) }
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self { first: self.first.checked_sub_months(Months::new(1)).unwrap_or(self.first) }
    }

    /// Its first instant.
    #[must_use]
    pub fn begins(self, zone: Tz) -> DateTime<Utc> {
        start_of_day(self.first, zone)
    }

    /// The first instant after it.
    #[must_use]
    pub fn ends(self, zone: Tz) -> DateTime<Utc> {
        self.next().begins(zone)
    }

    /// Its last instant, or now where that comes first: the instant at which its figures are judged.
    #[must_use]
    pub fn as_of(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let last = self.next().first.pred_opt().unwrap_or(self.first);
        end_of_day(last, zone).min(now)
    }

    /// The first instant at which it is locked.
    #[must_use]
    pub fn locks(self, zone: Tz, grace_days: u32) -> DateTime<Utc> {
        let next = self.next().first;
        start_of_day(next.checked_add_days(Days::new(grace_days.into())).unwrap_or(next), zone)
    }

    /// Where it stands now.
    #[must_use]
    pub fn phase(self, now: DateTime<Utc>, zone: Tz, grace_days: u32) -> Phase {
        match () {
            () if now < self.begins(zone) => Phase::Future,
            () if now < self.locks(zone, grace_days) => Phase::Open,
            () => Phase::Locked,
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl FromStr for Month {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shaped = text.len() == 7
            && text.bytes().enumerate().all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() });
        let first = format!("{text}-01").parse::<NaiveDate>().ok().filter(|_| shaped);
        let first = first.filter(|first| (2000..=2100).contains(&first.year()));
        first.map(|first| Self { first }).ok_or("expected a month as YYYY-MM, from 2000-01 to 2100-12")
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Month {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let month = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^20[0-9]{2}-(0[1-9]|1[0-2])$"));
        month.examples(["2026-03"]).into()
    }
}
impl utoipa::ToSchema for Month {}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;
    use chrono_tz::Asia::Shanghai;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_ends_at_midnight_of_the_bureau_and_not_of_utc() {
        let march = month("2026-03");
        assert_eq!(march.phase(at("2026-02-28T23:59:59+08:00"), Shanghai, 0), Phase::Future);
        assert_eq!(march.phase(at("2026-03-01T00:00:00+08:00"), Shanghai, 0), Phase::Open);
        assert_eq!(march.phase(at("2026-03-31T23:59:59.999999+08:00"), Shanghai, 0), Phase::Open);
        assert_eq!(march.phase(at("2026-04-01T00:00:00+08:00"), Shanghai, 0), Phase::Locked);
        assert_eq!(march.phase(at("2026-04-03T23:59:59+08:00"), Shanghai, 3), Phase::Open);
        assert_eq!(march.phase(at("2026-04-04T00:00:00+08:00"), Shanghai, 3), Phase::Locked);
    }

    #[test]
    fn only_a_month_of_our_time_is_a_month() {
        for wrong in
            ["2026-13", "2026-00", "2026-3", "26-03", "2026/03", "1999-12", "2101-01", "+202-03", "2026-03-01", ""]
        {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
        assert_eq!(
            (month("2000-01").to_string(), month("2100-12").next().to_string()),
            ("2000-01".into(), "2101-01".into())
        );
        assert_eq!(month("2026-01").previous(), month("2025-12"));
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_exactly_the_month_it_is_of(secs in 1_000_000_000_i64..4_000_000_000, zone in 0_usize..5) {
            let zone = [Shanghai, Tz::Asia__Urumqi, Tz::UTC, Tz::Asia__Kathmandu, Tz::America__New_York][zone];
            let now = DateTime::from_timestamp(secs, 0).unwrap();
            let month = Month::of(now, zone);
            prop_assert!(month.begins(zone) <= now && now < month.ends(zone));
            prop_assert_eq!(month.phase(now, zone, 0), Phase::Open);
            prop_assert_eq!(month.next().phase(now, zone, 15), Phase::Future);
            prop_assert_eq!(month.previous().phase(now, zone, 0), Phase::Locked);
            prop_assert_eq!(month.to_string().parse::<Month>().unwrap(), month);
            prop_assert!(month.january() <= month && month.as_of(now, zone) == now);
        }

        #[test]
        fn grace_only_ever_keeps_a_month_open_longer(secs in 1_000_000_000_i64..4_000_000_000, grace in 0_u32..=15, back in 0_i64..60) {
            let now = DateTime::from_timestamp(secs, 0).unwrap();
            let month = Month::of(now - Duration::days(back), Shanghai);
            if month.phase(now, Shanghai, 0) == Phase::Open {
                prop_assert_eq!(month.phase(now, Shanghai, grace), Phase::Open);
            }
            prop_assert!(month.locks(Shanghai, grace) >= month.ends(Shanghai));
        }
    }
}
