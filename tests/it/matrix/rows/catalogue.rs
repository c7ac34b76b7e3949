//! Categories, checklists, deadlines, the calendar.

use std::sync::LazyLock;

use anxiao::access::{Permission as P, Role};
use rust_xlsxwriter::Workbook;
use serde_json::json;

use crate::matrix::row::{Ask, Expect, Row, get, row, send};
use crate::matrix::world::{
    ABSENT, BUREAUS, KEEPERS, ORGS, Place, SCHOOLS, bureau, of, org_of, set_checklist, version, within,
};

fn school_side(role: Role) -> bool {
    role.is_school_side()
}

/// The bureau's checklists are read by all of its people.
fn reads(_: Role, home: Place, place: Place) -> bool {
    within(home, place) || place == bureau(home)
}

/// A school keeps its own; the bureau's are in its sight, and not its own to change.
fn another_s(role: Role, home: Place, place: Place) -> Option<Expect> {
    match () {
        () if place == ABSENT => None,
        () if school_side(role) && home == place => Some(Expect::Done),
        () if school_side(role) && place == bureau(home) => Some(Expect::Beyond),
        () => None,
    }
}

fn own(role: Role, home: Place, place: Place) -> Option<Expect> {
    (school_side(role) && home == place).then_some(Expect::Done)
}

fn of_the_bureau(role: Role, _: Place, _: Place) -> Option<Expect> {
    school_side(role).then_some(Expect::Beyond)
}

/// A checklist of one item as a workbook; one, because each tells when it was made.
static WORKBOOK: LazyLock<Vec<u8>> = LazyLock::new(workbook);

fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheets: [(&str, [&[&str]; 2]); 2] = [
        ("清单", [&["清单名称"], &["导入的清单"]]),
        ("检查项", [&["编号", "检查内容", "答题方式", "领域", "类别"], &["im-1", "出口", "判断", "消防", "防"]]),
    ];
    for (name, rows) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        for (line, row) in (0_u32..).zip(rows) {
            for (place, cell) in (0_u16..).zip(row) {
                sheet.write_string(line, place, *cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /categories", &[P::CatalogueRead], |_| get("/categories".into())),
        row("GET /categories/{code}", &[P::CatalogueRead], |_| get("/categories/fang".into())),
        row("PATCH /categories/{code}", &[P::CatalogueManage], |case| {
            let body = json!({"name_en": format!("Prevention {}", case.number)});
            // The version counts the changes, and every case that changes it is the safety office's.
            Ask { version: Some(1), ..send("/categories/fang".into(), body) }
        })
        .but(of_the_bureau),
        row("GET /domains", &[P::CatalogueRead], |_| get("/domains".into())),
        row("GET /checklists", &[P::CatalogueRead], |case| get(format!("/checklists?org_id={}", org_of(case.place))))
            .at(ORGS)
            .seen(reads),
        row("POST /checklists", &[P::CatalogueManage], |case| {
            let id = of(&format!("checklist {}", case.number), case.place);
            send("/checklists".into(), json!({"id": id, "title": "自备", "org_id": org_of(case.place), "items": []}))
        })
        .at(ORGS)
        .but(|role, home, place| match place {
            "a.cluster" | "a.agency" if within(home, place) => Some(Expect::Judged),
            _ => own(role, home, place),
        }),
        row("GET /checklists/{id}", &[P::CatalogueRead], |case| {
            set_checklist(case.conn, case.place, "published");
            get(format!("/checklists/{}", of("checklist", case.place)))
        })
        .at(KEEPERS)
        .seen(reads),
        row("PATCH /checklists/{id}", &[P::CatalogueManage], |case| {
            set_checklist(case.conn, case.place, "draft");
            let id = of("checklist", case.place);
            let version = version(case.conn, "checklists", id);
            Ask {
                version: Some(version),
                ..send(format!("/checklists/{id}"), json!({"title": format!("表{}", case.number)}))
            }
        })
        .at(KEEPERS)
        .but(own),
        row("POST /checklists/{id}/publish", &[P::CatalogueManage], |case| {
            set_checklist(case.conn, case.place, "draft");
            send(format!("/checklists/{}/publish", of("checklist", case.place)), json!({}))
        })
        .at(KEEPERS)
        .but(own),
        row("POST /checklists/{id}/revise", &[P::CatalogueManage], |case| {
            set_checklist(case.conn, case.place, "published");
            send(format!("/checklists/{}/revise", of("checklist", case.place)), json!({}))
        })
        .at(KEEPERS)
        // There is one next draft: who comes second hears 409.
        .but(|role, home, place| match another_s(role, home, place) {
            Some(Expect::Done) => Some(Expect::Judged),
            None if within(home, place) => Some(Expect::Judged),
            other => other,
        }),
        row("POST /checklists/{id}/retire", &[P::CatalogueManage], |case| {
            set_checklist(case.conn, case.place, "published");
            send(format!("/checklists/{}/retire", of("checklist", case.place)), json!({}))
        })
        .at(KEEPERS)
        .but(another_s),
        row("GET /checklists/{id}/export", &[P::CatalogueRead], |case| {
            set_checklist(case.conn, case.place, "published");
            get(format!("/checklists/{}/export", of("checklist", case.place)))
        })
        .at(KEEPERS)
        .seen(reads),
        row("POST /checklists/import", &[P::CatalogueManage], |case| {
            let path = format!("/checklists/import?org_id={}", org_of(case.place));
            Ask { path, xlsx: Some(WORKBOOK.clone()), ..Ask::default() }
        })
        .at(ORGS)
        .but(|role, home, place| match place {
            "a.cluster" | "a.agency" if within(home, place) => Some(Expect::Judged),
            _ => own(role, home, place),
        }),
        // Of a school to the checklist of its bureau; one line of additions each: who comes second hears 409.
        row("POST /checklists/{id}/additions", &[P::CatalogueManage], |case| {
            let bureau = bureau(case.place);
            set_checklist(case.conn, bureau, "published");
            let target = if case.place == ABSENT { ABSENT } else { bureau };
            let id = of(&format!("addition {}", case.number), case.place);
            let body = json!({"id": id, "org_id": org_of(case.place), "items": []});
            send(format!("/checklists/{}/additions", of("checklist", target)), body)
        })
        .at(SCHOOLS)
        .but(|_, home, place| (place != ABSENT && within(home, place)).then_some(Expect::Judged)),
        row("GET /deadline-policies", &[P::PolicyRead], |_| get("/deadline-policies".into())),
        row("POST /deadline-policies", &[P::PolicyManage], |case| {
            let id = of(&format!("policy {}", case.number), case.place);
            send("/deadline-policies".into(), json!({"id": id, "level": "general", "domain": "lab", "days": 4}))
        }),
        row("PATCH /deadline-policies/{id}", &[P::PolicyManage], |case| {
            let id = of("policy", case.place);
            let version = version(case.conn, "deadline_policies", id);
            Ask { version: Some(version), ..send(format!("/deadline-policies/{id}"), json!({"days": 5})) }
        })
        .at(BUREAUS),
        row("GET /calendar/{year}", &[P::PolicyRead], |_| get("/calendar/2027".into())),
        row("PUT /calendar/{year}", &[P::PolicyManage], |_| {
            send("/calendar/2027".into(), json!({"holidays": [], "makeup_workdays": []}))
        }),
    ]
}
