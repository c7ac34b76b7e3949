//! The columns of a checklist's own workbook, and the words that stand in its cells.

use std::sync::LazyLock;

use crate::catalogue::builtin;
use crate::platform::export::cell::may_begin_formula;

/// The sheet of the checklist itself.
pub const HEAD: &str = "清单";
/// The sheet of its sections.
pub const SECTIONS: &str = "分组";
/// The sheet of its items.
pub const ITEMS: &str = "检查项";
/// The sheet of the options of choices.
pub const OPTIONS: &str = "选项";
/// The sheet of the bands of grades.
pub const BANDS: &str = "等级";

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// 是 or 否.
    Flag,
    /// A number.
    Number,
    /// One word of a list.
    Word,
    /// Several words, with 、 between them.
    Words,
}

/// A column: the field of the API, its heading, what a cell holds, whether it must be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The field.
    pub field: &'static str,
    /// The heading; the field's own name is understood as well.
    pub heading: &'static str,
    /// What a cell holds.
    pub form: Form,
    /// Whether every row must have it.
    pub required: bool,
}

const fn column(field: &'static str, heading: &'static str, form: Form, required: bool) -> Column {
    Column { field, heading, form, required }
}

/// The columns of the sheet of items, in their order.
pub const ITEM: &[Column] = &[
    column("code", "编号", Form::Text, true),
    column("section", "分组", Form::Text, false),
    column("title_zh", "检查内容", Form::Text, true),
    column("guidance_zh", "检查方法", Form::Text, false),
    column("response", "答题方式", Form::Word, true),
    column("allow_na", "可不适用", Form::Flag, false),
    column("unit", "单位", Form::Text, false),
    column("min", "合格下限", Form::Number, false),
    column("max", "合格上限", Form::Number, false),
    column("value_min", "可填下限", Form::Number, false),
    column("value_max", "可填上限", Form::Number, false),
    column("decimals", "小数位", Form::Number, false),
    column("weight", "权重", Form::Number, false),
    column("veto", "一票否决", Form::Flag, false),
    column("fail_severity", "不合格级别", Form::Word, false),
    column("escalate", "立即上报", Form::Flag, false),
    column("photo_required", "不合格须照片", Form::Flag, false),
    column("on_fail_require", "不合格须附", Form::Words, false),
    column("domain", "领域", Form::Word, true),
    column("category", "类别", Form::Word, false),
    column("applies_to", "适用条件", Form::Words, false),
    column("school_kinds", "适用学校类型", Form::Words, false),
    column("cadence", "频次", Form::Word, false),
    column("basis_zh", "依据", Form::Text, false),
    column("basis_confidence", "依据可信度", Form::Word, false),
    column("severity_source", "级别来源", Form::Word, false),
    column("title_en", "英文名", Form::Text, false),
];

/// The columns of the sheet of options.
pub const OPTION: &[Column] = &[
    column("item", "检查项编号", Form::Text, true),
    column("value", "选项值", Form::Text, true),
    column("label_zh", "选项", Form::Text, true),
    column("fail", "选中为不合格", Form::Flag, true),
];

/// The columns of the sheet of sections.
pub const SECTION: &[Column] =
    &[column("code", "分组编号", Form::Text, true), column("title_zh", "分组名称", Form::Text, true)];

/// The columns of the sheet of bands.
pub const BAND: &[Column] = &[
    column("grade", "等级代码", Form::Text, true),
    column("name_zh", "等级名称", Form::Text, true),
    column("from", "起点分", Form::Number, true),
    column("veto", "否决后最高等级", Form::Flag, false),
];

/// The columns of the sheet of the checklist itself.
pub const CHECKLIST: &[Column] = &[column("title", "清单名称", Form::Text, true)];

/// A word and how it is written in a cell.
pub type Word = (&'static str, &'static str);

const RESPONSES: &[Word] = &[("pass_fail", "判断"), ("number", "数值"), ("choice", "选择"), ("text", "填写")];
const SEVERITIES: &[Word] = &[("general", "一般"), ("major", "重大")];
const REQUIREMENTS: &[Word] = &[("note", "说明"), ("photo", "照片")];
const CONFIDENCES: &[Word] = &[("verified", "已核对原文"), ("general", "建议或通用")];
const SOURCES: &[Word] = &[("guide_clause", "判定指南条款"), ("inferred", "其他法规推定"), ("default", "默认")];
const CADENCES: &[Word] = &[
    ("day", "每日"),
    ("week", "每周"),
    ("month", "每月"),
    ("quarter", "每季度"),
    ("half_year", "每半年"),
    ("term", "每学期"),
    ("year", "每年"),
    ("event", "有事件时"),
    ("each", "每次检查"),
];
const STAGES: &[Word] =
    &[("kindergarten", "学前学段"), ("primary", "小学学段"), ("junior", "初中学段"), ("senior", "高中学段")];

static DOMAINS: LazyLock<Vec<Word>> = LazyLock::new(|| {
    builtin::catalogue().domains.iter().map(|word| (word.code.as_str(), word.name_zh.as_str())).collect()
});
static CATEGORIES: LazyLock<Vec<Word>> = LazyLock::new(|| {
    builtin::catalogue().categories.iter().map(|word| (word.code.as_str(), word.character.as_str())).collect()
});
static KINDS: LazyLock<Vec<Word>> = LazyLock::new(|| {
    builtin::catalogue().school_kinds.iter().map(|word| (word.code.as_str(), word.name_zh.as_str())).collect()
});
static CONDITIONS: LazyLock<Vec<Word>> = LazyLock::new(|| {
    let features = builtin::catalogue().school_features.iter().map(|word| (word.code.as_str(), word.name_zh.as_str()));
    features.chain(STAGES.iter().copied()).collect()
});

/// The words of a field.
#[must_use]
pub fn words(field: &str) -> &'static [Word] {
    match field {
        "response" => RESPONSES,
        "fail_severity" => SEVERITIES,
        "on_fail_require" => REQUIREMENTS,
        "basis_confidence" => CONFIDENCES,
        "severity_source" => SOURCES,
        "cadence" => CADENCES,
        "domain" => &DOMAINS,
        "category" => &CATEGORIES,
        "school_kinds" => &KINDS,
        "applies_to" => &CONDITIONS,
        _ => &[],
    }
}

/// The code of a word as it stands in a cell: the code itself or its Chinese.
#[must_use]
pub fn code_of(field: &str, text: &str) -> Option<&'static str> {
    let words = words(field);
    let found = words.iter().find(|(_, label)| *label == text).or(words.iter().find(|(code, _)| *code == text));
    found.map(|(code, _)| *code)
}

/// The Chinese of a code; the code itself where there is none.
#[must_use]
pub fn label_of<'a>(field: &str, code: &'a str) -> &'a str {
    words(field).iter().find(|(known, _)| *known == code).map_or(code, |(_, label)| *label)
}

/// Yes or no, as people write them.
#[must_use]
pub fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "是" | "yes" | "true" | "true()" | "1" | "y" | "√" => Some(true),
        "否" | "no" | "false" | "false()" | "0" | "n" | "×" => Some(false),
        _ => None,
    }
}

/// A text as a cell holds it: a single quote before whatever could begin a formula (CWE-1236), and before a quote that
/// would be taken for one, so that [`disarmed`] gives back what was there.
#[must_use]
pub fn armed(text: &str) -> String {
    if may_begin_formula(text.trim_start_matches('\'')) { format!("'{text}") } else { text.to_owned() }
}

/// The text of a cell as it was meant.
#[must_use]
pub fn disarmed(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if may_begin_formula(rest.trim_start_matches('\'')) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::rules::{BasisConfidence, Cadence, Requirement, Response, Severity, SeveritySource, Stage};

    #[test]
    fn every_word_of_the_rules_has_its_own_label() {
        let known = |field: &str, codes: Vec<&'static str>| {
            for code in &codes {
                assert_eq!(code_of(field, label_of(field, code)), Some(*code), "{field} {code}");
                assert_ne!(label_of(field, code), *code, "{field} {code}");
            }
            let labels: HashSet<&str> = words(field).iter().map(|(_, label)| *label).collect();
            assert_eq!((labels.len(), words(field).len()), (codes.len(), codes.len()), "{field}");
        };
        known("response", Response::ALL.iter().map(|word| word.as_str()).collect());
        known("fail_severity", Severity::ALL.iter().map(|word| word.as_str()).collect());
        known("on_fail_require", Requirement::ALL.iter().map(|word| word.as_str()).collect());
        known("basis_confidence", BasisConfidence::ALL.iter().map(|word| word.as_str()).collect());
        known("severity_source", SeveritySource::ALL.iter().map(|word| word.as_str()).collect());
        known("cadence", Cadence::ALL.iter().map(|word| word.as_str()).collect());
        let features = builtin::catalogue().school_features.iter().map(|word| word.code.as_str());
        known("applies_to", features.chain(Stage::ALL.iter().map(|word| word.as_str())).collect());
        for field in ["domain", "category", "school_kinds"] {
            known(field, words(field).iter().map(|(code, _)| *code).collect());
        }
    }

    proptest! {
        #[test]
        fn a_text_comes_back_and_begins_no_formula(text in "'{0,3}[=+@＝-]?\\PC{0,20}") {
            let cell = armed(&text);
            prop_assert_eq!(disarmed(&cell), &text);
            prop_assert!(!may_begin_formula(&cell));
        }
    }
}
