//! Workbooks as the product writes them, as people change them, and as attackers would.

use proptest::prelude::*;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use super::*;
use crate::catalogue::builtin;
use crate::catalogue::rules::{Band, Care, Item, Keeper, Requirement, Scoring, Section, prepared};
use crate::platform::db::types::Timestamp;

const BUREAU: Keeper = Keeper { school: None, addition: false };

/// A workbook of sheets of texts.
pub fn book(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        for (line, row) in (0_u32..).zip(*rows) {
            for (place, cell) in (0_u16..).zip(*row) {
                sheet.write_string(line, place, *cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

fn there_and_back(title: &str, content: &Content) -> Sheets {
    let bytes = write(title, content, Timestamp::from_micros(1_772_416_800_000_000)).unwrap();
    read(&open(&bytes).unwrap()).unwrap()
}

/// Faults as `sheet row column code`.
fn told(faults: &[SheetFault]) -> Vec<String> {
    let place = |fault: &SheetFault| {
        let row = fault.row.map_or("-".to_owned(), |row| row.to_string());
        let (sheet, column) = (fault.sheet.as_deref().unwrap_or("-"), fault.column.as_deref().unwrap_or("-"));
        format!("{sheet} {row} {column} {}", fault.code)
    };
    faults.iter().map(place).collect()
}

fn refused(sheets: &[(&str, &[&[&str]])]) -> Vec<String> {
    let read = read(&open(&book(sheets)).unwrap());
    match read {
        Err(faults) => told(&faults),
        Ok(sheets) => {
            let found = prepared(sheets.content.clone(), BUREAU, None, Care::Draft).unwrap_err();
            told(&found.into_iter().map(|fault| sheets.origins.locate(fault)).collect::<Vec<_>>())
        }
    }
}

#[test]
fn every_built_in_checklist_comes_back_as_it_was() {
    for category in &builtin::catalogue().categories {
        let items: Vec<Item> = category.items.iter().cloned().map(Item::normal).collect();
        let content = Content { items, ..Content::default() };
        let back = there_and_back(&category.name_zh, &content);
        assert_eq!((back.title.as_deref(), &back.content), (Some(category.name_zh.as_str()), &content));
    }
}

#[test]
fn the_same_checklist_gives_the_same_bytes() {
    let content = Content { items: builtin::catalogue().categories[0].items.clone(), ..Content::default() };
    let at = Timestamp::from_micros(1_772_416_800_000_000);
    assert_eq!(write("消防", &content, at).unwrap(), write("消防", &content, at).unwrap());
}

#[test]
fn every_faulty_cell_is_named_by_sheet_row_and_column() {
    let head: &[&str] = &["编号", "检查内容", "答题方式", "领域", "权重", "一票否决", "频次", "适用条件"];
    let faults = refused(&[
        (
            "检查项",
            &[
                head,
                &["fang-001", "出口", "判断", "消防", "很重", "也许", "每日", "自营食堂、泳池"],
                &["fang-002", "", "猜测", "sea", "2", "是", "", ""],
                &["fang-003", "灯", "判断", "消防", "2", "是", "每日", "", "多出来的"],
            ],
        ),
        ("选项", &[&["检查项编号", "选项值", "选项", "选中为不合格"], &["fang-009", "a", "甲", "否"]]),
    ]);
    assert_eq!(
        faults,
        [
            "检查项 2 权重 not_a_number",
            "检查项 2 一票否决 not_yes_or_no",
            "检查项 2 适用条件 unknown_value",
            "检查项 3 检查内容 required",
            "检查项 3 答题方式 unknown_value",
            "检查项 3 领域 unknown_value",
            "检查项 4 #9 value_without_heading",
            "选项 2 检查项编号 unknown_item",
        ]
    );
}

#[test]
fn faults_of_the_rules_stand_at_their_cells() {
    let faults = refused(&[
        ("分组", &[&["分组编号", "分组名称"], &["a", "甲"], &["A", "乙"]]),
        (
            "检查项",
            &[
                &["编号*", "分组", "检查内容", "答题方式", "领域", "合格下限", "合格上限", "权重"],
                &["fang-001", "b", "出口", "数值", "消防", "5", "3", "1"],
                &["fang 2", "a", "灯", "判断", "消防", "", "", "2000"],
                &["fang-001", "a", "门", "选择", "消防", "", "", ""],
            ],
        ),
        (
            "选项",
            &[
                &["检查项编号", "选项值", "选项", "选中为不合格"],
                &["fang 2", "x", "甲", "否"],
                &["fang 2", "x", "乙", "是"],
            ],
        ),
        ("等级", &[&["等级代码", "等级名称", "起点分"], &["a", "甲", "120"], &["b", "乙", "0"]]),
    ]);
    let expected = [
        "分组 3 分组编号 duplicate",
        "等级 2 起点分 out_of_range",
        "检查项 2 合格上限 below_min",
        "检查项 3 编号* invalid_format",
        "检查项 3 权重 out_of_range",
        "检查项 4 编号* duplicate",
        "检查项 2 分组 unknown_section",
    ];
    for fault in expected {
        assert!(faults.iter().any(|told| told == fault), "{fault} is not in {faults:#?}");
    }
}

#[test]
fn headings_are_known_once_and_all_there() {
    let faults =
        refused(&[("检查项", &[&["编号", "编号", "颜色", "title_zh", "领域"], &["a", "a", "红", "门", "消防"]])]);
    assert_eq!(
        faults.iter().take(3).collect::<Vec<_>>(),
        ["检查项 1 编号 duplicate_heading", "检查项 1 颜色 unknown_heading", "检查项 1 答题方式 missing_heading"]
    );
    assert_eq!(refused(&[("名单", &[&["a"], &["b"]])]), ["- - - missing_sheet"]);
}

#[test]
fn what_is_no_workbook_is_refused() {
    assert_eq!(open(b"PK\x03\x04 nothing").unwrap_err().sheet, None);
    assert_eq!(open(b"a,b\n1,2").unwrap_err().code, "unreadable_file");
    assert_eq!(open(b"\xD0\xCF\x11\xE0 old").unwrap_err().code, "unsupported_workbook");
    let mut cut = book(&[("检查项", &[&["编号"]])]);
    cut.truncate(cut.len() / 2);
    assert_eq!(open(&cut).unwrap_err().code, "unreadable_file");
}

#[test]
fn a_bomb_is_measured_before_it_is_opened() {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).unwrap();
    for _ in 0..60 {
        zip.write_all(&vec![b'<'; 1024 * 1024]).unwrap();
    }
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(open(&bomb).unwrap_err().code, "file_too_large");
}

#[test]
fn no_cell_begins_a_formula() {
    let mut item = builtin::catalogue().categories[0].items[0].clone();
    item.title_zh = "=cmd|' /C calc'!A0".to_owned();
    item.guidance_zh = "'=1".to_owned();
    let content = Content { items: vec![item], ..Content::default() };
    let bytes = write("@SUM(1)", &content, Timestamp::from_micros(1)).unwrap();
    let texts: Vec<String> =
        open(&bytes).unwrap().sheets.into_iter().flat_map(|sheet| sheet.lines).flat_map(|line| line.cells).collect();
    assert!(texts.iter().any(|text| text == "'=cmd|' /C calc'!A0") && texts.iter().any(|text| text == "''=1"));
    assert!(texts.iter().all(|text| !text.starts_with(['=', '@', '+'])));
    assert_eq!(there_and_back("@SUM(1)", &content).content, content);
}

/// Texts that people write, and such as have a meaning to spreadsheets.
fn text(most: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,30}",
        "['=+@-]{1,3}[a-z0-9]{0,5}",
        "_x00[0-9A-F]{2}_[a-z]?",
        "[甲乙a \n\t&<>\"]{0,20}",
        "-?[0-9]{1,6}(\\.[0-9]{1,3})?"
    ]
    .prop_map(move |text| {
        let text: String = text.chars().filter(|c| !matches!(c, '\u{FFFE}' | '\u{FFFF}')).take(most).collect();
        format!("文{}", text.trim())
            .trim_start_matches(if text.len().is_multiple_of(2) { '文' } else { '\u{0}' })
            .trim()
            .to_owned()
    })
}

fn filled(most: usize) -> impl Strategy<Value = String> {
    text(most).prop_map(|text| if text.trim().is_empty() { "门".to_owned() } else { text })
}

fn subset(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(words, 0..=words.len())
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), (-1000_i32..1000).prop_map(|n| Some(f64::from(n))), (-1e6_f64..1e6).prop_map(Some)]
}

fn item() -> impl Strategy<Value = Value> {
    let words = (
        prop::sample::select(vec!["pass_fail", "number", "choice", "text"]),
        prop::sample::select(vec!["fire", "gas", "food"]),
        prop::sample::select(vec!["general", "major"]),
        prop::sample::select(vec!["day", "each", "term"]),
        subset(&["canteen", "boarding", "primary", "senior"]),
        subset(&["kindergarten", "special", "offcampus"]),
        subset(&["note", "photo"]),
    );
    let texts = (filled(40), text(40), text(60), text(60), prop::option::of(filled(10)));
    let numbers =
        (number(), number(), number(), number(), prop::option::of(0.001_f64..1000.0), prop::option::of(0_u8..=6));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), prop::option::of(any::<bool>()));
    let more = (prop::option::of(0_usize..2), prop::collection::vec((filled(20), filled(20), any::<bool>()), 0..4));
    (words, texts, numbers, flags, more).prop_map(|(words, texts, numbers, flags, more)| {
        let (response, domain, severity, cadence, applies_to, school_kinds, demands) = words;
        let mut item = json!({
            "title_zh": texts.0, "title_en": texts.1, "guidance_zh": texts.2, "basis_zh": texts.3, "response": response,
            "domain": domain, "category": "cha", "fail_severity": severity, "cadence": cadence, "applies_to": applies_to,
            "school_kinds": school_kinds, "on_fail_require": demands, "allow_na": flags.0, "photo_required": flags.1,
            "escalate": flags.2, "veto": flags.3, "weight": numbers.4,
            "section": more.0.map(|place| ["one", "two"][place]),
        });
        if response == "number" {
            let order = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
                other => other,
            };
            let (least, most) = order(numbers.2, numbers.3);
            item["value_min"] = json!(least);
            item["value_max"] = json!(most);
            if least.is_none() && most.is_none() {
                let (min, max) = order(numbers.0, numbers.1);
                item["min"] = json!(min);
                item["max"] = json!(max);
            }
            item["unit"] = json!(texts.4.filter(|unit| unit.chars().count() <= 20));
            item["decimals"] = json!(numbers.5);
        }
        if response == "choice" {
            let options = more.1.iter().enumerate();
            let options: Vec<Value> = options
                .map(|(place, (value, label, fail))| json!({"value": format!("{place}{value}"), "label_zh": label, "fail": fail}))
                .collect();
            item["options"] = json!(options);
        }
        item
    })
}

fn content() -> impl Strategy<Value = Content> {
    let scoring = prop::option::of((filled(20), filled(20), 1_u32..=10_000, any::<bool>())).prop_map(|bands| {
        bands.map(|(first, second, from, veto)| {
            let from = serde_json::Number::from_f64(f64::from(from) / 100.0).unwrap();
            let bands = vec![
                Band { grade: format!("a{first}").trim().to_owned(), name_zh: second, from },
                Band { grade: format!("b{first}").trim().to_owned(), name_zh: first, from: 0.into() },
            ];
            let veto_grade = bands[usize::from(veto)].grade.clone();
            Scoring { bands, veto_grade }
        })
    });
    let one_line = |text: String| text.replace(['\n', '\t'], " ").trim().to_owned();
    (prop::collection::vec(item(), 0..8), filled(20), filled(20), scoring).prop_map(
        move |(items, one, two, scoring)| {
            let section = |code: &str, title: String| Section {
                code: code.to_owned(),
                title_zh: format!("组{}", one_line(title)),
            };
            let scoring = scoring.map(|mut scoring| {
                let index = scoring.bands.iter().position(|band| band.grade == scoring.veto_grade).unwrap();
                for band in &mut scoring.bands {
                    band.grade = one_line(band.grade.clone());
                    band.name_zh = format!("级{}", one_line(band.name_zh.clone()));
                }
                scoring.veto_grade = scoring.bands[index].grade.clone();
                scoring
            });
            let items = items.into_iter().enumerate().map(|(place, mut item)| {
                item["code"] = json!(format!("i-{place}"));
                serde_json::from_value(item).unwrap()
            });
            Content {
                sections: vec![section("one", one.clone()), section("two", two)],
                scoring,
                items: items.collect(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_is_imported_as_it_was(content in content(), title in filled(40)) {
        let stored = prepared(content, BUREAU, None, Care::Draft);
        prop_assert!(stored.is_ok(), "{:?}", stored);
        let stored = stored.unwrap();
        let back = there_and_back(&title, &stored);
        prop_assert_eq!(back.title.as_deref(), Some(title.as_str()));
        prop_assert_eq!(&back.content, &stored);
        prop_assert_eq!(prepared(back.content, BUREAU, None, Care::Draft).unwrap(), stored);
    }

    #[test]
    fn no_bytes_stop_the_reader(mut bytes in prop::collection::vec(any::<u8>(), 0..200), good in any::<bool>(), at in 0_usize..4000) {
        if good {
            let mut whole = book(&[("检查项", &[&["编号", "检查内容"], &["a", "b"]])]);
            let len = whole.len();
            whole[at % len] ^= 0x5A;
            bytes = whole;
        }
        if let Ok(book) = open(&bytes) {
            let _ = read(&book);
            let _ = xlsform::read(&book, xlsform::Asked::default());
        }
    }
}

mod forms {
    use super::*;
    use crate::catalogue::rules::Response;

    const CHOICES: &[&[&str]] = &[
        &["list_name", "name", "label::Chinese (zh)", "label::English (en)", "fail"],
        &["yn", "yes", "是", "Yes", ""],
        &["yn", "no", "否", "No", ""],
        &["yn", "na", "不适用", "n/a", ""],
        &["gear", "extinguisher", "灭火器", "Extinguisher", ""],
        &["gear", "hydrant", "消火栓", "Hydrant", ""],
        &["state", "full", "齐全", "Full", "no"],
        &["state", "some", "缺少", "Some", "yes"],
    ];

    fn form(survey: &[&[&str]]) -> Result<Sheets, Vec<SheetFault>> {
        let settings: &[&[&str]] = &[&["form_title", "form_id"], &["校园消防检查", "fire_v1"]];
        let bytes = book(&[("survey", survey), ("choices", CHOICES), ("settings", settings)]);
        let book = open(&bytes).unwrap();
        assert!(xlsform::is_form(&book));
        xlsform::read(&book, xlsform::Asked { domain: Some("fire") })
    }

    const HEAD: &[&str] = &[
        "type",
        "name",
        "label::Chinese (zh)",
        "label::English (en)",
        "hint::Chinese (zh)",
        "required",
        "constraint",
        "relevant",
    ];

    #[test]
    fn the_common_types_become_items() {
        let sheets = form(&[
            HEAD,
            &["begin_group", "exits", "安全出口"],
            &["note", "n1", "逐栋查看。"],
            &["select_one yn", "open", "出口未上锁", "Exit unlocked", "推门", "yes"],
            &["image", "open_photo", "照片"],
            &["decimal", "width", "净宽（米）", "", "", "yes", ". >= 0 and . <= 10"],
            &["end_group"],
            &["integer", "count", "灭火器数", "", "", "yes", ". > 0"],
            &["select_one state", "set", "器材状态", "", "", "yes"],
            &["select_multiple gear", "seen", "现场有", "", "", "no"],
            &["acknowledge", "told", "已告知学校"],
            &["text", "more", "其他情况", "", "", "yes"],
        ])
        .unwrap();
        assert_eq!(sheets.title.as_deref(), Some("校园消防检查"));
        let items = &sheets.content.items;
        let codes: Vec<&str> = items.iter().map(|item| item.code.as_str()).collect();
        assert_eq!(codes, ["open", "width", "count", "set", "seen.extinguisher", "seen.hydrant", "told", "more"]);
        let open = &items[0];
        assert_eq!((open.response, open.allow_na, open.title_en.as_str()), (Response::PassFail, true, "Exit unlocked"));
        assert_eq!((open.guidance_zh.as_str(), open.section.as_deref()), ("逐栋查看。\n推门", Some("exits")));
        assert_eq!(open.on_fail_require, [Requirement::Photo]);
        let width = &items[1];
        assert_eq!((width.response, width.allow_na, &width.decimals), (Response::Number, false, &None));
        assert_eq!((width.value_min.clone(), width.value_max.clone()), (Some(0.into()), Some(10.into())));
        assert_eq!(
            (items[2].value_min.clone(), items[2].decimals, &items[2].section),
            (Some(1.into()), Some(0), &None)
        );
        let options: Vec<(&str, bool)> =
            items[3].options.iter().flatten().map(|option| (option.value.as_str(), option.fail)).collect();
        assert_eq!((items[3].response, options), (Response::Choice, vec![("full", false), ("some", true)]));
        assert_eq!(
            (items[4].title_zh.as_str(), items[4].response, items[4].allow_na),
            ("现场有：灭火器", Response::PassFail, true)
        );
        assert_eq!((items[6].response, items[7].response), (Response::PassFail, Response::Text));
        assert_eq!(sheets.content.sections, [Section { code: "exits".into(), title_zh: "安全出口".into() }]);
        assert!(items.iter().all(|item| item.domain == "fire"));
        assert!(prepared(sheets.content.clone(), BUREAU, Some("fang"), Care::Publish).is_ok());
    }

    #[test]
    fn what_is_not_taken_over_is_named_with_its_row() {
        let sheets = form(&[
            HEAD,
            &["start", "start"],
            &["select_one yn", "open", "出口", "", "", "yes", "", "${a} = 'b'"],
            &["calculate", "sum"],
            &["begin_repeat", "rooms", "宿舍"],
            &["integer", "beds", "床位", "", "", "yes", "regex(., '1')"],
            &["end_repeat"],
            &["geopoint", "place", "位置"],
            &["audio", "sound", "录音"],
            &["date", "day", "日期"],
        ])
        .unwrap();
        let named: Vec<(u32, &str, &str)> =
            sheets.remarks.iter().map(|remark| (remark.row, remark.column.as_str(), remark.code.as_str())).collect();
        let (out, otherwise) = ("not_taken_over", "taken_over_otherwise");
        for remark in [
            (2, "type", out),
            (3, "relevant", out),
            (3, "type", otherwise),
            (4, "type", out),
            (5, "type", out),
            (6, "constraint", out),
            (8, "type", out),
            (9, "type", out),
            (10, "type", otherwise),
        ] {
            assert!(named.contains(&remark), "{remark:?} is not in {named:#?}");
        }
        assert!(sheets.content.items.iter().find(|item| item.code == "open").unwrap().allow_na);
        assert_eq!(
            sheets.content.items.iter().find(|item| item.code == "beds").unwrap().section.as_deref(),
            Some("rooms")
        );
    }

    #[test]
    fn every_fault_of_a_form_is_named() {
        let faults = form(&[
            HEAD,
            &["select_one none", "a", "甲"],
            &["wizard", "b", "乙"],
            &["text", "", "丙"],
            &["text", "d", ""],
            &["text", "e e", "戊"],
            &["text", "f", "己"],
            &["text", "F", "庚"],
            &["integer", "g", "辛", "", "", "", ". >= 5 and . <= 1"],
            &["end_group"],
            &["begin_group", "h", "壬"],
        ])
        .unwrap_err();
        assert_eq!(
            told(&faults),
            [
                "survey 2 type unknown_list",
                "survey 3 type unknown_type",
                "survey 4 name required",
                "survey 5 label::Chinese (zh) required",
                "survey 6 name invalid_format",
                "survey 8 name duplicate",
                "survey 9 constraint below_min",
                "survey 10 type unmatched_end",
                "survey 11 type unclosed_group",
            ]
        );
    }

    #[test]
    fn faults_of_the_rules_stand_at_the_cells_of_the_form() {
        let sheets =
            form(&[HEAD, &["select_one state", "set", "器材"], &["select_one yn", "open", &"长".repeat(201)]]).unwrap();
        let mut content = sheets.content.clone();
        content.items[0].options.as_mut().unwrap()[1].value = "full".into();
        let found = prepared(content, BUREAU, Some("fang"), Care::Draft).unwrap_err();
        let found: Vec<SheetFault> = found.into_iter().map(|fault| sheets.origins.locate(fault)).collect();
        assert_eq!(told(&found), ["choices 8 name duplicate", "survey 3 label::Chinese (zh) too_long"]);
    }

    #[test]
    fn a_form_without_a_domain_asks_for_one() {
        let bytes = book(&[("survey", &[&["type", "name", "label"], &["text", "a", "甲"]])]);
        let faults = xlsform::read(&open(&bytes).unwrap(), xlsform::Asked::default()).unwrap_err();
        assert_eq!(told(&faults), ["survey 2 domain required"]);
        let none = book(&[("survey", &[&["type", "name", "label"], &["note", "a", "甲"]])]);
        let faults = xlsform::read(&open(&none).unwrap(), xlsform::Asked::default()).unwrap_err();
        assert_eq!(told(&faults), ["survey 1 type no_items"]);
    }

    #[test]
    fn inner_groups_carry_the_titles_around_them() {
        let sheets = form(&[
            HEAD,
            &["begin group", "a", "一楼"],
            &["begin group", "b", "食堂"],
            &["text", "c", "情况"],
            &["note", "n", "后厨另查。"],
            &["end group"],
            &["end group"],
        ])
        .unwrap();
        assert_eq!(sheets.content.sections, [Section { code: "b".into(), title_zh: "一楼 / 食堂".into() }]);
        assert_eq!(sheets.content.items[0].guidance_zh, "后厨另查。");
    }
}
