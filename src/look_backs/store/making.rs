//! From hazards to visits: who goes, one inspection for each school, all in one commit.

use std::collections::HashSet;

use diesel::prelude::*;
use serde_json::{Value, json};

use super::policy::policy_to_change;
use super::pool::{self, Closed};
use super::record::{LookBackRecord, one};
use crate::access::scope::{OrgRef, org_ref};
use crate::access::{Permission, Rights};
use crate::draws::algorithm::{hex, sha256_hex, unhex};
use crate::inspections::rules::InspectionKind;
use crate::inspections::store::{self as inspections, NewInspection};
use crate::look_backs::bodies::{MAX_SCHOOLS, NewLookBack, PolicyToPut, Sample};
use crate::look_backs::rules::{Candidate, choose};
use crate::plans::rules::{Short, round_robin};
use crate::plans::store::{place_of, unfit};
use crate::platform::db::schema::{look_back_hazards, look_backs};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::{Event, Stream};

/// The kind of the visits.
const KIND: InspectionKind = InspectionKind::LookBack;

/// What was taken, and how.
struct Taken {
    hazards: Vec<Closed>,
    /// The ids it was taken from.
    pool: Vec<Id>,
    /// What was asked, the seed, the hash of the pool; nothing where hazards were named.
    drawn: Option<(Value, String, String)>,
}

/// The bureau of a look-back: that of the first hazard, or the caller's.
fn bureau_of(conn: &mut Conn, rights: &Rights, new: &NewLookBack) -> Result<Id, Problem> {
    match &new.hazard_ids {
        Some(ids) => {
            let named = pool::named(conn, rights, ids)?;
            let bureau = named.first().map(|one| one.bureau_id).ok_or_else(Problem::not_found)?;
            rights.scope().org(conn, bureau).map(|org| org.id)
        }
        None => rights.scope().own_bureau().ok_or_else(|| Problem::new(Code::Forbidden)),
    }
}

fn take(tx: &mut Tx<'_>, rights: &Rights, bureau_id: Id, new: &NewLookBack) -> Result<Taken, Problem> {
    // Held from here on: of two draws at once the second sees what the first took.
    let policy = policy_to_change(tx.conn, bureau_id)?;
    if let Some(ids) = &new.hazard_ids {
        return Ok(Taken { hazards: pool::named(tx.conn, rights, ids)?, pool: ids.clone(), drawn: None });
    }
    let sample = new.sample.clone().unwrap_or_default();
    let asked = PolicyToPut {
        share_percent: sample.share_percent.unwrap_or(policy.share_percent),
        min_days: sample.min_days.unwrap_or(policy.min_days),
        max_days: sample.max_days.unwrap_or(policy.max_days),
        all_majors: sample.all_majors.unwrap_or(policy.all_majors),
    };
    if asked.max_days < asked.min_days {
        let (zh, en) = ("不得小于最少天数", "must not be less than the fewest days");
        return Err(Problem::invalid(FieldError::new("/sample/max_days", "before_start", zh, en)));
    }
    let from = pool::drawn_from(tx.conn, rights, bureau_id, &sample, &asked)?;
    let ids: Vec<Id> = from.iter().map(|one| one.id).collect();
    let text: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let pool_sha256 = sha256_hex(text.join("\n").as_bytes());
    let mut seed = [0_u8; 32];
    tx.ids.fill(&mut seed);
    let candidates: Vec<Candidate> = from.iter().map(|one| Candidate { id: one.id, level: one.level }).collect();
    let percent = usize::try_from(asked.share_percent).unwrap_or(0);
    let pool_hash = unhex(&pool_sha256).unwrap_or_default();
    let drawn: HashSet<Id> =
        choose(&candidates, percent, asked.all_majors, &seed, &pool_hash).into_iter().map(|one| one.id).collect();
    let hazards: Vec<Closed> = from.into_iter().filter(|one| drawn.contains(&one.id)).collect();
    if hazards.is_empty() {
        return Err(pool::empty());
    }
    Ok(Taken { hazards, pool: ids, drawn: Some((described(&sample, &asked), hex(&seed), pool_sha256)) })
}

/// What was drawn from, as it is kept.
fn described(sample: &Sample, asked: &PolicyToPut) -> Value {
    json!({
        "share_percent": asked.share_percent, "min_days": asked.min_days, "max_days": asked.max_days,
        "all_majors": asked.all_majors, "levels": sample.levels, "org_ids": sample.org_ids,
    })
}

/// A team for each school. Who had to do with putting right or rechecking what is looked back at there does not go.
fn teams(
    tx: &mut Tx<'_>,
    schools: &[(OrgRef, Vec<Closed>)],
    concerned: &HashSet<(Id, Id)>,
    new: &NewLookBack,
) -> Result<Vec<Vec<Id>>, Problem> {
    let (pool, size) = (&new.inspectors.pool, new.inspectors.per_school);
    let least = KIND.rule().min_team;
    if size < least {
        let (zh, en) = (format!("此类检查每组至少 {least} 人"), format!("must be at least {least} for this kind"));
        return Err(Problem::invalid(FieldError::new("/inspectors/per_school", "team_too_small", zh, en)));
    }
    let mut barred = concerned.clone();
    for (school, _) in schools {
        let unfit = unfit(tx.conn, school, &[KIND], pool, false, tx.now)?;
        let people = unfit.iter().filter_map(|fault| pool.get(place_of(fault)?));
        barred.extend(people.map(|person| (school.id, *person)));
    }
    let ids: Vec<Id> = schools.iter().map(|(school, _)| school.id).collect();
    round_robin(&ids, pool, size, |school, person| barred.contains(&(school, person))).map_err(|Short(short)| {
        let faults = schools.iter().filter(|(school, _)| short.contains(&school.id)).take(100).map(|(school, _)| {
            let zh = format!("除去回避和参与过整改、复查的人员，可派往{}的不足 {size} 人", school.name);
            let en = format!(
                "fewer than {size} of it may go to {}: the recused and who put right or rechecked stay away",
                school.name
            );
            FieldError::new("/inspectors/pool", "too_few_people", zh, en)
        });
        Problem::new(Code::ValidationFailed).errors(faults.collect())
    })
}

/// Takes hazards and makes the visits, all or none.
///
/// # Errors
/// 403 for somebody who belongs to a school, and for what is not the caller's to plan; 404 for ids out of sight; 422 for an
/// empty pool, too few people, hazards that cannot be looked back at.
pub fn create(tx: &mut Tx<'_>, rights: &Rights, new: &NewLookBack) -> Result<(Receipt, LookBackRecord), Problem> {
    if !rights.of(Permission::InspectionPlan).own_schools.is_empty() {
        // The people of a school draw nothing that it must not know, whatever else they are.
        return Err(Problem::new(Code::Forbidden));
    }
    let bureau_id = bureau_of(tx.conn, rights, new)?;
    let taken = take(tx, rights, bureau_id, new)?;
    let concerned = pool::concerned(tx.conn, &taken.hazards)?;
    let mut schools: Vec<(OrgRef, Vec<Closed>)> = Vec::new();
    for (school, hazards) in pool::by_school(taken.hazards) {
        schools.push((org_ref(tx.conn, school)?, hazards));
    }
    if schools.len() > MAX_SCHOOLS {
        let (zh, en) =
            (format!("一次不超过 {MAX_SCHOOLS} 所学校"), format!("must touch at most {MAX_SCHOOLS} schools"));
        return Err(Problem::invalid(FieldError::new("/sample", "too_many", zh, en)));
    }
    let teams = teams(tx, &schools, &concerned, new)?;
    let id = tx.ids.hidden();
    let (sample, seed, pool_sha256) = match &taken.drawn {
        Some((sample, seed, hash)) => (Some(Doc::of(sample)), Some(seed.clone()), Some(hash.clone())),
        None => (None, None, None),
    };
    use look_backs as l;
    diesel::insert_into(l::table)
        .values((
            (l::id.eq(id), l::version.eq(1_i64), l::created_at.eq(tx.now), l::updated_at.eq(tx.now)),
            (l::created_by.eq(rights.user_id()), l::bureau_id.eq(bureau_id), l::announced.eq(new.announced)),
            (l::sample.eq(sample), l::seed.eq(&seed), l::pool.eq(Doc::of(&taken.pool))),
            l::pool_sha256.eq(&pool_sha256),
        ))
        .execute(tx.conn)?;
    let mut visits = Vec::with_capacity(schools.len());
    for ((school, hazards), team) in schools.into_iter().zip(teams) {
        visits.push(visit(tx, rights, (id, &school), hazards, team, new)?);
    }
    let payload = json!({
        "sample": taken.drawn.as_ref().map(|drawn| &drawn.0), "seed": seed, "pool_sha256": pool_sha256,
        "pool": taken.pool.len(), "inspections": visits,
    });
    let event = Event::of("look_back", id, "created").stream(Stream::Bureau).at(bureau_id, bureau_id);
    let receipt = tx.record(event.with(payload))?;
    Ok((receipt, one(tx.conn, rights, id)?))
}

fn visit(
    tx: &mut Tx<'_>,
    rights: &Rights,
    (look_back, school): (Id, &OrgRef),
    hazards: Vec<Closed>,
    team: Vec<Id>,
    new: &NewLookBack,
) -> Result<Id, Problem> {
    use look_back_hazards as h;
    let asked = NewInspection {
        id: None,
        kind: KIND,
        org_id: school.id,
        checklist_ids: new.checklist_ids.clone(),
        team,
        lead_id: None,
        announced: Some(new.announced),
        planned_on: new.planned_on,
        title: None,
    };
    let (_receipt, made) = inspections::create(tx, rights, school, &asked, &[])?;
    for (one, place) in hazards.into_iter().zip(0_i32..) {
        let Some(closed_at) = one.closed_at else { continue };
        diesel::insert_into(h::table)
            .values((
                (h::inspection_id.eq(made.id), h::hazard_id.eq(one.id), h::look_back_id.eq(look_back)),
                (h::position.eq(place), h::domain.eq(one.domain), h::level.eq(one.level)),
                (h::closed_at.eq(closed_at), h::reopened.eq(false)),
            ))
            .execute(tx.conn)?;
    }
    Ok(made.id)
}
