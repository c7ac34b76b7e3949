//! What callers send about documents.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::words::{DocumentType, RecheckResult};
use crate::platform::db::types::Id;
use crate::platform::http::{Check, Faults, FieldError};

const MAX_TEXT: usize = 2000;
const MAX_LINE: usize = 200;
/// Most hazards of one document.
pub const MAX_HAZARDS: usize = 200;
const MAX_COPIES: u32 = 20;

/// Filters of the list of documents.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentFilter {
    /// Of this type.
    #[serde(rename = "type")]
    pub kind: Option<DocumentType>,
    /// Of this school.
    pub org_id: Option<Id>,
    /// Of this organisation and everything below it.
    pub under: Option<Id>,
    /// Of this inspection.
    pub inspection_id: Option<Id>,
    /// That tell of this hazard.
    pub hazard_id: Option<Id>,
    /// Only void ones; `false` for those that are not.
    pub void: Option<bool>,
}

/// The certificate of somebody on the team.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = InspectorCertificate)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Whose; on the team.
    pub user_id: Id,
    /// Its number.
    #[schema(min_length = 1, max_length = 60)]
    pub number: String,
}

/// What the issuer adds to how a recheck ended.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = RecheckRemark)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// Of which hazard.
    pub hazard_id: Id,
    /// `partly` for what was returned with part of it done.
    pub result: Option<RecheckResult>,
    /// What is further demanded.
    #[schema(min_length = 1, max_length = 2000)]
    pub demand: Option<String>,
}

/// A document to be issued.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// What kind of document.
    #[serde(rename = "type")]
    pub kind: DocumentType,
    /// The document of the same type that this one replaces.
    pub supersedes: Option<Id>,
    /// Notice and opinion of an inspection: these of its hazards; all that it can tell of where nothing is said.
    pub hazard_ids: Option<Vec<Id>>,
    /// Record: where in the school; its address where nothing is said.
    #[schema(min_length = 1, max_length = 200)]
    pub place: Option<String>,
    /// 统一社会信用代码 of the school: 18 characters.
    #[schema(example = "12640104MB1234567D")]
    pub credit_code: Option<String>,
    /// Record: what was done on the spot.
    #[schema(min_length = 1, max_length = 2000)]
    pub handling: Option<String>,
    /// Record: certificates of the team.
    pub certificates: Option<Vec<Certificate>>,
    /// Notice: what keeps people safe until it is put right.
    #[schema(min_length = 1, max_length = 2000)]
    pub interim_measures: Option<String>,
    /// Notice: what follows if it is not; a usual sentence where nothing is said.
    #[schema(min_length = 1, max_length = 2000)]
    pub consequences: Option<String>,
    /// Notice and opinion: whom to ask, and where.
    #[schema(min_length = 1, max_length = 200)]
    pub contact: Option<String>,
    /// Notice: how many copies are made out; 2 where nothing is said.
    #[schema(minimum = 1, maximum = 20)]
    pub copies: Option<u32>,
    /// Opinion: what the issuer adds, hazard by hazard.
    pub results: Option<Vec<Remark>>,
}

/// The 18 characters of GB 32100-2015 with their check character.
fn is_credit_code(text: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let digit = |byte: u8| ALPHABET.iter().position(|one| *one == byte);
    let digits: Option<Vec<usize>> = text.bytes().map(digit).collect();
    let Some(digits) = digits.filter(|digits| digits.len() == 18) else { return false };
    let sum = digits.iter().take(17).fold((0, 1), |(sum, weight), digit| (sum + digit * weight, weight * 3 % 31)).0;
    digits.last() == Some(&((31 - sum % 31) % 31))
}

impl Check for NewDocument {
    fn check(&self, faults: &mut Faults) {
        use DocumentType::{OnSiteRecord, RecheckOpinion, RectificationNotice};
        let of: [(&str, bool, &[DocumentType]); 9] = [
            ("/hazard_ids", self.hazard_ids.is_some(), &[RectificationNotice, RecheckOpinion]),
            ("/place", self.place.is_some(), &[OnSiteRecord]),
            ("/handling", self.handling.is_some(), &[OnSiteRecord]),
            ("/certificates", self.certificates.is_some(), &[OnSiteRecord]),
            ("/interim_measures", self.interim_measures.is_some(), &[RectificationNotice]),
            ("/consequences", self.consequences.is_some(), &[RectificationNotice]),
            ("/contact", self.contact.is_some(), &[RectificationNotice, RecheckOpinion]),
            ("/copies", self.copies.is_some(), &[RectificationNotice]),
            ("/results", self.results.is_some(), &[RecheckOpinion]),
        ];
        for (at, given, kinds) in of {
            if given && !kinds.contains(&self.kind) {
                faults.say(at, "not_of_this_type", "不属于此类文书", "does not belong to this type");
            }
        }
        faults.optional_text("/place", self.place.as_deref(), MAX_LINE);
        faults.optional_text("/handling", self.handling.as_deref(), MAX_TEXT);
        faults.optional_text("/interim_measures", self.interim_measures.as_deref(), MAX_TEXT);
        faults.optional_text("/consequences", self.consequences.as_deref(), MAX_TEXT);
        faults.optional_text("/contact", self.contact.as_deref(), MAX_LINE);
        if let Some(copies) = self.copies {
            faults.range("/copies", &copies, &1, &MAX_COPIES);
        }
        if self.credit_code.as_deref().is_some_and(|code| !is_credit_code(code)) {
            let (zh, en) = ("须为18位统一社会信用代码", "must be a unified social credit code of 18 characters");
            faults.say("/credit_code", "invalid_format", zh, en);
        }
        if let Some(ids) = &self.hazard_ids {
            if ids.is_empty() {
                faults.add(FieldError::required("/hazard_ids"));
            }
            unique(faults, "/hazard_ids", "", ids);
        }
        let certificates = self.certificates.as_deref().unwrap_or_default();
        let holders: Vec<Id> = certificates.iter().map(|one| one.user_id).collect();
        unique(faults, "/certificates", "/user_id", &holders);
        for (place, one) in certificates.iter().enumerate().take(MAX_HAZARDS) {
            faults.text(&format!("/certificates/{place}/number"), &one.number, 1, 60);
        }
        let remarks = self.results.as_deref().unwrap_or_default();
        let hazards: Vec<Id> = remarks.iter().map(|one| one.hazard_id).collect();
        unique(faults, "/results", "/hazard_id", &hazards);
        for (place, one) in remarks.iter().enumerate().take(MAX_HAZARDS) {
            faults.optional_text(&format!("/results/{place}/demand"), one.demand.as_deref(), MAX_TEXT);
        }
    }
}

fn unique(faults: &mut Faults, at: &str, field: &str, ids: &[Id]) {
    faults.at_most(at, ids.len(), MAX_HAZARDS);
    for (place, id) in ids.iter().enumerate().take(MAX_HAZARDS) {
        if ids.iter().take(place).any(|earlier| earlier == id) {
            faults.say(&format!("{at}/{place}{field}"), "duplicate", "重复", "is there already");
        }
    }
}

/// Why a document is void.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidDocument {
    /// In words; printed on it.
    #[schema(min_length = 1, max_length = 500, example = "当事单位名称有误")]
    pub reason: String,
}

impl Check for VoidDocument {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, 500);
    }
}

/// With what a bureau's numbers begin.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentCodeToPut {
    /// 机关代字: letters alone, at most 12. The character of the type follows it: 检, 改, 复; 督 for supervised listings.
    #[schema(min_length = 1, max_length = 12, example = "某教安")]
    pub code: String,
}

impl Check for DocumentCodeToPut {
    fn check(&self, faults: &mut Faults) {
        faults.text("/code", &self.code, 1, 12);
        if !self.code.trim().is_empty() && !self.code.chars().all(char::is_alphabetic) {
            faults.say("/code", "invalid_format", "只能用文字", "must be letters alone");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_credit_code;

    #[test]
    fn a_credit_code_is_known_by_its_last_character() {
        assert!(is_credit_code("91350100M000100Y43"));
        assert!(!is_credit_code("91350100M000100Y44") && !is_credit_code("91350100M000100Y4"));
        assert!(!is_credit_code("91350100m000100y43") && !is_credit_code(""));
    }
}
