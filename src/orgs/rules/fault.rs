//! Why a value is refused: a stable code, and the sentence in both languages.

use std::fmt;

/// The reason a single value is refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// A value must be given.
    Required,
    /// More characters than fit.
    TooLong {
        /// The most characters allowed.
        max: usize,
    },
    /// Fewer characters than needed.
    TooShort {
        /// The fewest characters allowed.
        min: usize,
    },
    /// Control characters, line breaks or text-direction overrides.
    ControlCharacter,
    /// Not a whole number.
    NotAnInteger,
    /// Not a number.
    NotANumber,
    /// Outside the range, both ends allowed.
    OutOfRange {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// Must be exactly so many digits.
    Digits {
        /// How many.
        count: usize,
    },
    /// Not one of the known words.
    UnknownValue {
        /// What was found.
        found: String,
    },
    /// Only a school carries this.
    OnlyForSchools,
    /// Characters outside the allowed ones.
    BadCharacter {
        /// The allowed ones, for people.
        allowed: &'static str,
    },
    /// Not in a format that is understood.
    BadFormat {
        /// What is expected, in Chinese.
        zh: &'static str,
        /// What is expected, in English.
        en: &'static str,
    },
}

impl Reason {
    /// The stable, language-free code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TooLong { .. } => "too_long",
            Self::TooShort { .. } => "too_short",
            Self::ControlCharacter => "control_character",
            Self::NotAnInteger => "not_an_integer",
            Self::NotANumber => "not_a_number",
            Self::OutOfRange { .. } => "out_of_range",
            Self::Digits { .. } => "digits_expected",
            Self::UnknownValue { .. } => "unknown_value",
            Self::OnlyForSchools => "only_for_schools",
            Self::BadCharacter { .. } => "bad_character",
            Self::BadFormat { .. } => "bad_format",
        }
    }

    /// The sentence in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Required => "必须填写".to_owned(),
            Self::TooLong { max } => format!("最多{max}个字"),
            Self::TooShort { min } => format!("至少{min}个字符"),
            Self::ControlCharacter => "含有控制字符或换行".to_owned(),
            Self::NotAnInteger => "应为整数".to_owned(),
            Self::NotANumber => "应为数字".to_owned(),
            Self::OutOfRange { min, max } => format!("应在{min}到{max}之间"),
            Self::Digits { count } => format!("应为{count}位数字"),
            Self::UnknownValue { found } => format!("不认识的值“{found}”"),
            Self::OnlyForSchools => "只有学校才有此项".to_owned(),
            Self::BadCharacter { allowed } => format!("只能使用{allowed}"),
            Self::BadFormat { zh, .. } => (*zh).to_owned(),
        }
    }

    /// The sentence in English.
    #[must_use]
    pub fn en(&self) -> String {
        match self {
            Self::Required => "a value is required".to_owned(),
            Self::TooLong { max } => format!("at most {max} characters"),
            Self::TooShort { min } => format!("at least {min} characters"),
            Self::ControlCharacter => "contains control characters or line breaks".to_owned(),
            Self::NotAnInteger => "a whole number is expected".to_owned(),
            Self::NotANumber => "a number is expected".to_owned(),
            Self::OutOfRange { min, max } => format!("must lie between {min} and {max}"),
            Self::Digits { count } => format!("must be {count} digits"),
            Self::UnknownValue { found } => format!("unknown value \"{found}\""),
            Self::OnlyForSchools => "only a school has this".to_owned(),
            Self::BadCharacter { allowed } => format!("only {allowed} are allowed"),
            Self::BadFormat { en, .. } => (*en).to_owned(),
        }
    }

    /// An unknown word, cut short so that an answer never echoes a book.
    #[must_use]
    pub fn unknown(found: &str) -> Self {
        Self::UnknownValue { found: found.chars().take(40).filter(|c| !c.is_control()).collect() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

/// A refused field: where in the body it stands (JSON pointer) and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// JSON pointer, as `/school/students`.
    pub pointer: &'static str,
    /// Why it is refused.
    pub reason: Reason,
}
