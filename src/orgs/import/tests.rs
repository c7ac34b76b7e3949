//! Files as people send them, and as attackers would.

use encoding_rs::GB18030;
use proptest::prelude::*;
use rust_xlsxwriter::{Format, Workbook};

use super::*;
use crate::orgs::rules::{Datum, Feature, SchoolKind};

const GOOD: &str = "学校名称,学校标识码,办学类型,上级,特征,学生数,教职工数,最高楼层,地址,纬度,经度,坐标系\n\
    第一小学,2164000001,小学,城关学区,自营食堂、寄宿,820,61,5,文化街1号,38.47,106.27,gcj02\n\
    第一幼儿园,,kindergarten,,,,,,,,,\n";

fn csv(text: &str) -> Result<Vec<SchoolRow>, Vec<RowFault>> {
    parse(text.as_bytes(), FileFormat::Csv)
}

/// Faults as `row column code`.
fn told(result: Result<Vec<SchoolRow>, Vec<RowFault>>) -> Vec<String> {
    let shown = |fault: &RowFault| {
        let row = fault.row.map_or("-".to_owned(), |row| row.to_string());
        format!("{row} {} {}", fault.column.as_deref().unwrap_or("-"), fault.reason.code())
    };
    result.map(|rows| rows.len()).expect_err("faults expected").iter().map(shown).collect()
}

#[test]
fn a_good_csv_gives_every_field() {
    let rows = csv(GOOD).unwrap();
    let first = &rows[0];
    assert_eq!((first.row, first.name.as_str(), first.parent.as_deref()), (2, "第一小学", Some("城关学区")));
    let school = &first.school;
    assert_eq!(school.school_kind, SchoolKind::Primary);
    assert_eq!(school.identifier.as_deref(), Some("2164000001"));
    assert_eq!(school.features, [Feature::Canteen, Feature::Boarding]);
    assert_eq!((school.students, school.staff, school.max_floor), (Some(820), Some(61), Some(5)));
    assert_eq!(school.location.map(|place| (place.lat, place.datum)), Some((38.47, Datum::Gcj02)));
    assert_eq!(rows[1].school.school_kind, SchoolKind::Kindergarten);
    assert_eq!(rows[1].school.location, None);
}

#[test]
fn encodings_and_separators_do_not_matter() {
    let expected = csv(GOOD).unwrap();
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(GOOD.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let files: Vec<Vec<u8>> = vec![
        format!("\u{FEFF}{GOOD}").into_bytes(),
        GB18030.encode(GOOD).0.into_owned(),
        utf16,
        GOOD.replace(',', ";").into_bytes(),
        GOOD.replace(',', "\t").into_bytes(),
        GOOD.replace('\n', "\r\n").into_bytes(),
        format!("sep=;\r\n{}", GOOD.replace(',', ";")).into_bytes(),
    ];
    for file in files {
        assert_eq!(parse(&file, FileFormat::Csv).unwrap(), expected, "{}", String::from_utf8_lossy(&file));
    }
}

#[test]
fn headings_may_be_english_starred_or_carry_units() {
    let rows = csv("Name*,School_Kind,学生数（人）,学校（机构）标识码\nA,小学,12,2164000001\n").unwrap();
    assert_eq!(rows[0].school.students, Some(12));
    assert_eq!(rows[0].school.identifier.as_deref(), Some("2164000001"));
}

#[test]
fn every_bad_cell_is_named_by_the_row_of_the_spreadsheet() {
    for end in ["\n", "\r\n"] {
        let text = [
            "学校名称,办学类型,学校标识码,学生数,特征,纬度,经度",
            "甲,小学,2164000001,10,,,",
            "",
            "",
            ",大学,12,x,飞机,91,",
            "\"乙\",小学,2164000001,100001,,,",
            "甲,小学,,-1,,,",
        ]
        .join(end);
        assert_eq!(
            told(csv(&text)),
            [
                "5 学校名称 required",
                "5 办学类型 unknown_value",
                "5 学校标识码 digits_expected",
                "5 特征 unknown_value",
                "5 学生数 not_an_integer",
                "5 经度 required",
                "5 坐标系 required",
                "5 纬度 out_of_range",
                "6 学生数 out_of_range",
                "6 学校标识码 duplicate",
                "7 学生数 out_of_range",
                "7 学校名称 duplicate",
            ]
        );
    }
}

#[test]
fn a_line_break_inside_a_cell_is_one_row() {
    let faults = told(csv("名称,类型\n\"甲\n乙\",小学\n丙,x\n"));
    assert_eq!(faults, ["2 名称 control_character", "3 类型 unknown_value"]);
}

#[test]
fn headings_are_checked_before_rows() {
    assert_eq!(
        told(csv("学校名称,颜色,name\n甲,红,乙\n")),
        ["1 颜色 unknown_heading", "1 name duplicate_heading", "1 办学类型 missing_heading"]
    );
    assert_eq!(told(csv("学校名称,办学类型\n甲,小学,多余\n")), ["2 #3 value_without_heading"]);
    for empty in ["", "\n\n", "学校名称,办学类型\n", "学校名称,办学类型\n,\n"] {
        assert_eq!(told(csv(empty)), ["- - empty_file"], "{empty:?}");
    }
}

#[test]
fn texts_in_both_languages_name_row_and_column() {
    let faults = csv("学校名称,办学类型\n甲,大学\n").unwrap_err();
    assert_eq!(faults[0].zh(), "第2行“办学类型”：不认识的值“大学”");
    assert_eq!(faults[0].en(), "row 2, \"办学类型\": unknown value \"大学\"");
}

#[test]
fn rows_are_limited_and_faults_cut() {
    let line = |n: usize| format!("校{n},小学\n");
    let full = std::iter::once("名称,类型\n".to_owned()).chain((0..MAX_ROWS).map(line)).collect::<String>();
    assert_eq!(csv(&full).unwrap().len(), MAX_ROWS);
    assert_eq!(told(csv(&format!("{full}多,小学\n"))), ["20002 - too_many_rows"]);
    let bad = full.replace("小学", "x");
    let faults = csv(&bad).unwrap_err();
    assert_eq!(faults.len(), MAX_FAULTS + 1);
    assert_eq!(faults.last().map(|fault| fault.reason.code()), Some("more_faults"));
}

#[test]
fn other_files_under_the_name_csv_are_refused() {
    assert_eq!(told(parse(b"PK\x03\x04....", FileFormat::Csv)), ["- - unreadable_file"]);
    assert_eq!(told(parse(b"\xFF\xFF\xFF\xFF", FileFormat::Csv)), ["- - unknown_encoding"]);
}

fn workbook(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(&mut book);
    book.save_to_buffer().unwrap()
}

#[test]
fn an_xlsx_reads_like_the_csv_numbers_and_gaps_included() {
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        for (column, text) in
            ["学校名称", "学校标识码", "办学类型", "学生数", "纬度", "经度", "坐标系"].iter().enumerate()
        {
            sheet.write(1, u16::try_from(column).unwrap(), *text).unwrap();
        }
        sheet.write(2, 0, "第一小学").unwrap();
        sheet.write(2, 1, 2_164_000_001_f64).unwrap();
        sheet.write(2, 2, "小学").unwrap();
        sheet.write(2, 3, 820).unwrap();
        sheet.write(2, 4, 38.47).unwrap();
        sheet.write(2, 5, 106.27).unwrap();
        sheet.write(2, 6, "WGS-84").unwrap();
        sheet.write(9, 0, "第二小学").unwrap();
        sheet.write(9, 2, "primary").unwrap();
        // Formatting far away is no cell.
        sheet.write_blank(1_000_000, 16_000, &Format::new().set_bold()).unwrap();
    });
    let rows = parse(&bytes, FileFormat::Xlsx).unwrap();
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [3, 10]);
    assert_eq!(rows[0].school.identifier.as_deref(), Some("2164000001"));
    assert_eq!(rows[0].school.students, Some(820));
    assert_eq!(rows[0].school.location.map(|place| (place.lat, place.lng)), Some((38.47, 106.27)));
}

#[test]
fn bad_cells_of_an_xlsx_are_named_too() {
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        for (column, text) in ["name", "school_kind", "students"].iter().enumerate() {
            sheet.write(0, u16::try_from(column).unwrap(), *text).unwrap();
        }
        sheet.write(1, 0, "甲").unwrap();
        sheet.write(1, 1, "小学").unwrap();
        sheet.write(1, 2, 12.5).unwrap();
    });
    assert_eq!(told(parse(&bytes, FileFormat::Xlsx)), ["2 students not_an_integer"]);
}

/// A zip of the given parts, packed.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A whole workbook around one sheet and one table of strings.
fn crafted(sheet: &str, strings: &str) -> Vec<u8> {
    let rels = |id: &str, kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship \
             Id=\"{id}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" \
             Target=\"{target}\"/></Relationships>"
        )
    };
    zipped(&[
        ("_rels/.rels", rels("r1", "officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", rels("r1", "worksheet", "worksheets/sheet1.xml").as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
    ])
}

#[test]
fn bombs_and_liars_are_faults() {
    let zeros = vec![b' '; 60 * 1024 * 1024];
    let inner = zipped(&[("a", &zeros)]);
    let many: Vec<(String, &[u8])> = (0..1_001).map(|n| (format!("p{n}"), &b""[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let tags = "<si/>".repeat(2_100_000);
    let rows = "<sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row></sheetData>";
    let sheet = format!("<worksheet>{rows}</worksheet>");
    let far = "<worksheet><sheetData><row r=\"1\"><c r=\"A99999999999\"><v>1</v></c></row></sheetData></worksheet>";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("sixty megabytes of blanks", inner.clone(), "file_too_large"),
        ("nested", zipped(&[("xl/a.zip", &inner), ("b", &zeros)]), "file_too_large"),
        ("entries", zipped(&many), "file_too_large"),
        ("tags", crafted(&sheet, &tags), "file_too_large"),
        ("lying count", crafted(&sheet, "<sst uniqueCount=\"999999999999\"></sst>"), "file_too_large"),
        ("lying count with blanks", crafted(&sheet, "<sst uniqueCount = \"9\"></sst>"), "file_too_large"),
        ("dtd", crafted(&sheet, "<!DOCTYPE a [<!ENTITY b \"c\">]><sst></sst>"), "unreadable_file"),
        ("far cell", crafted(far, "<sst></sst>"), "unreadable_file"),
        ("no zip", b"hello".to_vec(), "unreadable_file"),
        ("cut zip", inner.get(..200).unwrap().to_vec(), "unreadable_file"),
        ("old form", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), "unsupported_workbook"),
    ];
    for (name, bytes, code) in cases {
        assert_eq!(told(parse(&bytes, FileFormat::Xlsx)), [format!("- - {code}")], "{name}");
    }
}

#[test]
fn one_long_string_named_by_many_cells_is_a_fault() {
    let text = "字".repeat(2_000);
    let strings = format!("<sst uniqueCount=\"1\"><si><t>{text}</t></si></sst>");
    let cells: String =
        (1..=10_000).map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"s\"><v>0</v></c></row>")).collect();
    let sheet = format!("<worksheet><sheetData>{cells}</sheetData></worksheet>");
    assert_eq!(told(parse(&crafted(&sheet, &strings), FileFormat::Xlsx)), ["- - file_too_large"]);
}

proptest! {
    #[test]
    fn whatever_comes_nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), xlsx: bool) {
        let format = if xlsx { FileFormat::Xlsx } else { FileFormat::Csv };
        let _ = parse(&bytes, format);
    }

    #[test]
    fn text_in_the_shape_of_a_table_never_panics(text in "[\"a甲,;\\r\\n\t0-9]{0,200}") {
        let _ = csv(&format!("名称,类型\n{text}"));
    }
}
