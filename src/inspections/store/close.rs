//! What follows the visit: the school's signature or refusal, the bureau's confirmation, and voiding.

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::record::{InspectionView, finish};
use super::rights::{actor, facts, may, refused};
use super::sight::Seen;
use crate::access::Rights;
use crate::inspections::rules::{AcknowledgementOutcome, Action, may_acknowledge};
use crate::notices::visits as told;
use crate::platform::db::schema::inspections;
use crate::platform::db::types::Doc;
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Check, Faults, FieldError};

/// What became of the record at the school.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// `signed` or `objected` by the school; `refused` by the team's lead.
    pub outcome: AcknowledgementOutcome,
    /// The school's words; needed for an objection.
    pub statement: Option<String>,
    /// Why the school would not sign; needed for a refusal.
    pub reason: Option<String>,
    /// Who saw that the school would not sign; needed for a refusal.
    pub witness: Option<String>,
}

impl Check for Acknowledgement {
    fn check(&self, faults: &mut Faults) {
        let fields =
            [("/statement", &self.statement, 2000), ("/reason", &self.reason, 2000), ("/witness", &self.witness, 100)];
        for (at, text, most) in fields {
            let refused = self.outcome == AcknowledgementOutcome::Refused;
            let belongs = refused != (at == "/statement");
            let needed = refused || self.outcome == AcknowledgementOutcome::Objected;
            match text {
                Some(_) if !belongs => {
                    faults.say(at, "not_for_this_outcome", "与该结果不符", "does not go with this outcome");
                }
                Some(text) => faults.text(at, text, 1, most),
                None if belongs && needed => faults.add(FieldError::required(at)),
                None => {}
            }
        }
    }
}

/// Records the school's signature or objection, or its refusal.
///
/// # Errors
/// 409 by the rules.
pub fn acknowledge(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &Acknowledgement,
) -> Result<(Receipt, InspectionView), Problem> {
    let actor = actor(tx.conn, rights, seen)?;
    may_acknowledge(body.outcome, facts(seen), actor).map_err(|refusals| refused(&refusals, seen, actor))?;
    let kept = json!({
        "outcome": body.outcome, "statement": body.statement, "reason": body.reason, "witness": body.witness,
        "by": rights.user_id(), "at": tx.now,
    });
    diesel::update(inspections::table.find(seen.row.id))
        .set((
            inspections::version.eq(seen.row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::acknowledgement.eq(Doc(kept)),
        ))
        .execute(tx.conn)?;
    told::acknowledged(tx, seen, body.outcome)?;
    finish(tx, seen, "acknowledged", json!({"outcome": body.outcome}))
}

/// The bureau confirms.
///
/// # Errors
/// 403 outside the caller's domains, 409 by the rules.
pub fn confirm(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen) -> Result<(Receipt, InspectionView), Problem> {
    let status = may(tx.conn, rights, seen, Action::Confirm)?;
    diesel::update(inspections::table.find(seen.row.id))
        .set((
            inspections::version.eq(seen.row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::status.eq(status),
            inspections::confirmed_at.eq(tx.now),
            inspections::confirmed_by.eq(rights.user_id()),
        ))
        .execute(tx.conn)?;
    told::confirmed(tx, seen)?;
    finish(tx, seen, "confirmed", json!({"status": status}))
}

/// Why something should not have been.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = VoidReason)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In words, at most 500 characters.
    #[schema(example = "重复登记")]
    pub reason: String,
}

impl Check for Reason {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, 500);
    }
}

/// Declares it void; its row stays. Hazards that came of it stay too and are voided one by one.
///
/// # Errors
/// 403 where it is not the caller's to void, 409 by the rules.
pub fn void(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &Reason,
) -> Result<(Receipt, InspectionView), Problem> {
    let status = may(tx.conn, rights, seen, Action::Void)?;
    diesel::update(inspections::table.find(seen.row.id))
        .set((
            inspections::version.eq(seen.row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::status.eq(status),
            inspections::voided_at.eq(tx.now),
            inspections::voided_by.eq(rights.user_id()),
            inspections::void_reason.eq(body.reason.trim()),
        ))
        .execute(tx.conn)?;
    told::voided(tx, seen)?;
    finish(tx, seen, "voided", json!({"status": status, "from": seen.row.status, "reason": body.reason.trim()}))
}
