//! A workbook meets the database: judged by the rules of whoever it is for, then a draft of its own or nothing.

use serde::Serialize;
use utoipa::ToSchema;

use super::checklists::ChecklistView;
use super::life::{Draft, drafted, keeper, known_category};
use crate::access::Rights;
use crate::catalogue::rules::{Care, Content, prepared};
use crate::catalogue::sheets::{Remark, SheetFault, Sheets, refusal};
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::Record;

const MAX_TITLE: usize = 100;

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedChecklist {
    /// Whether nothing was stored on purpose.
    pub dry_run: bool,
    /// `xlsx`, a checklist's own workbook, or `xlsform`.
    #[schema(example = "xlsform")]
    pub form: &'static str,
    /// The name of the draft.
    pub title: String,
    /// How many sections it has.
    pub sections: usize,
    /// How many items it has.
    pub items: usize,
    /// What was left out or taken over otherwise, and what stands in the way of publishing.
    pub remarks: Vec<Remark>,
    /// The draft; null where nothing was stored.
    #[schema(required)]
    pub checklist: Option<ChecklistView>,
}

impl Record for ImportedChecklist {
    fn version(&self) -> i64 {
        self.checklist.as_ref().map_or(0, Record::version)
    }
}

/// What the request says beside the file.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The organisation the draft is for, with its bureau.
    pub home: (Id, Id),
    /// Its name; that of the file where nothing is said.
    pub title: Option<String>,
    /// Category of the items that name none.
    pub category: Option<String>,
    /// Which form the file has.
    pub form: &'static str,
}

/// The content of a workbook as it may be stored, with what there is to say about it.
fn judged(conn: &mut Conn, wanted: &Wanted, sheets: &Sheets) -> Result<(String, Content, Vec<Remark>), Problem> {
    known_category(wanted.category.as_deref())?;
    let keeper = keeper(conn, Some(wanted.home.1), None)?;
    let category = wanted.category.as_deref();
    let title = wanted.title.as_deref().or(sheets.title.as_deref()).unwrap_or_default().trim().to_owned();
    let mut faults = Vec::new();
    if title.is_empty() {
        let (zh, en) = ("文件没有清单名称，请在请求中给出 title", "the file names no title: give `title` in the query");
        faults.push(SheetFault::file("title_required", zh, en));
    } else if title.chars().count() > MAX_TITLE {
        faults.push(SheetFault::file("title_too_long", "清单名称不得超过100字", "a title has at most 100 characters"));
    }
    let content = prepared(sheets.content.clone(), keeper, category, Care::Draft);
    let content = content.map_err(|found| faults.extend(found.into_iter().map(|fault| sheets.origins.locate(fault))));
    let (Ok(content), true) = (content, faults.is_empty()) else { return Err(refusal(&faults)) };
    let mut remarks = sheets.remarks.clone();
    if let Err(found) = prepared(sheets.content.clone(), keeper, category, Care::Publish) {
        let later = found.into_iter().map(|fault| Remark::before_publishing(&sheets.origins.locate(fault)));
        remarks.extend(later);
    }
    Ok((title, content, remarks))
}

/// What an import would do.
///
/// # Errors
/// 422 with every fault by sheet, row and column.
pub fn report(conn: &mut Conn, wanted: &Wanted, sheets: &Sheets) -> Result<ImportedChecklist, Problem> {
    let (title, content, remarks) = judged(conn, wanted, sheets)?;
    Ok(ImportedChecklist {
        dry_run: true,
        form: wanted.form,
        title,
        sections: content.sections.len(),
        items: content.items.len(),
        remarks,
        checklist: None,
    })
}

/// Makes a draft of a workbook.
///
/// # Errors
/// As [`report`]; nothing is stored then.
pub fn import(
    tx: &mut Tx<'_>,
    rights: &Rights,
    wanted: &Wanted,
    sheets: &Sheets,
    body_hash: &[u8],
) -> Result<(Receipt, ImportedChecklist), Problem> {
    let (title, content, remarks) = judged(tx.conn, wanted, sheets)?;
    let (bureau_id, org_id) = wanted.home;
    let draft = Draft { id: None, body_hash, bureau_id, org_id, title: &title, adds_to: None };
    let (receipt, view) = drafted(tx, rights, &draft, &content, wanted.category.as_deref())?;
    let imported = ImportedChecklist {
        dry_run: false,
        form: wanted.form,
        title,
        sections: content.sections.len(),
        items: content.items.len(),
        remarks,
        checklist: Some(view),
    };
    Ok((receipt, imported))
}
