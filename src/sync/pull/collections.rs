//! What a phone may hold: the rows that its person's lists would show, narrowed to what offline work needs.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::access::{Permission, Rights};
use crate::catalogue::rules::ChecklistStatus;
use crate::catalogue::store as catalogue;
use crate::hazards::routes::views as hazard_views;
use crate::hazards::status::Status as HazardStatus;
use crate::hazards::store::{Row as HazardRow, comments as remarks, read};
use crate::inspections::rules::InspectionStatus;
use crate::inspections::store::{self as inspections_store, AnswerRow, InspectionRow};
use crate::orgs::bodies::OrgView;
use crate::orgs::rules::OrgKind;
use crate::orgs::sites::store::{SiteRow, SiteView};
use crate::orgs::store::{OrgRow, in_scope};
use crate::platform::db::schema::{
    answers, checklists, comments, hazards, inspection_checklists, inspection_team, inspections, orgs, sites,
};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;

crate::text_enum! {
    /// A kind of rows that a phone may hold.
    pub enum Collection {
        /// Inspections.
        Inspections = "inspections",
        /// Answers of inspections on whose team one is.
        Answers = "answers",
        /// Checklists with their items.
        Checklists = "checklists",
        /// Organisations.
        Orgs = "orgs",
        /// Places in schools.
        Sites = "sites",
        /// Hazards.
        Hazards = "hazards",
        /// Remarks on those hazards.
        Comments = "comments",
    }
}

/// A part of a collection, for the order of the first load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is to be done: own inspections not handed in, hazards not closed.
    Open,
    /// All of it.
    All,
}

/// Whose view, since when closed matters are part of it.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// Whose.
    pub rights: &'a Rights,
    /// What was closed and has not changed since is not part of it.
    pub since: Timestamp,
    /// What time it is.
    pub now: Timestamp,
}

/// Records of one statement.
const SOME: usize = 1000;

type Is<T> = Box<dyn BoxableExpression<T, MultiBackend, SqlType = Nullable<Bool>>>;

const UNDER_WAY: [InspectionStatus; 2] = [InspectionStatus::Planned, InspectionStatus::InProgress];
const DONE_WITH: [HazardStatus; 2] = [HazardStatus::Closed, HazardStatus::Void];

#[diesel::dsl::auto_type]
fn team_of(user: Id) -> _ {
    inspection_team::table.filter(inspection_team::user_id.eq(user)).select(inspection_team::inspection_id)
}

impl Sight<'_> {
    fn me(&self) -> Id {
        self.rights.user_id()
    }

    fn inspections(&self, conn: &mut Conn, part: Part) -> Result<Is<inspections::table>, Problem> {
        let sight = inspections_store::inspections_in(conn, &self.rights.of(Permission::InspectionRead))?;
        let under_way = inspections::status.eq_any(UNDER_WAY);
        Ok(match part {
            Part::Open => Box::new(sight.and(under_way).and(inspections::id.eq_any(team_of(self.me()))).nullable()),
            Part::All => Box::new(sight.and(under_way.or(inspections::updated_at.ge(self.since))).nullable()),
        })
    }

    fn answers(&self, conn: &mut Conn) -> Result<Is<answers::table>, Problem> {
        let sight = inspections_store::answers_in(conn, &self.rights.of(Permission::InspectionRead))?;
        let current = inspections::table
            .filter(inspections::status.eq_any(UNDER_WAY).or(inspections::updated_at.ge(self.since)))
            .select(inspections::id);
        Ok(Box::new(
            sight
                .and(answers::inspection_id.eq_any(team_of(self.me())))
                .and(answers::inspection_id.eq_any(current))
                .nullable(),
        ))
    }

    fn checklists(&self) -> Is<checklists::table> {
        let used = inspection_checklists::table
            .filter(inspection_checklists::inspection_id.eq_any(team_of(self.me())))
            .select(inspection_checklists::checklist_id);
        let wanted = checklists::status.eq(ChecklistStatus::Published).or(checklists::id.eq_any(used));
        Box::new(catalogue::sight(self.rights).and(wanted.nullable()))
    }

    fn orgs(&self) -> Is<orgs::table> {
        match in_scope(&self.rights.of(Permission::OrgRead)) {
            Some(condition) => Box::new(condition.nullable()),
            None => Box::new(orgs::id.ne(orgs::id).nullable()),
        }
    }

    fn sites(&self, conn: &mut Conn) -> Result<Is<sites::table>, Problem> {
        let schools: Vec<Id> = orgs::table.filter(self.orgs()).select(orgs::id).load(conn)?;
        Ok(Box::new(sites::org_id.eq_any(schools).nullable()))
    }

    fn hazards(&self, part: Part) -> Is<hazards::table> {
        let Some(sight) = read::sight(self.rights) else { return Box::new(hazards::id.ne(hazards::id).nullable()) };
        let open = hazards::status.ne_all(DONE_WITH);
        match part {
            Part::Open => Box::new(sight.and(open.nullable())),
            Part::All => Box::new(sight.and(open.or(hazards::updated_at.ge(self.since)).nullable())),
        }
    }

    /// Ids and versions of a part of a collection, by id, behind `after`; all of them, in no order, where `limit` is the
    /// largest number.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn ids(
        &self,
        conn: &mut Conn,
        collection: Collection,
        part: Part,
        after: Option<Id>,
        limit: i64,
    ) -> Result<Vec<(Id, i64)>, Problem> {
        // A page of a large part of a table is walked by id: SQLite, which knows nothing of sizes, would find and sort
        // the whole bureau for each page.
        let page = limit < i64::MAX;
        let walk = page && conn.is_sqlite() && self.is_wide();
        macro_rules! listed {
            ($table:ident, $condition:expr) => {{
                let condition = $condition;
                let mut query = $table::table.select(($table::id, $table::version)).into_boxed::<MultiBackend>();
                query = if walk { query.filter(condition.eq(true)) } else { query.filter(condition) };
                if page {
                    query = query.order($table::id).limit(limit);
                }
                if let Some(after) = after {
                    query = query.filter($table::id.gt(after));
                }
                query.load(conn)?
            }};
        }
        Ok(match collection {
            Collection::Inspections => listed!(inspections, self.inspections(conn, part)?),
            Collection::Answers => listed!(answers, self.answers(conn)?),
            Collection::Checklists => listed!(checklists, self.checklists()),
            Collection::Orgs => listed!(orgs, self.orgs()),
            Collection::Sites => listed!(sites, self.sites(conn)?),
            Collection::Hazards => listed!(hazards, self.hazards(part)),
            Collection::Comments => {
                let hazards: Vec<Id> = hazards::table.filter(self.hazards(Part::All)).select(hazards::id).load(conn)?;
                let mut all: Vec<(Id, i64)> =
                    remarks::on(conn, &hazards)?.into_iter().map(|(_, id, version)| (id, version)).collect();
                all.retain(|(id, _)| after.is_none_or(|after| *id > after));
                all.sort_unstable();
                all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                all
            }
        })
    }

    /// Whether this is the view of a whole bureau.
    fn is_wide(&self) -> bool {
        let scope = self.rights.of(Permission::HazardRead);
        scope.reaches.iter().any(|reach| reach.org_kind == OrgKind::Bureau)
    }

    /// Those of these records that are part of the view. They are found by their ids: the comparison of the condition
    /// keeps SQLite from finding the whole bureau instead.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn among(&self, conn: &mut Conn, collection: Collection, ids: &[Id]) -> Result<Vec<(Id, i64)>, Problem> {
        let mut found: Vec<(Id, i64)> = Vec::new();
        for some in ids.chunks(SOME) {
            macro_rules! those {
                ($table:ident, $condition:expr) => {
                    $table::table
                        .filter($table::id.eq_any(some.to_vec()))
                        .filter($condition.eq(true))
                        .order($table::id)
                        .select(($table::id, $table::version))
                        .load::<(Id, i64)>(conn)?
                };
            }
            found.extend(match collection {
                Collection::Inspections => those!(inspections, self.inspections(conn, Part::All)?),
                Collection::Answers => those!(answers, self.answers(conn)?),
                Collection::Checklists => those!(checklists, self.checklists()),
                Collection::Orgs => those!(orgs, self.orgs()),
                Collection::Sites => those!(sites, self.sites(conn)?),
                Collection::Hazards => those!(hazards, self.hazards(Part::All)),
                Collection::Comments => {
                    let of: Vec<(Id, Id, i64)> = comments::table
                        .filter(comments::id.eq_any(some.to_vec()))
                        .select((comments::id, comments::hazard_id, comments::version))
                        .load(conn)?;
                    let on: Vec<Id> = of.iter().map(|row| row.1).collect();
                    let seen: HashSet<Id> =
                        self.among(conn, Collection::Hazards, &on)?.into_iter().map(|(id, _)| id).collect();
                    of.into_iter().filter(|row| seen.contains(&row.1)).map(|(id, _, version)| (id, version)).collect()
                }
            });
        }
        Ok(found)
    }

    /// What belongs to these records and is part of the view: the answers of inspections, the remarks on hazards.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn children(&self, conn: &mut Conn, of: Collection, ids: &[Id]) -> Result<Vec<(Id, i64)>, Problem> {
        let mut found = Vec::new();
        match of {
            Collection::Inspections => {
                for some in ids.chunks(SOME) {
                    let condition = self.answers(conn)?;
                    let rows: Vec<(Id, i64)> = answers::table
                        .filter(answers::inspection_id.eq_any(some.to_vec()))
                        .filter(condition.eq(true))
                        .order((answers::inspection_id, answers::position))
                        .select((answers::id, answers::version))
                        .load(conn)?;
                    found.extend(rows);
                }
            }
            Collection::Hazards => {
                found = remarks::on(conn, ids)?.into_iter().map(|(_, id, version)| (id, version)).collect();
            }
            _ => {}
        }
        Ok(found)
    }

    /// Those of these records that exist at all, in whosever sight.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn existing(conn: &mut Conn, collection: Collection, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
        let mut found = HashSet::new();
        for some in ids.chunks(SOME) {
            macro_rules! there {
                ($table:ident) => {
                    $table::table.filter($table::id.eq_any(some.to_vec())).select($table::id).load::<Id>(conn)?
                };
            }
            found.extend(match collection {
                Collection::Inspections => there!(inspections),
                Collection::Answers => there!(answers),
                Collection::Checklists => there!(checklists),
                Collection::Orgs => there!(orgs),
                Collection::Sites => there!(sites),
                Collection::Hazards => there!(hazards),
                Collection::Comments => there!(comments),
            });
        }
        Ok(found)
    }

    /// Rows as their lists show them, by id; of records known to be part of the view.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn rows(&self, conn: &mut Conn, collection: Collection, ids: &[Id]) -> Result<HashMap<Id, Value>, Problem> {
        let mut found = HashMap::new();
        for some in ids.chunks(SOME) {
            macro_rules! loaded {
                ($table:ident, $row:ty) => {
                    $table::table.filter($table::id.eq_any(some.to_vec())).select(<$row>::as_select()).load(conn)?
                };
            }
            match collection {
                Collection::Inspections => {
                    let rows: Vec<InspectionRow> = loaded!(inspections, InspectionRow);
                    let views = inspections_store::views(conn, rows)?;
                    found.extend(views.into_iter().map(|view| (view.id, json!(view))));
                }
                Collection::Answers => {
                    let rows: Vec<AnswerRow> = loaded!(answers, AnswerRow);
                    for (row, item) in inspections_store::with_items(conn, rows)? {
                        found.insert(row.id, json!(inspections_store::shown(row, item)));
                    }
                }
                Collection::Checklists => {
                    for id in some {
                        let row = catalogue::load(conn, *id)?;
                        let mut view = json!(catalogue::view(conn, row)?);
                        let hash = content_hash(&view);
                        if let Some(object) = view.as_object_mut() {
                            object.insert("hash".into(), json!(hash));
                        }
                        found.insert(*id, view);
                    }
                }
                Collection::Orgs => {
                    let rows: Vec<OrgRow> = loaded!(orgs, OrgRow);
                    found.extend(rows.into_iter().map(|row| (row.id, json!(OrgView::from(row)))));
                }
                Collection::Sites => {
                    let rows: Vec<SiteRow> = loaded!(sites, SiteRow);
                    found.extend(rows.into_iter().map(|row| (row.id, json!(SiteView::from(row)))));
                }
                Collection::Hazards => {
                    let rows: Vec<HazardRow> = loaded!(hazards, HazardRow);
                    let zones = read::zones_of(conn, self.rights)?;
                    let views = hazard_views(conn, self.rights, rows, &zones, self.now)?;
                    found.extend(views.into_iter().map(|view| (view.id, json!(view))));
                }
                Collection::Comments => {
                    found.extend(remarks::some(conn, some)?.into_iter().map(|row| (row.id, json!(row))));
                }
            }
        }
        Ok(found)
    }
}

/// Over the items of a checklist: who has items with this hash needs no other copy.
fn content_hash(view: &Value) -> String {
    let items = view.get("items").map(Value::to_string).unwrap_or_default();
    Sha256::digest(items.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
