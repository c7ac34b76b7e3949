//! Planning: an inspection with its team, and one answer row for each item that concerns the school.

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::chosen::{Choice, choose, put_answers};
use super::people;
use super::record::{InspectionView, finish, view};
use super::rights::{Plan, domains_of, may, plans};
use super::sight::Seen;
use crate::access::scope::OrgRef;
use crate::access::{Permission, Rights};
use crate::catalogue::rules::Fault;
use crate::catalogue::words::invalid;
use crate::inspections::rules::{Action, Kind, Status};
use crate::notices::{self, Audience, Notice};
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{inspection_checklists, inspection_team, inspections};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Patch;
use crate::platform::http::{Check, Faults, FieldError};
use crate::platform::journal::{Event, Stream};
use crate::recusals::store as recusals;

const MAX_TEAM: usize = 20;
const MAX_CHECKLISTS: usize = 20;

/// An inspection to be planned.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInspection {
    /// Made by the client, where it likes. That of a hidden inspection is a UUIDv4, which does not tell when it was
    /// made; people of a school make no UUIDv4.
    pub id: Option<Id>,
    /// Which kind.
    pub kind: Kind,
    /// The school.
    pub org_id: Id,
    /// With which published checklists.
    pub checklist_ids: Vec<Id>,
    /// Who performs it.
    pub team: Vec<Id>,
    /// Who leads the team; the first of it where nothing is said.
    pub lead_id: Option<Id>,
    /// Whether the school knows beforehand; true where nothing is said, but for `unannounced`. Fixed from then on.
    #[schema(default = true)]
    pub announced: Option<bool>,
    /// The day it is planned for, in the bureau's zone.
    pub planned_on: Option<NaiveDate>,
    /// Its name; made from kind and school where nothing is said.
    pub title: Option<String>,
}

impl NewInspection {
    /// Whether the school knows beforehand.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.announced.unwrap_or_else(|| self.kind.announced_by_default())
    }
}

impl Check for NewInspection {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/title", self.title.as_deref(), 100);
        check_team(faults, &self.team, self.lead_id);
        check_checklists(faults, &self.checklist_ids);
        check_day(faults, self.planned_on);
        if !self.kind.permits(self.is_announced()) {
            add(faults, "/announced", "not_for_this_kind");
        } else if !self.is_announced() && self.id.is_some_and(|id| !is_v4(id)) {
            add(faults, "/id", "not_uuid_v4");
        }
    }
}

/// A UUIDv4 tells nothing of when it was made.
fn is_v4(id: Id) -> bool {
    id.0.get_version_num() == 4
}

fn add(faults: &mut Faults, at: &str, code: &'static str) {
    faults.add(Fault::at(at, code).into());
}

fn check_team(faults: &mut Faults, team: &[Id], lead_id: Option<Id>) {
    faults.at_most("/team", team.len(), MAX_TEAM);
    if team.is_empty() {
        faults.add(FieldError::required("/team"));
    }
    repeated(faults, "/team", team);
    if lead_id.is_some_and(|lead| !team.contains(&lead)) {
        add(faults, "/lead_id", "not_on_team");
    }
}

fn check_checklists(faults: &mut Faults, ids: &[Id]) {
    faults.at_most("/checklist_ids", ids.len(), MAX_CHECKLISTS);
    if ids.is_empty() {
        faults.add(FieldError::required("/checklist_ids"));
    }
    repeated(faults, "/checklist_ids", ids);
}

fn check_day(faults: &mut Faults, day: Option<NaiveDate>) {
    if let Some(day) = day {
        faults.range("/planned_on", &day.year(), &2000, &2100);
    }
}

fn repeated(faults: &mut Faults, at: &str, ids: &[Id]) {
    for (place, id) in ids.iter().enumerate() {
        if ids.iter().take(place).any(|earlier| earlier == id) {
            add(faults, &format!("{at}/{place}"), "duplicate");
        }
    }
}

/// Changes of a plan.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = InspectionEdit)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Its name.
    pub title: Option<String>,
    /// The day it is planned for.
    #[serde(default)]
    #[schema(value_type = Option<NaiveDate>)]
    pub planned_on: Patch<NaiveDate>,
    /// Who performs it.
    pub team: Option<Vec<Id>>,
    /// Who leads the team.
    pub lead_id: Option<Id>,
    /// With which published checklists; the answer rows are made anew.
    pub checklist_ids: Option<Vec<Id>>,
}

impl Check for Edit {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/title", self.title.as_deref(), 100);
        if let Some(team) = &self.team {
            check_team(faults, team, self.lead_id);
        }
        if let Some(ids) = &self.checklist_ids {
            check_checklists(faults, ids);
        }
        check_day(faults, self.planned_on.set().copied());
    }
}

#[derive(Insertable)]
#[diesel(table_name = inspections)]
struct NewRow<'a> {
    id: Id,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    created_by: Id,
    body_hash: &'a [u8],
    bureau_id: Id,
    org_id: Id,
    kind: Kind,
    title: String,
    announced: bool,
    status: Status,
    planned_on: Option<NaiveDate>,
    lead_id: Id,
}

/// The inspection already planned with this id by this caller with this body.
///
/// # Errors
/// Whatever the engine says.
pub fn stored(conn: &mut Conn, id: Option<Id>, caller: Id, hash: &[u8]) -> Result<Option<InspectionView>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<(Option<Id>, Option<Vec<u8>>)> =
        inspections::table.find(id).select((inspections::created_by, inspections::body_hash)).first(conn).optional()?;
    match found {
        None => Ok(None),
        Some((by, stored)) if by == Some(caller) && stored.as_deref() == Some(hash) => view(conn, id).map(Some),
        // That the id is taken is said last of all, by the row that does not go in: what somebody may not do, or has
        // written wrongly, is no way to ask whether an id exists.
        Some(_) => Ok(None),
    }
}

/// Refuses the people of a school who would plan a secret visit to it, whatever else they are, before anything kept
/// for them is answered again.
///
/// # Errors
/// 403.
pub fn may_keep_secret(rights: &Rights, org: &OrgRef, new: &NewInspection) -> Result<(), Problem> {
    if !new.is_announced() && rights.of(Permission::InspectionPlan).is_of_school(org.id) {
        return Err(Problem::new(Code::Forbidden));
    }
    Ok(())
}

/// Checks the size of a team.
///
/// # Errors
/// 422.
fn large_enough(kind: Kind, team: &[Id]) -> Result<(), Problem> {
    if team.len() < kind.rule().min_team {
        return Err(invalid(vec![Fault::at("/team", "team_too_small")]));
    }
    Ok(())
}

/// Plans an inspection of `org`, which the caller is known to reach.
///
/// # Errors
/// 403 for a kind, team or domain that is not the caller's to plan; 404 for people and checklists out of sight; 422.
pub fn create(
    tx: &mut Tx<'_>,
    rights: &Rights,
    org: &OrgRef,
    new: &NewInspection,
    body_hash: &[u8],
) -> Result<(Receipt, InspectionView), Problem> {
    let forbidden = || Problem::new(Code::Forbidden);
    let announced = new.is_announced();
    let plan = Plan { kind: new.kind, announced, team: &new.team, made_by: Some(rights.user_id()) };
    if !plans(tx.conn, rights, org, plan, &[])? {
        return Err(forbidden());
    }
    if org.kind != OrgKind::School {
        return Err(invalid(vec![Fault::at("/org_id", "not_a_school")]));
    }
    people::team(tx.conn, org, new.kind, &new.team, by_school(rights, org), tx.now)?;
    large_enough(new.kind, &new.team)?;
    // Ids of this form are kept for what is hidden: whoever is of a school could else learn, by an id that is taken,
    // that there is something.
    if new.id.is_some_and(is_v4) && !rights.of(Permission::InspectionPlan).own_schools.is_empty() {
        return Err(invalid(vec![Fault::at("/id", "uuid_v4")]));
    }
    let overrides = recusals::check_team(tx.conn, org, new.kind, &new.team, None, tx.now)?;
    // Bodies name at least one checklist; a look-back may consist of its hazards alone.
    let chosen = match new.checklist_ids.as_slice() {
        [] => Choice::default(),
        ids => choose(tx.conn, rights, org, new.kind, ids)?,
    };
    let domains: Vec<String> = chosen.items.iter().map(|one| one.domain.clone()).collect();
    if !plans(tx.conn, rights, org, plan, &domains)? {
        return Err(
            forbidden().detail("清单含有本人分管领域以外的检查项", "the checklists have items outside your domains")
        );
    }
    let id = new.id.unwrap_or_else(|| if announced { tx.new_id() } else { tx.ids.hidden() });
    let first = new.team.first().copied();
    let lead_id = new.lead_id.or(first).ok_or_else(|| Problem::invalid(FieldError::required("/team")))?;
    let title = new.title.as_deref().map(|title| title.trim().to_owned());
    let row = NewRow {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        body_hash,
        bureau_id: org.bureau_id,
        org_id: org.id,
        kind: new.kind,
        title: title.unwrap_or_else(|| default_title(org, new.kind)),
        announced,
        status: Status::Planned,
        planned_on: new.planned_on,
        lead_id,
    };
    diesel::insert_into(inspections::table).values(&row).execute(tx.conn)?;
    put_team(tx.conn, id, &new.team)?;
    put_checklists(tx.conn, id, &chosen.checklist_ids)?;
    recusals::bind(tx, org, &overrides, id)?;
    put_answers(tx, org, id, announced, chosen.items)?;
    let view = view(tx.conn, id)?;
    let stream = if announced { Stream::Open } else { Stream::Bureau };
    let event = Event::of("inspection", id, "created").stream(stream).at(org.bureau_id, org.id).with(json!({
        "kind": new.kind, "announced": announced, "team": new.team, "lead_id": lead_id, "checklist_ids": new.checklist_ids,
        "planned_on": new.planned_on,
    }));
    tell_team(tx, org, id, 1, &new.team)?;
    Ok((tx.record(event)?, view))
}

/// Tells people that they are on a team. Nobody of a school that must not know is among them.
fn tell_team(tx: &mut Tx<'_>, org: &OrgRef, id: Id, version: i64, people: &[Id]) -> Result<(), Problem> {
    let notice = Notice::about(notices::Kind::InspectionAssigned, "inspection", id, version).at(org.bureau_id, org.id);
    let audiences: Vec<Audience> = people.iter().map(|person| Audience::Person(*person)).collect();
    notices::tell(tx, &notice, &audiences)
}

/// Whether the caller plans as somebody of the school, and so may name its people only.
fn by_school(rights: &Rights, org: &OrgRef) -> bool {
    let scope = rights.of(Permission::InspectionPlan);
    !scope.reaches.iter().any(|reach| reach.bureau_id == org.bureau_id && !reach.role.is_school_side())
}

fn default_title(org: &OrgRef, kind: Kind) -> String {
    format!("{}{}", org.name, kind.name_zh()).chars().take(100).collect()
}

fn put_team(conn: &mut Conn, id: Id, team: &[Id]) -> Result<(), Problem> {
    diesel::delete(inspection_team::table.filter(inspection_team::inspection_id.eq(id))).execute(conn)?;
    for (place, user_id) in team.iter().enumerate() {
        diesel::insert_into(inspection_team::table)
            .values((
                inspection_team::inspection_id.eq(id),
                inspection_team::user_id.eq(user_id),
                inspection_team::position.eq(i32::try_from(place).unwrap_or(i32::MAX)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn put_checklists(conn: &mut Conn, id: Id, checklist_ids: &[Id]) -> Result<(), Problem> {
    diesel::delete(inspection_checklists::table.filter(inspection_checklists::inspection_id.eq(id))).execute(conn)?;
    for (place, checklist_id) in checklist_ids.iter().enumerate() {
        diesel::insert_into(inspection_checklists::table)
            .values((
                inspection_checklists::inspection_id.eq(id),
                inspection_checklists::checklist_id.eq(checklist_id),
                inspection_checklists::position.eq(i32::try_from(place).unwrap_or(i32::MAX)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Changes a plan before check-in.
///
/// # Errors
/// 403 where the plan is not the caller's, 404 and 422 as for creating, 409 once the team has arrived.
pub fn edit(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen, edit: &Edit) -> Result<(Receipt, InspectionView), Problem> {
    let row = &seen.row;
    may(tx.conn, rights, seen, Action::Edit)?;
    // Who goes and what is looked at was drawn: nobody chooses it afterwards.
    if (edit.team.is_some() || edit.checklist_ids.is_some()) && crate::draws::store::is_drawn(tx.conn, row.id)? {
        let (zh, en) = ("人员和清单由抽取确定，不得更改", "team and checklists were drawn and do not change");
        return Err(Problem::new(Code::StateConflict).errors(vec![FieldError::new("", "drawn", zh, en)]));
    }
    // Who goes was chosen so that nobody judges the own work.
    if edit.team.is_some() && crate::look_backs::store::carries(tx.conn, row.id)? {
        let (zh, en) =
            ("回头看人员已回避整改和复查人员，不得更改", "who looks back was chosen with it and does not change");
        return Err(Problem::new(Code::StateConflict).errors(vec![FieldError::new("", "look_back", zh, en)]));
    }
    let team = edit.team.clone().unwrap_or_else(|| seen.team.clone());
    let lead_id = edit.lead_id.unwrap_or(row.lead_id);
    let lead_id = match (team.contains(&lead_id), edit.lead_id, team.first()) {
        (true, _, _) => lead_id,
        // The lead was not named and has left the team: the first of the new team leads.
        (false, None, Some(first)) => *first,
        _ => return Err(invalid(vec![Fault::at("/lead_id", "not_on_team")])),
    };
    if edit.team.is_some() {
        people::team(tx.conn, &seen.org, row.kind, &team, by_school(rights, &seen.org), tx.now)?;
        large_enough(row.kind, &team)?;
        let overrides = recusals::check_team(tx.conn, &seen.org, row.kind, &team, Some(row.id), tx.now)?;
        put_team(tx.conn, row.id, &team)?;
        recusals::bind(tx, &seen.org, &overrides, row.id)?;
    }
    if let Some(ids) = &edit.checklist_ids {
        let chosen = choose(tx.conn, rights, &seen.org, row.kind, ids)?;
        put_checklists(tx.conn, row.id, &chosen.checklist_ids)?;
        put_answers(tx, &seen.org, row.id, row.announced, chosen.items)?;
    }
    let domains = domains_of(tx.conn, row.id)?;
    if !plans(tx.conn, rights, &seen.org, seen.plan(&team), &domains)? {
        return Err(Problem::new(Code::Forbidden));
    }
    let title = edit.title.as_deref().map_or_else(|| row.title.clone(), |title| title.trim().to_owned());
    let planned_on = edit.planned_on.apply(row.planned_on);
    if planned_on != row.planned_on {
        crate::draws::store::day_as_frozen(tx, row.id, planned_on)?;
    }
    diesel::update(inspections::table.find(row.id))
        .set((
            inspections::version.eq(row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::title.eq(title),
            inspections::planned_on.eq(planned_on),
            inspections::lead_id.eq(lead_id),
        ))
        .execute(tx.conn)?;
    let added: Vec<Id> = team.iter().copied().filter(|person| !seen.team.contains(person)).collect();
    tell_team(tx, &seen.org, row.id, row.version + 1, &added)?;
    let payload = json!({
        "team": team, "lead_id": lead_id, "checklist_ids": edit.checklist_ids, "planned_on": planned_on,
    });
    finish(tx, seen, "edited", payload)
}
