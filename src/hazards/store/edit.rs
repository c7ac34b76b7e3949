//! Changing the texts and the place of a hazard.

use chrono_tz::Tz;
use serde_json::Value;

use super::powers::Edit;
use super::row::Row;
use super::transition::{difference, save};
use crate::hazards::status::Status;
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::Patch;
use crate::platform::journal::Event;

/// What may be changed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What is wrong, in a line.
    pub title: Option<String>,
    /// What is wrong, at length.
    pub description: Option<String>,
    /// Where in the school.
    pub site_id: Patch<Id>,
    /// Claims of evidence.
    pub evidence_ids: Option<Vec<Id>>,
    /// The closed hazard that has come back as this one.
    pub recurrence_of: Patch<Id>,
    /// The server's proposal is not right.
    pub dismiss_proposal: bool,
}

impl Changes {
    /// Nothing of what was found changes, only what it is linked with.
    const fn links_only(&self) -> bool {
        self.title.is_none()
            && self.description.is_none()
            && matches!(self.site_id, Patch::Keep)
            && self.evidence_ids.is_none()
    }
}

/// Whether the record is the caller's to change at all.
///
/// # Errors
/// 403 where it is not.
pub fn is_theirs(mine: Edit) -> Result<(), Problem> {
    if mine == Edit::Never { Err(Problem::new(Code::Forbidden)) } else { Ok(()) }
}

/// Whether the state of the record still lets the caller change it. That something came back is often noticed late: the
/// bureau links what is closed as well.
///
/// # Errors
/// 409 where it is too late.
pub fn is_in_time(mine: Edit, row: &Row, changes: &Changes) -> Result<(), Problem> {
    let too_late = |zh, en| Err(Problem::new(Code::StateConflict).detail(zh, en));
    let late_link = mine == Edit::Always && row.status == Status::Closed && changes.links_only();
    if !row.status.is_open() && !late_link {
        return too_late("已销号或作废的隐患不能修改", "a closed or void hazard is not changed any more");
    }
    if mine < Edit::Always && row.status != Status::Registered {
        return too_late("交办后只能由教育局修改", "after it was issued only the bureau may change it");
    }
    Ok(())
}

/// Changes fields. Nothing is written where nothing differs.
///
/// # Errors
/// Whatever the engine says.
pub fn edit(tx: &mut Tx<'_>, row: &Row, changes: &Changes, zone: Tz) -> Result<Option<(Row, Receipt)>, Problem> {
    let mut after = row.clone();
    if let Some(title) = &changes.title {
        after.title.clone_from(title);
    }
    if let Some(description) = &changes.description {
        after.description.clone_from(description);
    }
    after.site_id = changes.site_id.apply(row.site_id);
    if let Some(evidence) = &changes.evidence_ids {
        after.evidence_ids = Doc::of(evidence);
    }
    after.recurrence_of = changes.recurrence_of.apply(row.recurrence_of);
    // A link answers the proposal, whichever hazard it names.
    if changes.dismiss_proposal || matches!(changes.recurrence_of, Patch::Set(_)) {
        after.proposed_recurrence_of = None;
    }
    let payload = difference(row, &after)?;
    if payload.get("set").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
        return Ok(None);
    }
    after.version += 1;
    after.updated_at = tx.now;
    save(tx, row, &after, zone)?;
    let event = Event::of("hazard", row.id, "edit").at(row.bureau_id, row.org_id).with(Value::Object(payload));
    let receipt = tx.record(event)?;
    Ok(Some((after, receipt)))
}
