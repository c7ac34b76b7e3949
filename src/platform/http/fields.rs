//! Faults of single fields: a pointer into the body, a stable code, and a sentence in both languages.

use serde::Serialize;

use crate::platform::error::{Code, Problem};

/// One field, or one rule, that stood in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or the parameter's name; empty for a rule about the record.
    pub pointer: String,
    /// Stable and language-free.
    pub code: &'static str,
    /// Chinese and English.
    #[serde(skip)]
    pub detail: (String, String),
}

impl FieldError {
    /// A fault with its own words.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: (zh.into(), en.into()) }
    }

    /// A field that must be there.
    #[must_use]
    pub fn required(pointer: impl Into<String>) -> Self {
        Self::new(pointer, "required", "必填", "is required")
    }

    /// A word that is not one of the accepted ones.
    #[must_use]
    pub fn unknown_value(pointer: impl Into<String>) -> Self {
        Self::new(pointer, "unknown_value", "不是可用的取值", "is not one of the accepted values")
    }

    /// An id that names nothing the caller can see: absent and out of sight are the same.
    #[must_use]
    pub fn not_found(pointer: impl Into<String>) -> Self {
        Self::new(pointer, "not_found", "所指记录不存在", "names no record")
    }
}

/// Gathers the faults of a body, so that all are told at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// Adds one.
    pub fn add(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Adds one with its own words.
    pub fn say(&mut self, pointer: &str, code: &'static str, zh: &str, en: &str) {
        self.0.push(FieldError::new(pointer, code, zh, en));
    }

    /// A text of `min..=max` characters; counted after trimming, so that blanks are not a name.
    pub fn text(&mut self, pointer: &str, text: &str, min: usize, max: usize) {
        let length = text.trim().chars().count();
        if length < min {
            self.0.push(FieldError::new(
                pointer,
                if length == 0 { "required" } else { "too_short" },
                format!("至少 {min} 个字符"),
                format!("must have at least {min} characters"),
            ));
        } else if text.chars().count() > max {
            self.0.push(FieldError::new(
                pointer,
                "too_long",
                format!("不得超过 {max} 个字符"),
                format!("must have at most {max} characters"),
            ));
        }
    }

    /// The same for a text that may be absent.
    pub fn optional_text(&mut self, pointer: &str, text: Option<&str>, max: usize) {
        if let Some(text) = text {
            self.text(pointer, text, 1, max);
        }
    }

    /// A number within `min..=max`.
    pub fn range<N: PartialOrd + std::fmt::Display>(&mut self, pointer: &str, number: &N, min: &N, max: &N) {
        if number < min || number > max {
            self.0.push(FieldError::new(
                pointer,
                "out_of_range",
                format!("须在 {min} 与 {max} 之间"),
                format!("must be between {min} and {max}"),
            ));
        }
    }

    /// A list of at most `max`.
    pub fn at_most(&mut self, pointer: &str, length: usize, max: usize) {
        if length > max {
            self.0.push(FieldError::new(
                pointer,
                "too_many",
                format!("不得超过 {max} 项"),
                format!("must have at most {max} entries"),
            ));
        }
    }

    /// How many were found.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults themselves.
    #[must_use]
    pub fn into_inner(self) -> Vec<FieldError> {
        self.0
    }

    /// Nothing, or 422 with all of them.
    ///
    /// # Errors
    /// `validation_failed` with every fault.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::new(Code::ValidationFailed).errors(self.0)) }
    }
}

/// What a body's type says about its own fields, beyond their JSON types.
pub trait Check {
    /// Adds every fault.
    fn check(&self, faults: &mut Faults) {
        let _ = faults;
    }
}
