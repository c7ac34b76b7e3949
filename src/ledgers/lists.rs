//! The four lists a bureau keeps (问题, 责任, 整改, 成果): four readings of the same rows.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::HazardLedgerRow;
use crate::hazards::status::{Level, Source, Status};
use crate::platform::db::types::{Id, Timestamp};

/// 问题清单: what is wrong. All hazards but void ones.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProblemRow {
    /// Of the hazard.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The hazard's number.
    pub number: String,
    /// The school.
    pub org_id: Id,
    /// 学校
    pub org_name: String,
    /// 问题: in a line.
    pub title: String,
    /// 问题: at length.
    pub description: String,
    /// 领域
    pub domain: String,
    /// 级别
    pub level: Level,
    /// 来源
    pub source: Source,
    /// 发现日期
    pub found_on: NaiveDate,
    /// 依据
    #[schema(required)]
    pub basis: Option<String>,
}

impl From<HazardLedgerRow> for ProblemRow {
    fn from(row: HazardLedgerRow) -> Self {
        Self {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            number: row.number,
            org_id: row.org_id,
            org_name: row.org_name,
            title: row.title,
            description: row.description,
            domain: row.domain,
            level: row.level,
            source: row.source,
            found_on: row.found_on,
            basis: row.basis,
        }
    }
}

/// 责任清单: who answers. Open hazards.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResponsibilityRow {
    /// Of the hazard.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The hazard's number.
    pub number: String,
    /// The school.
    pub org_id: Id,
    /// Its name.
    pub org_name: String,
    /// 问题
    pub title: String,
    /// 责任领导
    #[schema(required)]
    pub leader_name: Option<String>,
    /// 责任科室
    #[schema(required)]
    pub lead_section: Option<String>,
    /// 责任人
    #[schema(required)]
    pub responsible_name: Option<String>,
    /// 配合单位: authorities it was referred to.
    pub cooperating: Vec<String>,
    /// 承诺: the measures of the plan on file.
    #[schema(required)]
    pub commitment: Option<String>,
    /// 承诺: by when.
    #[schema(required)]
    pub committed_until: Option<NaiveDate>,
    /// 电话(脱敏): of the responsible person, its middle hidden.
    #[schema(required, example = "138****8000")]
    pub phone_masked: Option<String>,
}

impl From<HazardLedgerRow> for ResponsibilityRow {
    fn from(row: HazardLedgerRow) -> Self {
        Self {
            committed_until: row.committed_until(),
            cooperating: row.cooperating(),
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            number: row.number,
            org_id: row.org_id,
            org_name: row.org_name,
            title: row.title,
            leader_name: row.leader_name,
            lead_section: row.lead_section,
            responsible_name: row.responsible_name,
            commitment: row.planned_measures,
            phone_masked: row.more.phone,
        }
    }
}

/// 整改清单: how and by when. Open hazards that were issued.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RectificationRow {
    /// Of the hazard.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The hazard's number.
    pub number: String,
    /// The school.
    pub org_id: Id,
    /// Its name.
    pub org_name: String,
    /// 问题
    pub title: String,
    /// 整改目标: what is demanded.
    #[schema(required)]
    pub requirement: Option<String>,
    /// 措施: as planned.
    #[schema(required)]
    pub planned_measures: Option<String>,
    /// 措施: as reported done last.
    #[schema(required)]
    pub measures_taken: Option<String>,
    /// 资金: as planned, in fen.
    #[schema(required)]
    pub budget_fen: Option<i64>,
    /// 资金: spent so far, in fen.
    #[schema(required)]
    pub cost_fen: Option<i64>,
    /// 时限: the deadline in force.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    /// 进度%: of the latest progress report.
    #[schema(required)]
    pub percent: Option<i32>,
    /// 状态
    pub status: Status,
    /// 存在困难: of the latest progress report.
    #[schema(required)]
    pub difficulties: Option<String>,
}

impl From<HazardLedgerRow> for RectificationRow {
    fn from(row: HazardLedgerRow) -> Self {
        Self {
            due_on: row.deadline(),
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            number: row.number,
            org_id: row.org_id,
            org_name: row.org_name,
            title: row.title,
            requirement: row.requirement,
            planned_measures: row.planned_measures,
            measures_taken: row.measures_taken,
            budget_fen: row.budget_fen,
            cost_fen: row.cost_fen,
            percent: row.more.progress.as_ref().map(|progress| progress.percent),
            status: row.status,
            difficulties: row.more.progress.and_then(|progress| progress.difficulties),
        }
    }
}

/// 成果清单: what improved. Closed hazards.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResultRow {
    /// Of the hazard.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The hazard's number.
    pub number: String,
    /// The school.
    pub org_id: Id,
    /// Its name.
    pub org_name: String,
    /// 问题
    pub title: String,
    /// 完成时间: when it was reported done.
    #[schema(required)]
    pub completed_on: Option<NaiveDate>,
    /// 成效: the measures taken.
    #[schema(required)]
    pub measures_taken: Option<String>,
    /// 成效: the recheckers' opinion.
    #[schema(required)]
    pub recheck_opinion: Option<String>,
    /// 前后对比: claims of evidence before.
    pub before_evidence_ids: Vec<Id>,
    /// 前后对比: claims of evidence after.
    pub after_evidence_ids: Vec<Id>,
    /// 长效机制(制度文件): always null until rules of schools are kept here.
    #[schema(required)]
    pub lasting_measures: Option<String>,
    /// 验收人: who rechecked, and the leader who approved.
    pub accepted_by_names: Vec<String>,
    /// 复发情况: numbers of hazards that came back after it, of those the caller sees.
    pub recurred_as: Vec<String>,
}

impl From<HazardLedgerRow> for ResultRow {
    fn from(row: HazardLedgerRow) -> Self {
        Self {
            accepted_by_names: row.accepted_by(),
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            number: row.number,
            org_id: row.org_id,
            org_name: row.org_name,
            title: row.title,
            completed_on: row.completed_on,
            measures_taken: row.measures_taken,
            recheck_opinion: row.recheck_opinion,
            before_evidence_ids: row.before_evidence_ids,
            after_evidence_ids: row.after_evidence_ids,
            lasting_measures: None,
            recurred_as: row.more.recurred,
        }
    }
}

impl HazardLedgerRow {
    /// The deadline in force.
    #[must_use]
    pub fn deadline(&self) -> Option<NaiveDate> {
        self.extended_due_on.or(self.due_on)
    }

    /// Until when the plan on file promises it; nothing without one.
    #[must_use]
    pub fn committed_until(&self) -> Option<NaiveDate> {
        self.deadline().filter(|_| self.planned_measures.is_some())
    }

    /// The authorities it was referred to, each once.
    #[must_use]
    pub fn cooperating(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for one in &self.referrals {
            if !names.contains(&one.authority_name) {
                names.push(one.authority_name.clone());
            }
        }
        names
    }

    /// Who accepted it: recheckers, then the leader.
    #[must_use]
    pub fn accepted_by(&self) -> Vec<String> {
        self.rechecker_names.iter().chain(&self.approved_by_name).cloned().collect()
    }
}
