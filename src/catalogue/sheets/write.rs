//! A checklist as a workbook of five sheets.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::{Value, json};

use super::columns::{
    self, BAND, BANDS, CHECKLIST, Column, Form, HEAD, ITEM, ITEMS, OPTION, OPTIONS, SECTION, SECTIONS,
};
use crate::catalogue::rules::Content;
use crate::platform::db::types::Timestamp;
use crate::platform::error::Problem;

/// The workbook of a checklist, made at this moment. The same checklist at the same moment gives the same bytes.
///
/// # Errors
/// Never in practice: it writes into memory.
pub fn write(title: &str, content: &Content, made: Timestamp) -> Result<Vec<u8>, Problem> {
    workbook(title, content, made).map_err(Problem::internal)
}

fn workbook(title: &str, content: &Content, made: Timestamp) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(made.utc().timestamp())?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    sheet(&mut book, HEAD, CHECKLIST, &[json!({"title": title})])?;
    let sections: Vec<Value> = content.sections.iter().map(|section| json!(section)).collect();
    sheet(&mut book, SECTIONS, SECTION, &sections)?;
    let items: Vec<Value> = content.items.iter().map(|item| json!(item)).collect();
    sheet(&mut book, ITEMS, ITEM, &items)?;
    let options = content.items.iter().flat_map(|item| {
        item.options.iter().flatten().map(|option| {
            json!({"item": item.code, "value": option.value, "label_zh": option.label_zh, "fail": option.fail})
        })
    });
    sheet(&mut book, OPTIONS, OPTION, &options.collect::<Vec<_>>())?;
    // The usual bands stand nowhere: whoever wants others fills this sheet.
    let bands = content.scoring.iter().flat_map(|scoring| {
        scoring.bands.iter().map(|band| {
            let veto = band.grade == scoring.veto_grade;
            json!({"grade": band.grade, "name_zh": band.name_zh, "from": band.from, "veto": veto})
        })
    });
    sheet(&mut book, BANDS, BAND, &bands.collect::<Vec<_>>())?;
    book.save_to_buffer()
}

fn sheet(book: &mut Workbook, name: &str, columns: &[Column], rows: &[Value]) -> Result<(), XlsxError> {
    let (text, bold) = (Format::new().set_num_format("@"), Format::new().set_num_format("@").set_bold());
    let sheet = book.add_worksheet();
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    for (place, column) in (0_u16..).zip(columns) {
        sheet.set_column_width(place, if column.form == Form::Text { 28 } else { 14 })?;
        sheet.write_string_with_format(0, place, column.heading, &bold)?;
    }
    for (line, row) in (1_u32..).zip(rows) {
        for (place, column) in (0_u16..).zip(columns) {
            if let Some(value) = row.get(column.field) {
                cell(sheet, (line, place), column, value, &text)?;
            }
        }
    }
    Ok(())
}

fn cell(
    sheet: &mut Worksheet,
    (line, place): (u32, u16),
    column: &Column,
    value: &Value,
    text: &Format,
) -> Result<(), XlsxError> {
    let written = match (column.form, value) {
        (_, Value::Null) => return Ok(()),
        (Form::Flag, Value::Bool(yes)) => (if *yes { "是" } else { "否" }).to_owned(),
        (Form::Number, Value::Number(number)) => {
            if let Some(number) = number.as_f64() {
                sheet.write_number(line, place, number)?;
            }
            return Ok(());
        }
        (Form::Word, Value::String(word)) => columns::label_of(column.field, word).to_owned(),
        (Form::Words, Value::Array(words)) => {
            let words = words.iter().filter_map(Value::as_str);
            words.map(|word| columns::label_of(column.field, word)).collect::<Vec<_>>().join("、")
        }
        (_, Value::String(text)) => columns::armed(text),
        (_, other) => other.to_string(),
    };
    if !written.is_empty() {
        sheet.write_string_with_format(line, place, written, text)?;
    }
    Ok(())
}
