//! What may be looked back at: closed, in sight, and not looked back at since.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::TimeDelta;
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::access::Rights;
use crate::hazards::status::{Level, Status};
use crate::hazards::store::read;
use crate::inspections::rules::InspectionStatus;
use crate::look_backs::bodies::{PolicyToPut, Sample};
use crate::platform::db::Conn;
use crate::platform::db::schema::{hazard_people, hazards, inspections, look_back_hazards, org_closure};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Faults, FieldError};

/// A closed hazard.
#[derive(Debug, Clone, Queryable)]
pub struct Closed {
    /// Of the hazard.
    pub id: Id,
    /// Its school.
    pub org_id: Id,
    /// Its bureau.
    pub bureau_id: Id,
    /// Its level.
    pub level: Level,
    /// The second axis.
    pub domain: String,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    status: Status,
    rectifiers: Doc,
    responsible_user_id: Option<Id>,
    closed_by: Option<Id>,
}

type Columns = (
    hazards::id,
    hazards::org_id,
    hazards::bureau_id,
    hazards::level,
    hazards::domain,
    hazards::closed_at,
    hazards::status,
    hazards::rectifiers,
    hazards::responsible_user_id,
    hazards::closed_by,
);

const COLUMNS: Columns = (
    hazards::id,
    hazards::org_id,
    hazards::bureau_id,
    hazards::level,
    hazards::domain,
    hazards::closed_at,
    hazards::status,
    hazards::rectifiers,
    hazards::responsible_user_id,
    hazards::closed_by,
);

/// The pool of a draw, by id: closed between two days, in sight, of these levels and schools, and no look-back at that
/// closing that still counts. A void one makes room.
///
/// # Errors
/// 404 for an organisation out of sight.
pub fn drawn_from(
    conn: &mut Conn,
    rights: &Rights,
    bureau_id: Id,
    sample: &Sample,
    policy: &PolicyToPut,
) -> Result<Vec<Closed>, Problem> {
    for id in sample.org_ids.iter().flatten() {
        rights.scope().org(conn, *id)?;
    }
    let Some(sight) = read::sight(rights) else { return Ok(Vec::new()) };
    let days = |count: i32| Timestamp::from(rights.now.utc() - TimeDelta::days(i64::from(count)));
    let counted = look_back_hazards::table
        .inner_join(inspections::table.on(inspections::id.eq(look_back_hazards::inspection_id)))
        .filter(look_back_hazards::hazard_id.eq(hazards::id))
        .filter(look_back_hazards::closed_at.nullable().eq(hazards::closed_at))
        .filter(inspections::status.ne(InspectionStatus::Void));
    let mut query = hazards::table
        .filter(hazards::bureau_id.eq(bureau_id))
        .filter(hazards::status.eq(Status::Closed))
        .filter(hazards::closed_at.ge(days(policy.max_days)))
        .filter(hazards::closed_at.le(days(policy.min_days)))
        .filter(sight)
        .filter(not(exists(counted)))
        .order(hazards::id)
        .select(COLUMNS)
        .into_boxed();
    if let Some(levels) = &sample.levels {
        query = query.filter(hazards::level.eq_any(levels.clone()));
    }
    if let Some(orgs) = &sample.org_ids {
        let below = org_closure::table.filter(org_closure::ancestor_id.eq_any(orgs.clone()));
        query = query.filter(hazards::org_id.eq_any(below.select(org_closure::descendant_id)));
    }
    Ok(query.load(conn)?)
}

/// The hazards that were named, in the order of naming.
///
/// # Errors
/// 404 for one out of sight; 422 for one that is not closed, that is being looked back at, or of another bureau.
pub fn named(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<Vec<Closed>, Problem> {
    let sight = read::sight(rights).ok_or_else(Problem::not_found)?;
    let rows: Vec<Closed> =
        hazards::table.filter(hazards::id.eq_any(ids.to_vec())).filter(sight).select(COLUMNS).load(conn)?;
    let mut rows: HashMap<Id, Closed> = rows.into_iter().map(|row| (row.id, row)).collect();
    let found: Option<Vec<Closed>> = ids.iter().map(|id| rows.remove(id)).collect();
    let found = found.ok_or_else(Problem::not_found)?;
    let looked: Vec<(Id, Timestamp)> = look_back_hazards::table
        .inner_join(inspections::table.on(inspections::id.eq(look_back_hazards::inspection_id)))
        .filter(look_back_hazards::hazard_id.eq_any(ids.to_vec()))
        .filter(inspections::status.ne(InspectionStatus::Void))
        .select((look_back_hazards::hazard_id, look_back_hazards::closed_at))
        .load(conn)?;
    let mut faults = Faults::default();
    let bureau = found.first().map(|one| one.bureau_id);
    for (place, one) in found.iter().enumerate() {
        let at = format!("/hazard_ids/{place}");
        if one.status != Status::Closed {
            faults.say(&at, "not_closed", "隐患未销号", "is not closed");
        } else if one.closed_at.is_some_and(|closed| looked.contains(&(one.id, closed))) {
            faults.say(&at, "already_looked_at", "本次销号已安排回头看", "has a look-back since it was closed");
        }
        if bureau != Some(one.bureau_id) {
            faults.say(&at, "other_bureau", "须属于同一教育局", "must be of the same bureau");
        }
    }
    faults.finish()?;
    Ok(found)
}

/// Who had to do with putting these right, by school: nobody judges the own work a second time.
///
/// # Errors
/// Whatever the engine says.
pub fn concerned(conn: &mut Conn, hazards: &[Closed]) -> Result<HashSet<(Id, Id)>, Problem> {
    let ids: Vec<Id> = hazards.iter().map(|one| one.id).collect();
    let people: Vec<(Id, Id)> = hazard_people::table
        .filter(hazard_people::hazard_id.eq_any(ids))
        .filter(hazard_people::part.eq("rechecker"))
        .select((hazard_people::hazard_id, hazard_people::user_id))
        .load(conn)?;
    let schools: HashMap<Id, Id> = hazards.iter().map(|one| (one.id, one.org_id)).collect();
    let mut all: HashSet<(Id, Id)> =
        people.into_iter().filter_map(|(hazard, person)| Some((*schools.get(&hazard)?, person))).collect();
    for one in hazards {
        let rectifiers: Vec<Id> = one.rectifiers.read();
        let named = rectifiers.into_iter().chain(one.responsible_user_id).chain(one.closed_by);
        all.extend(named.map(|person| (one.org_id, person)));
    }
    Ok(all)
}

/// By school, the schools in the order of their first hazard.
#[must_use]
pub fn by_school(hazards: Vec<Closed>) -> Vec<(Id, Vec<Closed>)> {
    let mut order: Vec<Id> = Vec::new();
    let mut schools: BTreeMap<Id, Vec<Closed>> = BTreeMap::new();
    for one in hazards {
        if !order.contains(&one.org_id) {
            order.push(one.org_id);
        }
        schools.entry(one.org_id).or_default().push(one);
    }
    order.into_iter().filter_map(|id| Some((id, schools.remove(&id)?))).collect()
}

/// Nothing to look back at.
#[must_use]
pub fn empty() -> Problem {
    let (zh, en) = ("没有符合条件的已销号隐患", "no closed hazard fits");
    Problem::invalid(FieldError::new("/sample", "empty_pool", zh, en))
}
