//! Amendments as they are asked for, stored and shown.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer_record::AnswerRow;
use super::answers::{AnswerBody, check_codes};
use super::record::InspectionView;
use super::sight::{Seen, domains_in_sight};
use crate::access::Rights;
use crate::hazards::routes::Hazard;
use crate::inspections::rules::Outcome;
use crate::platform::db::Conn;
use crate::platform::db::schema::inspection_amendments;
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Patch;
use crate::platform::http::{Check, Faults};
use crate::reports::ReportView;

/// What is to be put right. Answers that are not named stay as they are.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = NewInspectionAmendment)]
#[serde(deny_unknown_fields)]
pub struct NewAmendment {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// Why, at most 1000 characters.
    #[schema(example = "灭火器压力表读数抄录有误", min_length = 1, max_length = 1000)]
    pub reason: String,
    /// Answers that take the place of those given, at most 500, each with its `item_code`.
    #[serde(default)]
    pub answers: Vec<AnswerBody>,
    /// What the team concludes now, at most 4000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub conclusion: Patch<String>,
}

impl Check for NewAmendment {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, 1000);
        faults.optional_text("/conclusion", self.conclusion.set().map(String::as_str), 4000);
        check_codes(faults, &self.answers);
        for (place, answer) in self.answers.iter().enumerate().filter(|(_, answer)| answer.on_the_spot) {
            // Put right after the visit is put right, but no fix on the spot that closes what it found.
            let _ = answer;
            let at = format!("/answers/{place}/on_the_spot");
            faults.say(&at, "not_in_an_amendment", "修正记录时不得补填立查立改", "belongs to the visit itself");
        }
    }
}

/// An answer, as a difference shows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AmendedAnswer)]
pub struct Said {
    /// The result.
    #[schema(required)]
    pub result: Option<Outcome>,
    /// The number, the option or the text.
    #[schema(required, value_type = Option<Value>)]
    pub value: Option<Value>,
    /// The remark.
    #[schema(required)]
    pub note: Option<String>,
    /// Why it does not apply.
    #[schema(required)]
    pub reason: Option<String>,
    /// Where in the school.
    #[schema(required)]
    pub site_id: Option<Id>,
    /// The level proposed.
    #[schema(required)]
    pub severity: Option<crate::catalogue::rules::Severity>,
    /// Claims of photos.
    pub evidence_ids: Vec<Id>,
}

impl Said {
    pub(super) fn of(row: &AnswerRow) -> Self {
        Self {
            result: row.result,
            value: row.value.clone().map(|doc| doc.0),
            note: row.note.clone(),
            reason: row.reason.clone(),
            site_id: row.site_id,
            severity: row.severity,
            evidence_ids: row.evidence_ids.read(),
        }
    }
}

crate::text_enum! {
    /// What an amended answer did to the hazard of its item.
    pub enum AmendedHazard {
        /// There is a hazard of it now.
        Registered = "registered",
        /// The hazard it had stays.
        Kept = "kept",
        /// Nobody had issued it: void.
        Voided = "voided",
        /// It had been issued: it stays and is marked for the bureau.
        Marked = "marked",
    }
}

/// One answer that differs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AmendedItem)]
pub struct ItemDifference {
    /// Which item.
    pub item_code: String,
    /// The domain it counts for.
    pub domain: String,
    /// As it was.
    pub from: Said,
    /// As it is.
    pub to: Said,
    /// What became of its hazard; null where it has none.
    #[schema(required)]
    pub hazard: Option<AmendedHazard>,
    /// The hazard.
    #[schema(required)]
    pub hazard_id: Option<Id>,
}

/// The conclusion, where it differs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AmendedConclusion)]
pub struct ConclusionDifference {
    /// As it was.
    #[schema(required)]
    pub from: Option<String>,
    /// As it is.
    #[schema(required)]
    pub to: Option<String>,
}

/// What differs, as it is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Difference {
    pub(super) answers: Vec<ItemDifference>,
    pub(super) conclusion: Option<ConclusionDifference>,
}

/// An amendment: who, when, why, and what differs.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = InspectionAmendment)]
pub struct AmendmentView {
    /// Of the amendment.
    pub id: Id,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Id,
    /// Which inspection.
    pub inspection_id: Id,
    /// The version it made.
    pub number: i32,
    /// Why.
    pub reason: String,
    /// The answers that differ, of the domains in sight.
    pub answers: Vec<ItemDifference>,
    /// The conclusion, where it differs.
    #[schema(required)]
    pub conclusion: Option<ConclusionDifference>,
}

/// An amendment, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionAmended)]
pub struct Amended {
    /// The amendment.
    pub amendment: AmendmentView,
    /// The inspection as it stands now.
    pub inspection: InspectionView,
    /// The hazards of findings that are new.
    pub hazards: Vec<Hazard>,
    /// New findings of those whose findings are suggested.
    pub suggestions: Vec<ReportView>,
}

/// An amendment as it is stored.
pub(super) type Stored = (Id, Timestamp, Id, Id, i32, String, Doc);

const COLUMNS: (
    inspection_amendments::id,
    inspection_amendments::created_at,
    inspection_amendments::created_by,
    inspection_amendments::inspection_id,
    inspection_amendments::number,
    inspection_amendments::reason,
    inspection_amendments::difference,
) = (
    inspection_amendments::id,
    inspection_amendments::created_at,
    inspection_amendments::created_by,
    inspection_amendments::inspection_id,
    inspection_amendments::number,
    inspection_amendments::reason,
    inspection_amendments::difference,
);

/// As it is shown.
pub(super) fn view((id, created_at, created_by, inspection_id, number, reason, difference): Stored) -> AmendmentView {
    let Difference { answers, conclusion } = difference.read();
    AmendmentView { id, created_at, created_by, inspection_id, number, reason, answers, conclusion }
}

/// The amendments of an inspection in sight, oldest first.
///
/// # Errors
/// Whatever the engine says.
pub fn amendments(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Vec<AmendmentView>, Problem> {
    let rows: Vec<Stored> = inspection_amendments::table
        .filter(inspection_amendments::inspection_id.eq(seen.row.id))
        .order(inspection_amendments::number)
        .select(COLUMNS)
        .load(conn)?;
    let mut views: Vec<AmendmentView> = rows.into_iter().map(view).collect();
    if let Some(domains) = domains_in_sight(conn, rights, seen)? {
        for view in &mut views {
            view.answers.retain(|one| domains.contains(&one.domain));
        }
    }
    Ok(views)
}

/// The amendment already made with this id by this caller with this body.
///
/// # Errors
/// 409 where the id belongs to something else.
pub fn amended_before(
    conn: &mut Conn,
    rights: &Rights,
    seen: &Seen,
    id: Option<Id>,
    hash: &[u8],
) -> Result<Option<AmendmentView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<(Stored, Option<Vec<u8>>)> = inspection_amendments::table
        .find(id)
        .select((COLUMNS, inspection_amendments::body_hash))
        .first(conn)
        .optional()?;
    match found {
        None => Ok(None),
        Some((row, kept)) if row.2 == rights.user_id() && row.3 == seen.row.id && kept.as_deref() == Some(hash) => {
            Ok(Some(view(row)))
        }
        Some(_) => Err(Problem::new(Code::IdReused)),
    }
}
