//! Counters per organisation, month, category, domain and level, kept in the transaction of every change of a hazard.
//!
//! A hazard contributes a vector of facts; a change subtracts what it contributed before and adds what it contributes
//! now. The counters therefore always equal a count over the rows.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::platform::db::Tx;
use crate::platform::db::schema::hazard_counters as counters;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// What one hazard contributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The bureau.
    pub bureau_id: Id,
    /// The school.
    pub org_id: Id,
    /// Local month of registration, `YYYY-MM`.
    pub month: String,
    /// Local month of the deadline in force, empty without one.
    pub due_month: String,
    /// The work line.
    pub category: String,
    /// The domain.
    pub domain: String,
    /// The level.
    pub level: String,
    /// The figures.
    pub figures: Figures,
}

/// The figures of one hazard, or the sum of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Registered and not void.
    pub found: i64,
    /// Closed.
    pub closed: i64,
    /// Of those, fixed on the spot.
    pub on_spot: i64,
    /// Found by the school itself.
    pub self_found: i64,
    /// Closed, and the report that finally passed came within the deadline in force.
    pub on_time: i64,
    /// The same against the original deadline.
    pub original_on_time: i64,
    /// Reports of rectification.
    pub submissions: i64,
    /// Of those, returned.
    pub returns: i64,
    /// Seconds from registration to closing, of the closed.
    pub duration_s: i64,
}

impl Figures {
    const fn plus(self, other: Self, sign: i64) -> Self {
        Self {
            found: self.found + sign * other.found,
            closed: self.closed + sign * other.closed,
            on_spot: self.on_spot + sign * other.on_spot,
            self_found: self.self_found + sign * other.self_found,
            on_time: self.on_time + sign * other.on_time,
            original_on_time: self.original_on_time + sign * other.original_on_time,
            submissions: self.submissions + sign * other.submissions,
            returns: self.returns + sign * other.returns,
            duration_s: self.duration_s + sign * other.duration_s,
        }
    }
}

/// Full rows carry category, domain and level; `all` rows have them empty.
pub const FULL: &str = "full";
/// Rows for comparing organisations.
pub const ALL: &str = "all";

/// scope, rollup, month, due month, category, domain, level
type Cell = (Id, &'static str, String, String, String, String, String);

fn cells(one: &Contribution) -> [Cell; 3] {
    let full = |scope: Id| {
        let (category, domain, level) = (one.category.clone(), one.domain.clone(), one.level.clone());
        (scope, FULL, one.month.clone(), one.due_month.clone(), category, domain, level)
    };
    let empty = String::new;
    let all = (one.org_id, ALL, one.month.clone(), one.due_month.clone(), empty(), empty(), empty());
    [full(one.org_id), full(one.bureau_id), all]
}

/// Moves the counters from what a hazard contributed before to what it contributes now. Cells are written in one
/// order everywhere, so that two writers never wait for each other in a circle.
///
/// # Errors
/// Whatever the engine says.
pub fn apply(tx: &mut Tx<'_>, before: Option<&Contribution>, after: Option<&Contribution>) -> Result<(), Problem> {
    if before == after {
        return Ok(());
    }
    let signed = before.map(|one| (one, -1)).into_iter().chain(after.map(|one| (one, 1)));
    write(tx, signed)
}

/// Adds what several new hazards of one bureau contribute, each cell written once.
///
/// # Errors
/// Whatever the engine says.
pub fn add_all(tx: &mut Tx<'_>, new: &[Contribution]) -> Result<(), Problem> {
    write(tx, new.iter().map(|one| (one, 1)))
}

fn write<'a>(tx: &mut Tx<'_>, signed: impl Iterator<Item = (&'a Contribution, i64)>) -> Result<(), Problem> {
    let mut changes: BTreeMap<Cell, Figures> = BTreeMap::new();
    let mut bureau_id = None;
    for (one, sign) in signed {
        bureau_id = Some(one.bureau_id);
        for cell in cells(one) {
            let sum = changes.entry(cell).or_default();
            *sum = sum.plus(one.figures, sign);
        }
    }
    let Some(bureau_id) = bureau_id else { return Ok(()) };
    for (cell, change) in changes {
        if change != Figures::default() {
            add(tx, bureau_id, cell, change)?;
        }
    }
    Ok(())
}

fn add(tx: &mut Tx<'_>, bureau_id: Id, cell: Cell, change: Figures) -> Result<(), Problem> {
    let (scope_id, rollup, month, due_month, category, domain, level) = cell;
    let row = (
        counters::bureau_id.eq(bureau_id),
        counters::scope_id.eq(scope_id),
        counters::rollup.eq(rollup),
        counters::month.eq(month),
        counters::due_month.eq(due_month),
        counters::category.eq(category),
        counters::domain.eq(domain),
        counters::level.eq(level),
        counters::found.eq(change.found),
        counters::closed.eq(change.closed),
        counters::on_spot.eq(change.on_spot),
        counters::self_found.eq(change.self_found),
        counters::on_time.eq(change.on_time),
        counters::original_on_time.eq(change.original_on_time),
        counters::submissions.eq(change.submissions),
        counters::returns.eq(change.returns),
        counters::duration_s.eq(change.duration_s),
    );
    let sums = (
        counters::found.eq(counters::found + change.found),
        counters::closed.eq(counters::closed + change.closed),
        counters::on_spot.eq(counters::on_spot + change.on_spot),
        counters::self_found.eq(counters::self_found + change.self_found),
        counters::on_time.eq(counters::on_time + change.on_time),
        counters::original_on_time.eq(counters::original_on_time + change.original_on_time),
        counters::submissions.eq(counters::submissions + change.submissions),
        counters::returns.eq(counters::returns + change.returns),
        counters::duration_s.eq(counters::duration_s + change.duration_s),
    );
    let key = (
        counters::scope_id,
        counters::rollup,
        counters::month,
        counters::due_month,
        counters::category,
        counters::domain,
        counters::level,
    );
    crate::on_conn!(&mut *tx.conn, conn => {
        diesel::insert_into(counters::table).values(row).on_conflict(key).do_update().set(sums).execute(conn)?
    });
    Ok(())
}
