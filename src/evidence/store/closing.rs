//! What stands in the way of closing a hazard, where the bureau wants its photos first.

use std::collections::HashSet;

use diesel::prelude::*;
use uuid::Uuid;

use super::claims::rows_for;
use super::policy::policy;
use super::row::Row;
use crate::evidence::rules::{Claims, Gap};
use crate::evidence::words::EvidenceRole;
use crate::hazards::store::{Row as Hazard, read};
use crate::platform::db::Conn;
use crate::platform::db::schema::answers;
use crate::platform::error::Problem;
use crate::platform::http::FieldError;

/// A gap in words; `pointer` says where.
#[must_use]
pub fn missing(pointer: &str) -> FieldError {
    FieldError::new(pointer, "evidence_missing", "所需照片尚未收到", "has photos that have not been received")
}

/// Each photo that has not been received: of what was found and of the present round, those of the recheck that is being
/// made among them. Nothing where the bureau only shows gaps.
///
/// # Errors
/// Whatever the engine says.
pub fn missing_at_closing(conn: &mut Conn, hazard: &Hazard, recheck: &[Uuid]) -> Result<Vec<FieldError>, Problem> {
    if !policy(conn, hazard.bureau_id)?.gaps.blocks_closing() {
        return Ok(Vec::new());
    }
    let rows = rows_for(conn, hazard)?;
    let there = |fits: &dyn Fn(&Row) -> bool| -> HashSet<Uuid> {
        rows.iter().filter(|row| row.received_at.is_some() && fits(row)).map(|row| row.id.0).collect()
    };
    let before = there(&|row| row.role != Some(EvidenceRole::After));
    let found = Claims { demanded: demanded(conn, hazard)?, found: hazard.evidence_ids.read(), others: Vec::new() };
    let mut gaps = found.gaps(&before);
    if let Some(round) = read::rounds(conn, hazard.id)?.into_iter().find(|round| round.round == hazard.round) {
        let after = there(&|row| row.role == Some(EvidenceRole::After) && row.round == Some(hazard.round));
        let mut others: Vec<Uuid> = round.evidence_ids.read();
        others.extend(round.recheck_evidence_ids.read::<Vec<Uuid>>());
        others.extend(recheck);
        gaps.extend(Claims { demanded: false, found: Vec::new(), others }.gaps(&after));
    }
    let item = hazard.item_code.as_deref().unwrap_or_default();
    Ok(gaps
        .into_iter()
        .map(|gap| match gap {
            Gap::Unclaimed => missing(&format!("/answers/{item}")),
            Gap::Missing(id) => missing(&format!("/evidence/{id}")),
        })
        .collect())
}

/// Whether the item that became it demands a photo.
fn demanded(conn: &mut Conn, hazard: &Hazard) -> Result<bool, Problem> {
    use crate::inspections::store::{AnswerRow, with_items};
    let (Some(inspection), Some(code)) = (hazard.inspection_id, hazard.item_code.as_deref()) else {
        return Ok(false);
    };
    let row: Option<AnswerRow> = answers::table
        .filter(answers::inspection_id.eq(inspection))
        .filter(answers::item_code.eq(code))
        .select(AnswerRow::as_select())
        .first(conn)
        .optional()?;
    Ok(with_items(conn, row.into_iter().collect())?.iter().any(|(row, item)| row.claims(item).demanded))
}
