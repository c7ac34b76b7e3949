//! Forms in the XLSForm of ODK, Kobo and their kin: the sheets `survey`, `choices` and `settings` become a checklist.
//!
//! What a checklist can say is taken over; what it says in another way is, with a remark; and everything else (`relevant`,
//! `calculate`, repeats, metadata …) is named in the remarks with its row, so that nothing is dropped in silence. The
//! table of it is in docs/checklists.md. Norm: <https://xlsform.org/en/>.
//!
//! * `form` — the three sheets, their columns and languages.
//! * `question` — a type of XLSForm becomes an item.
//! * `constraint` — `. >= a and . <= b`.

mod constraint;
mod form;
mod question;

use serde_json::json;

use super::origin::{ItemOrigin, Origins, Spot};
use super::{Book, Remark, SheetFault, Sheets};
use crate::catalogue::rules::{Content, Item, Requirement, Section};
use form::{Form, Row};
use question::{Kind, Made};

/// What the form itself cannot say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Domain of the questions that have no `domain` of their own.
    pub domain: Option<&'a str>,
}

/// Whether a workbook is an XLSForm: it has the sheet `survey`.
#[must_use]
pub fn is_form(book: &Book) -> bool {
    book.sheet(&["survey"]).is_some()
}

/// Reads a form.
///
/// # Errors
/// Every fault found.
pub fn read(book: &Book, asked: Asked<'_>) -> Result<Sheets, Vec<SheetFault>> {
    let form = Form::of(book)?;
    let mut reading = Reading {
        form: &form,
        asked,
        groups: Vec::new(),
        content: Content::default(),
        origins: form.origins(),
        remarks: form.remarks.clone(),
        faults: form.faults.clone(),
        notes: Vec::new(),
        last: None,
    };
    for row in &form.rows {
        reading.row(row);
    }
    for group in std::mem::take(&mut reading.groups) {
        reading.faults.push(form.fault(group.row, "type", "unclosed_group", "分组没有结束", "the group has no end"));
    }
    reading.leftover_notes();
    if reading.content.items.is_empty() && reading.faults.is_empty() {
        let (zh, en) = ("没有可用的问题", "there is no question that a checklist can hold");
        reading.faults.push(form.fault(form.heading_row, "type", "no_items", zh, en));
    }
    if !reading.faults.is_empty() {
        return Err(reading.faults);
    }
    // A section that got no question would stand empty.
    let used: Vec<&str> = reading.content.items.iter().filter_map(|item| item.section.as_deref()).collect();
    let kept = |section: &Section| used.contains(&section.code.as_str());
    let (sections, spots): (Vec<Section>, Vec<Spot>) = reading
        .content
        .sections
        .iter()
        .cloned()
        .zip(reading.origins.sections.clone())
        .filter(|(one, _)| kept(one))
        .unzip();
    reading.origins.sections = spots;
    let content = Content { sections, ..reading.content };
    Ok(Sheets { title: form.title.clone(), content, origins: reading.origins, remarks: reading.remarks })
}

/// A group that is open.
struct Group {
    row: u32,
    repeat: bool,
    title: String,
    code: String,
    conditional: bool,
}

struct Reading<'a> {
    form: &'a Form,
    asked: Asked<'a>,
    groups: Vec<Group>,
    content: Content,
    origins: Origins,
    remarks: Vec<Remark>,
    faults: Vec<SheetFault>,
    /// Notes that wait for the question below them.
    notes: Vec<(u32, String)>,
    /// The last question of the group that is open: images and notes after it belong to it.
    last: Option<usize>,
}

impl Reading<'_> {
    fn row(&mut self, row: &Row) {
        let Some(kind) = Kind::of(row) else {
            let (zh, en) = ("缺少题型", "the type is missing");
            self.faults.push(self.form.fault(row.row, "type", "required", zh, en));
            return;
        };
        self.remarks.extend(self.form.left_out(row, &kind));
        match kind {
            Kind::BeginGroup { repeat } => self.begin(row, repeat),
            Kind::EndGroup { repeat } => self.end(row, repeat),
            Kind::Note => self.note(row),
            Kind::Image => self.image(row),
            Kind::Nothing { zh, en } => self.remarks.push(self.form.remark(row, "type", false, zh, en)),
            Kind::Unknown => {
                let word: String = row.kind.chars().take(40).collect();
                let (zh, en) = (format!("不认识的题型“{word}”"), format!("\"{word}\" is no type of question"));
                self.faults.push(self.form.fault(row.row, "type", "unknown_type", &zh, &en));
            }
            _ => self.question(row, &kind),
        }
    }

    fn begin(&mut self, row: &Row, repeat: bool) {
        self.leftover_notes();
        let title = row.label.clone().or_else(|| row.name.clone()).unwrap_or_default();
        if repeat {
            let (zh, en) = ("重复组只导入一次", "a repeat is taken over once");
            self.remarks.push(self.form.remark(row, "type", false, zh, en));
        }
        // Sections do not lie in each other: an inner group carries the titles of those around it.
        let title = match self.groups.last() {
            Some(outer) if !outer.title.is_empty() => format!("{} / {title}", outer.title),
            _ => title,
        };
        let name = row.name.as_deref().map(question::code).unwrap_or_default();
        let taken = |code: &str| self.content.sections.iter().any(|section| section.code.eq_ignore_ascii_case(code));
        let mut code = if name.is_empty() { format!("g{}", row.row) } else { name };
        if taken(&code) {
            code = format!("{code}-{}", row.row);
        }
        let conditional = row.cell("relevant").is_some() || self.groups.last().is_some_and(|outer| outer.conditional);
        let shown = if title.trim().is_empty() { code.clone() } else { title.clone() };
        self.content.sections.push(Section { code: code.clone(), title_zh: shown });
        self.origins.sections.push(self.form.spot(row.row));
        self.groups.push(Group { row: row.row, repeat, title, code, conditional });
        self.last = None;
    }

    fn end(&mut self, row: &Row, repeat: bool) {
        self.leftover_notes();
        self.last = None;
        match self.groups.pop() {
            Some(group) if group.repeat == repeat => {}
            Some(group) => {
                let (zh, en) = (
                    format!("与第{}行的开始不配对", group.row),
                    format!("does not match the beginning in row {}", group.row),
                );
                self.faults.push(self.form.fault(row.row, "type", "unmatched_end", &zh, &en));
            }
            None => {
                let (zh, en) = ("没有对应的开始", "nothing was begun");
                self.faults.push(self.form.fault(row.row, "type", "unmatched_end", zh, en));
            }
        }
    }

    fn note(&mut self, row: &Row) {
        match &row.label {
            Some(text) => self.notes.push((row.row, text.clone())),
            None => self.remarks.push(self.form.remark(row, "label", false, "说明没有文字", "a note without words")),
        }
    }

    /// Notes without a question below them in their group go to the question above.
    fn leftover_notes(&mut self) {
        for (row, text) in std::mem::take(&mut self.notes) {
            match self.last.and_then(|last| self.content.items.get_mut(last)) {
                Some(item) => append(&mut item.guidance_zh, &text),
                None => {
                    let (zh, en) = ("该组没有问题，说明未导入", "its group has no question: the note is left out");
                    self.remarks.push(Remark::left_out(&self.form.sheet, row, "type", zh, en));
                }
            }
        }
    }

    fn image(&mut self, row: &Row) {
        match self.last.and_then(|last| self.content.items.get_mut(last)) {
            Some(item) => {
                if !item.on_fail_require.contains(&Requirement::Photo) {
                    item.on_fail_require.push(Requirement::Photo);
                }
                let (zh, en) = (
                    format!("作为 {} 不合格时须附的照片", item.code),
                    format!("became the photo that {} demands when it fails", item.code),
                );
                self.remarks.push(self.form.remark(row, "type", true, &zh, &en));
            }
            None => {
                let (zh, en) = ("本组内前面没有问题，照片题未导入", "no question stands before it in its group");
                self.remarks.push(self.form.remark(row, "type", false, zh, en));
            }
        }
    }

    fn question(&mut self, row: &Row, kind: &Kind) {
        let made = match question::make(self.form, row, kind) {
            Ok(made) => made,
            Err(faults) => return self.faults.extend(faults),
        };
        let group = self.groups.last();
        let conditional = row.cell("relevant").is_some() || group.is_some_and(|group| group.conditional);
        let section = group.map(|group| group.code.clone());
        let mut guidance = String::new();
        for (_, text) in std::mem::take(&mut self.notes) {
            append(&mut guidance, &text);
        }
        if let Some(hint) = &row.hint {
            append(&mut guidance, hint);
        }
        for Made { mut fields, options, remarks, row: spot } in made {
            self.remarks.extend(remarks);
            if let Some(own) = fields.get("guidance_zh").and_then(serde_json::Value::as_str) {
                let mut whole = guidance.clone();
                append(&mut whole, own);
                fields.insert("guidance_zh".to_owned(), json!(whole));
            } else if !guidance.is_empty() {
                fields.insert("guidance_zh".to_owned(), json!(guidance));
            }
            // Who may skip a question, or never sees it, answers that it does not apply.
            if conditional || !row.required() {
                fields.insert("allow_na".to_owned(), json!(true));
            }
            if let Some(section) = &section {
                fields.insert("section".to_owned(), json!(section));
            }
            if !fields.contains_key("domain")
                && let Some(domain) = self.asked.domain
            {
                fields.insert("domain".to_owned(), json!(domain));
            }
            if !fields.contains_key("domain") {
                let (zh, en) =
                    ("须有 domain 列，或在请求中给出 domain", "needs a column `domain`, or `domain` in the query");
                self.faults.push(self.form.fault(row.row, "domain", "required", zh, en));
                continue;
            }
            match serde_json::from_value::<Item>(serde_json::Value::Object(fields)) {
                Ok(item) => {
                    let place = self.content.items.iter().position(|other| other.code.eq_ignore_ascii_case(&item.code));
                    if place.is_some() {
                        let (zh, en) =
                            (format!("name“{}”重复", item.code), format!("the name {} is there already", item.code));
                        self.faults.push(self.form.fault(row.row, "name", "duplicate", &zh, &en));
                    }
                    self.content.items.push(item);
                    self.origins.items.push(ItemOrigin { spot: self.form.spot(spot), options });
                    self.last = Some(self.content.items.len() - 1);
                }
                Err(error) => {
                    let words = error.to_string();
                    self.faults.push(self.form.fault(row.row, "type", "unreadable_row", &words, &words));
                }
            }
        }
    }
}

fn append(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}
