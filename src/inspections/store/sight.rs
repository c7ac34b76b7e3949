//! What of the inspections a caller sees, as conditions on rows.
//!
//! Whatever reads inspections or answers goes through [`inspections_in`], [`answers_in`] or [`seen`], and so through
//! the one rule of silence: a visit that was not announced does not exist for the people of its school until the team
//! has checked in with the server ([`released`]). A hidden visit that was void before never exists for them.

use diesel::BoxableExpression;
use diesel::dsl::{auto_type, exists};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::record::InspectionRow;
use crate::access::scope::{OrgRef, org_ref};
use crate::access::{Limit, Permission, Reach, Rights, Scope};
use crate::in_reach;
use crate::inspections::rules::Status;
use crate::platform::db::schema::{answers, inspection_team, inspections, look_back_hazards};
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::journal::{self, Entry, Stream};

/// A condition on inspections.
pub type Condition = Box<dyn BoxableExpression<inspections::table, MultiBackend, SqlType = Bool>>;
/// A condition on answers.
pub type AnswerCondition = Box<dyn BoxableExpression<answers::table, MultiBackend, SqlType = Bool>>;

/// What the people of its school may know of: announced, or the team has arrived. The server's clock alone decides
/// when it has; `started_at` is set by the check-in and never taken back.
#[auto_type]
fn released() -> _ {
    inspections::announced.or(inspections::started_at.is_not_null())
}

/// The schools this person is to visit: an inspector sees their history while on the team.
fn visiting(conn: &mut Conn, scope: &Scope) -> Result<Vec<Id>, Problem> {
    if !scope.reaches.iter().any(|reach| reach.limit == Limit::TeamAndHistory) {
        return Ok(Vec::new());
    }
    Ok(inspections::table
        .inner_join(inspection_team::table.on(inspection_team::inspection_id.eq(inspections::id)))
        .filter(inspection_team::user_id.eq(scope.user_id))
        .filter(inspections::status.eq_any([Status::Planned, Status::InProgress]))
        .filter(inspections::org_id.ne_all(scope.own_schools.clone()).or(released()))
        .select(inspections::org_id)
        .distinct()
        .load(conn)?)
}

/// The inspections in a scope: a bureau's officers see theirs, an inspector those of the own teams and the history of
/// the schools being visited, others on a team that alone. Within domains an inspection is seen when any item is, or a hazard it looks back at.
///
/// # Errors
/// Whatever the engine says.
pub fn inspections_in(conn: &mut Conn, scope: &Scope) -> Result<Condition, Problem> {
    Ok(inspections_of(scope, &visiting(conn, scope)?))
}

fn inspections_of(scope: &Scope, visiting: &[Id]) -> Condition {
    let user = scope.user_id;
    let mut all: Option<Condition> = None;
    for reach in &scope.reaches {
        let mut one: Condition = in_reach!(inspections, reach);
        let on_team = || {
            let mine = inspection_team::table.filter(inspection_team::user_id.eq(user));
            inspections::id.eq_any(mine.select(inspection_team::inspection_id))
        };
        one = match reach.limit {
            Limit::Team => Box::new(one.and(on_team())),
            Limit::TeamAndHistory => Box::new(one.and(on_team().or(inspections::org_id.eq_any(visiting.to_vec())))),
            _ => one,
        };
        if let Some(domains) = &reach.domains {
            let inside = answers::table
                .filter(answers::inspection_id.eq(inspections::id))
                .filter(answers::domain.eq_any(domains.clone()));
            // A look-back may consist of its hazards alone.
            let carried = look_back_hazards::table
                .filter(look_back_hazards::inspection_id.eq(inspections::id))
                .filter(look_back_hazards::domain.eq_any(domains.clone()));
            one = Box::new(one.and(exists(inside).or(exists(carried))));
        }
        all = Some(match all {
            None => one,
            Some(all) => Box::new(all.or(one)),
        });
    }
    let Some(all) = all else { return Box::new(inspections::id.ne(inspections::id)) };
    if scope.own_schools.is_empty() {
        all
    } else {
        Box::new(all.and(inspections::org_id.ne_all(scope.own_schools.clone()).or(released())))
    }
}

/// The answers in a scope; within domains only those of the domains.
///
/// # Errors
/// Whatever the engine says.
pub fn answers_in(conn: &mut Conn, scope: &Scope) -> Result<AnswerCondition, Problem> {
    let visiting = visiting(conn, scope)?;
    let user = scope.user_id;
    let mut all: Option<AnswerCondition> = None;
    for reach in &scope.reaches {
        let mut one: AnswerCondition = in_reach!(answers, reach);
        let on_team = || {
            let mine = inspection_team::table.filter(inspection_team::user_id.eq(user));
            answers::inspection_id.eq_any(mine.select(inspection_team::inspection_id))
        };
        one = match reach.limit {
            Limit::Team => Box::new(one.and(on_team())),
            Limit::TeamAndHistory => Box::new(one.and(on_team().or(answers::org_id.eq_any(visiting.clone())))),
            _ => one,
        };
        if let Some(domains) = &reach.domains {
            one = Box::new(one.and(answers::domain.eq_any(domains.clone())));
        }
        all = Some(match all {
            None => one,
            Some(all) => Box::new(all.or(one)),
        });
    }
    let Some(all) = all else { return Ok(Box::new(answers::id.ne(answers::id))) };
    Ok(if scope.own_schools.is_empty() {
        all
    } else {
        let told = inspections::table.filter(inspections::id.eq(answers::inspection_id)).filter(released());
        Box::new(all.and(answers::org_id.ne_all(scope.own_schools.clone()).or(exists(told))))
    })
}

/// An inspection known to be in sight, with its team and its school.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The row.
    pub row: InspectionRow,
    /// Its team, the order of naming.
    pub team: Vec<Id>,
    /// Its school.
    pub org: OrgRef,
}

impl Seen {
    /// Whether the school must not know of it yet; of one that was void before check-in, ever.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        !self.row.announced && self.row.started_at.is_none()
    }

    /// Who may ever learn of what happens to it now.
    #[must_use]
    pub const fn stream(&self) -> Stream {
        if self.is_hidden() { Stream::Bureau } else { Stream::Open }
    }
}

/// The history of an inspection in sight. The people of the school read it from the release on; that entry carries
/// what went before.
///
/// # Errors
/// Whatever the engine says.
pub fn history(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Vec<Entry>, Problem> {
    if rights.of(Permission::InspectionRead).is_of_school(seen.row.org_id) {
        journal::history_in(conn, "inspection", seen.row.id, &[Stream::Open])
    } else {
        journal::history(conn, "inspection", seen.row.id)
    }
}

/// Those of these inspections that the caller may see.
///
/// # Errors
/// Whatever the engine says.
pub fn among(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sight = inspections_in(conn, &rights.of(Permission::InspectionRead))?;
    Ok(inspections::table
        .filter(inspections::id.eq_any(ids.to_vec()))
        // Compared, the condition is no way to find rows: SQLite would else find the whole bureau for a few dozen ids.
        .filter(sight.eq(true))
        .select(inspections::id)
        .load(conn)?)
}

/// The inspection, if the caller may see it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn seen(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Seen, Problem> {
    let sight = inspections_in(conn, &rights.of(Permission::InspectionRead))?;
    seen_by(conn, id, sight)
}

fn seen_by(conn: &mut Conn, id: Id, sight: Condition) -> Result<Seen, Problem> {
    let row: InspectionRow =
        inspections::table.find(id).filter(sight).select(InspectionRow::as_select()).first(conn)?;
    let team = inspection_team::table
        .filter(inspection_team::inspection_id.eq(id))
        .order(inspection_team::position)
        .select(inspection_team::user_id)
        .load(conn)?;
    let org = org_ref(conn, row.org_id)?;
    Ok(Seen { row, team, org })
}

/// The same, held against other writers until the end of the transaction.
///
/// # Errors
/// As [`seen`].
pub fn seen_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Seen, Problem> {
    let scope = rights.of(Permission::InspectionRead);
    let visiting = visiting(conn, &scope)?;
    // SQLite has one writer; there the transaction itself holds.
    if !conn.is_sqlite() {
        // Only who sees the row may wait for it: a lock taken before would tell by its delay that there is something.
        let sight = inspections_of(&scope, &visiting);
        inspections::table.find(id).filter(sight).select(inspections::id).first::<Id>(conn)?;
    }
    if let Conn::Postgres(pg) = conn {
        inspections::table.find(id).select(inspections::id).for_update().first::<Id>(pg)?;
    }
    seen_by(conn, id, inspections_of(&scope, &visiting))
}

/// The domains whose answers the caller may see of this inspection; all where nothing is given.
///
/// # Errors
/// Whatever the engine says.
pub fn domains_in_sight(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Option<Vec<String>>, Problem> {
    let scope = rights.of(Permission::InspectionRead);
    let visiting = visiting(conn, &scope)?;
    let on_team = seen.team.contains(&scope.user_id);
    let holds = |reach: &&Reach| match reach.limit {
        Limit::Team => on_team,
        Limit::TeamAndHistory => on_team || visiting.contains(&seen.org.id),
        _ => true,
    };
    let mut union = Vec::new();
    for reach in scope.reaches_to(conn, &seen.org)?.into_iter().filter(holds) {
        match &reach.domains {
            None => return Ok(None),
            Some(domains) => union.extend(domains.iter().cloned()),
        }
    }
    Ok(Some(union))
}
