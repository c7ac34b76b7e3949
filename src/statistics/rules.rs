//! The formulas of the summary. Numerator and denominator are given beside each rate; where the denominator is zero
//! the rate is null, not zero. Rates are never averaged: sums are divided.

use chrono::{Datelike, Days, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;

crate::text_enum! {
    /// What the rows of a summary stand for.
    pub enum GroupBy {
        /// The ten work lines.
        Category = "category",
        /// The domains.
        Domain = "domain",
        /// Schools.
        Org = "org",
        /// General and major.
        Level = "level",
        /// Month of registration.
        Month = "month",
    }
}

/// Sums over the hazards of one row, voided ones left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Registered.
    pub found: i64,
    /// Closed.
    pub closed: i64,
    /// Of those, fixed on the spot.
    pub on_spot: i64,
    /// Found by the school itself.
    pub self_found: i64,
    /// Those whose deadline in force has passed.
    pub due: i64,
    /// Of those, closed with the report that finally passed in time.
    pub on_time: i64,
    /// The same against the original deadline.
    pub original_on_time: i64,
    /// Not yet reported done, with the deadline passed.
    pub overdue: i64,
    /// Reports of rectification.
    pub submissions: i64,
    /// Of those, returned.
    pub returns: i64,
    /// Seconds from registration to closing, of the closed.
    pub duration_s: i64,
}

impl Sums {
    /// Both together.
    pub const fn add(&mut self, other: &Self) {
        self.found += other.found;
        self.closed += other.closed;
        self.on_spot += other.on_spot;
        self.self_found += other.self_found;
        self.due += other.due;
        self.on_time += other.on_time;
        self.original_on_time += other.original_on_time;
        self.overdue += other.overdue;
        self.submissions += other.submissions;
        self.returns += other.returns;
        self.duration_s += other.duration_s;
    }
}

/// A quotient with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rate {
    /// Above the line.
    pub numerator: i64,
    /// Below it.
    pub denominator: i64,
    /// The quotient to four places; null where the denominator is zero.
    #[schema(required)]
    pub rate: Option<f64>,
}

impl Rate {
    /// Of its two parts.
    #[must_use]
    pub fn of(numerator: i64, denominator: i64) -> Self {
        Self { numerator, denominator, rate: quotient(numerator, denominator) }
    }
}

/// To four places, computed in integers so that both engines and all machines agree.
fn quotient(numerator: i64, denominator: i64) -> Option<f64> {
    if denominator == 0 {
        return None;
    }
    let scaled = (i128::from(numerator) * 20_000 / i128::from(denominator) + 1).div_euclid(2);
    let scaled = i32::try_from(scaled).unwrap_or(i32::MAX);
    Some(f64::from(scaled) / 10_000.0)
}

/// The figures of one row (`domain.md` §8.5).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// 排查数: registered in the period and not void.
    pub found: i64,
    /// 已整改数: of those, closed.
    pub closed: i64,
    /// Of those found, still open.
    pub open: i64,
    /// Closed by a fix on the spot.
    pub on_spot: i64,
    /// 逾期数: not yet reported done, deadline passed.
    pub overdue: i64,
    /// 整改率: closed ÷ found.
    pub rectification_rate: Rate,
    /// 按期整改率: closed with the accepted report within the deadline in force ÷ those whose deadline has passed.
    pub on_time_rate: Rate,
    /// 原始按期率: the same with the original deadline.
    pub original_on_time_rate: Rate,
    /// 逾期率: overdue ÷ open.
    pub overdue_rate: Rate,
    /// 退回率: returned ÷ reported done.
    pub return_rate: Rate,
    /// 自查发现占比: found by the school itself ÷ found. High is good.
    pub self_found_rate: Rate,
    /// 平均整改时长 in days: seconds from registration to closing ÷ closed ÷ 86 400.
    #[schema(required)]
    pub mean_days_to_close: Option<f64>,
}

impl From<&Sums> for Figures {
    fn from(sums: &Sums) -> Self {
        let open = sums.found - sums.closed;
        Self {
            found: sums.found,
            closed: sums.closed,
            open,
            on_spot: sums.on_spot,
            overdue: sums.overdue,
            rectification_rate: Rate::of(sums.closed, sums.found),
            on_time_rate: Rate::of(sums.on_time, sums.due),
            original_on_time_rate: Rate::of(sums.original_on_time, sums.due),
            overdue_rate: Rate::of(sums.overdue, open),
            return_rate: Rate::of(sums.returns, sums.submissions),
            self_found_rate: Rate::of(sums.self_found, sums.found),
            mean_days_to_close: quotient(sums.duration_s, sums.closed * 86_400),
        }
    }
}

/// Days of a report, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

impl Period {
    /// Whether it is made of whole months, the running one counting as whole up to `today`.
    #[must_use]
    pub fn is_whole_months(self, today: NaiveDate) -> bool {
        let last = self.to.checked_add_days(Days::new(1)).is_some_and(|next| next.day() == 1);
        self.from.day() == 1 && (last || self.to >= today)
    }

    /// The first days of its months, and of the one after the last.
    #[must_use]
    pub fn month_starts(self) -> Vec<NaiveDate> {
        let mut starts = Vec::new();
        let mut next = self.from.with_day(1);
        while let Some(start) = next {
            starts.push(start);
            if start > self.to {
                break;
            }
            next = start.checked_add_months(chrono::Months::new(1));
        }
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn whole_months_end_on_their_last_day_or_run_up_to_today() {
        let period = |from, to| Period { from: day(from), to: day(to) };
        let today = day("2026-03-10");
        assert!(period("2026-01-01", "2026-02-28").is_whole_months(today));
        assert!(period("2026-03-01", "2026-03-10").is_whole_months(today));
        assert!(!period("2026-01-01", "2026-02-27").is_whole_months(today));
        assert!(!period("2026-01-02", "2026-02-28").is_whole_months(today));
        assert_eq!(
            period("2026-01-15", "2026-02-01").month_starts(),
            [day("2026-01-01"), day("2026-02-01"), day("2026-03-01")]
        );
    }

    #[test]
    fn nothing_found_has_no_rate() {
        let figures = Figures::from(&Sums::default());
        assert_eq!((figures.rectification_rate.rate, figures.mean_days_to_close), (None, None));
    }

    proptest! {
        #[test]
        fn a_rate_is_the_quotient_to_four_places(numerator in 0_i32..100_000, denominator in 1_i32..100_000) {
            let rate = quotient(numerator.into(), denominator.into()).unwrap();
            let exact = f64::from(numerator) / f64::from(denominator);
            prop_assert!((rate - exact).abs() <= 0.000_05 + 1e-9);
        }
    }
}
