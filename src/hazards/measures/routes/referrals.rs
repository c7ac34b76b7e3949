//! Referrals to other authorities (抄告/移送).

use std::sync::Arc;

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NoFilter, repeated, sent, with_current};
use crate::access::{Allowed, actions::hazard};
use crate::hazards::body::MAX_TEXT;
use crate::hazards::measures::store::referral::{self, Referral as Stored, Request};
use crate::hazards::measures::words::ReferralAuthority;
use crate::hazards::store::read;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, List, PathId, PathIds, Record, Reply};

/// Longest name of an authority, in characters.
const MAX_NAME: usize = 200;

/// A referral to another authority.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Referral {
    /// Of the referral.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Of which hazard.
    pub hazard_id: Id,
    /// What kind of authority.
    pub authority: ReferralAuthority,
    /// Its name.
    pub authority_name: String,
    /// What it is asked to see to.
    pub matter: String,
    /// When it was referred.
    pub referred_at: Timestamp,
    /// Who referred it.
    pub referred_by: Id,
    /// Until when it ought to reply.
    pub reply_due_at: Timestamp,
    /// No reply by then; computed now.
    pub reply_overdue: bool,
    /// When it replied.
    #[schema(required)]
    pub replied_at: Option<Timestamp>,
    /// What it replied.
    #[schema(required)]
    pub reply: Option<String>,
    /// Who recorded the reply.
    #[schema(required)]
    pub reply_recorded_by: Option<Id>,
}

impl Record for Referral {
    fn version(&self) -> i64 {
        self.version
    }
}

fn shown(row: Stored, now: Timestamp) -> Referral {
    Referral {
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        hazard_id: row.hazard_id,
        authority: row.authority,
        authority_name: row.authority_name,
        matter: row.matter,
        referred_at: row.referred_at,
        referred_by: row.created_by,
        reply_due_at: row.reply_due_at,
        reply_overdue: row.replied_at.is_none() && row.reply_due_at < now,
        replied_at: row.replied_at,
        reply: row.reply,
        reply_recorded_by: row.reply_recorded_by,
    }
}

/// Referrals of a hazard
///
/// Newest first.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), PageQuery),
    responses((status = 200, description = "A page of referrals", body = ListOf<Referral>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/referrals")]
pub async fn list(allowed: Allowed<hazard::Read>, id: PathId, list: List<NoFilter>) -> Result<Reply, Problem> {
    let now = allowed.rights().now;
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            referral::list(conn, row.id, &list)?.map(|one| shown(one, now)).reply()
        })
        .await
}

/// A referral to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReferral {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// What kind of authority.
    pub authority: ReferralAuthority,
    /// Its name.
    #[schema(example = "甲区消防救援大队", min_length = 1, max_length = 200)]
    pub authority_name: String,
    /// What it is asked to see to.
    #[schema(example = "请依法处理校外违规占用消防通道。", min_length = 1, max_length = 4000)]
    pub matter: String,
    /// Until when it ought to reply; the end of the tenth working day where absent.
    pub reply_due_at: Option<Timestamp>,
}

/// Everything is checked by [`NewReferral::request`], which knows the hour.
impl Check for NewReferral {}

impl NewReferral {
    fn request(&self, now: Timestamp) -> Result<Request, Problem> {
        let mut faults = Faults::default();
        faults.text("/authority_name", &self.authority_name, 1, MAX_NAME);
        faults.text("/matter", &self.matter, 1, MAX_TEXT);
        if self.reply_due_at.is_some_and(|due| due <= now) {
            faults.say("/reply_due_at", "in_the_past", "须晚于现在", "must lie in the future");
        }
        faults.finish()?;
        Ok(Request {
            authority: self.authority,
            authority_name: self.authority_name.clone(),
            matter: self.matter.clone(),
            reply_due_at: self.reply_due_at,
        })
    }
}

/// Refer a hazard to another authority
///
/// By the bureau. The hazard stays open and visible.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = NewReferral,
    responses(
        (status = 201, description = "Referred", body = Referral),
        (status = 200, description = "The same referral was stored before", body = Referral)
    ),
    extensions(("x-permission" = json!("hazard.refer")))
)]
#[post("/hazards/{id}/referrals")]
pub async fn refer(allowed: Allowed<hazard::Refer>, id: PathId, body: Body<NewReferral>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            if let Some(before) = repeated::<Stored>(tx.conn, rights, row.id, input.id, &body.hash)? {
                return Ok(Commit::unchanged(Reply::record(&shown(before, now))?));
            }
            let (request, sent) = (input.request(now)?, sent(tx, input.id, &body.hash));
            let (_, made, receipt) = referral::refer(tx, rights, &row, sent, request)
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            let path = format!("/hazards/{}/referrals", row.id);
            Ok(receipt.with(Reply::created(&path, &shown(made, now))?))
        })
        .await
}

/// The reply of another authority.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralReply {
    /// What it replied.
    #[schema(example = "已责令占用人清理。", min_length = 1, max_length = 4000)]
    pub reply: String,
    /// When it replied; now where absent.
    pub replied_at: Option<Timestamp>,
}

/// Everything is checked by [`ReferralReply::instant`], which knows the hour and the referral.
impl Check for ReferralReply {}

impl ReferralReply {
    fn instant(&self, referral: &Stored, now: Timestamp) -> Result<Timestamp, Problem> {
        let mut faults = Faults::default();
        faults.text("/reply", &self.reply, 1, MAX_TEXT);
        let at = self.replied_at.unwrap_or(now);
        if at > now {
            faults.say("/replied_at", "in_the_future", "不得晚于现在", "must not lie in the future");
        }
        if at < referral.referred_at {
            faults.say("/replied_at", "before_referred", "不得早于移送时间", "must not lie before it was referred");
        }
        faults.finish()?;
        Ok(at)
    }
}

/// Record the reply of another authority
///
/// By the bureau, once, whatever has become of the hazard.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), ("rid" = Id, Path, description = "The referral")),
    request_body = ReferralReply,
    responses((status = 200, description = "Recorded", body = Referral)),
    extensions(("x-permission" = json!("hazard.refer")))
)]
#[post("/hazards/{id}/referrals/{rid}/reply")]
pub async fn reply(allowed: Allowed<hazard::Refer>, ids: PathIds, body: Body<ReferralReply>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, ids.0)?;
            let referral = referral::of_hazard(tx.conn, row.id, ids.1)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            let at = input.instant(&referral, now)?;
            let (_, made, receipt) = referral::reply(tx, rights, &row, referral, input.reply.clone(), at)
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            Ok(receipt.with(Reply::record(&shown(made, now))?))
        })
        .await
}
