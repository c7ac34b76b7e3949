//! The rows of what accompanies a hazard. Each change moves the hazard's marks and version, keeps its counters, and is
//! one journal entry of the hazard.
//!
//! The caller holds the hazard's row ([`read::one_to_change`]) before anything here decides.

pub mod extension;
pub mod listing;
pub mod progress;
pub mod referral;
pub mod suspension;

use chrono_tz::Tz;
use serde_json::Value;

use super::rules::{ExtendReach, Hand, Standing};
use crate::access::{Limit, Permission, Rights};
use crate::hazards::marks::Marks;
use crate::hazards::rules::RectifyReach;
use crate::hazards::status::Refusal;
use crate::hazards::store::{Powers, Row, read, transition};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::journal::Event;

/// Where a body came from, so that a repeat is recognised.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The id of the new record; the client's own where it made one.
    pub id: Id,
    /// Hash of the body; nothing where no client sent it.
    pub body_hash: Option<Vec<u8>>,
}

impl Row {
    /// What decisions on its measures need to know.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            status: self.status,
            level: self.level,
            bureau_side: self.bureau_side,
            issued_by: self.issued_by.map(|id| id.0),
            responsible_user_id: self.responsible_user_id.map(|id| id.0),
            rectifiers: self.rectifiers.read(),
            due_at: self.due_at.map(Timestamp::utc),
            marks: self.marks(),
        }
    }

    /// When a major has to report its progress next; nothing where none is owed.
    #[must_use]
    pub fn next_progress_due(&self, zone: Tz) -> Option<Timestamp> {
        let marks = self.marks();
        let begun = [marks.listed_at.filter(|_| marks.listed), self.plan_filed_at].into_iter().flatten().min();
        let last = marks.progress_at.map(Timestamp::utc);
        // The later of both: where nothing has begun, nothing begins by a return either.
        let since = begun.map(|begun| marks.resumed_at.map_or(begun, |resumed| resumed.max(begun)));
        super::progress::next_due(self.status, self.level, since.map(Timestamp::utc), last, zone).map(Timestamp::from)
    }
}

/// What the caller may do over a hazard's measures, over all memberships.
fn hand(conn: &mut Conn, rights: &Rights, row: &Row) -> Result<Hand, Problem> {
    let powers = Powers::over(conn, rights, [row])?;
    let mut extend = ExtendReach::default();
    for reach in powers.reaches(Permission::HazardExtend, row) {
        match reach.limit {
            Limit::Full => extend.any = true,
            Limit::IssuedByThem => extend.issued_by_them = true,
            Limit::IssuedByTheSchool => extend.issued_by_the_school = true,
            _ => {}
        }
    }
    let rectify = powers.reaches(Permission::HazardRectify, row).filter_map(|reach| match reach.limit {
        Limit::Full => Some(RectifyReach::Any),
        Limit::Assigned => Some(RectifyReach::Assigned),
        _ => None,
    });
    Ok(Hand {
        user_id: rights.user_id().0,
        respond: powers.any(Permission::HazardRespond, row),
        rectify: rectify.max(),
        approve: powers.any(Permission::HazardApprove, row),
        extend,
        refer: powers.any(Permission::HazardRefer, row),
    })
}

fn refused(refusals: Vec<Refusal>) -> Problem {
    transition::refused(&refusals)
}

/// The hazard with new marks, a version later.
fn marked(tx: &Tx<'_>, row: &Row, marks: Marks) -> Row {
    let mut after = row.clone();
    after.version += 1;
    after.updated_at = tx.now;
    after.marks = Doc::of(&marks);
    after
}

/// Writes the hazard and tells the journal what was done; `words` is an object.
fn save(tx: &mut Tx<'_>, before: &Row, after: &Row, action: &'static str, words: Value) -> Result<Receipt, Problem> {
    let zone = read::zone_of(tx.conn, before.bureau_id)?;
    transition::save(tx, before, after, zone)?;
    let mut payload = transition::difference(before, after)?;
    if let Value::Object(words) = words {
        payload.extend(words.into_iter().filter(|(_, word)| !word.is_null()));
    }
    let event = Event::of("hazard", before.id, action).at(before.bureau_id, before.org_id);
    tx.record(event.with(Value::Object(payload)))
}

/// What a table of measures has: who made a row, of which hazard, from which body.
pub trait Kept: Sized {
    /// The row of this id, whosever.
    ///
    /// # Errors
    /// Whatever the engine says.
    fn find(conn: &mut Conn, id: Id) -> Result<Option<Self>, Problem>;
    /// Who made it, of which hazard, from which body.
    fn origin(&self) -> (Id, Id, Option<&[u8]>);
}

macro_rules! kept {
    ($row:ty, $table:ident) => {
        impl super::Kept for $row {
            fn find(conn: &mut Conn, id: Id) -> Result<Option<Self>, Problem> {
                Ok($table::table.find(id).select(Self::as_select()).first(conn).optional()?)
            }

            fn origin(&self) -> (Id, Id, Option<&[u8]>) {
                (self.created_by, self.hazard_id, self.body_hash.as_deref())
            }
        }
    };
}
use kept;

/// A page of a table's rows of one hazard: `page_of!(conn, table, Row, hazard_id, list)`.
macro_rules! page_of {
    ($conn:expr, $table:ident, $row:ty, $hazard_id:expr, $list:expr) => {{
        let query = $table::table
            .filter($table::hazard_id.eq($hazard_id))
            .select(<$row>::as_select())
            .into_boxed::<crate::platform::db::MultiBackend>();
        let rows: Vec<$row> = crate::keyset!(query, $table, $list).load($conn)?;
        let counted = if $list.count {
            Some($table::table.filter($table::hazard_id.eq($hazard_id)).count().get_result($conn)?)
        } else {
            None
        };
        Ok($list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
    }};
}
use page_of;
