//! The rules of monthly reports, without a database.

mod figures;
mod month;

pub use figures::{Amounts, Finding, Frozen, Periods, Stock, Tally, count, spent_to_date, stock};
pub use month::{Month, Phase};

crate::text_enum! {
    /// How a school stands to a month.
    pub enum MonthStatus {
        /// Reported while the month could be written.
        Reported = "reported",
        /// Reported after it was locked, when the bureau had opened it.
        Late = "late",
        /// Not reported, and the month is locked.
        Missing = "missing",
        /// Not reported, and the month can still be written.
        Pending = "pending",
    }
}

/// How a school stands to a month, from its report (whether that was late) and from the month.
#[must_use]
pub const fn status(late: Option<bool>, phase: Phase) -> MonthStatus {
    match (late, phase) {
        (Some(false), _) => MonthStatus::Reported,
        (Some(true), _) => MonthStatus::Late,
        (None, Phase::Locked) => MonthStatus::Missing,
        (None, Phase::Open | Phase::Future) => MonthStatus::Pending,
    }
}

/// Why what a report states cannot stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contradiction {
    /// Nothing found, and the ledger has this many of the month.
    Ledger(i64),
    /// Nothing found, and counts entered all the same.
    Counts,
    /// Something found, and neither the ledger nor the report has any of it.
    Nothing,
}

/// Holds the statement against the hazards of the month and the counts entered beside them.
///
/// # Errors
/// The contradiction; that with the ledger first.
pub const fn judge(nothing_found: bool, in_ledger: i64, counted: i64) -> Result<(), Contradiction> {
    match (nothing_found, in_ledger, counted) {
        (true, 1.., _) => Err(Contradiction::Ledger(in_ledger)),
        (true, _, 1..) => Err(Contradiction::Counts),
        (false, ..=0, ..=0) => Err(Contradiction::Nothing),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_has_not_reported_is_pending_until_the_lock_and_missing_after() {
        assert_eq!(status(None, Phase::Open), MonthStatus::Pending);
        assert_eq!(status(None, Phase::Locked), MonthStatus::Missing);
        for phase in [Phase::Open, Phase::Locked] {
            assert_eq!(status(Some(false), phase), MonthStatus::Reported);
            assert_eq!(status(Some(true), phase), MonthStatus::Late);
        }
    }

    proptest! {
        #[test]
        fn a_statement_stands_exactly_when_it_says_what_is_there(nothing: bool, ledger in 0_i64..5, counted in 0_i64..5) {
            let empty = ledger + counted == 0;
            prop_assert_eq!(judge(nothing, ledger, counted).is_ok(), nothing == empty);
        }

        #[test]
        fn the_ledger_is_named_with_its_number(ledger in 1_i64..1000, counted in 0_i64..5) {
            prop_assert_eq!(judge(true, ledger, counted), Err(Contradiction::Ledger(ledger)));
        }
    }
}
