//! A row of the hazard ledger (隐患台账): one hazard with everything its 43 columns tell.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::facts::{Facts, Progress};
use crate::accounts::people::rules::masked;
use crate::hazards::deadline;
use crate::hazards::marks::Determination;
use crate::hazards::status::{ClosedKind, Level, Source, Status};
use crate::hazards::store::Row;
use crate::inspections::rules::InspectionKind;
use crate::platform::db::types::{Id, Timestamp};

/// A hazard as the ledger tells it. The numbers are those of the 43 columns of the file; column 1 (序号) counts the rows
/// of a file and is not here. Days are those of the bureau's zone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HazardLedgerRow {
    /// Of the hazard.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// 2 隐患编号
    #[schema(example = "640104-2026-000123")]
    pub number: String,
    /// 3 年度/批次: the local year of registration.
    pub year: i32,
    /// 3 年度/批次: the title of the inspection that found it.
    #[schema(required)]
    pub batch: Option<String>,
    /// The school.
    pub org_id: Id,
    /// 4 学校名称
    pub org_name: String,
    /// 5 学校标识码
    #[schema(required)]
    pub org_identifier: Option<String>,
    /// 6 校区/具体部位: names from the campus inwards.
    #[schema(required, example = "主校区/教学楼A/三层")]
    pub site: Option<String>,
    /// 7 领域
    pub domain: String,
    /// 8 工作线(十字)
    pub category: String,
    /// Where it stands.
    pub status: Status,
    /// 9 隐患描述: in a line.
    pub title: String,
    /// 9 隐患描述: at length.
    pub description: String,
    /// 10 整改前照片: claims of evidence.
    pub before_evidence_ids: Vec<Id>,
    /// 11 依据条款
    #[schema(required)]
    pub basis: Option<String>,
    /// 12 级别
    pub level: Level,
    /// 13 判定方式: of a major, once said.
    #[schema(required)]
    pub determination: Option<Determination>,
    /// 14 风险点/风险等级: always null until there is a register of risks.
    #[schema(required)]
    pub risk_point: Option<String>,
    /// 15 来源
    pub source: Source,
    /// 16 检查单编号: the id of the inspection that found it.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// Its kind.
    #[schema(required)]
    pub inspection_kind: Option<InspectionKind>,
    /// 17 发现日期
    pub found_on: NaiveDate,
    /// 18 发现人: null for the school's side where it is not the school's own.
    #[schema(required)]
    pub found_by_name: Option<String>,
    /// 19 登记日期
    pub registered_on: NaiveDate,
    /// 20 整改方式: fixed on the spot (立查立改) rather than within a deadline (限期整改).
    pub on_the_spot: bool,
    /// 21 整改措施: as planned.
    #[schema(required)]
    pub planned_measures: Option<String>,
    /// 21 整改措施: as reported done last.
    #[schema(required)]
    pub measures_taken: Option<String>,
    /// 22 整改责任人
    #[schema(required)]
    pub responsible_name: Option<String>,
    /// 23 责任领导
    #[schema(required)]
    pub leader_name: Option<String>,
    /// 24 牵头科室
    #[schema(required)]
    pub lead_section: Option<String>,
    /// 25 责任督学: those of the school for the domain, today.
    pub supervisor_names: Vec<String>,
    /// 26 资金: as planned, in fen.
    #[schema(required)]
    pub budget_fen: Option<i64>,
    /// 26 资金: spent over all rounds, in fen; null until something was reported.
    #[schema(required)]
    pub cost_fen: Option<i64>,
    /// 27 应急预案/临时管控: of the plan.
    #[schema(required)]
    pub contingency: Option<String>,
    /// 27 应急预案/临时管控: of the latest granted extension.
    #[schema(required)]
    pub interim_controls: Option<String>,
    /// 28 整改时限: of this round, before any extension.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    /// The first deadline it had.
    #[schema(required)]
    pub original_due_on: Option<NaiveDate>,
    /// 29 延期次数/延期后时限: how often it was extended.
    pub extensions: i64,
    /// 29 延期次数/延期后时限: the deadline in force, where it was extended.
    #[schema(required)]
    pub extended_due_on: Option<NaiveDate>,
    /// 30 整改完成日期: when it was reported done, in the present round.
    #[schema(required)]
    pub completed_on: Option<NaiveDate>,
    /// 31 整改后照片: claims of evidence of the latest report.
    pub after_evidence_ids: Vec<Id>,
    /// 32 自验人/日期: the principal who signed the latest report off, else who reported.
    #[schema(required)]
    pub self_checked_by_name: Option<String>,
    /// 32 自验人/日期
    #[schema(required)]
    pub self_checked_on: Option<NaiveDate>,
    /// 33 复查人/日期/意见: of the latest recheck.
    pub rechecker_names: Vec<String>,
    /// 33 复查人/日期/意见
    #[schema(required)]
    pub rechecked_on: Option<NaiveDate>,
    /// 33 复查人/日期/意见
    #[schema(required)]
    pub recheck_opinion: Option<String>,
    /// 34 退回次数
    pub returns: i32,
    /// 35 验收结论: `passed` or `returned` of the latest recheck.
    #[schema(required)]
    pub recheck_outcome: Option<String>,
    /// 35 验收结论: the leader's opinion.
    #[schema(required)]
    pub approval_opinion: Option<String>,
    /// The leader who approved.
    #[schema(required)]
    pub approved_by_name: Option<String>,
    /// 36 销号日期/销号人
    #[schema(required)]
    pub closed_on: Option<NaiveDate>,
    /// 36 销号日期/销号人
    #[schema(required)]
    pub closed_by_name: Option<String>,
    /// 37 是否逾期/逾期天数: past the deadline now, or reported done after it; null without a deadline.
    #[schema(required)]
    pub late: Option<bool>,
    /// 37 是否逾期/逾期天数: local days past the deadline; null when not late.
    #[schema(required)]
    pub days_late: Option<i64>,
    /// 38 是否挂牌/级别/文号: the latest listing.
    #[schema(required)]
    pub listing: Option<LedgerListing>,
    /// 39 是否停用/恢复日期: the latest stop of use.
    #[schema(required)]
    pub suspension: Option<LedgerSuspension>,
    /// 40 回头看日期/结果: when a look-back last opened it again; null while none did.
    #[schema(required)]
    pub reopened_on: Option<NaiveDate>,
    /// 40 回头看日期/结果: when a look-back that was handed in last found it as it should be; null while none did.
    #[schema(required)]
    pub held_on: Option<NaiveDate>,
    /// 41 是否复发/原编号: it came back.
    pub recurrence: bool,
    /// 41 是否复发/原编号: the number of the earlier one, where the caller sees it.
    #[schema(required)]
    pub recurrence_of_number: Option<String>,
    /// 42 抄告部门/回复
    pub referrals: Vec<LedgerReferral>,
    /// 43 备注: what is demanded.
    #[schema(required)]
    pub requirement: Option<String>,
    /// 43 备注: why it is void.
    #[schema(required)]
    pub void_reason: Option<String>,
    /// What other lists tell besides.
    #[serde(skip)]
    #[schema(ignore)]
    pub more: More,
}

/// What the four lists tell besides.
#[derive(Debug, Clone, Default)]
pub struct More {
    /// Of who puts it right, masked.
    pub phone: Option<String>,
    /// The latest progress report.
    pub progress: Option<Progress>,
    /// Numbers of hazards that came back after it.
    pub recurred: Vec<String>,
}

/// A supervised listing (挂牌督办).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerListing {
    /// The level of authority.
    pub authority: String,
    /// The document.
    pub number: String,
    /// When it was taken off; null while it stands.
    #[schema(required)]
    pub delisted_on: Option<NaiveDate>,
}

/// A stop of use (停用).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerSuspension {
    /// From when.
    pub since: NaiveDate,
    /// When use began again; null while it is stopped.
    #[schema(required)]
    pub lifted_on: Option<NaiveDate>,
}

/// A referral to another authority (抄告/移送).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerReferral {
    /// To whom.
    pub authority_name: String,
    /// When.
    pub referred_on: NaiveDate,
    /// When the reply came.
    #[schema(required)]
    pub replied_on: Option<NaiveDate>,
    /// The reply.
    #[schema(required)]
    pub reply: Option<String>,
}

/// The parts of a plan that a ledger tells.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Plan {
    measures: Option<String>,
    budget_fen: Option<i64>,
    contingency: Option<String>,
}

impl HazardLedgerRow {
    /// The row of a hazard, for the caller of the facts, at an hour, in the zone of its bureau.
    #[must_use]
    pub fn of(row: Row, facts: &Facts, zone: Tz, now: Timestamp) -> Self {
        let day = |at: Timestamp| deadline::local_date(at.utc(), zone);
        let plan: Plan = row.plan.as_ref().map(crate::platform::db::types::Doc::read).unwrap_or_default();
        let rounds = facts.rounds(&row);
        let reported = rounds.iter().rev().find(|round| round.reported_at.is_some());
        let rechecked = rounds.iter().rev().find(|round| round.rechecked_at.is_some());
        let approved = rounds.iter().rev().find(|round| round.approved_by.is_some());
        let extensions = facts.extensions(&row);
        // A return or a reopening sets a deadline of its own: what was granted before it moved another.
        let begun = row.marks().resumed_at;
        let mut of_round = extensions.iter().filter(|one| begun.is_none_or(|begun| one.decided_at >= Some(begun)));
        let moved = of_round.next().map(|one| day(one.due_before));
        let due_on = row.due_on.or_else(|| row.due_at.map(day));
        let (late, days_late) = late(&row, zone, now);
        let visit = facts.visit(&row);
        let people = |ids: Vec<Id>| ids.into_iter().filter_map(|id| facts.name(Some(id))).collect();
        let responsible = facts.person(row.responsible_user_id);
        let more = More {
            phone: responsible.and_then(|person| person.phone.as_deref()).map(masked),
            progress: facts.progress(&row).cloned(),
            recurred: facts.later(&row).to_vec(),
        };
        Self {
            year: day(row.registered_at).year(),
            batch: visit.map(|visit| visit.title.clone()).filter(|title| !title.is_empty()),
            org_name: facts.school(&row).map(|school| school.name.clone()).unwrap_or_default(),
            org_identifier: facts.school(&row).and_then(|school| school.identifier.clone()),
            site: facts.site(&row),
            before_evidence_ids: row.evidence_ids.read(),
            determination: row.marks().determination.filter(|_| row.level == Level::Major),
            risk_point: None,
            inspection_kind: visit.map(|visit| visit.kind),
            found_on: day(row.found_at),
            found_by_name: if facts.hides_finder(&row) { None } else { facts.name(Some(row.reported_by)) },
            registered_on: day(row.registered_at),
            on_the_spot: row.closed_kind == Some(ClosedKind::OnSpot),
            planned_measures: plan.measures,
            measures_taken: reported.and_then(|round| round.measures_taken.clone()),
            responsible_name: responsible.map(|person| person.name.clone()),
            leader_name: facts.name(row.leader_user_id),
            supervisor_names: facts.supervisors(&row),
            budget_fen: plan.budget_fen,
            cost_fen: rounds.iter().filter_map(|round| round.cost_fen).reduce(i64::saturating_add),
            contingency: plan.contingency,
            interim_controls: extensions.last().map(|one| one.interim_controls.clone()),
            due_on: moved.or(due_on),
            original_due_on: row.original_due_at.map(day),
            extensions: i64::try_from(extensions.len()).unwrap_or(i64::MAX),
            extended_due_on: due_on.filter(|_| moved.is_some()),
            completed_on: row.reported_done_at.map(day),
            after_evidence_ids: reported.map(|round| round.evidence_ids.read()).unwrap_or_default(),
            self_checked_by_name: reported.and_then(|round| facts.name(round.signed_off_by.or(round.reported_by))),
            self_checked_on: reported.and_then(|round| round.reported_at).map(day),
            rechecker_names: rechecked.map(|round| people(round.recheckers.read())).unwrap_or_default(),
            rechecked_on: rechecked.and_then(|round| round.rechecked_at).map(day),
            recheck_opinion: rechecked.and_then(|round| round.opinion.clone()),
            recheck_outcome: rechecked.and_then(|round| round.outcome.clone()),
            approval_opinion: approved.and_then(|round| round.approval_opinion.clone()),
            approved_by_name: approved.and_then(|round| facts.name(round.approved_by)),
            closed_on: row.closed_at.map(day),
            closed_by_name: facts.name(row.closed_by),
            late,
            days_late,
            listing: facts.listing(&row).map(|one| LedgerListing {
                authority: one.authority.clone(),
                number: one.number.clone(),
                delisted_on: one.delisted_at.map(day),
            }),
            suspension: facts
                .suspension(&row)
                .map(|one| LedgerSuspension { since: day(one.since), lifted_on: one.lifted_at.map(day) }),
            reopened_on: facts.reopened_at(&row).map(day),
            held_on: facts.held_at(&row).map(day),
            recurrence: row.recurrence_of.is_some(),
            recurrence_of_number: facts.earlier(&row).cloned(),
            referrals: facts
                .referrals(&row)
                .iter()
                .map(|one| LedgerReferral {
                    authority_name: one.authority_name.clone(),
                    referred_on: day(one.referred_at),
                    replied_on: one.replied_at.map(day),
                    reply: one.reply.clone(),
                })
                .collect(),
            more,
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            number: row.number,
            org_id: row.org_id,
            domain: row.domain,
            category: row.category,
            status: row.status,
            title: row.title,
            description: row.description,
            basis: row.basis,
            level: row.level,
            source: row.source,
            inspection_id: row.inspection_id,
            lead_section: row.lead_section,
            returns: row.returns,
            requirement: row.requirement,
            void_reason: row.void_reason,
        }
    }
}

/// Whether it is past its deadline or was reported done after it, and by how many local days. A void one is not.
fn late(row: &Row, zone: Tz, now: Timestamp) -> (Option<bool>, Option<i64>) {
    let Some(due) = row.due_at.filter(|_| row.status != Status::Void) else { return (None, None) };
    let at = if row.status.clock_runs() { now } else { row.reported_done_at.unwrap_or(due) };
    let late = due < at;
    let days = (deadline::local_date(at.utc(), zone) - deadline::local_date(due.utc(), zone)).num_days();
    (Some(late), late.then_some(days))
}
