//! What a caller is to an inspection: facts for the pure rules.

use diesel::prelude::*;

use super::delegations;
use super::sight::Seen;
use crate::access::scope::OrgRef;
use crate::access::{Limit, Permission, Reach, Rights};
use crate::inspections::rules::{
    AcknowledgementOutcome, Action, Actor, Facts, Kind, ObjectionDecision, Refusal, Status, allowed_actions, decide,
};
use crate::platform::db::Conn;
use crate::platform::db::schema::{answers, look_back_hazards};
use crate::platform::db::types::{Doc, Id};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// Whether a reach covers every one of these domains: within domains only what lies wholly inside is written.
fn covers(reach: &Reach, domains: &[String]) -> bool {
    domains.iter().all(|domain| reach.has_domain(domain))
}

/// What the right to plan depends on.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Of this kind.
    pub kind: Kind,
    /// Known to the school beforehand.
    pub announced: bool,
    /// With this team.
    pub team: &'a [Id],
    /// Made by this person.
    pub made_by: Option<Id>,
}

/// Whether the caller may make or change this plan for this school, on these domains. Who plans for oneself alone
/// changes no plan of others.
///
/// # Errors
/// Whatever the engine says.
pub fn plans(
    conn: &mut Conn,
    rights: &Rights,
    org: &OrgRef,
    plan: Plan<'_>,
    domains: &[String],
) -> Result<bool, Problem> {
    let Plan { kind, announced, team, made_by } = plan;
    if !announced && rights.of(Permission::InspectionPlan).is_of_school(org.id) {
        return Ok(false);
    }
    let own = made_by == Some(rights.user_id());
    let scope = rights.of(Permission::InspectionPlan);
    let reaches = scope.reaches_to(conn, org)?;
    Ok(reaches.into_iter().any(|reach| {
        covers(reach, domains)
            && kind.within(reach.limit)
            && match reach.limit {
                Limit::SelfAsTeam => own && team.contains(&scope.user_id),
                Limit::Patrol => own,
                _ => true,
            }
    }))
}

/// The domains of an inspection's items, and of the hazards it looks back at.
///
/// # Errors
/// Whatever the engine says.
pub fn domains_of(conn: &mut Conn, inspection_id: Id) -> Result<Vec<String>, Problem> {
    let mut domains: Vec<String> = answers::table
        .filter(answers::inspection_id.eq(inspection_id))
        .select(answers::domain)
        .distinct()
        .load(conn)?;
    let carried: Vec<String> = look_back_hazards::table
        .filter(look_back_hazards::inspection_id.eq(inspection_id))
        .select(look_back_hazards::domain)
        .distinct()
        .load(conn)?;
    domains.extend(carried);
    domains.sort_unstable();
    domains.dedup();
    Ok(domains)
}

/// What the caller is to an inspection in sight.
///
/// # Errors
/// Whatever the engine says.
pub fn actor(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Actor, Problem> {
    let user = rights.user_id();
    let narrow = rights.caller.memberships.iter().any(|membership| membership.domains.is_some());
    let domains = if narrow { domains_of(conn, seen.row.id)? } else { Vec::new() };
    let mut holds = |permission, fits: &dyn Fn(&Reach) -> bool| -> Result<bool, Problem> {
        let scope = rights.of(permission);
        let reaches = scope.reaches_to(conn, &seen.org)?;
        Ok(reaches.into_iter().any(|reach| covers(reach, &domains) && fits(reach)))
    };
    let of_school = seen.row.kind.of_school();
    let performs = holds(Permission::InspectionPerform, &|reach| reach.role.is_school_side() == of_school)?;
    let signs = holds(Permission::InspectionAcknowledge, &|reach| reach.limit == Limit::Full)?;
    let delegable = holds(Permission::InspectionAcknowledge, &|reach| reach.limit == Limit::Delegated)?;
    let confirms = holds(Permission::InspectionConfirm, &|_| true)?;
    let delegated = !signs && delegable && delegations::in_force(conn, &seen.org, user, rights.now)?.is_some();
    let on_team = performs && seen.team.contains(&user);
    let plan = seen.plan(&seen.team);
    Ok(Actor {
        plans: plans(conn, rights, &seen.org, plan, &domains)?,
        on_team,
        is_lead: on_team && seen.row.lead_id == user,
        took_part: seen.team.contains(&user),
        of_school: signs || delegated,
        confirms,
    })
}

impl Seen {
    /// The plan with this team.
    #[must_use]
    pub const fn plan<'a>(&self, team: &'a [Id]) -> Plan<'a> {
        Plan { kind: self.row.kind, announced: self.row.announced, team, made_by: self.row.created_by }
    }
}

/// The facts of the pure rules.
#[must_use]
pub fn facts(seen: &Seen) -> Facts {
    let said =
        |doc: &Option<Doc>, field: &str| doc.as_ref().and_then(|doc| doc.0.get(field)?.as_str().map(str::to_owned));
    let outcome = said(&seen.row.acknowledgement, "outcome").as_deref().and_then(AcknowledgementOutcome::parse);
    Facts {
        kind: seen.row.kind,
        status: seen.row.status,
        acknowledged: seen.row.acknowledgement.is_some(),
        objected: outcome == Some(AcknowledgementOutcome::Objected),
        refused: outcome == Some(AcknowledgementOutcome::Refused),
        reply: said(&seen.row.objection_reply, "decision").as_deref().and_then(ObjectionDecision::parse),
    }
}

/// The state after an action of this caller.
///
/// # Errors
/// 403 where it is never this caller's, 409 naming every rule in the way, with what would be allowed.
pub fn may(conn: &mut Conn, rights: &Rights, seen: &Seen, action: Action) -> Result<Status, Problem> {
    let actor = actor(conn, rights, seen)?;
    let never = match action {
        Action::Edit => !actor.plans,
        Action::Confirm | Action::ReplyObjection => !actor.confirms,
        Action::Void => !actor.plans && !actor.confirms,
        _ => false,
    };
    if never {
        return Err(Problem::new(Code::Forbidden));
    }
    decide(action, facts(seen), actor).map_err(|refusals| refused(&refusals, seen, actor))
}

/// 409 with every refusal, the record as it stands, and what is allowed.
#[must_use]
pub fn refused(refusals: &[Refusal], seen: &Seen, actor: Actor) -> Problem {
    let errors = refusals.iter().map(|refusal| {
        let (zh, en) = words(*refusal);
        FieldError::new("", refusal.as_str(), zh, en)
    });
    let row = &seen.row;
    let current = serde_json::json!({"id": row.id, "status": row.status, "version": row.version});
    let actions = serde_json::json!(allowed_actions(facts(seen), actor));
    Problem::new(Code::TransitionNotAllowed).errors(errors.collect()).current(current).allowed_actions(actions)
}

const fn words(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::WrongState => ("当前状态不允许", "the inspection is not in a state for this"),
        Refusal::NotOnTeam => ("须为检查组成员", "only the team may do this"),
        Refusal::NotLead => ("须为检查组组长", "only the lead of the team may do this"),
        Refusal::NotOfSchool => ("须由被检查学校办理", "only the school that was inspected may do this"),
        Refusal::NeedsBureau => ("须由教育局有权人员办理", "needs somebody of the bureau who may"),
        Refusal::SamePerson => ("检查人不得确认自己的检查", "who inspected does not confirm"),
        Refusal::AlreadyAcknowledged => ("已有签收记录", "it has been acknowledged already"),
        Refusal::OtherVersion => ("检查记录已有新版本，请重新阅读", "the record has a newer version: read it again"),
        Refusal::NotObjected => ("学校未对该版本提出异议", "the school has not objected to this version"),
        Refusal::AlreadyReplied => ("异议已答复", "the objection has been answered"),
        Refusal::ObjectionOpen => ("学校的异议尚未答复", "the school's objection waits for its answer"),
        Refusal::AmendmentDue => ("异议成立，须先修正检查记录", "the objection was upheld: amend the record first"),
        Refusal::NotForThisKind => ("此类检查不适用", "not at this kind of inspection"),
    }
}
