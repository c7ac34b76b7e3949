//! The quarters in which a major reports its progress (每季度至少报告一次).
//!
//! A major reports from the day it was listed or its plan was filed, whichever came first, while its deadline runs; after a return
//! or a reopening, from then on. One report is due by the end of each local quarter, that of the beginning included; any report made within a quarter
//! counts for it. What is due next therefore follows from the last report alone, and being late is computed on read.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::hazards::deadline::{end_of_day, local_date};
use crate::hazards::marks::Marks;
use crate::hazards::status::{Level, Status};
use crate::platform::db::types::Timestamp;

/// When the next report is due; nothing where none is owed.
#[must_use]
pub fn next_due(
    status: Status,
    level: Level,
    since: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    zone: Tz,
) -> Option<DateTime<Utc>> {
    let since = since.filter(|_| level == Level::Major && status.clock_runs())?;
    let first = last_of_quarter(local_date(since, zone))?;
    let last_day = match last {
        None => first,
        // One made in the quarter of the beginning counts for it, even when made before.
        Some(last) => last_of_quarter(last_of_quarter(local_date(last, zone))?.succ_opt()?)?.max(first),
    };
    Some(end_of_day(last_day, zone))
}

impl Marks {
    /// When a hazard with these marks owes its next report; nothing where it owes none.
    #[must_use]
    pub fn next_progress_due(
        &self,
        status: Status,
        level: Level,
        plan_filed_at: Option<Timestamp>,
        zone: Tz,
    ) -> Option<Timestamp> {
        let begun = [self.listed_at.filter(|_| self.listed), plan_filed_at].into_iter().flatten().min();
        let last = self.progress_at.map(Timestamp::utc);
        // The later of both: where nothing has begun, nothing begins by a return either.
        let since = begun.map(|begun| self.resumed_at.map_or(begun, |resumed| resumed.max(begun)));
        next_due(status, level, since.map(Timestamp::utc), last, zone).map(Timestamp::from)
    }
}

/// The last day of the quarter of a date.
fn last_of_quarter(date: NaiveDate) -> Option<NaiveDate> {
    let next = (date.month0() / 3 + 1) * 3 + 1;
    let first_of_next = if next > 12 {
        NaiveDate::from_ymd_opt(date.year().checked_add(1)?, 1, 1)
    } else {
        NaiveDate::from_ymd_opt(date.year(), next, 1)
    };
    first_of_next?.pred_opt()
}

#[cfg(test)]
mod tests {
    use chrono_tz::Asia::Shanghai;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn next(since: &str, last: Option<&str>) -> Option<DateTime<Utc>> {
        next_due(Status::Rectifying, Level::Major, Some(at(since)), last.map(at), Shanghai)
    }

    #[test]
    fn a_report_is_due_by_the_end_of_each_local_quarter() {
        assert_eq!(next("2026-03-02T02:00:00Z", None), Some(at("2026-03-31T15:59:59.999999Z")));
        assert_eq!(next("2026-03-02T02:00:00Z", Some("2026-03-20T00:00:00Z")), Some(at("2026-06-30T15:59:59.999999Z")));
        // 31 March 17:00 UTC is already the second quarter in Shanghai.
        assert_eq!(next("2026-03-02T02:00:00Z", Some("2026-03-31T17:00:00Z")), Some(at("2026-09-30T15:59:59.999999Z")));
        assert_eq!(next("2026-11-02T02:00:00Z", None), Some(at("2026-12-31T15:59:59.999999Z")));
    }

    #[test]
    fn what_was_not_owed_while_the_clock_stood_is_not_late_when_it_starts_again() {
        assert_eq!(next("2027-02-02T02:00:00Z", Some("2026-03-20T00:00:00Z")), Some(at("2027-03-31T15:59:59.999999Z")));
        assert_eq!(next("2026-03-20T02:00:00Z", Some("2026-03-02T00:00:00Z")), Some(at("2026-06-30T15:59:59.999999Z")));
    }

    #[test]
    fn nothing_is_owed_by_a_general_hazard_or_while_no_deadline_runs() {
        let since = Some(at("2026-03-02T02:00:00Z"));
        assert_eq!(next_due(Status::Rectifying, Level::General, since, None, Shanghai), None);
        assert_eq!(next_due(Status::AwaitingRecheck, Level::Major, since, None, Shanghai), None);
        assert_eq!(next_due(Status::Issued, Level::Major, None, None, Shanghai), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whoever_reports_once_within_each_quarter_is_never_late(start in 1_600_000_000_i64..1_900_000_000, within in 0_i64..89) {
            let mut now = DateTime::from_timestamp(start, 0).unwrap();
            let since = now;
            let mut last = None;
            for _ in 0..8 {
                let due = next_due(Status::Rectifying, Level::Major, Some(since), last, Shanghai).unwrap();
                prop_assert!(due >= now);
                let report = (due - chrono::Duration::days(within)).max(now);
                prop_assert!(last.is_none_or(|last| report > last));
                last = Some(report);
                now = due + chrono::Duration::microseconds(1);
            }
        }
    }
}
