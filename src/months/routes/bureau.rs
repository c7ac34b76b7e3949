//! What the bureau decides: months opened for one school, and the days of grace.

use std::sync::Arc;

use actix_web::{get, post, put};
use chrono::TimeDelta;
use serde::Deserialize;
use utoipa::ToSchema;

use super::reports::not_a_school;
use crate::access::{Allowed, Permission, actions};
use crate::months::rules::Month;
use crate::months::store::terms::{self, MonthPolicy, MonthUnlock};
use crate::orgs::rules::OrgKind;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, FieldError, Reply};

/// Longest time a locked month is opened for, in days.
const MAX_DAYS: i64 = 31;

/// A locked month to open.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// The school.
    pub org_id: Id,
    /// The month.
    pub month: Month,
    /// Until when; at most 31 days ahead.
    pub until: Timestamp,
    /// Why.
    #[schema(min_length = 2, max_length = 1000, example = "系统停电，补报")]
    pub reason: String,
}

impl Check for Unlock {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 2, 1000);
    }
}

/// Open a locked month of a school
///
/// For a late or a corrected report; what is submitted then says so. Opening it again replaces the instant.
#[utoipa::path(
    tag = "months",
    request_body = Unlock,
    responses((status = 200, description = "Opened", body = MonthUnlock)),
    extensions(("x-permission" = json!("month.unlock")))
)]
#[post("/monthly-reports/unlock")]
pub async fn unlock(allowed: Allowed<actions::month::Unlock>, body: Body<Unlock>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let input = body.get()?;
            let school = rights.scope().org(tx.conn, input.org_id)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let mut faults = Faults::default();
            if school.kind != OrgKind::School {
                faults.add(not_a_school());
            }
            if input.until <= tx.now {
                faults.say("/until", "in_the_past", "须晚于当前时间", "must lie ahead");
            } else if input.until > tx.now + TimeDelta::days(MAX_DAYS) {
                faults.add(FieldError::new("/until", "too_far", "最多开放 31 天", "must be at most 31 days ahead"));
            }
            faults.finish()?;
            let (opened, receipt) = terms::unlock(tx, &school, input.month, input.until, &input.reason)?;
            Ok(receipt.with(Reply::record(&opened)?))
        })
        .await
}

/// How long a month stays open
///
/// Days after its end on which every school of the bureau may still write it; none unless the bureau says so.
#[utoipa::path(
    tag = "months",
    responses((status = 200, description = "The policy", body = MonthPolicy)),
    extensions(("x-permission" = json!("policy.read")))
)]
#[get("/monthly-reports/policy")]
pub async fn policy(allowed: Allowed<actions::policy::Read>) -> Result<Reply, Problem> {
    allowed
        .read(|conn, rights| {
            let bureau_id = rights.scope().own_bureau().ok_or_else(Problem::not_found)?;
            Reply::record(&terms::policy(conn, bureau_id)?)
        })
        .await
}

/// The days of grace.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthPolicyToPut {
    /// Days after its end on which a month may still be written.
    #[schema(minimum = 0, maximum = 15, example = 3)]
    pub grace_days: i32,
}

impl Check for MonthPolicyToPut {
    fn check(&self, faults: &mut Faults) {
        faults.range("/grace_days", &self.grace_days, &0, &15);
    }
}

/// Set how long a month stays open
///
/// Bites at once: for the month that ended last too. Reports that are there keep what they were, in time or late.
#[utoipa::path(
    tag = "months",
    request_body = MonthPolicyToPut,
    responses((status = 200, description = "The policy", body = MonthPolicy)),
    extensions(("x-permission" = json!("policy.manage")))
)]
#[put("/monthly-reports/policy")]
pub async fn put_policy(
    allowed: Allowed<actions::policy::Manage>,
    body: Body<MonthPolicyToPut>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let bureau = rights.of(Permission::PolicyManage).own_bureau();
            let bureau_id = bureau.ok_or_else(|| Problem::new(Code::Forbidden))?;
            let input = body.get()?;
            let (after, receipt) = terms::put_policy(tx, bureau_id, input.grace_days)?;
            Ok(receipt.with(Reply::record(&after)?))
        })
        .await
}
