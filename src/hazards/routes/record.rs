//! A hazard as the API answers it, for the caller who asks, at the hour it is asked.

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::{Permission, Rights};
use crate::evidence;
use crate::evidence::store::PhotoReuse;
use crate::hazards::marks::Marks;
use crate::hazards::status::{Action, ClosedKind, Colour, Level, Refusal, Remedy, Source, Status};
use crate::hazards::store::read::Zones;
use crate::hazards::store::{Powers, Round, Row, read};
use crate::hazards::{deadline, rules};
use crate::platform::db::Conn;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::Record;

/// A hazard: one row and one number for ever.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a record")]
pub struct Hazard {
    /// Of the hazard.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Region code, local year, serial without gaps.
    #[schema(example = "640104-2026-000123")]
    pub number: String,
    /// Where it stands.
    pub status: Status,
    /// The level; a proposal until `level_decided_by` is set.
    pub level: Level,
    /// The gravest of the item's default and the finder's proposal.
    pub proposed_level: Level,
    /// Who decided the level.
    #[schema(required)]
    pub level_decided_by: Option<Id>,
    /// One of the ten.
    pub category: String,
    /// The second axis.
    pub domain: String,
    /// What is wrong, in a line.
    pub title: String,
    /// What is wrong, at length.
    pub description: String,
    /// The school.
    pub org_id: Id,
    /// The place in the school.
    #[schema(required)]
    pub site_id: Option<Id>,
    /// The clause it matches.
    #[schema(required)]
    pub basis: Option<String>,
    /// What is demanded.
    #[schema(required)]
    pub requirement: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// The bureau is told at once, whatever the level.
    pub escalate: bool,
    /// When it was found.
    pub found_at: Timestamp,
    /// Who found it; null for the school's side where it is not the school's own.
    #[schema(required)]
    pub reported_by: Option<Id>,
    /// The inspection that found it.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// The item that failed.
    #[schema(required)]
    pub item_code: Option<String>,
    /// Claims of evidence of what was found.
    pub evidence_ids: Vec<Id>,
    /// Who has to see to it.
    pub responsible_org_id: Id,
    /// Who puts it right.
    #[schema(required)]
    pub responsible_user_id: Option<Id>,
    /// Who in the school's lead answers for it.
    #[schema(required)]
    pub leader_user_id: Option<Id>,
    /// The section of the bureau that follows it.
    #[schema(required)]
    pub lead_section: Option<String>,
    /// What putting it right takes.
    #[schema(required)]
    pub remedy: Option<Remedy>,
    /// The bureau rechecks: a bureau role issued or regraded it.
    pub bureau_side: bool,
    /// When it was issued.
    #[schema(required)]
    pub issued_at: Option<Timestamp>,
    /// Who issued it.
    #[schema(required)]
    pub issued_by: Option<Id>,
    /// When the school signed for it.
    #[schema(required)]
    pub acknowledged_at: Option<Timestamp>,
    /// Who signed for it.
    #[schema(required)]
    pub acknowledged_by: Option<Id>,
    /// The deadline in force.
    #[schema(required)]
    pub due_at: Option<Timestamp>,
    /// Its local date.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    /// The first deadline it had; never moves.
    #[schema(required)]
    pub original_due_at: Option<Timestamp>,
    /// Until when a major's plan has to be filed.
    #[schema(required)]
    pub plan_due_at: Option<Timestamp>,
    /// Working days were counted in a year whose holidays are not announced yet.
    pub calendar_provisional: bool,
    /// Past its deadline and not reported done; computed now.
    pub overdue: bool,
    /// Local days until the deadline, negative when it lies behind; null when no clock runs.
    #[schema(required)]
    pub days_left: Option<i64>,
    /// How pressing it is; computed now.
    pub warning: Colour,
    /// The five commitments, once filed.
    #[schema(required, value_type = Option<Object>)]
    pub plan: Option<Value>,
    /// When the plan was filed.
    #[schema(required)]
    pub plan_filed_at: Option<Timestamp>,
    /// Until when a major has to report its progress next; null where none is owed.
    #[schema(required)]
    pub next_progress_due: Option<Timestamp>,
    /// It has not reported by then; computed now.
    pub progress_overdue: bool,
    /// The round of rectifying, from 1.
    pub round: i32,
    /// How often it was returned.
    pub returns: i32,
    /// How often it was reported done.
    pub submissions: i32,
    /// When it was reported done in this round.
    #[schema(required)]
    pub reported_done_at: Option<Timestamp>,
    /// Who reported it done.
    #[schema(required)]
    pub reported_done_by: Option<Id>,
    /// Until when the bureau has to recheck.
    #[schema(required)]
    pub recheck_due_at: Option<Timestamp>,
    /// Who rechecked it in this round.
    pub recheckers: Vec<Id>,
    /// When it passed its recheck.
    #[schema(required)]
    pub passed_at: Option<Timestamp>,
    /// The leader who agreed to close it.
    #[schema(required)]
    pub approved_by: Option<Id>,
    /// When it was closed.
    #[schema(required)]
    pub closed_at: Option<Timestamp>,
    /// Who closed it.
    #[schema(required)]
    pub closed_by: Option<Id>,
    /// How it was closed.
    #[schema(required)]
    pub closed_kind: Option<ClosedKind>,
    /// Why it was declared void.
    #[schema(required)]
    pub void_reason: Option<String>,
    /// The hazard that came back as this one.
    #[schema(required)]
    pub recurrence_of: Option<Id>,
    /// The closed hazard of the same school, place and item that the server proposes as the one that came back.
    #[schema(required)]
    pub proposed_recurrence_of: Option<Id>,
    /// What accompanies it beside its state.
    pub marks: Marks,
    /// What the caller may do now, by the same rules that decide.
    pub allowed_actions: Vec<Action>,
    /// What the caller may not do now, each with every rule that stands in the way.
    pub refused_actions: Vec<Refused>,
    /// Every round with its measures, photos and opinions; only in answers about one hazard, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Vec<RoundView>>,
    /// Photos of it that were used before, above all a *before* used as an *after*; only in answers about one hazard, and
    /// not for the school's people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo_reuse: Option<Vec<PhotoReuse>>,
}

impl Record for Hazard {
    fn version(&self) -> i64 {
        self.version
    }
}

/// An action that the rules refuse now, whatever a body would say.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RefusedAction)]
pub struct Refused {
    /// The action.
    pub action: Action,
    /// Every rule that stands in the way.
    pub reasons: Vec<Refusal>,
}

/// One round of rectifying and rechecking.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = HazardRound)]
pub struct RoundView {
    /// From 1.
    pub round: i32,
    /// The deadline it was reported against.
    #[schema(required)]
    pub due_at: Option<Timestamp>,
    /// What was done.
    #[schema(required)]
    pub measures_taken: Option<String>,
    /// What it cost, in fen.
    #[schema(required)]
    pub cost_fen: Option<i64>,
    /// Claims of evidence.
    pub evidence_ids: Vec<Id>,
    /// The principal who signed it off.
    #[schema(required)]
    pub signed_off_by: Option<Id>,
    /// Who reported it done.
    #[schema(required)]
    pub reported_by: Option<Id>,
    /// When.
    #[schema(required)]
    pub reported_at: Option<Timestamp>,
    /// `passed` or `returned`; null while it waits.
    #[schema(required, example = "passed")]
    pub outcome: Option<String>,
    /// The recheckers' opinion, or why it was returned.
    #[schema(required)]
    pub opinion: Option<String>,
    /// Who rechecked.
    pub recheckers: Vec<Id>,
    /// Whether they were there.
    #[schema(required)]
    pub on_site: Option<bool>,
    /// Claims of evidence of the recheck.
    pub recheck_evidence_ids: Vec<Id>,
    /// When it was rechecked.
    #[schema(required)]
    pub rechecked_at: Option<Timestamp>,
    /// The leader's opinion.
    #[schema(required)]
    pub approval_opinion: Option<String>,
    /// The leader.
    #[schema(required)]
    pub approved_by: Option<Id>,
    /// When the leader decided.
    #[schema(required)]
    pub approved_at: Option<Timestamp>,
}

impl From<Round> for RoundView {
    fn from(row: Round) -> Self {
        Self {
            round: row.round,
            due_at: row.due_at,
            measures_taken: row.measures_taken,
            cost_fen: row.cost_fen,
            evidence_ids: row.evidence_ids.read(),
            signed_off_by: row.signed_off_by,
            reported_by: row.reported_by,
            reported_at: row.reported_at,
            outcome: row.outcome,
            opinion: row.opinion,
            recheckers: row.recheckers.read(),
            on_site: row.on_site,
            recheck_evidence_ids: row.recheck_evidence_ids.read(),
            rechecked_at: row.rechecked_at,
            approval_opinion: row.approval_opinion,
            approved_by: row.approved_by,
            approved_at: row.approved_at,
        }
    }
}

/// One hazard with its rounds, for this caller.
///
/// # Errors
/// Whatever the engine says.
pub fn view(conn: &mut Conn, rights: &Rights, row: Row, now: Timestamp) -> Result<Hazard, Problem> {
    let zones = read::zones(conn, &[row.bureau_id])?;
    let powers = Powers::over(conn, rights, [&row])?;
    let rounds = if row.submissions > 0 { Some(read::rounds(conn, row.id)?) } else { None };
    let of_school = powers.school_side(&row) || rights.of(Permission::InspectionRead).is_of_school(row.org_id);
    let photo_reuse = if of_school { None } else { Some(evidence::store::flagged(conn, &row)?) };
    let mut hazard = build(row, &powers, &zones, now);
    hazard.photo_reuse = photo_reuse;
    hazard.rounds = rounds.map(|rounds| rounds.into_iter().map(RoundView::from).collect());
    Ok(hazard)
}

/// A page of hazards, for this caller: no query per row.
///
/// # Errors
/// Whatever the engine says.
pub fn views(
    conn: &mut Conn,
    rights: &Rights,
    rows: Vec<Row>,
    zones: &Zones,
    now: Timestamp,
) -> Result<Vec<Hazard>, Problem> {
    let powers = Powers::over(conn, rights, &rows)?;
    Ok(rows.into_iter().map(|row| build(row, &powers, zones, now)).collect())
}

fn build(row: Row, powers: &Powers, zones: &Zones, now: Timestamp) -> Hazard {
    let zone = zones.get(&row.bureau_id).copied().unwrap_or(chrono_tz::Asia::Shanghai);
    let due = row.due_at.map(Timestamp::utc);
    let (at, status, level) = (now.utc(), row.status, row.level);
    let (open, closed): (Vec<_>, Vec<_>) = rules::possible_actions(&row.facts(), &powers.actor(&row))
        .into_iter()
        .partition(|possible| possible.refusals.is_empty());
    let refused = |possible: rules::Possible| Refused { action: possible.action, reasons: possible.refusals };
    let next_progress_due = row.next_progress_due(zone);
    let hides_reporter = !row.source.is_schools_own() && powers.school_side(&row);
    Hazard {
        overdue: deadline::overdue(status, due, at),
        days_left: deadline::days_left(status, due, at, zone),
        warning: deadline::colour(status, level, due, at, zone),
        allowed_actions: open.into_iter().map(|possible| possible.action).collect(),
        refused_actions: closed.into_iter().map(refused).collect(),
        marks: row.marks(),
        next_progress_due,
        progress_overdue: next_progress_due.is_some_and(|due| due < now),
        rounds: None,
        photo_reuse: None,
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        number: row.number,
        status,
        level,
        proposed_level: row.proposed_level,
        level_decided_by: row.level_decided_by,
        category: row.category,
        domain: row.domain,
        title: row.title,
        description: row.description,
        org_id: row.org_id,
        site_id: row.site_id,
        basis: row.basis,
        requirement: row.requirement,
        source: row.source,
        escalate: row.escalate,
        found_at: row.found_at,
        reported_by: (!hides_reporter).then_some(row.reported_by),
        inspection_id: row.inspection_id,
        item_code: row.item_code,
        evidence_ids: row.evidence_ids.read(),
        responsible_org_id: row.responsible_org_id,
        responsible_user_id: row.responsible_user_id,
        leader_user_id: row.leader_user_id,
        lead_section: row.lead_section,
        remedy: row.remedy,
        bureau_side: row.bureau_side,
        issued_at: row.issued_at,
        issued_by: row.issued_by,
        acknowledged_at: row.acknowledged_at,
        acknowledged_by: row.acknowledged_by,
        due_at: row.due_at,
        due_on: row.due_on,
        original_due_at: row.original_due_at,
        plan_due_at: row.plan_due_at,
        calendar_provisional: row.calendar_provisional,
        plan: row.plan.map(|plan| plan.0),
        plan_filed_at: row.plan_filed_at,
        round: row.round,
        returns: row.returns,
        submissions: row.submissions,
        reported_done_at: row.reported_done_at,
        reported_done_by: row.reported_done_by,
        recheck_due_at: row.recheck_due_at,
        recheckers: row.recheckers.read(),
        passed_at: row.passed_at,
        approved_by: row.approved_by,
        closed_at: row.closed_at,
        closed_by: row.closed_by,
        closed_kind: row.closed_kind,
        void_reason: row.void_reason,
        recurrence_of: row.recurrence_of,
        proposed_recurrence_of: row.proposed_recurrence_of,
    }
}
