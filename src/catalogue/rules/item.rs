//! The item of a checklist and its words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

crate::text_enum! {
    /// How an item is answered.
    pub enum Response {
        /// Passed or failed, by the inspector's judgement.
        PassFail = "pass_fail",
        /// A measured number; the limits decide.
        Number = "number",
        /// One of the options; the option decides.
        Choice = "choice",
        /// A written answer; passed unless marked failed.
        Text = "text",
    }
}

crate::text_enum! {
    /// The level a failed item proposes for its hazard. A major is a legal judgement, never a score.
    pub enum Severity {
        /// 一般
        General = "general",
        /// 重大
        Major = "major",
    }
}

crate::text_enum! {
    /// Where the default level of an item comes from.
    pub enum SeveritySource {
        /// A clause of the national guide on major hazards in education.
        GuideClause = "guide_clause",
        /// A flat prohibition of another law, read as major.
        Inferred = "inferred",
        /// No special ground.
        Default = "default",
    }
}

crate::text_enum! {
    /// How sure the basis of an item is.
    pub enum BasisConfidence {
        /// The source was read.
        Verified = "verified",
        /// A proposal or general knowledge; the bureau settles it.
        General = "general",
    }
}

crate::text_enum! {
    /// How often an item is due.
    pub enum Cadence {
        /// Every day.
        Day = "day",
        /// Every week.
        Week = "week",
        /// Every month.
        Month = "month",
        /// Every quarter.
        Quarter = "quarter",
        /// Every half year.
        HalfYear = "half_year",
        /// Every school term.
        Term = "term",
        /// Every year.
        Year = "year",
        /// When something happens.
        Event = "event",
        /// At each inspection.
        Each = "each",
    }
}

crate::text_enum! {
    /// A stage of schooling, to which an item may be restricted.
    pub enum Stage {
        /// 学前
        Kindergarten = "kindergarten",
        /// 小学
        Primary = "primary",
        /// 初中
        Junior = "junior",
        /// 高中阶段
        Senior = "senior",
    }
}

crate::text_enum! {
    /// The life of a checklist.
    pub enum ChecklistStatus {
        /// Being written; may change.
        Draft = "draft",
        /// In force; never changes.
        Published = "published",
        /// No longer for new inspections; stays readable.
        Retired = "retired",
    }
}

crate::text_enum! {
    /// What an answer must carry when the item fails.
    pub enum Requirement {
        /// A remark.
        Note = "note",
        /// At least one photo.
        Photo = "photo",
    }
}

/// One option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What an answer carries.
    #[schema(example = "in_use")]
    pub value: String,
    /// What people read.
    #[schema(example = "危房仍在使用")]
    pub label_zh: String,
    /// Whether choosing it fails the item.
    pub fail: bool,
}

/// One thing to look at, with how it is answered and what follows when it fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChecklistItem)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Unique within the checklist; also the address of its answer. Letters, digits, `.`, `_`, `-`.
    #[schema(example = "fang-010")]
    pub code: String,
    /// What is looked at.
    #[schema(example = "每个品种留样量")]
    pub title_zh: String,
    /// The same in English.
    #[serde(default)]
    pub title_en: String,
    /// How to look.
    #[serde(default)]
    pub guidance_zh: String,
    /// How it is answered.
    pub response: Response,
    /// Whether `na` may be answered (with a reason).
    #[serde(default)]
    pub allow_na: bool,
    /// The options of a `choice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<Choice>>,
    /// Unit of a `number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "g")]
    pub unit: Option<String>,
    /// Least passing value of a `number`, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 125)]
    pub min: Option<serde_json::Number>,
    /// Greatest passing value of a `number`, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub max: Option<serde_json::Number>,
    /// Least value that can be answered at all, inclusive; below it the answer is refused. Left out, 0 for units that
    /// are never negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 0)]
    pub value_min: Option<serde_json::Number>,
    /// Greatest value that can be answered at all, inclusive; above it the answer is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub value_max: Option<serde_json::Number>,
    /// Most decimal places of a `number`; 0 for whole numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// Whether a failed answer must carry a photo: the same as `photo` in `on_fail_require`.
    #[serde(default)]
    pub photo_required: bool,
    /// What a failed answer must carry before the inspection is handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_fail_require: Vec<Requirement>,
    /// Level proposed for the hazard when it fails.
    #[serde(default = "general")]
    pub fail_severity: Severity,
    /// The law or rule behind it.
    #[serde(default)]
    pub basis_zh: String,
    /// How sure the basis is.
    #[serde(default = "unverified")]
    pub basis_confidence: BasisConfidence,
    /// Why the level is what it is.
    #[serde(default = "by_default")]
    pub severity_source: SeveritySource,
    /// Whether the bureau is told at once when it fails.
    #[serde(default)]
    pub escalate: bool,
    /// Code of the domain.
    #[schema(example = "food")]
    pub domain: String,
    /// Code of the category; left out, that of the checklist, or of the code's first syllable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// School features and stages, any of which makes the item apply; empty means every school.
    #[serde(default)]
    #[schema(example = json!(["canteen"]))]
    pub applies_to: Vec<String>,
    /// Kinds of school it is for; empty means every kind. Both this and `applies_to` must fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub school_kinds: Vec<String>,
    /// Code of the section it stands in; none where the checklist has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// How often it is due.
    #[serde(default = "each")]
    pub cadence: Cadence,
    /// Weight in the score, from 0.001 to 1000; 1 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub weight: Option<serde_json::Number>,
    /// Whether failing it caps the grade (一票否决).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veto: Option<bool>,
}

const fn general() -> Severity {
    Severity::General
}

const fn unverified() -> BasisConfidence {
    BasisConfidence::General
}

const fn by_default() -> SeveritySource {
    SeveritySource::Default
}

const fn each() -> Cadence {
    Cadence::Each
}

impl Item {
    /// Whether an answer that fails must carry this.
    #[must_use]
    pub fn demands(&self, requirement: Requirement) -> bool {
        self.on_fail_require.contains(&requirement) || (requirement == Requirement::Photo && self.photo_required)
    }

    /// The same item as it is stored: blanks around texts dropped, empty texts and lists left out, `125.0` as `125`.
    /// What is stored in this form goes through a spreadsheet and back unchanged.
    #[must_use]
    pub fn normal(mut self) -> Self {
        for text in [
            &mut self.code,
            &mut self.title_zh,
            &mut self.title_en,
            &mut self.guidance_zh,
            &mut self.basis_zh,
            &mut self.domain,
        ] {
            trim(text);
        }
        for text in [&mut self.unit, &mut self.category, &mut self.section] {
            *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        }
        for number in [&mut self.min, &mut self.max, &mut self.value_min, &mut self.value_max, &mut self.weight] {
            *number = number.take().map(whole);
        }
        for option in self.options.iter_mut().flatten() {
            trim(&mut option.value);
            trim(&mut option.label_zh);
        }
        self.options = self.options.take().filter(|options| !options.is_empty());
        self
    }
}

fn trim(text: &mut String) {
    if text.trim().len() < text.len() {
        *text = text.trim().to_owned();
    }
}

/// A number without a fraction as a whole number.
#[must_use]
pub fn whole(number: serde_json::Number) -> serde_json::Number {
    if number.is_i64() || number.is_u64() {
        return number;
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15);
    // Adding zero makes of minus zero a plain one.
    float.and_then(|float| format!("{:.0}", float + 0.0).parse::<i64>().ok()).map_or(number, Into::into)
}

/// One thing wrong with what was sent: where (JSON pointer, RFC 6901) and which rule (a stable word).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer, relative to what was judged.
    pub pointer: String,
    /// Stable, language-free.
    pub code: &'static str,
    /// Chinese and English words of its own; those of the code where there are none.
    pub said: Option<Box<(String, String)>>,
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn at(pointer: impl Into<String>, code: &'static str) -> Self {
        Self { pointer: pointer.into(), code, said: None }
    }

    /// The same fault in its own words.
    #[must_use]
    pub fn saying(self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { said: Some(Box::new((zh.into(), en.into()))), ..self }
    }

    /// The same fault, seen from a place further out.
    #[must_use]
    pub fn under(self, prefix: &str) -> Self {
        Self { pointer: format!("{prefix}{}", self.pointer), ..self }
    }
}
