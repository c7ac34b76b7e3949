//! The figures of a month: counted by domain from the ledger, and the stock of majors.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Month;
use crate::hazards::status::Level;
use crate::platform::db::types::Timestamp;

/// A hazard of the ledger that is not void, as far as a month asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// Its domain.
    pub domain: String,
    /// Its level.
    pub level: Level,
    /// When it was closed, of the closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// A plan with the five in place (五到位) is filed.
    pub planned: bool,
    /// Under supervised listing (挂牌督办).
    pub listed: bool,
}

/// Counts of one period. Those of general hazards are of rows alone; `aggregate_*` are counts without rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// General hazards registered.
    pub general_found: i64,
    /// Of those, closed.
    pub general_closed: i64,
    /// Majors registered.
    pub major_found: i64,
    /// Of those, closed.
    pub major_closed: i64,
    /// Of the majors registered, those with a plan.
    pub major_planned: i64,
    /// Of the majors registered, those under supervised listing.
    pub major_listed: i64,
    /// General hazards entered as counts.
    pub aggregate_found: i64,
    /// Of those, put right.
    pub aggregate_rectified: i64,
}

impl Tally {
    /// Both together.
    pub const fn add(&mut self, other: &Self) {
        self.general_found += other.general_found;
        self.general_closed += other.general_closed;
        self.major_found += other.major_found;
        self.major_closed += other.major_closed;
        self.major_planned += other.major_planned;
        self.major_listed += other.major_listed;
        self.aggregate_found += other.aggregate_found;
        self.aggregate_rectified += other.aggregate_rectified;
    }

    fn count(&mut self, one: &Finding, closed: bool) {
        let closed = i64::from(closed);
        match one.level {
            Level::General => {
                self.general_found += 1;
                self.general_closed += closed;
            }
            Level::Major => {
                self.major_found += 1;
                self.major_closed += closed;
                self.major_planned += i64::from(one.planned);
                self.major_listed += i64::from(one.listed);
            }
        }
    }
}

/// From January to the month, and the month itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Periods {
    /// From January.
    pub cumulative: Tally,
    /// Of the month.
    pub month: Tally,
}

/// Money of both periods, in fen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// From January.
    pub cumulative: i64,
    /// Of the month.
    pub month: i64,
}

/// What a report keeps for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The instant at which the ledger was judged: of submission, at most the end of the month.
    pub as_of: Timestamp,
    /// By domain.
    pub domains: BTreeMap<String, Periods>,
    /// Spent, in fen; not divided by domain.
    pub spent_fen: Amounts,
}

/// Counts what was registered from January to the end of the month, by domain. Closed is what was closed by then:
/// what happens later belongs to later months.
#[must_use]
pub fn count(findings: &[Finding], month: Month, zone: Tz) -> BTreeMap<String, Periods> {
    let (january, begins, ends) = (month.january().begins(zone), month.begins(zone), month.ends(zone));
    let mut domains: BTreeMap<String, Periods> = BTreeMap::new();
    for one in findings.iter().filter(|one| (january..ends).contains(&one.registered_at)) {
        let periods = domains.entry(one.domain.clone()).or_default();
        let closed = one.closed_at.is_some_and(|at| at < ends);
        periods.cumulative.count(one, closed);
        if one.registered_at >= begins {
            periods.month.count(one, closed);
        }
    }
    domains
}

/// Spent from January to the month: what the reports say of their months, and the ledger where there is no report.
#[must_use]
pub fn spent_to_date(month: Month, reported: &BTreeMap<Month, i64>, ledger: &BTreeMap<Month, i64>) -> i64 {
    let mut sum = 0_i64;
    let mut next = month.january();
    while next <= month {
        let of_month = reported.get(&next).or_else(|| ledger.get(&next)).copied().unwrap_or(0);
        sum = sum.saturating_add(of_month);
        next = next.next();
    }
    sum
}

/// Open majors at both ends of a period, and what moved between (重大存量, `domain.md` §8.5). Each is counted for
/// itself, so that opening + new − closed = closing is a check and no definition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    /// Open at the beginning.
    pub opening: i64,
    /// Registered within.
    pub new: i64,
    /// Closed within.
    pub closed: i64,
    /// Open at the end.
    pub closing: i64,
}

impl Stock {
    /// Whether the sum holds.
    #[must_use]
    pub const fn reconciles(&self) -> bool {
        self.opening + self.new - self.closed == self.closing
    }
}

/// The stock of majors over `from..until`, from (registered, closed) of each.
#[must_use]
pub fn stock(majors: &[(DateTime<Utc>, Option<DateTime<Utc>>)], from: DateTime<Utc>, until: DateTime<Utc>) -> Stock {
    let open_at = |at: DateTime<Utc>| {
        let open =
            majors.iter().filter(|(registered, closed)| *registered < at && closed.is_none_or(|closed| closed >= at));
        i64::try_from(open.count()).unwrap_or(i64::MAX)
    };
    let within = |at: &DateTime<Utc>| (from..until).contains(at);
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Stock {
        opening: open_at(from),
        new: number(majors.iter().filter(|(registered, _)| within(registered)).count()),
        closed: number(majors.iter().filter(|(_, closed)| closed.as_ref().is_some_and(within)).count()),
        closing: open_at(until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;
    use chrono_tz::Asia::Shanghai;
    use proptest::prelude::*;

    fn instant(hours: i64) -> DateTime<Utc> {
        "2026-01-01T00:00:00+08:00".parse::<DateTime<Utc>>().unwrap() + Duration::hours(hours)
    }

    prop_compose! {
        fn finding()(start in -2000_i64..9000, open_for in proptest::option::of(0_i64..4000), major: bool, fire: bool, planned: bool, listed: bool) -> Finding {
            Finding {
                registered_at: instant(start),
                domain: if fire { "fire" } else { "gas" }.to_owned(),
                level: if major { Level::Major } else { Level::General },
                closed_at: open_for.map(|hours| instant(start + hours)),
                planned,
                listed,
            }
        }
    }

    fn all(findings: &[Finding], month: &str) -> Periods {
        let mut sum = Periods::default();
        for periods in count(findings, month.parse().unwrap(), Shanghai).values() {
            sum.cumulative.add(&periods.cumulative);
            sum.month.add(&periods.month);
        }
        sum
    }

    proptest! {
        #[test]
        fn the_months_add_up_to_what_was_found_from_january(findings in proptest::collection::vec(finding(), 0..60)) {
            let mut found = 0;
            for month in 1..=12 {
                let periods = all(&findings, &format!("2026-{month:02}"));
                found += periods.month.general_found + periods.month.major_found;
                prop_assert_eq!(found, periods.cumulative.general_found + periods.cumulative.major_found);
                prop_assert!(periods.cumulative.general_closed <= periods.cumulative.general_found);
                prop_assert!(periods.cumulative.major_closed <= periods.cumulative.major_found);
                prop_assert!(periods.month.major_closed <= periods.cumulative.major_closed);
            }
        }

        #[test]
        fn what_happens_after_the_month_does_not_count(findings in proptest::collection::vec(finding(), 0..40), later in 0_i64..3000) {
            let month: Month = "2026-04".parse().unwrap();
            let ends = month.ends(Shanghai);
            let before = count(&findings, month, Shanghai);
            let mut after: Vec<Finding> = findings;
            for one in after.iter_mut().filter(|one| one.closed_at.is_none_or(|at| at >= ends)) {
                one.closed_at = Some(ends.max(one.registered_at) + Duration::hours(later));
            }
            after.push(Finding { registered_at: ends, domain: "fire".into(), level: Level::Major, closed_at: None, planned: false, listed: false });
            prop_assert_eq!(before, count(&after, month, Shanghai));
        }

        #[test]
        fn the_stock_of_majors_reconciles(findings in proptest::collection::vec(finding(), 0..60), from in 0_i64..8000, hours in 0_i64..3000) {
            let majors: Vec<_> = findings.iter().map(|one| (one.registered_at, one.closed_at)).collect();
            let one = stock(&majors, instant(from), instant(from + hours));
            prop_assert!(one.reconciles());
            let next = stock(&majors, instant(from + hours), instant(from + 2 * hours));
            prop_assert_eq!(one.closing, next.opening);
        }
    }

    #[test]
    fn a_month_without_a_report_counts_what_the_ledger_spent() {
        let month = |text: &str| text.parse::<Month>().unwrap();
        let reported = BTreeMap::from([(month("2026-01"), 500), (month("2025-12"), 9)]);
        let ledger = BTreeMap::from([(month("2026-01"), 100), (month("2026-02"), 30), (month("2026-04"), 7)]);
        assert_eq!(spent_to_date(month("2026-03"), &reported, &ledger), 530);
    }
}
