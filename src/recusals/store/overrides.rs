//! Exceptions: asked for by one, approved by another.

use diesel::prelude::*;
use serde_json::json;

use super::record::{OverrideView, RecusalRow, RecusalView, finish, view};
use crate::access::Rights;
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::zone_of;
use crate::inspections;
use crate::notices::visits as told;
use crate::platform::db::schema::recusal_overrides;
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::recusals::bodies::NewOverride;

/// The recusal with the override already asked for with this id by this caller with this body.
///
/// # Errors
/// 409 where the id belongs to something else.
pub fn stored(
    conn: &mut Conn,
    row: &RecusalRow,
    id: Option<Id>,
    rights: &Rights,
    hash: &[u8],
) -> Result<Option<RecusalView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<(Id, Id, Option<Vec<u8>>)> = recusal_overrides::table
        .find(id)
        .select((recusal_overrides::created_by, recusal_overrides::recusal_id, recusal_overrides::body_hash))
        .first(conn)
        .optional()?;
    match found {
        None => Ok(None),
        Some((by, of, kept)) if by == rights.user_id() && of == row.id && kept.as_deref() == Some(hash) => {
            view(conn, row.id, rights.now).map(Some)
        }
        Some(_) => Err(Problem::new(Code::IdReused)),
    }
}

/// Asks for an exception.
///
/// # Errors
/// 404 for an inspection out of sight or of another school; 422 where the day has passed; 409 where the recusal has
/// ended, or for the person concerned.
pub fn ask(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &RecusalRow,
    new: &NewOverride,
    hash: &[u8],
) -> Result<(Receipt, RecusalView), Problem> {
    if let Some(id) = new.inspection_id
        && inspections::store::seen(tx.conn, rights, id)?.row.org_id != row.org_id
    {
        return Err(Problem::not_found());
    }
    let today = local_date(tx.now.utc(), zone_of(tx.conn, row.bureau_id)?);
    if new.until.is_some_and(|until| until < today) {
        return Err(Problem::invalid(FieldError::new("/until", "in_the_past", "日期已过", "has passed")));
    }
    refuse(row, row.inspector_id == rights.user_id(), false, false)?;
    let id = new.id.unwrap_or_else(|| tx.new_id());
    diesel::insert_into(recusal_overrides::table)
        .values((
            (recusal_overrides::id.eq(id), recusal_overrides::version.eq(1_i64)),
            (recusal_overrides::created_at.eq(tx.now), recusal_overrides::updated_at.eq(tx.now)),
            (recusal_overrides::created_by.eq(rights.user_id()), recusal_overrides::body_hash.eq(hash.to_vec())),
            (recusal_overrides::recusal_id.eq(row.id), recusal_overrides::inspection_id.eq(new.inspection_id)),
            (recusal_overrides::until.eq(new.until), recusal_overrides::reason.eq(new.reason.trim())),
        ))
        .execute(tx.conn)?;
    told::override_asked(tx, (row.bureau_id, row.id), id)?;
    let payload = json!({
        "override_id": id, "inspection_id": new.inspection_id, "until": new.until, "reason": new.reason.trim(),
    });
    finish(tx, row.bureau_id, row.id, "override_asked", payload)
}

/// Approves an exception that somebody else asked for; from now on it counts.
///
/// # Errors
/// 404 where the recusal has no such override; 409 for who asked, for the person concerned, and where it counts already.
pub fn approve(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &RecusalRow,
    override_id: Id,
) -> Result<(Receipt, RecusalView), Problem> {
    let asked = of(tx.conn, row, override_id)?;
    let user = rights.user_id();
    let same = asked.asked_by == user || row.inspector_id == user;
    let today = local_date(tx.now.utc(), zone_of(tx.conn, row.bureau_id)?);
    refuse(row, same, asked.approved_at.is_some(), asked.until.is_some_and(|until| until < today))?;
    diesel::update(recusal_overrides::table.find(override_id))
        .set((
            recusal_overrides::version.eq(asked.version + 1),
            recusal_overrides::updated_at.eq(tx.now),
            recusal_overrides::approved_at.eq(tx.now),
            recusal_overrides::approved_by.eq(user),
        ))
        .execute(tx.conn)?;
    told::override_approved(tx, (row.bureau_id, row.id), override_id, asked.asked_by)?;
    finish(tx, row.bureau_id, row.id, "override_approved", json!({"override_id": override_id}))
}

/// The override of this recusal.
///
/// # Errors
/// 404 where the recusal has no such override.
pub fn of(conn: &mut Conn, row: &RecusalRow, override_id: Id) -> Result<OverrideView, Problem> {
    Ok(recusal_overrides::table
        .find(override_id)
        .filter(recusal_overrides::recusal_id.eq(row.id))
        .select(OverrideView::as_select())
        .first(conn)?)
}

/// 409 naming every rule in the way.
fn refuse(row: &RecusalRow, same: bool, approved: bool, past: bool) -> Result<(), Problem> {
    let rules = [
        (row.ended_at.is_some(), "wrong_state", "该回避已解除", "the recusal has ended"),
        (same, "same_person", "须由另一人办理，且不得为回避人本人", "needs another person, and not the one recused"),
        (approved, "already_approved", "已批准", "it is approved already"),
        (past, "past", "期限已过", "its day has passed"),
    ];
    let errors: Vec<FieldError> = rules
        .into_iter()
        .filter(|(stands, ..)| *stands)
        .map(|(_, code, zh, en)| FieldError::new("", code, zh, en))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::new(Code::StateConflict).errors(errors)) }
}
