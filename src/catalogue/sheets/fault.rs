//! What is wrong with a cell, and what could not be taken over as it stands.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalogue::rules::Fault;
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// Faults listed before the answer says "and more".
const MAX_FAULTS: usize = 1_000;

/// One fault of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetFault {
    /// The sheet; nothing when the whole file is meant.
    pub sheet: Option<String>,
    /// Row as a spreadsheet shows it, from 1.
    pub row: Option<u32>,
    /// Heading of the column.
    pub column: Option<String>,
    /// Stable, language-free.
    pub code: &'static str,
    /// Chinese and English, without the place.
    pub words: (String, String),
}

impl SheetFault {
    /// A fault of the whole file.
    #[must_use]
    pub fn file(code: &'static str, zh: &str, en: &str) -> Self {
        Self { sheet: None, row: None, column: None, code, words: (zh.to_owned(), en.to_owned()) }
    }

    /// A fault of a cell.
    #[must_use]
    pub fn cell(sheet: &str, row: u32, column: &str, code: &'static str, zh: &str, en: &str) -> Self {
        let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(60).collect();
        Self {
            sheet: Some(short(sheet)),
            row: Some(row),
            column: Some(short(column)).filter(|column: &String| !column.is_empty()),
            code,
            words: (zh.to_owned(), en.to_owned()),
        }
    }

    /// A fault of the rules at the place of a cell.
    #[must_use]
    pub fn of(fault: Fault, sheet: &str, row: u32, column: &str) -> Self {
        let error = FieldError::from(fault);
        Self::cell(sheet, row, column, error.code, &error.detail.0, &error.detail.1)
    }
}

/// All faults of a file as one answer. Pointers are sheet, row and column: `/检查项/12/权重`.
#[must_use]
pub fn refusal(faults: &[SheetFault]) -> Problem {
    let mut errors: Vec<FieldError> = faults.iter().take(MAX_FAULTS).map(error).collect();
    if faults.len() > MAX_FAULTS {
        errors.push(FieldError::new("", "more_faults", "还有更多错误未列出", "more faults follow that are not listed"));
    }
    Problem::new(Code::ValidationFailed)
        .detail("文件中有错误，未导入", "the file has faults; nothing was imported")
        .errors(errors)
}

fn error(fault: &SheetFault) -> FieldError {
    let escaped = |part: &str| format!("/{}", part.replace('~', "~0").replace('/', "~1"));
    let pointer = [
        fault.sheet.as_deref().map(escaped),
        fault.row.map(|row| format!("/{row}")),
        fault.column.as_deref().map(escaped),
    ];
    let pointer: String = pointer.into_iter().flatten().collect();
    let (zh, en) = &fault.words;
    let (mut place_zh, mut place_en) = (String::new(), String::new());
    if let Some(sheet) = &fault.sheet {
        place_zh.push_str(&format!("“{sheet}”"));
        place_en.push_str(&format!("sheet \"{sheet}\""));
    }
    if let Some(row) = fault.row {
        place_zh.push_str(&format!("第{row}行"));
        place_en.push_str(&format!(", row {row}"));
    }
    if let Some(column) = &fault.column {
        place_zh.push_str(&format!("“{column}”"));
        place_en.push_str(&format!(", \"{column}\""));
    }
    if place_zh.is_empty() {
        return FieldError::new(pointer, fault.code, zh, en);
    }
    FieldError::new(pointer, fault.code, format!("{place_zh}：{zh}"), format!("{place_en}: {en}"))
}

/// Something that was left out or taken over otherwise, so that nothing is dropped in silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportRemark)]
pub struct Remark {
    /// The sheet.
    #[schema(example = "survey")]
    pub sheet: String,
    /// Row as a spreadsheet shows it, from 1.
    pub row: u32,
    /// Heading of the column.
    #[schema(example = "relevant")]
    pub column: String,
    /// `not_taken_over`, `taken_over_otherwise` or `before_publishing`.
    pub code: String,
    /// In Chinese.
    pub detail_zh: String,
    /// In English.
    pub detail_en: String,
}

impl Remark {
    /// Not taken over at all.
    #[must_use]
    pub fn left_out(sheet: &str, row: u32, column: &str, zh: &str, en: &str) -> Self {
        Self::new("not_taken_over", sheet, row, column, zh, en)
    }

    /// Taken over in another form.
    #[must_use]
    pub fn otherwise(sheet: &str, row: u32, column: &str, zh: &str, en: &str) -> Self {
        Self::new("taken_over_otherwise", sheet, row, column, zh, en)
    }

    /// Good for a draft, and in the way of publishing.
    #[must_use]
    pub fn before_publishing(fault: &SheetFault) -> Self {
        let (sheet, column) = (fault.sheet.as_deref().unwrap_or_default(), fault.column.as_deref().unwrap_or_default());
        let (zh, en) = &fault.words;
        Self::new("before_publishing", sheet, fault.row.unwrap_or(0), column, zh, en)
    }

    fn new(code: &str, sheet: &str, row: u32, column: &str, zh: &str, en: &str) -> Self {
        Self {
            sheet: sheet.to_owned(),
            row,
            column: column.to_owned(),
            code: code.to_owned(),
            detail_zh: zh.to_owned(),
            detail_en: en.to_owned(),
        }
    }
}
