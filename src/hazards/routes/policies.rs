//! The table of deadlines.

use std::sync::Arc;

use actix_web::{get, patch, post};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::comments::NoFilter;
use crate::access::{Allowed, Permission, Rights, actions::policy};
use crate::hazards::policy::DayKind;
use crate::hazards::status::{Level, Remedy, Source};
use crate::hazards::store::policies::{self, DeadlinePolicy};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, FieldError, IfMatch, List, PathId, Reply};

/// Longest deadline a policy may give, in days.
const MAX_DAYS: i32 = 3650;

/// Deadline policies
///
/// The built-in rows, which every bureau shares, and the bureau's own over them. The row that names most wins; at equal
/// detail the bureau's own.
#[utoipa::path(
    tag = "policy",
    params(PageQuery),
    responses((status = 200, description = "A page of rows", body = ListOf<DeadlinePolicy>)),
    extensions(("x-permission" = json!("policy.read")))
)]
#[get("/deadline-policies")]
pub async fn list(allowed: Allowed<policy::Read>, list: List<NoFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| policies::list(conn, &rights.scope().bureaus(), &list)?.reply()).await
}

/// A row to add.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeadlinePolicy {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// For which level. For a major the days are those until its plan is due.
    pub level: Level,
    /// Only for this domain.
    #[schema(example = "fire")]
    pub domain: Option<String>,
    /// Only for this source.
    pub source: Option<Source>,
    /// Only where putting it right takes this.
    pub remedy: Option<Remedy>,
    /// How many days.
    #[schema(minimum = 0, maximum = 3650, example = 5)]
    pub days: i32,
    /// Of which kind; calendar days when absent.
    pub day_kind: Option<DayKind>,
}

impl Check for NewDeadlinePolicy {
    fn check(&self, faults: &mut Faults) {
        faults.range("/days", &self.days, &0, &MAX_DAYS);
        if self.domain.as_deref().is_some_and(|domain| crate::catalogue::builtin::domain(domain).is_none()) {
            faults.add(FieldError::unknown_value("/domain"));
        }
    }
}

fn own_bureau(rights: &Rights) -> Result<Id, Problem> {
    rights.of(Permission::PolicyManage).own_bureau().ok_or_else(|| Problem::new(Code::Forbidden))
}

/// Add a deadline policy
///
/// Deadlines that stand do not move.
#[utoipa::path(
    tag = "policy",
    request_body = NewDeadlinePolicy,
    responses(
        (status = 201, description = "Added", body = DeadlinePolicy),
        (status = 200, description = "The same row was stored before", body = DeadlinePolicy)
    ),
    extensions(("x-permission" = json!("policy.manage")))
)]
#[post("/deadline-policies")]
pub async fn create(allowed: Allowed<policy::Manage>, body: Body<NewDeadlinePolicy>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let bureau_id = own_bureau(rights)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let input = body.get()?;
            if let Some(id) = input.id
                && let Some(before) = policies::stored(tx.conn, id)?
            {
                let same =
                    before.created_by == Some(rights.user_id()) && before.body_hash.as_deref() == Some(&*body.hash);
                return if same {
                    Ok(Commit::unchanged(Reply::record(&before)?))
                } else {
                    Err(Problem::new(Code::IdReused))
                };
            }
            let row = DeadlinePolicy {
                id: input.id.unwrap_or_else(|| tx.new_id()),
                version: 1,
                created_at: tx.now,
                updated_at: tx.now,
                created_by: Some(rights.user_id()),
                body_hash: Some(body.hash.to_vec()),
                bureau_id: Some(bureau_id),
                level: input.level,
                domain: input.domain.clone(),
                source: input.source,
                remedy: input.remedy,
                days: input.days,
                day_kind: input.day_kind.unwrap_or(DayKind::Calendar),
                active: true,
            };
            let receipt = policies::add(tx, bureau_id, &row)?;
            Ok(receipt.with(Reply::created(&format!("/deadline-policies/{}", row.id), &row)?))
        })
        .await
}

/// What to change of a row; what is absent stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadlinePolicyChange {
    /// How many days.
    #[schema(minimum = 0, maximum = 3650)]
    pub days: Option<i32>,
    /// Of which kind.
    pub day_kind: Option<DayKind>,
    /// Whether it counts.
    pub active: Option<bool>,
}

impl Check for DeadlinePolicyChange {
    fn check(&self, faults: &mut Faults) {
        if let Some(days) = &self.days {
            faults.range("/days", days, &0, &MAX_DAYS);
        }
    }
}

/// Change a deadline policy
///
/// Only the bureau's own rows; a built-in row is covered by an own one. Deadlines that stand do not move.
#[utoipa::path(
    tag = "policy",
    params(("id" = Id, Path, description = "The row"), ("If-Match" = String, Header, description = "The ETag or the quoted version one has seen", example = "\"1\"")),
    request_body(content = DeadlinePolicyChange, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "Changed", body = DeadlinePolicy)),
    extensions(("x-permission" = json!("policy.manage")))
)]
#[patch("/deadline-policies/{id}")]
pub async fn change(
    allowed: Allowed<policy::Manage>,
    id: PathId,
    if_match: IfMatch,
    body: Body<DeadlinePolicyChange>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let bureaus = rights.of(Permission::PolicyManage).bureaus();
            let before = policies::stored(tx.conn, id.0)?
                .filter(|row| row.bureau_id.is_none_or(|bureau| bureaus.contains(&bureau)))
                .ok_or_else(Problem::not_found)?;
            if_match.check(before.version, || json!(before))?;
            let input = body.get()?;
            let Some(bureau_id) = before.bureau_id else {
                return Err(Problem::new(Code::StateConflict).detail(
                    "内置规则不可修改，请新增本局规则",
                    "a built-in row does not change; add one of your own",
                ));
            };
            let mut row = before;
            row.days = input.days.unwrap_or(row.days);
            row.day_kind = input.day_kind.unwrap_or(row.day_kind);
            row.active = input.active.unwrap_or(row.active);
            row.version += 1;
            row.updated_at = tx.now;
            let receipt = policies::change(tx, bureau_id, &row)?;
            Ok(receipt.with(Reply::record(&row)?))
        })
        .await
}
