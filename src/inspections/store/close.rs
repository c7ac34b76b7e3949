//! What follows the visit: the school's signature or refusal, the bureau's answer to an objection, its confirmation, and
//! voiding.

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::decisions::{Decision, Decisions, decide_findings, in_sight};
use super::delegations;
use super::record::{InspectionView, finish};
use super::rights::{actor, facts, may, refused};
use super::sight::Seen;
use crate::access::{Limit, Permission, Rights};
use crate::inspections::rules::{AcknowledgementOutcome, Action, ObjectionDecision, Refusal, may_acknowledge};
use crate::notices::visits as told;
use crate::platform::db::schema::inspections;
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Conn, Receipt, Tx};
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
    /// The version of the record that was read, where the client says so: an acknowledgement is never of another one.
    pub revision: Option<i32>,
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
    let version = seen.version_number();
    let mut refusals = may_acknowledge(body.outcome, facts(seen), actor).err().unwrap_or_default();
    if body.revision.is_some_and(|read| read != version) {
        refusals.push(Refusal::OtherVersion);
    }
    if !refusals.is_empty() {
        return Err(refused(&refusals, seen, actor));
    }
    let by = rights.user_id();
    let own = signs_as_principal(tx.conn, rights, seen)?;
    let delegation = if body.outcome == AcknowledgementOutcome::Refused || own {
        None
    } else {
        delegations::in_force(tx.conn, &seen.org, by, tx.now)?
    };
    let text = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
    let kept = json!({
        "outcome": body.outcome, "statement": text(&body.statement), "reason": text(&body.reason),
        "witness": text(&body.witness), "by": by, "at": tx.now, "revision": version, "delegation_id": delegation,
        // The lead's record that the school would not sign stays beside the word that the school gave later.
        "earlier": seen.row.acknowledgement.as_ref().map(|doc| &doc.0),
    });
    diesel::update(inspections::table.find(seen.row.id))
        .set((
            inspections::version.eq(seen.row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::acknowledgement.eq(Doc(kept)),
        ))
        .execute(tx.conn)?;
    told::acknowledged(tx, seen, body.outcome)?;
    let facts = json!({"outcome": body.outcome, "revision": version, "delegation_id": delegation});
    finish(tx, seen, "acknowledged", facts)
}

/// Whether the caller signs by the own office, and needs nobody's leave.
fn signs_as_principal(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<bool, Problem> {
    let scope = rights.of(Permission::InspectionAcknowledge);
    Ok(scope.reaches_to(conn, &seen.org)?.iter().any(|reach| reach.limit == Limit::Full))
}

/// What the bureau makes of the school's objection.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = NewObjectionReply)]
#[serde(deny_unknown_fields)]
pub struct ObjectionReply {
    /// `upheld`: the team has to amend the record, and nobody confirms it before; `dismissed`: it stands.
    pub decision: ObjectionDecision,
    /// Why, at most 2000 characters.
    #[schema(example = "经复核，现场照片与记录一致", min_length = 1, max_length = 2000)]
    pub reason: String,
}

impl Check for ObjectionReply {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, 2000);
    }
}

/// The bureau answers the school's objection to the version that stands.
///
/// # Errors
/// 403 outside the caller's domains, 409 by the rules.
pub fn reply_objection(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    body: &ObjectionReply,
) -> Result<(Receipt, InspectionView), Problem> {
    may(tx.conn, rights, seen, Action::ReplyObjection)?;
    let kept = json!({
        "decision": body.decision, "reason": body.reason.trim(), "by": rights.user_id(), "at": tx.now,
        "revision": seen.version_number(),
    });
    diesel::update(inspections::table.find(seen.row.id))
        .set((
            inspections::version.eq(seen.row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::objection_reply.eq(Doc(kept)),
        ))
        .execute(tx.conn)?;
    told::objection_answered(tx, seen, body.decision)?;
    let facts = json!({
        "decision": body.decision, "reason": body.reason.trim(), "revision": seen.version_number(),
    });
    finish(tx, seen, "objection_answered", facts)
}

/// The bureau confirms the version that stands, and with it what its findings still wait for: those that nobody names
/// are accepted.
///
/// # Errors
/// 403 outside the caller's domains, 404 for a finding out of sight, 409 by the rules.
pub fn confirm(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    named: &[Decision],
) -> Result<(Receipt, InspectionView), Problem> {
    let decisions = Decisions { decisions: named.to_vec(), accept_rest: true };
    in_sight(tx, rights, seen, &decisions)?;
    let status = may(tx.conn, rights, seen, Action::Confirm)?;
    let decided = decide_findings(tx, rights, seen, &decisions)?;
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
    let accepted: Vec<Id> = decided.hazards.iter().map(|row| row.id).collect();
    finish(tx, seen, "confirmed", json!({"status": status, "revision": seen.version_number(), "accepted": accepted}))
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
