//! What a school adds to a checklist of its bureau: a line of checklists of the school's own, tied to the bureau's
//! line, so that it comes beside every revision of it.

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::checklists::{ChecklistRow, ChecklistView};
use super::life::{Draft, drafted, home, known_category, refuse};
use crate::access::Rights;
use crate::access::scope::org_ref;
use crate::catalogue::rules::{Care, ChecklistStatus, Content, Item, Keeper, Scoring, Section, prepared};
use crate::catalogue::words::invalid;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::checklists;
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Check, Faults, FieldError};

/// What a school wants looked at besides.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddition {
    /// Made by the client, where it likes.
    pub id: Option<Id>,
    /// The school; the caller's own where nothing is said.
    pub org_id: Option<Id>,
    /// Its name; that of the bureau's checklist with 本校补充 where nothing is said.
    pub title: Option<String>,
    /// Category of the items that name none.
    pub category: Option<String>,
    /// Sections of the school's own; one named 本校补充 takes the items that name none.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// The bands of grades of the additions; the usual four where nothing is said.
    pub scoring: Option<Scoring>,
    /// At most 100. Codes without the school's prefix get it.
    #[serde(default)]
    pub items: Vec<Item>,
}

impl Check for NewAddition {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/title", self.title.as_deref(), 100);
    }
}

/// The school that adds.
///
/// # Errors
/// 403 for who keeps no checklists, 404 for a school out of reach, 422 for what is no school.
pub fn adding_school(conn: &mut Conn, rights: &Rights, org_id: Option<Id>) -> Result<(Id, Id), Problem> {
    let (bureau_id, org_id) = home(conn, rights, org_id)?;
    if org_ref(conn, org_id)?.kind != OrgKind::School {
        return Err(Problem::invalid(FieldError::new("/org_id", "not_a_school", "须为学校", "must be a school")));
    }
    Ok((bureau_id, org_id))
}

/// Drafts a school's additions to a checklist in force of its bureau, or to a built-in one.
///
/// # Errors
/// 409 where the checklist is not in force or is a school's, or where the school has a line of additions to it already;
/// 422 by the items.
pub fn add(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &ChecklistRow,
    (bureau_id, org_id): (Id, Id),
    new: &NewAddition,
    body_hash: &[u8],
) -> Result<(Receipt, ChecklistView), Problem> {
    if row.bureau_id.is_some_and(|bureau| bureau != bureau_id) {
        return Err(Problem::not_found());
    }
    known_category(new.category.as_deref())?;
    let keeper = Keeper { school: Some(org_id.0), addition: true };
    let content = Content { sections: new.sections.clone(), scoring: new.scoring.clone(), items: new.items.clone() };
    let content = prepared(content, keeper, new.category.as_deref(), Care::Draft).map_err(invalid)?;
    if row.org_id != row.bureau_id {
        return Err(refuse(row, "只能补充教育局的清单", "only a checklist of the bureau is added to"));
    }
    if row.status != ChecklistStatus::Published {
        return Err(refuse(row, "只能补充已发布的清单", "only a published checklist is added to"));
    }
    let line: Option<Id> = checklists::table
        .filter(checklists::org_id.eq(org_id))
        .filter(checklists::adds_to.eq(row.lineage_id))
        .order(checklists::revision.desc())
        .select(checklists::id)
        .first(tx.conn)
        .optional()?;
    if let Some(line) = line {
        return Err(Problem::new(Code::StateConflict)
            .detail("本校对该清单已有补充，请修订", "the school has additions to this checklist; revise them")
            .current(json!({"id": line})));
    }
    let title: String = match &new.title {
        Some(title) => title.trim().to_owned(),
        None => format!("{}（本校补充）", row.title).chars().take(100).collect(),
    };
    let draft = Draft { id: new.id, body_hash, bureau_id, org_id, title: &title, adds_to: Some(row.lineage_id) };
    drafted(tx, rights, &draft, &content, new.category.as_deref())
}

/// The additions in force of a school to these lines.
///
/// # Errors
/// Whatever the engine says.
pub fn additions_in_force(conn: &mut Conn, org_id: Id, lineages: Vec<Id>) -> Result<Vec<Id>, Problem> {
    let lineages: Vec<Option<Id>> = lineages.into_iter().map(Some).collect();
    Ok(checklists::table
        .filter(checklists::org_id.eq(org_id))
        .filter(checklists::adds_to.eq_any(lineages))
        .filter(checklists::status.eq(ChecklistStatus::Published))
        .order((checklists::created_at, checklists::id))
        .select(checklists::id)
        .load(conn)?)
}
