//! The rows of a file meet the database: parents by name, names and identifiers that are there already; then all
//! schools at once or none.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Column, ImportReason, MAX_FAULTS, RowFault, SchoolRow};
use crate::access::OrgRef;
use crate::orgs::rules::{self, OrgKind};
use crate::orgs::store::{OrgRow, created, insert_many};
use crate::platform::db::schema::orgs;
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Conn, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{FieldError, Reply};
use crate::platform::journal::Event;

/// Remarks listed in an answer.
const MAX_WARNINGS: usize = 200;

/// What an import did, or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportReport {
    /// Whether nothing was stored on purpose.
    pub dry_run: bool,
    /// The bureau the schools belong to.
    pub bureau_id: Id,
    /// Schools made, or that would be made.
    pub schools: usize,
    /// What looks odd but is not refused; at most 200.
    pub warnings: Vec<ImportWarning>,
}

/// An odd value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportWarning {
    /// Row as a spreadsheet shows it, from 1.
    pub row: u32,
    /// Of the column.
    #[schema(example = "学校标识码")]
    pub column: String,
    /// Stable and language-free.
    #[schema(example = "identifier_kind_differs")]
    pub code: String,
}

/// All faults of a file as one answer. Pointers are row and column: `/12/学生数`.
#[must_use]
pub fn refusal(faults: &[RowFault]) -> Problem {
    let errors = faults
        .iter()
        .map(|fault| {
            let row = fault.row.map(|row| format!("/{row}")).unwrap_or_default();
            let column =
                fault.column.as_deref().map(|column| format!("/{}", column.replace('~', "~0").replace('/', "~1")));
            let pointer = format!("{row}{}", column.unwrap_or_default());
            FieldError::new(pointer, fault.reason.code(), fault.zh(), fault.en())
        })
        .collect();
    Problem::new(Code::ValidationFailed)
        .detail("文件中有错误，未导入任何学校", "the file has faults; no school was imported")
        .errors(errors)
}

/// For each row the organisation it goes below.
///
/// # Errors
/// 422 with every row whose parent is unknown, or whose name or identifier is there already.
pub fn placed(conn: &mut Conn, bureau: &OrgRef, rows: &[SchoolRow]) -> Result<Vec<Id>, Problem> {
    let existing: Vec<(Id, OrgKind, String, Option<String>)> = orgs::table
        .filter(orgs::bureau_id.eq(bureau.id))
        .select((orgs::id, orgs::kind, orgs::name, orgs::identifier))
        .load(conn)?;
    let mut names = HashMap::new();
    let mut identifiers = HashMap::new();
    for (id, kind, name, identifier) in &existing {
        names.insert(name.as_str(), (*id, *kind));
        if let Some(identifier) = identifier {
            identifiers.insert(identifier.as_str(), *id);
        }
    }
    let mut faults = Vec::new();
    let mut parents = Vec::with_capacity(rows.len());
    for row in rows {
        let mut refuse = |column: Column, reason| faults.push(RowFault::cell(row.row, column.name_zh(), reason));
        if names.contains_key(row.name.as_str()) {
            refuse(Column::Name, ImportReason::AlreadyThere);
        }
        if row.school.identifier.as_deref().is_some_and(|code| identifiers.contains_key(code)) {
            refuse(Column::Identifier, ImportReason::AlreadyThere);
        }
        let parent = match row.parent.as_deref() {
            None => Some(bureau.id),
            Some(name) => match names.get(name) {
                Some((id, OrgKind::Cluster | OrgKind::Bureau)) => Some(*id),
                _ => None,
            },
        };
        match parent {
            Some(parent) => parents.push(parent),
            None => refuse(Column::Parent, ImportReason::UnknownParent),
        }
    }
    if faults.len() > MAX_FAULTS {
        faults.truncate(MAX_FAULTS);
        faults.push(RowFault::file(ImportReason::MoreFaults));
    }
    if faults.is_empty() { Ok(parents) } else { Err(refusal(&faults)) }
}

/// What the answer says.
#[must_use]
pub fn report(bureau: &OrgRef, rows: &[SchoolRow], dry_run: bool) -> ImportReport {
    let doubt = |row: &SchoolRow| {
        let code = rules::identifier_doubts(row.school.identifier.as_deref()?, row.school.school_kind)?;
        Some(ImportWarning { row: row.row, column: Column::Identifier.name_zh().to_owned(), code: code.to_owned() })
    };
    let warnings = rows.iter().filter_map(doubt).take(MAX_WARNINGS).collect();
    ImportReport { dry_run, bureau_id: bureau.id, schools: rows.len(), warnings }
}

/// Stores all schools, each with its own journal entry, and one for the file.
///
/// # Errors
/// As [`placed`]; nothing is stored then.
pub fn store(tx: &mut Tx<'_>, bureau: &OrgRef, rows: &[SchoolRow]) -> Result<Commit<Reply>, Problem> {
    let parents = placed(tx.conn, bureau, rows)?;
    let mut below: HashMap<Id, Vec<OrgRow>> = HashMap::new();
    let mut ids = Vec::with_capacity(rows.len());
    for (row, parent_id) in rows.iter().zip(parents) {
        let parent = OrgRef { id: parent_id, ..bureau.clone() };
        let mut new = OrgRow::below(tx, &parent, tx.new_id(), OrgKind::School, row.name.clone());
        new.put_school(&row.school);
        ids.push(new.id);
        below.entry(parent_id).or_default().push(new);
    }
    for (parent_id, schools) in &below {
        insert_many(tx.conn, schools, Some(*parent_id))?;
    }
    let mut made: HashMap<Id, &OrgRow> = below.values().flatten().map(|row| (row.id, row)).collect();
    for id in &ids {
        if let Some(row) = made.remove(id) {
            let _ = tx.record(created(row))?;
        }
    }
    let summary = Event::of("org", bureau.id, "schools_imported").at(bureau.id, bureau.id);
    let receipt = tx.record(summary.with(json!({"schools": rows.len()})))?;
    Ok(receipt.with(Reply::value(&report(bureau, rows, false))?))
}
