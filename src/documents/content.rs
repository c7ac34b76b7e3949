//! What a document says, frozen. The fields are those of `domain.md` §2.9; what the system does not know (a seal, a
//! signature by hand) is left as a line on paper.
//!
//! Texts and names, not references: what is kept must be readable when the rows it came from have moved on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::words::RecheckResult;
use crate::hazards::status::Level;
use crate::inspections::rules::{AcknowledgementOutcome, InspectionKind, Outcome};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

/// What every document begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentHead)]
pub struct Head {
    /// Its number.
    #[schema(example = "某教安检〔2026〕12号")]
    pub number: String,
    /// The bureau that issues it.
    pub issuer: String,
    /// The local day.
    pub issued_on: NaiveDate,
    /// Who issued it.
    pub issued_by: String,
    /// The number of the document it replaces.
    #[schema(required)]
    pub supersedes: Option<String>,
    /// The school.
    pub unit: Unit,
}

/// The school that a document is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentUnit)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// 学校标识码
    #[schema(required)]
    pub identifier: Option<String>,
    /// 统一社会信用代码, where the issuer gave it.
    #[schema(required)]
    pub credit_code: Option<String>,
    /// Its address.
    #[schema(required)]
    pub address: Option<String>,
    /// Its principal.
    #[schema(required)]
    pub principal: Option<String>,
    /// The principal's phone, masked.
    #[schema(required)]
    pub principal_phone: Option<String>,
}

/// The inspection that a document is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentVisit)]
pub struct Visit {
    /// Which.
    pub id: Id,
    /// Its kind.
    pub kind: InspectionKind,
    /// Its name.
    pub title: String,
    /// The local day it began.
    #[schema(required)]
    pub on: Option<NaiveDate>,
}

/// Somebody who inspected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentInspector)]
pub struct Inspector {
    /// Name.
    pub name: String,
    /// Of the certificate, where the issuer gave it.
    #[schema(required)]
    pub certificate: Option<String>,
    /// Whether this one led the team.
    pub lead: bool,
}

/// An item that was checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentItem)]
pub struct ItemLine {
    /// Which item.
    pub code: String,
    /// What was checked.
    pub title: String,
    /// What came of it.
    #[schema(required)]
    pub result: Option<Outcome>,
}

/// What was found wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentFinding)]
pub struct Finding {
    /// The hazard's number; none while it is a suggestion.
    #[schema(required)]
    pub hazard_number: Option<String>,
    /// What was checked.
    pub title: String,
    /// What is wrong.
    pub description: String,
    /// Where.
    #[schema(required)]
    pub place: Option<String>,
    /// The clause.
    #[schema(required)]
    pub basis: Option<String>,
    /// What was done on the spot.
    #[schema(required)]
    pub handled: Option<String>,
}

/// What became of the record at the school, as far as it was known when the document was issued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentSignature)]
pub struct Signed {
    /// Signed, objected or refused.
    pub outcome: AcknowledgementOutcome,
    /// The school's words.
    #[schema(required)]
    pub statement: Option<String>,
    /// Why it would not sign.
    #[schema(required)]
    pub reason: Option<String>,
    /// Who saw that.
    #[schema(required)]
    pub witness: Option<String>,
    /// Who signed, or recorded the refusal.
    #[schema(required)]
    pub by: Option<String>,
    /// When.
    #[schema(required)]
    pub at: Option<Timestamp>,
}

/// 现场检查记录
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = OnSiteRecord)]
pub struct Record {
    /// Number, issuer, school.
    pub head: Head,
    /// Which inspection.
    pub visit: Visit,
    /// Which version of the inspection's record it shows; 0 where it was issued before versions were noted.
    #[serde(default)]
    pub revision: i32,
    /// When the team checked in.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// When it handed in.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// The zone of the bureau, for those two.
    pub time_zone: String,
    /// Where.
    #[schema(required)]
    pub place: Option<String>,
    /// The team.
    pub inspectors: Vec<Inspector>,
    /// With which checklists.
    pub checklists: Vec<String>,
    /// What was checked.
    pub items: Vec<ItemLine>,
    /// What was found wrong.
    pub findings: Vec<Finding>,
    /// What was done on the spot, in the issuer's words.
    #[schema(required)]
    pub handling: Option<String>,
    /// What the team concludes.
    #[schema(required)]
    pub conclusion: Option<String>,
    /// Names signed at the visit.
    pub signatures: Vec<String>,
    /// The school's signature, objection or refusal, where it was there already.
    #[schema(required)]
    pub signed: Option<Signed>,
}

/// A thing to be put right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentProblem)]
pub struct Demand {
    /// The hazard's number.
    pub hazard_number: String,
    /// General or major.
    pub level: Level,
    /// What is wrong, in a line.
    pub title: String,
    /// What is wrong, at length.
    pub description: String,
    /// Where.
    #[schema(required)]
    pub place: Option<String>,
    /// The clause.
    #[schema(required)]
    pub basis: Option<String>,
    /// What is demanded.
    #[schema(required)]
    pub requirement: Option<String>,
    /// The local day it was ordered; the paper may follow later.
    #[schema(required)]
    pub ordered_on: Option<NaiveDate>,
    /// Until which local day.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    /// Until which local day its plan has to be filed, where that comes first.
    #[schema(required)]
    pub plan_due_on: Option<NaiveDate>,
}

/// 整改通知书
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RectificationNotice)]
pub struct NoticePaper {
    /// Number, issuer, school.
    pub head: Head,
    /// The inspection that found them, where one did.
    #[schema(required)]
    pub visit: Option<Visit>,
    /// What has to be put right.
    pub problems: Vec<Demand>,
    /// What keeps people safe meanwhile.
    #[schema(required)]
    pub interim_measures: Option<String>,
    /// What follows if it is not put right.
    pub consequences: String,
    /// Whom to ask.
    #[schema(required)]
    pub contact: Option<String>,
    /// How many copies are made out.
    pub copies: u32,
}

/// What a recheck found of one hazard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentRecheck)]
pub struct Rechecked {
    /// The hazard's number.
    pub hazard_number: String,
    /// What was wrong, in a line.
    pub title: String,
    /// Which round.
    pub round: i32,
    /// Done, partly or not.
    pub result: RecheckResult,
    /// The local day.
    #[schema(required)]
    pub rechecked_on: Option<NaiveDate>,
    /// Who rechecked.
    pub recheckers: Vec<String>,
    /// What they found.
    #[schema(required)]
    pub opinion: Option<String>,
    /// What is further demanded.
    #[schema(required)]
    pub demand: Option<String>,
    /// Until which local day.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
}

/// 复查意见书
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecheckOpinion)]
pub struct Opinion {
    /// Number, issuer, school.
    pub head: Head,
    /// The inspection that found them, where one did.
    #[schema(required)]
    pub visit: Option<Visit>,
    /// The numbers of the notices by which it was ordered.
    pub notices: Vec<String>,
    /// What the recheck found.
    pub results: Vec<Rechecked>,
    /// Whom to ask.
    #[schema(required)]
    pub contact: Option<String>,
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DocumentContent)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// 现场检查记录
    OnSiteRecord(Box<Record>),
    /// 整改通知书
    RectificationNotice(NoticePaper),
    /// 复查意见书
    RecheckOpinion(Opinion),
}

impl Content {
    /// Number, issuer, school.
    #[must_use]
    pub const fn head(&self) -> &Head {
        match self {
            Self::OnSiteRecord(record) => &record.head,
            Self::RectificationNotice(notice) => &notice.head,
            Self::RecheckOpinion(opinion) => &opinion.head,
        }
    }

    /// The text that is kept, and its hash.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn freeze(&self) -> Result<(String, String), Problem> {
        let text = serde_json::to_string(self).map_err(Problem::internal)?;
        let hash = sha256(&text);
        Ok((text, hash))
    }

    /// What was kept, if it is what was issued.
    ///
    /// # Errors
    /// 500 where somebody has changed it since.
    pub fn thaw(number: &str, text: &str, hash: &str) -> Result<Self, Problem> {
        if sha256(text) != hash {
            return Err(Problem::internal(format!("the stored content of document {number} is not what was issued")));
        }
        serde_json::from_str(text).map_err(Problem::internal)
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
