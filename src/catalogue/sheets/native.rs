//! A checklist's own workbook, read back. Every fault is told, none stops the reading.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::columns::{
    self, BAND, BANDS, CHECKLIST, Column, Form, HEAD, ITEM, ITEMS, OPTION, OPTIONS, SECTION, SECTIONS,
};
use super::origin::{ItemOrigin, Origins, Spot};
use super::workbook::{Line, Sheet};
use super::{Book, SheetFault, Sheets};
use crate::catalogue::rules::{Band, Content, Item, Scoring, Section};

/// Reads the sheets 清单, 分组, 检查项, 选项, 等级; only 检查项 must be there.
///
/// # Errors
/// Every fault found.
pub fn read(book: &Book) -> Result<Sheets, Vec<SheetFault>> {
    let mut reading = Reading { faults: book.faults.clone(), origins: Origins::default() };
    let Some(items_sheet) = book.sheet(&[ITEMS, "items"]) else {
        let (zh, en) = ("没有“检查项”工作表", "there is no sheet 检查项");
        reading.faults.push(SheetFault::file("missing_sheet", zh, en));
        return Err(reading.faults);
    };
    reading.origins.otherwise = Spot { sheet: items_sheet.name.clone(), row: items_sheet.headings.row };
    let title = book.sheet(&[HEAD, "checklist"]).and_then(|sheet| reading.title(sheet));
    let sections = book.sheet(&[SECTIONS, "sections"]).map(|sheet| reading.sections(sheet)).unwrap_or_default();
    let items = reading.items(items_sheet);
    let items = match book.sheet(&[OPTIONS, "options"]) {
        Some(sheet) => reading.options(sheet, items),
        None => items,
    };
    let scoring = book.sheet(&[BANDS, "bands"]).and_then(|sheet| reading.scoring(sheet));
    let mut read = Vec::with_capacity(items.len());
    for (fields, origin) in items {
        let row = origin.spot.row;
        match serde_json::from_value::<Item>(Value::Object(fields)) {
            Ok(item) => {
                read.push(item);
                reading.origins.items.push(origin);
            }
            // A cell of this row has been refused and told already; were it not so, the row itself is told.
            Err(error) if !reading.told(&items_sheet.name, row) => {
                let words = error.to_string();
                reading.faults.push(SheetFault::cell(&items_sheet.name, row, "", "unreadable_row", &words, &words));
            }
            Err(_) => {}
        }
    }
    if !reading.faults.is_empty() {
        return Err(reading.faults);
    }
    let content = Content { sections, scoring, items: read };
    Ok(Sheets { title, content, origins: reading.origins, remarks: Vec::new() })
}

struct Reading {
    faults: Vec<SheetFault>,
    origins: Origins,
}

type Fields = Map<String, Value>;

impl Reading {
    fn told(&self, sheet: &str, row: u32) -> bool {
        self.faults.iter().any(|fault| fault.sheet.as_deref() == Some(sheet) && fault.row == Some(row))
    }

    /// The rows of a sheet, each as fields with their values.
    fn rows(&mut self, sheet: &Sheet, known: &[Column]) -> Vec<(Fields, Spot)> {
        let mut columns: Vec<Option<&Column>> = Vec::new();
        let mut fault = |row, column: &str, code, zh: &str, en: &str| {
            self.faults.push(SheetFault::cell(&sheet.name, row, column, code, zh, en));
        };
        for heading in &sheet.headings.cells {
            let bare = heading.trim_end_matches(['*', '＊']).trim();
            let column = known.iter().find(|column| column.heading == bare || column.field == bare.to_lowercase());
            match column {
                _ if heading.is_empty() => {}
                None => {
                    fault(sheet.headings.row, heading, "unknown_heading", "不认识的列标题", "unknown column heading")
                }
                Some(column) if columns.iter().flatten().any(|other| other.field == column.field) => {
                    let (zh, en) = ("列标题重复", "this column stands there twice");
                    fault(sheet.headings.row, heading, "duplicate_heading", zh, en);
                }
                Some(column) => {
                    let key = (sheet.name.clone(), column.field.to_owned());
                    self.origins.headings.insert(key, heading.clone());
                }
            }
            columns.push(column);
        }
        for column in known.iter().filter(|column| column.required) {
            if !columns.iter().flatten().any(|other| other.field == column.field) {
                let (zh, en) = ("缺少必需的列", "this column must be there");
                fault(sheet.headings.row, column.heading, "missing_heading", zh, en);
            }
        }
        let rows = sheet.lines.iter().map(|line| (self.fields(sheet, line, &columns), line.row)).collect::<Vec<_>>();
        rows.into_iter().map(|(fields, row)| (fields, Spot { sheet: sheet.name.clone(), row })).collect()
    }

    fn fields(&mut self, sheet: &Sheet, line: &Line, columns: &[Option<&Column>]) -> Fields {
        let mut fields = Fields::new();
        for place in 0..line.cells.len().max(columns.len()) {
            let heading = sheet.headings.cells.get(place).map(String::as_str).unwrap_or_default();
            let mut fault = |code, zh: &str, en: &str| {
                let label = if heading.is_empty() { format!("#{}", place + 1) } else { heading.to_owned() };
                self.faults.push(SheetFault::cell(&sheet.name, line.row, &label, code, zh, en));
            };
            match (columns.get(place).copied().flatten(), sheet.cell(line, place)) {
                (None, Some(_)) if heading.is_empty() => {
                    fault("value_without_heading", "此单元格所在的列没有标题", "a value in a column without heading");
                }
                (Some(column), None) if column.required => fault("required", "必填", "is required"),
                (Some(column), Some(text)) => match value(column, text) {
                    Ok(value) => {
                        fields.insert(column.field.to_owned(), value);
                    }
                    Err((code, zh, en)) => fault(code, &zh, &en),
                },
                _ => {}
            }
        }
        fields
    }

    fn title(&mut self, sheet: &Sheet) -> Option<String> {
        let rows = self.rows(sheet, CHECKLIST);
        if let Some((_, spot)) = rows.get(1) {
            let (zh, en) = ("只能有一行", "there is one row only");
            self.faults.push(SheetFault::cell(&sheet.name, spot.row, "", "too_many_rows", zh, en));
        }
        rows.first().and_then(|(fields, _)| fields.get("title")?.as_str().map(str::to_owned))
    }

    fn sections(&mut self, sheet: &Sheet) -> Vec<Section> {
        let rows = self.rows(sheet, SECTION);
        let read = rows.into_iter().filter_map(|(fields, spot)| {
            let section = serde_json::from_value(Value::Object(fields)).ok()?;
            Some((section, spot))
        });
        let (sections, spots) = read.unzip();
        self.origins.sections = spots;
        sections
    }

    fn items(&mut self, sheet: &Sheet) -> Vec<(Fields, ItemOrigin)> {
        let rows = self.rows(sheet, ITEM);
        rows.into_iter().map(|(fields, spot)| (fields, ItemOrigin { spot, options: Vec::new() })).collect()
    }

    fn options(&mut self, sheet: &Sheet, mut items: Vec<(Fields, ItemOrigin)>) -> Vec<(Fields, ItemOrigin)> {
        let codes = items.iter().enumerate().map(|(place, (fields, _))| {
            let code = fields.get("code").and_then(Value::as_str).unwrap_or_default();
            (code.to_owned(), place)
        });
        // Of two items with one code the first has the options; that the code stands there twice is told later.
        let mut places: HashMap<String, usize> = HashMap::new();
        for (code, place) in codes {
            places.entry(code).or_insert(place);
        }
        for (mut fields, spot) in self.rows(sheet, OPTION) {
            let code = fields.remove("item");
            let code = code.as_ref().and_then(Value::as_str);
            let item = code.and_then(|code| places.get(code)).and_then(|place| items.get_mut(*place));
            let Some((item, origin)) = item else {
                if code.is_some() {
                    let heading = self.origins.headings.get(&(sheet.name.clone(), "item".to_owned()));
                    let heading = heading.map_or("检查项编号", String::as_str).to_owned();
                    let (zh, en) = ("没有此编号的检查项", "no item has this code");
                    self.faults.push(SheetFault::cell(&sheet.name, spot.row, &heading, "unknown_item", zh, en));
                }
                continue;
            };
            let options = item.entry("options").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(options) = options {
                options.push(Value::Object(fields));
                origin.options.push(spot);
            }
        }
        items
    }

    fn scoring(&mut self, sheet: &Sheet) -> Option<Scoring> {
        let rows = self.rows(sheet, BAND);
        let mut veto_grade = None;
        let mut bands: Vec<Band> = Vec::new();
        for (mut fields, spot) in rows {
            let veto = fields.remove("veto") == Some(Value::Bool(true));
            let Ok(band) = serde_json::from_value::<Band>(Value::Object(fields)) else { continue };
            if veto {
                veto_grade.get_or_insert_with(|| band.grade.clone());
            }
            bands.push(band);
            self.origins.bands.push(spot);
        }
        if bands.is_empty() {
            return None;
        }
        // Where no row is marked, a failed veto leaves the lowest grade.
        let lowest = || {
            let from = |band: &&Band| band.from.as_f64().map(|from| format!("{:.0}", from * 100.0).parse::<i64>().ok());
            bands.iter().min_by_key(from).map(|band| band.grade.clone()).unwrap_or_default()
        };
        let veto_grade = veto_grade.unwrap_or_else(lowest);
        Some(Scoring { bands, veto_grade })
    }
}

type Wrong = (&'static str, String, String);

/// What a cell says, as the API would have it.
fn value(column: &Column, text: &str) -> Result<Value, Wrong> {
    match column.form {
        Form::Text => Ok(Value::String(columns::disarmed(text).to_owned())),
        Form::Flag => columns::flag(text)
            .map(Value::Bool)
            .ok_or_else(|| ("not_yes_or_no", "须为 是 或 否".to_owned(), "must be 是 or 否 (yes or no)".to_owned())),
        Form::Number => number(text)
            .map(Value::Number)
            .ok_or_else(|| ("not_a_number", "应为数字".to_owned(), "must be a number".to_owned()))
            .and_then(|value| {
                let whole = value.as_u64().is_some_and(|places| places <= 255);
                if column.field != "decimals" || whole {
                    return Ok(value);
                }
                Err(("out_of_range", "须为 0 至 6 的整数".to_owned(), "must be a whole number from 0 to 6".to_owned()))
            }),
        Form::Word => word(column.field, text),
        Form::Words => {
            let words =
                text.split(['、', ',', ';', '|', '，', '；', ' ']).map(str::trim).filter(|word| !word.is_empty());
            words.map(|text| word(column.field, text)).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
    }
}

fn word(field: &str, text: &str) -> Result<Value, Wrong> {
    columns::code_of(field, text).map(|code| Value::String(code.to_owned())).ok_or_else(|| {
        let labels: Vec<&str> = columns::words(field).iter().map(|(_, label)| *label).collect();
        let codes: Vec<&str> = columns::words(field).iter().map(|(code, _)| *code).collect();
        let text: String = text.chars().take(40).collect();
        (
            "unknown_value",
            format!("“{text}”不是可用的取值：{}", labels.join("、")),
            format!("\"{text}\" is none of: {}", codes.join(", ")),
        )
    })
}

/// A number as people and spreadsheets write it.
pub fn number(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
    Number::from_f64(float).map(crate::catalogue::rules::whole)
}
