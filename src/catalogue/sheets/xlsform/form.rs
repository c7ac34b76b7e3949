//! The sheets of a form: `survey` row by row, `choices` by list, `settings`.

use std::collections::HashMap;

use super::question::Kind;
use crate::catalogue::sheets::origin::{Origins, Spot};
use crate::catalogue::sheets::workbook::{Line, Sheet};
use crate::catalogue::sheets::{Book, Remark, SheetFault, columns};

/// A question, group or note of `survey`.
#[derive(Debug, Clone)]
pub struct Row {
    /// Row as a spreadsheet shows it, from 1.
    pub row: u32,
    /// The first word of `type`, in lower case with `_` for blanks; see [`Row::argument`].
    pub kind: String,
    /// What follows the type: the list of a select.
    pub argument: Option<String>,
    /// Whether `or_other` follows.
    pub or_other: bool,
    /// Its name.
    pub name: Option<String>,
    /// What people read, in Chinese where the form has it.
    pub label: Option<String>,
    /// The same in English.
    pub label_en: Option<String>,
    /// How to answer.
    pub hint: Option<String>,
    cells: HashMap<String, String>,
}

impl Row {
    /// What stands in a column, by its name without the language.
    #[must_use]
    pub fn cell(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }

    /// Whether an answer must be given.
    #[must_use]
    pub fn required(&self) -> bool {
        self.cell("required").and_then(columns::flag) == Some(true)
    }
}

/// One option of a list.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Where it stands.
    pub spot: Spot,
    /// Its name.
    pub name: String,
    /// What people read.
    pub label: String,
    /// Whether choosing it fails the item, where the column `fail` says so.
    pub fail: Option<bool>,
}

/// A form.
#[derive(Debug, Clone)]
pub struct Form {
    /// The name of the sheet `survey` as it stands.
    pub sheet: String,
    /// The row of its headings.
    pub heading_row: u32,
    /// `form_title`, else `form_id`.
    pub title: Option<String>,
    /// The rows of `survey`.
    pub rows: Vec<Row>,
    /// The lists of `choices`.
    pub lists: HashMap<String, Vec<Choice>>,
    /// Headings of `survey` by column name, as they stand.
    headings: HashMap<String, String>,
    choice_headings: HashMap<String, String>,
    choice_sheet: String,
    /// What was left out of whole columns and sheets.
    pub remarks: Vec<Remark>,
    /// What is wrong with the sheets themselves.
    pub faults: Vec<SheetFault>,
}

/// Columns of `survey` that are taken over, beside `type`, `name`, `label` and `hint`. Those after `constraint` are this
/// product's own: what an inspection needs and XLSForm has no word for.
const TAKEN: &[&str] = &[
    "required",
    "relevant",
    "constraint",
    "domain",
    "category",
    "weight",
    "veto",
    "fail_severity",
    "basis",
    "pass_min",
    "pass_max",
    "unit",
];
/// Columns whose cells are named one by one as not taken over.
const NAMED: &[&str] = &[
    "relevant",
    "calculation",
    "constraint_message",
    "required_message",
    "default",
    "read_only",
    "readonly",
    "appearance",
    "choice_filter",
    "parameters",
    "repeat_count",
    "trigger",
    "autoplay",
    "image",
    "audio",
    "video",
    "media::image",
    "media::audio",
    "media::video",
    "big-image",
    "guidance_hint",
    "body::accuracythreshold",
    "count",
];

struct Columns {
    /// For each column its name without language, and how it is written.
    names: Vec<(String, String)>,
    /// Which columns hold the label, the English label and the hint.
    label: Option<usize>,
    label_en: Option<usize>,
    hint: Option<usize>,
}

/// `label::Chinese (zh)` → `label` and `chinese (zh)`.
fn split(heading: &str) -> (String, Option<String>) {
    let lower = heading.trim().to_lowercase();
    if lower.starts_with("media::") || lower.starts_with("bind::") || lower.starts_with("body::") {
        return (lower, None);
    }
    match lower.split_once("::").or_else(|| lower.split_once(':')) {
        Some((name, language)) => (name.trim().to_owned(), Some(language.trim_matches([':', ' ']).to_owned())),
        None => (lower, None),
    }
}

fn is_chinese(language: &str) -> bool {
    ["chinese", "zh", "中文", "汉语", "简体", "普通话"].iter().any(|word| language.contains(word))
}

fn is_english(language: &str) -> bool {
    language.contains("english") || language == "en" || language.contains("(en")
}

/// The column of a text in the language people read: Chinese, else without language, else the form's own, else the first.
fn pick(headings: &[(usize, Option<String>)], default: Option<&str>) -> Option<usize> {
    let of = |wanted: &dyn Fn(Option<&str>) -> bool| {
        headings.iter().find(|(_, language)| wanted(language.as_deref())).map(|(place, _)| *place)
    };
    of(&|language| language.is_some_and(is_chinese))
        .or_else(|| of(&|language| language.is_none()))
        .or_else(|| of(&|language| language.is_some() && language == default))
        .or_else(|| headings.first().map(|(place, _)| *place))
}

impl Columns {
    fn of(sheet: &Sheet, default_language: Option<&str>) -> Self {
        let split: Vec<_> = sheet.headings.cells.iter().map(|heading| (split(heading), heading.clone())).collect();
        let of = |name: &str| -> Vec<(usize, Option<String>)> {
            let named = split.iter().enumerate().filter(|(_, ((column, _), _))| column == name);
            named.map(|(place, ((_, language), _))| (place, language.clone())).collect()
        };
        let labels = of("label");
        let label = pick(&labels, default_language);
        let english = labels.iter().find(|(_, language)| language.as_deref().is_some_and(is_english));
        let label_en = english.map(|(place, _)| *place).filter(|place| Some(*place) != label);
        Self {
            hint: pick(&of("hint"), default_language),
            names: split.into_iter().map(|((name, _), written)| (name, written)).collect(),
            label,
            label_en,
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|(known, _)| known == name)
    }
}

impl Form {
    /// The three sheets of a workbook.
    ///
    /// # Errors
    /// No `survey`, or one without `type` and `name`.
    pub fn of(book: &Book) -> Result<Self, Vec<SheetFault>> {
        let mut faults = book.faults.clone();
        let Some(survey) = book.sheet(&["survey"]) else {
            faults.push(SheetFault::file("missing_sheet", "没有 survey 工作表", "there is no sheet `survey`"));
            return Err(faults);
        };
        let mut remarks = Vec::new();
        let settings = book.sheet(&["settings"]).map(settings).unwrap_or_default();
        let language = settings.get("default_language").map(|language| language.to_lowercase());
        let columns = Columns::of(survey, language.as_deref());
        for name in ["type", "name"] {
            if columns.place(name).is_none() {
                let (zh, en) = ("缺少必需的列", "this column must be there");
                faults.push(SheetFault::cell(&survey.name, survey.headings.row, name, "missing_heading", zh, en));
            }
        }
        if columns.label.is_none() {
            let (zh, en) = ("缺少必需的列", "this column must be there");
            faults.push(SheetFault::cell(&survey.name, survey.headings.row, "label", "missing_heading", zh, en));
        }
        if faults.iter().any(|fault| fault.code == "missing_heading") {
            return Err(faults);
        }
        remarks.extend(unknown_columns(survey, &columns));
        for sheet in &book.sheets {
            let known =
                ["survey", "choices", "settings"].iter().any(|name| sheet.name.trim().eq_ignore_ascii_case(name));
            if !known {
                let (zh, en) = ("此工作表未导入", "this sheet is not taken over");
                remarks.push(Remark::left_out(&sheet.name, sheet.headings.row, "", zh, en));
            }
        }
        let rows = survey.lines.iter().map(|line| row(survey, &columns, line)).collect();
        let choices = book.sheet(&["choices"]);
        let (lists, choice_headings) =
            choices.map(|sheet| lists(sheet, language.as_deref(), &mut faults)).unwrap_or_default();
        Ok(Self {
            sheet: survey.name.clone(),
            heading_row: survey.headings.row,
            title: settings.get("form_title").or_else(|| settings.get("form_id")).cloned(),
            rows,
            lists,
            headings: headings(&columns),
            choice_headings,
            choice_sheet: choices.map(|sheet| sheet.name.clone()).unwrap_or_default(),
            remarks,
            faults,
        })
    }

    /// Where a row of `survey` stands.
    #[must_use]
    pub fn spot(&self, row: u32) -> Spot {
        Spot { sheet: self.sheet.clone(), row }
    }

    fn heading<'a>(&'a self, column: &'a str) -> &'a str {
        self.headings.get(column).map_or(column, String::as_str)
    }

    /// A fault of a cell of `survey`.
    #[must_use]
    pub fn fault(&self, row: u32, column: &str, code: &'static str, zh: &str, en: &str) -> SheetFault {
        SheetFault::cell(&self.sheet, row, self.heading(column), code, zh, en)
    }

    /// A remark about a cell of `survey`.
    #[must_use]
    pub fn remark(&self, row: &Row, column: &str, otherwise: bool, zh: &str, en: &str) -> Remark {
        let (heading, of) = (self.heading(column), &row.kind);
        let (zh, en) = (format!("{of}：{zh}"), format!("{of}: {en}"));
        if otherwise {
            Remark::otherwise(&self.sheet, row.row, heading, &zh, &en)
        } else {
            Remark::left_out(&self.sheet, row.row, heading, &zh, &en)
        }
    }

    /// What stands in the cells of a row and is not taken over.
    #[must_use]
    pub fn left_out(&self, row: &Row, kind: &Kind) -> Vec<Remark> {
        let mut found: Vec<Remark> = Vec::new();
        for column in NAMED {
            let Some(text) = row.cell(column) else { continue };
            if *column == "parameters" && *kind == Kind::Range {
                continue;
            }
            let text: String = text.chars().take(80).collect();
            let (zh, en) = match *column {
                "relevant" => (
                    format!("显示条件未导入，该题改为可答不适用：{text}"),
                    format!("the condition is left out, `na` may be answered instead: {text}"),
                ),
                _ => (format!("未导入：{text}"), format!("left out: {text}")),
            };
            found.push(self.remark(row, column, false, &zh, &en));
        }
        if row.or_other {
            let (zh, en) = ("“其他”作为一个合格的选项", "`or_other` became an option that passes");
            found.push(self.remark(row, "type", true, zh, en));
        }
        if !kind.is_number() && row.cell("constraint").is_some() {
            found.push(self.remark(row, "constraint", false, "约束未导入", "the constraint is left out"));
        }
        found
    }

    /// Where the parts of the form stand, for the faults of the rules.
    #[must_use]
    pub fn origins(&self) -> Origins {
        let mut origins = Origins { otherwise: self.spot(self.heading_row), ..Origins::default() };
        let fields = [
            ("code", "name"),
            ("title_zh", "label"),
            ("guidance_zh", "hint"),
            ("basis_zh", "basis"),
            ("min", "pass_min"),
            ("max", "pass_max"),
            ("value_min", "constraint"),
            ("value_max", "constraint"),
            ("response", "type"),
            ("options", "type"),
        ];
        for (field, column) in fields {
            let key = (self.sheet.clone(), field.to_owned());
            origins.headings.insert(key, self.heading(column).to_owned());
        }
        for (field, column) in [("value", "name"), ("label_zh", "label")] {
            let heading = self.choice_headings.get(column).cloned().unwrap_or_else(|| column.to_owned());
            origins.headings.insert((self.choice_sheet.clone(), field.to_owned()), heading);
        }
        origins
    }
}

fn headings(columns: &Columns) -> HashMap<String, String> {
    let mut all: HashMap<String, String> = HashMap::new();
    for (name, written) in &columns.names {
        all.entry(name.clone()).or_insert_with(|| written.clone());
    }
    for (name, place) in [("label", columns.label), ("hint", columns.hint)] {
        if let Some((_, written)) = place.and_then(|place| columns.names.get(place)) {
            all.insert(name.to_owned(), written.clone());
        }
    }
    all
}

/// Columns that mean nothing here, and further languages.
fn unknown_columns(survey: &Sheet, columns: &Columns) -> Vec<Remark> {
    let mut found = Vec::new();
    for (place, (name, written)) in columns.names.iter().enumerate() {
        let read = [columns.label, columns.label_en, columns.hint].contains(&Some(place));
        let known = ["type", "name"].contains(&name.as_str()) || TAKEN.contains(&name.as_str());
        if read || known || NAMED.contains(&name.as_str()) || written.is_empty() {
            continue;
        }
        let (zh, en) = match name.as_str() {
            "label" | "hint" => ("此语言未导入", "this language is left out"),
            _ => ("此列未导入", "this column is left out"),
        };
        found.push(Remark::left_out(&survey.name, survey.headings.row, written, zh, en));
    }
    found
}

fn row(survey: &Sheet, columns: &Columns, line: &Line) -> Row {
    let text = |place: Option<usize>| place.and_then(|place| survey.cell(line, place)).map(str::to_owned);
    let kind = text(columns.place("type")).unwrap_or_default();
    // Old forms write `begin group` and `select one from list`.
    let kind = kind.replace("begin group", "begin_group").replace("end group", "end_group");
    let kind = kind.replace("begin repeat", "begin_repeat").replace("end repeat", "end_repeat");
    let kind = kind.replace("select one", "select_one").replace("select multiple", "select_multiple");
    let mut words = kind.split_whitespace();
    let first = words.next().unwrap_or_default().to_lowercase();
    let rest: Vec<&str> = words.filter(|word| *word != "from").collect();
    let or_other = rest.iter().any(|word| ["or_other", "or_specify_other"].contains(word));
    let mut cells = HashMap::new();
    for (place, (name, _)) in columns.names.iter().enumerate() {
        if let Some(text) = survey.cell(line, place)
            && (TAKEN.contains(&name.as_str()) || NAMED.contains(&name.as_str()))
        {
            cells.entry(name.clone()).or_insert_with(|| text.to_owned());
        }
    }
    Row {
        row: line.row,
        kind: first,
        argument: rest.iter().find(|word| !word.starts_with("or_")).map(|word| (*word).to_owned()),
        or_other,
        name: text(columns.place("name")),
        label: text(columns.label),
        label_en: text(columns.label_en),
        hint: text(columns.hint),
        cells,
    }
}

fn settings(sheet: &Sheet) -> HashMap<String, String> {
    let Some(line) = sheet.lines.first() else { return HashMap::new() };
    let named = sheet.headings.cells.iter().enumerate();
    named
        .filter_map(|(place, heading)| Some((heading.trim().to_lowercase(), sheet.cell(line, place)?.to_owned())))
        .collect()
}

type Lists = (HashMap<String, Vec<Choice>>, HashMap<String, String>);

fn lists(sheet: &Sheet, language: Option<&str>, faults: &mut Vec<SheetFault>) -> Lists {
    let columns = Columns::of(sheet, language);
    let list = columns.place("list_name").or_else(|| columns.place("list name"));
    let name = columns.place("name").or_else(|| columns.place("value"));
    let fail = columns.place("fail");
    for (heading, place) in [("list_name", list), ("name", name), ("label", columns.label)] {
        if place.is_none() {
            let (zh, en) = ("缺少必需的列", "this column must be there");
            faults.push(SheetFault::cell(&sheet.name, sheet.headings.row, heading, "missing_heading", zh, en));
        }
    }
    let mut all: HashMap<String, Vec<Choice>> = HashMap::new();
    for line in &sheet.lines {
        let text = |place: Option<usize>| place.and_then(|place| sheet.cell(line, place));
        let mut wrong = |heading: &str, code, zh: &str, en: &str| {
            faults.push(SheetFault::cell(&sheet.name, line.row, heading, code, zh, en));
        };
        let (Some(list), Some(name)) = (text(list), text(name)) else {
            if list.is_some() && name.is_some() {
                wrong("name", "required", "list_name 与 name 必填", "list_name and name are required");
            }
            continue;
        };
        let fail = text(fail).map(|text| (text, columns::flag(text)));
        if let Some((_, None)) = fail {
            wrong("fail", "not_yes_or_no", "须为 yes 或 no", "must be yes or no");
        }
        all.entry(list.to_owned()).or_default().push(Choice {
            spot: Spot { sheet: sheet.name.clone(), row: line.row },
            name: name.to_owned(),
            label: text(columns.label).unwrap_or(name).to_owned(),
            fail: fail.and_then(|(_, fail)| fail),
        });
    }
    (all, headings(&columns))
}
