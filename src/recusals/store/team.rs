//! The hook of teams and draws: who of these people must not go to these schools.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use crate::access::Role;
use crate::access::scope::OrgRef;
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::zone;
use crate::inspections::rules::InspectionKind as Kind;
use crate::platform::db::schema::{memberships, recusal_overrides, recusals};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::{Event, Stream};
use crate::recusals::rules::{Release, Tie, Verdict, judge};

/// What ties these people to schools of a bureau on a day, and the approved overrides of it.
#[derive(Debug, Default)]
struct Standing {
    ties: Vec<Tie>,
    releases: Vec<Release>,
}

/// People are asked for in portions: SQLite binds at most 32 766 values.
const PORTION: usize = 1000;

fn standing(
    conn: &mut Conn,
    bureau_id: Id,
    org_id: Option<Id>,
    people: &[Id],
    at: (Timestamp, NaiveDate),
) -> Result<Standing, Problem> {
    type Entry = (Id, Id, Id, Option<(Id, Option<Id>, Option<NaiveDate>, Option<Timestamp>)>);
    let (now, today) = at;
    let mut found = Standing::default();
    for people in people.chunks(PORTION) {
        let mut entries = recusals::table
            .left_join(recusal_overrides::table.on(recusal_overrides::recusal_id.eq(recusals::id)))
            .filter(recusals::bureau_id.eq(bureau_id))
            .filter(recusals::inspector_id.eq_any(people.to_vec()))
            .filter(recusals::ended_at.is_null())
            .filter(recusals::until.is_null().or(recusals::until.ge(today)))
            .select((
                recusals::id,
                recusals::inspector_id,
                recusals::org_id,
                (
                    recusal_overrides::id,
                    recusal_overrides::inspection_id,
                    recusal_overrides::until,
                    recusal_overrides::approved_at,
                )
                    .nullable(),
            ))
            .into_boxed::<crate::platform::db::MultiBackend>();
        let school_side = Role::ALL.iter().copied().filter(|role| role.is_school_side()).collect::<Vec<_>>();
        let mut staff = memberships::table
            .filter(memberships::bureau_id.eq(bureau_id))
            .filter(memberships::user_id.eq_any(people.to_vec()))
            .filter(memberships::role.eq_any(school_side))
            .filter(memberships::ended_at.is_null())
            .filter(memberships::valid_to.is_null().or(memberships::valid_to.gt(now)))
            .select((memberships::user_id, memberships::org_id))
            .into_boxed::<crate::platform::db::MultiBackend>();
        if let Some(org_id) = org_id {
            entries = entries.filter(recusals::org_id.eq(org_id));
            staff = staff.filter(memberships::org_id.eq(org_id));
        }
        let mut known = BTreeSet::new();
        for (recusal_id, inspector_id, org_id, release) in entries.load::<Entry>(conn)? {
            if known.insert(recusal_id) {
                found.ties.push(Tie { recusal_id: Some(recusal_id), inspector_id, org_id });
            }
            if let Some((id, inspection_id, until, Some(_))) = release {
                found.releases.push(Release { id, recusal_id, inspection_id, until });
            }
        }
        for (inspector_id, org_id) in staff.load::<(Id, Id)>(conn)? {
            found.ties.push(Tie { recusal_id: None, inspector_id, org_id });
        }
    }
    Ok(found)
}

/// Checks a team for a school: nobody on it is recused there without an override. Gives the overrides that this use
/// binds to the inspection (nothing: one that is being made). A school's own checks are its people's.
///
/// # Errors
/// 422 naming who is recused.
pub fn check_team(
    conn: &mut Conn,
    org: &OrgRef,
    kind: Kind,
    people: &[Id],
    inspection: Option<Id>,
    now: Timestamp,
) -> Result<Vec<Id>, Problem> {
    if kind.of_school() {
        return Ok(Vec::new());
    }
    let today = local_date(now.utc(), zone(&org.time_zone));
    let Standing { ties, releases } = standing(conn, org.bureau_id, Some(org.id), people, (now, today))?;
    let (mut used, mut faults) = (Vec::new(), Vec::new());
    for (place, person) in people.iter().enumerate() {
        match judge(*person, &ties, &releases, |release| release.serves(inspection, today)) {
            Verdict::Free(overrides) => used.extend(overrides),
            Verdict::Recused => faults.push(FieldError::new(
                format!("/team/{place}"),
                "recused",
                "该人员对此学校应当回避",
                "is recused from this school",
            )),
        }
    }
    if faults.is_empty() { Ok(used) } else { Err(Problem::new(Code::ValidationFailed).errors(faults)) }
}

/// Puts down for which inspection these overrides were used; from now on they serve no other.
///
/// # Errors
/// Whatever the engine says.
pub fn bind(tx: &mut Tx<'_>, org: &OrgRef, overrides: &[Id], inspection_id: Id) -> Result<(), Problem> {
    for id in overrides {
        let recusal_id: Id = recusal_overrides::table.find(*id).select(recusal_overrides::recusal_id).first(tx.conn)?;
        let free = recusal_overrides::table.find(*id).filter(recusal_overrides::inspection_id.is_null());
        let bound = diesel::update(free)
            .set((
                recusal_overrides::inspection_id.eq(inspection_id),
                recusal_overrides::version.eq(recusal_overrides::version + 1),
                recusal_overrides::updated_at.eq(tx.now),
            ))
            .execute(tx.conn)?;
        if bound == 0 {
            // Another inspection has just taken it: run again, and be told that the person is recused.
            return Err(Problem { retry: true, ..Problem::new(Code::StateConflict) });
        }
        let event = Event::of("recusal", recusal_id, "override_used").at(org.bureau_id, org.bureau_id);
        let payload = json!({"override_id": id, "inspection_id": inspection_id});
        let _ = tx.record(event.stream(Stream::Bureau).with(payload))?;
    }
    Ok(())
}

/// The pairs of these people and the schools of a bureau that must not meet at any time through `last`: (who, school,
/// whether because of working there).
///
/// # Errors
/// Whatever the engine says.
pub fn excluded_pairs(
    conn: &mut Conn,
    bureau_id: Id,
    people: &[Id],
    at: (Timestamp, NaiveDate),
    last: NaiveDate,
) -> Result<Vec<(Id, Id, bool)>, Problem> {
    let Standing { ties, releases } = standing(conn, bureau_id, None, people, at)?;
    let pairs: BTreeSet<(Id, Id)> = ties.iter().map(|tie| (tie.inspector_id, tie.org_id)).collect();
    let mut excluded = Vec::new();
    for (person, school) in pairs {
        let here: Vec<Tie> = ties.iter().filter(|tie| tie.org_id == school).copied().collect();
        if judge(person, &here, &releases, |release| release.serves_through(last)) == Verdict::Recused {
            let staff = here.iter().any(|tie| tie.inspector_id == person && tie.recusal_id.is_none());
            excluded.push((person, school, staff));
        }
    }
    Ok(excluded)
}
