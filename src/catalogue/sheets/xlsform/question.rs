//! A question of a form becomes one item, or one for each choice where several may be chosen.

use serde_json::{Map, Value, json};

use super::constraint::limits;
use super::form::{Choice, Form, Row};
use crate::catalogue::sheets::origin::Spot;
use crate::catalogue::sheets::{Remark, SheetFault, columns, native};

/// What a row of `survey` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A group or a repeat begins.
    BeginGroup {
        /// A repeat.
        repeat: bool,
    },
    /// A group or a repeat ends.
    EndGroup {
        /// A repeat.
        repeat: bool,
    },
    /// Words for whoever looks.
    Note,
    /// A photo.
    Image,
    /// One of a list.
    SelectOne,
    /// Any of a list.
    SelectMultiple,
    /// A whole number.
    Integer,
    /// Any number.
    Decimal,
    /// A number between two, on a scale.
    Range,
    /// Words.
    Text,
    /// A date, a time, a bar code: taken as words.
    AsText,
    /// Something to be confirmed.
    Acknowledge,
    /// Nothing a checklist holds.
    Nothing {
        /// Why, in Chinese.
        zh: &'static str,
        /// Why, in English.
        en: &'static str,
    },
    /// No type of XLSForm.
    Unknown,
}

impl Kind {
    /// The kind of a row; nothing where it has none.
    #[must_use]
    pub fn of(row: &Row) -> Option<Self> {
        let nothing = |zh, en| Self::Nothing { zh, en };
        Some(match row.kind.as_str() {
            "" => return None,
            "begin_group" => Self::BeginGroup { repeat: false },
            "end_group" => Self::EndGroup { repeat: false },
            "begin_repeat" => Self::BeginGroup { repeat: true },
            "end_repeat" => Self::EndGroup { repeat: true },
            "note" => Self::Note,
            "image" | "photo" => Self::Image,
            "select_one" => Self::SelectOne,
            "select_multiple" => Self::SelectMultiple,
            "integer" | "int" => Self::Integer,
            "decimal" => Self::Decimal,
            "range" => Self::Range,
            "text" | "string" => Self::Text,
            "date" | "time" | "datetime" | "barcode" => Self::AsText,
            "acknowledge" | "trigger" => Self::Acknowledge,
            "start"
            | "end"
            | "today"
            | "deviceid"
            | "subscriberid"
            | "simserial"
            | "phonenumber"
            | "username"
            | "email"
            | "audit"
            | "start-geopoint"
            | "background-audio"
            | "background-geopoint" => nothing("由服务器自行记录，未导入", "the server records this itself; left out"),
            "calculate" | "hidden" => nothing("计算项未导入", "calculations are left out"),
            "geopoint" | "geotrace" | "geoshape" => {
                nothing("位置在签到时记录，未导入", "the place is noted at check-in; left out")
            }
            "audio" | "video" | "file" => nothing("只支持照片，未导入", "only photos are demanded; left out"),
            "rank"
            | "select_one_from_file"
            | "select_multiple_from_file"
            | "select_one_external"
            | "xml-external"
            | "csv-external"
            | "osm" => nothing("此题型未导入", "this type is left out"),
            _ => Self::Unknown,
        })
    }

    /// Whether its answer is a number.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Range)
    }
}

/// An item to be.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its fields as the API would have them.
    pub fields: Map<String, Value>,
    /// Where its options stand.
    pub options: Vec<Spot>,
    /// What was taken over otherwise.
    pub remarks: Vec<Remark>,
    /// The row of `survey`.
    pub row: u32,
}

/// A name as the code of an item: what stands at its ends and no code may end with is dropped.
#[must_use]
pub fn code(name: &str) -> String {
    name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

const FAILING: &[&str] = &[
    "no",
    "n",
    "0",
    "false",
    "fail",
    "failed",
    "bad",
    "否",
    "不合格",
    "不符合",
    "不达标",
    "不满足",
    "未落实",
    "没有",
    "不是",
    "存在问题",
    "有隐患",
];
const PASSING: &[&str] = &[
    "yes",
    "y",
    "1",
    "true",
    "pass",
    "passed",
    "ok",
    "good",
    "是",
    "合格",
    "符合",
    "达标",
    "满足",
    "已落实",
    "无隐患",
];
const INAPPLICABLE: &[&str] = &["na", "n/a", "n_a", "not_applicable", "not applicable", "不适用", "不涉及"];

fn says(choice: &Choice, words: &[&str]) -> bool {
    let (name, label) = (choice.name.to_lowercase(), choice.label.trim().to_lowercase());
    words.contains(&label.as_str()) || words.contains(&name.as_str())
}

/// Whether choosing it fails the item: by the column `fail`, else by what its label says, else by its name.
fn fails(choice: &Choice) -> Option<bool> {
    let by = |text: &str| match () {
        () if FAILING.contains(&text) => Some(true),
        () if PASSING.contains(&text) => Some(false),
        () => None,
    };
    choice.fail.or_else(|| by(&choice.label.trim().to_lowercase())).or_else(|| by(&choice.name.to_lowercase()))
}

/// The items of a question.
///
/// # Errors
/// Every fault of its cells.
pub fn make(form: &Form, row: &Row, kind: &Kind) -> Result<Vec<Made>, Vec<SheetFault>> {
    let mut faults = Vec::new();
    let mut fields = Map::new();
    match &row.name {
        None => faults.push(form.fault(row.row, "name", "required", "必填", "is required")),
        Some(name) if code(name).is_empty() || !code(name).chars().all(is_code_char) => {
            let (zh, en) = ("name 只能用英文字母、数字、. _ -", "a name has letters, digits, `.`, `_` and `-` only");
            faults.push(form.fault(row.row, "name", "invalid_format", zh, en));
        }
        Some(name) => {
            fields.insert("code".to_owned(), json!(code(name)));
        }
    }
    match &row.label {
        None => faults.push(form.fault(row.row, "label", "required", "必填", "is required")),
        Some(label) => {
            fields.insert("title_zh".to_owned(), json!(label));
        }
    }
    if let Some(label) = &row.label_en {
        fields.insert("title_en".to_owned(), json!(label));
    }
    own_columns(form, row, *kind, &mut fields, &mut faults);
    let mut made = Made { fields, options: Vec::new(), remarks: Vec::new(), row: row.row };
    let answered = |made: &mut Made, response: &str| {
        made.fields.insert("response".to_owned(), json!(response));
    };
    let mut several = Vec::new();
    match kind {
        Kind::Acknowledge => answered(&mut made, "pass_fail"),
        Kind::Text => answered(&mut made, "text"),
        Kind::AsText => {
            answered(&mut made, "text");
            made.remarks.push(form.remark(row, "type", true, "作为文字填写", "is answered as text"));
        }
        Kind::Integer | Kind::Decimal | Kind::Range => {
            answered(&mut made, "number");
            numbers(form, row, *kind, &mut made, &mut faults);
        }
        Kind::SelectOne => match choices(form, row) {
            Ok(choices) => select_one(form, row, choices, &mut made),
            Err(fault) => faults.push(fault),
        },
        Kind::SelectMultiple => match choices(form, row) {
            Ok(choices) => several = select_multiple(form, row, choices, &made),
            Err(fault) => faults.push(fault),
        },
        _ => {}
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(if several.is_empty() { vec![made] } else { several })
}

const fn is_code_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// The columns that XLSForm does not know and inspections need.
fn own_columns(form: &Form, row: &Row, kind: Kind, fields: &mut Map<String, Value>, faults: &mut Vec<SheetFault>) {
    for (column, field) in [("domain", "domain"), ("category", "category"), ("fail_severity", "fail_severity")] {
        let Some(text) = row.cell(column) else { continue };
        match columns::code_of(field, text) {
            Some(code) => {
                fields.insert(field.to_owned(), json!(code));
            }
            None => {
                let (zh, en) = ("不是可用的取值", "is not one of the accepted values");
                faults.push(form.fault(row.row, column, "unknown_value", zh, en));
            }
        }
    }
    if let Some(text) = row.cell("veto") {
        match columns::flag(text) {
            Some(veto) => {
                fields.insert("veto".to_owned(), json!(veto));
            }
            None => {
                let (zh, en) = ("须为 yes 或 no", "must be yes or no");
                faults.push(form.fault(row.row, "veto", "not_yes_or_no", zh, en));
            }
        }
    }
    if let Some(text) = row.cell("basis") {
        fields.insert("basis_zh".to_owned(), json!(text));
    }
    for (column, field) in [("weight", "weight"), ("pass_min", "min"), ("pass_max", "max")] {
        let Some(text) = row.cell(column) else { continue };
        match native::number(text) {
            Some(number) if column == "weight" || kind.is_number() => {
                fields.insert(field.to_owned(), json!(number));
            }
            Some(_) => {
                let (zh, en) = ("此题型没有合格范围", "this type has no passing range");
                faults.push(form.fault(row.row, column, "not_for_this_response", zh, en));
            }
            None => faults.push(form.fault(row.row, column, "not_a_number", "应为数字", "must be a number")),
        }
    }
    if let Some(unit) = row.cell("unit").filter(|_| kind.is_number()) {
        fields.insert("unit".to_owned(), json!(unit));
    }
}

fn numbers(form: &Form, row: &Row, kind: Kind, made: &mut Made, faults: &mut Vec<SheetFault>) {
    if kind == Kind::Integer {
        made.fields.insert("decimals".to_owned(), json!(0));
    }
    let mut put = |field: &str, number: Option<f64>| {
        let number = number.and_then(serde_json::Number::from_f64).map(crate::catalogue::rules::whole);
        if let Some(number) = number {
            made.fields.insert(field.to_owned(), json!(number));
        }
    };
    if kind == Kind::Range {
        // `start=0 end=10 step=1` in `parameters`.
        let parameter = |name: &str| {
            let words = row.cell("parameters").unwrap_or_default().split([' ', ';', ',']);
            words
                .filter_map(|word| word.split_once('='))
                .find(|(key, _)| key.trim() == name)?
                .1
                .trim()
                .parse::<f64>()
                .ok()
        };
        put("value_min", parameter("start"));
        put("value_max", parameter("end"));
        made.remarks.push(form.remark(row, "type", true, "刻度题作为数值，起止为可填范围", "a scale became a number"));
    }
    let Some(constraint) = row.cell("constraint") else { return };
    match limits(constraint, kind == Kind::Integer) {
        Some(limits) => {
            let mut put = |field: &str, number: Option<f64>| {
                let number = number.and_then(serde_json::Number::from_f64).map(crate::catalogue::rules::whole);
                if let Some(number) = number {
                    made.fields.insert(field.to_owned(), json!(number));
                }
            };
            put("value_min", limits.least);
            put("value_max", limits.most);
            if limits.least.zip(limits.most).is_some_and(|(least, most)| least > most) {
                let (zh, en) = ("上限小于下限", "the upper limit is below the lower");
                faults.push(form.fault(row.row, "constraint", "below_min", zh, en));
            }
            if limits.loosened {
                let (zh, en) = ("严格不等号按包含端点导入", "a strict limit became an inclusive one");
                made.remarks.push(form.remark(row, "constraint", true, zh, en));
            }
        }
        None => {
            let text: String = constraint.chars().take(80).collect();
            let (zh, en) = (format!("约束未导入：{text}"), format!("the constraint is left out: {text}"));
            made.remarks.push(form.remark(row, "constraint", false, &zh, &en));
        }
    }
}

fn choices<'a>(form: &'a Form, row: &Row) -> Result<&'a [Choice], SheetFault> {
    let Some(list) = &row.argument else {
        let (zh, en) = ("缺少选项列表名", "the name of the list is missing");
        return Err(form.fault(row.row, "type", "required", zh, en));
    };
    form.lists.get(list).map(Vec::as_slice).ok_or_else(|| {
        let list: String = list.chars().take(40).collect();
        let (zh, en) = (format!("choices 中没有列表“{list}”"), format!("choices has no list \"{list}\""));
        form.fault(row.row, "type", "unknown_list", &zh, &en)
    })
}

/// A list of yes and no is a judgement; another is a choice. An option that says `不适用` becomes the answer `na`.
fn select_one(form: &Form, row: &Row, choices: &[Choice], made: &mut Made) {
    let real: Vec<&Choice> = choices.iter().filter(|choice| !says(choice, INAPPLICABLE)).collect();
    if real.len() < choices.len() {
        made.fields.insert("allow_na".to_owned(), json!(true));
    }
    let judged: Vec<Option<bool>> = real.iter().map(|choice| fails(choice)).collect();
    let plain = |choice: &&Choice| says(choice, FAILING) || says(choice, PASSING);
    let yes_no = !row.or_other
        && real.len() == 2
        && real.iter().all(plain)
        && judged.contains(&Some(true))
        && judged.contains(&Some(false));
    if yes_no {
        made.fields.insert("response".to_owned(), json!("pass_fail"));
        let failing = real.iter().find(|choice| fails(choice) == Some(true)).map(|choice| choice.label.as_str());
        if let Some(failing) = failing.filter(|_| real.iter().any(|choice| choice.fail.is_none())) {
            let (zh, en) = (
                format!("以“{failing}”为不合格，不对请在 choices 的 fail 列注明"),
                format!("\"{failing}\" is taken as failed; if not, say so in the column `fail` of choices"),
            );
            made.remarks.push(form.remark(row, "type", true, &zh, &en));
        }
        return;
    }
    if !judged.contains(&Some(true)) {
        let (zh, en) = (
            "没有不合格的选项：请在 choices 的 fail 列注明，或导入后修改",
            "no option fails: say which in the column `fail` of choices, or change the draft",
        );
        made.remarks.push(form.remark(row, "type", true, zh, en));
    }
    let mut options: Vec<Value> = real
        .iter()
        .map(|choice| json!({"value": choice.name, "label_zh": choice.label, "fail": fails(choice) == Some(true)}))
        .collect();
    if row.or_other {
        options.push(json!({"value": "other", "label_zh": "其他", "fail": false}));
    }
    made.options = real.iter().map(|choice| choice.spot.clone()).collect();
    made.fields.insert("response".to_owned(), json!("choice"));
    made.fields.insert("options".to_owned(), json!(options));
}

/// An answer is one value; where several may be chosen, each choice becomes a judgement of its own, so that each is
/// counted.
fn select_multiple(form: &Form, row: &Row, choices: &[Choice], made: &Made) -> Vec<Made> {
    let (zh, en) = ("多选题拆为每个选项一项判断", "each choice became a judgement of its own");
    let mut several: Vec<Made> = choices
        .iter()
        .filter(|choice| !says(choice, INAPPLICABLE))
        .map(|choice| {
            let mut one = made.clone();
            let text = |field: &str| made.fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            one.fields.insert("code".to_owned(), json!(format!("{}.{}", text("code"), code(&choice.name))));
            one.fields.insert("title_zh".to_owned(), json!(format!("{}：{}", text("title_zh"), choice.label)));
            one.fields.insert("response".to_owned(), json!("pass_fail"));
            one.fields.remove("title_en");
            one
        })
        .collect();
    if let Some(first) = several.first_mut() {
        first.remarks.push(form.remark(row, "type", true, zh, en));
    }
    several
}
