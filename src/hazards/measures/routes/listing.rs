//! Supervised listing of majors (挂牌督办).

use std::sync::Arc;

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NoFilter, Opinion, repeated, sent, with_current};
use crate::access::{Allowed, actions::hazard};
use crate::hazards::body::MAX_TEXT;
use crate::hazards::measures::store::listing::{self, Listing as Stored, Request};
use crate::hazards::measures::words::ListingAuthority;
use crate::hazards::store::read;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, List, PathId, Record, Reply};

/// Longest document number, in characters.
const MAX_NUMBER: usize = 60;

/// A supervised listing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Listing {
    /// Of the listing.
    pub id: Id,
    /// Counts the changes.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Of which hazard.
    pub hazard_id: Id,
    /// The level of the authority that lists it.
    pub authority: ListingAuthority,
    /// The document number.
    #[schema(example = "校安督〔2026〕3号")]
    pub number: String,
    /// What is demanded.
    pub demand: String,
    /// Since when.
    pub listed_at: Timestamp,
    /// Which leader listed it.
    pub listed_by: Id,
    /// When it was taken off the list.
    #[schema(required)]
    pub delisted_at: Option<Timestamp>,
    /// Which leader took it off.
    #[schema(required)]
    pub delisted_by: Option<Id>,
    /// The opinion of acceptance.
    #[schema(required)]
    pub opinion: Option<String>,
}

impl Record for Listing {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<Stored> for Listing {
    fn from(row: Stored) -> Self {
        Self {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            hazard_id: row.hazard_id,
            authority: row.authority,
            number: row.number,
            demand: row.demand,
            listed_at: row.listed_at,
            listed_by: row.created_by,
            delisted_at: row.delisted_at,
            delisted_by: row.delisted_by,
            opinion: row.opinion,
        }
    }
}

/// Supervised listings of a hazard
///
/// Newest first; at most one stands.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), PageQuery),
    responses((status = 200, description = "A page of listings", body = ListOf<Listing>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/listings")]
pub async fn all(allowed: Allowed<hazard::Read>, id: PathId, list: List<NoFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            listing::list(conn, row.id, &list)?.map(Listing::from).reply()
        })
        .await
}

/// A listing to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewListing {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// The level of the authority that lists it.
    pub authority: ListingAuthority,
    /// What is demanded: plan, progress, acceptance, by when.
    #[schema(example = "十日内报送整改方案，每季度报告进展，完成后申请验收。", min_length = 1, max_length = 4000)]
    pub demand: String,
    /// The document number of another authority; without it the bureau's own next one is given.
    #[schema(example = "市校安督〔2026〕12号", min_length = 1, max_length = 60)]
    pub number: Option<String>,
}

impl Check for NewListing {
    fn check(&self, faults: &mut Faults) {
        faults.text("/demand", &self.demand, 1, MAX_TEXT);
        faults.optional_text("/number", self.number.as_deref(), MAX_NUMBER);
        if self.number.as_ref().is_some_and(|number| number.contains(['\n', '\t'])) {
            faults.say("/number", "control_character", "不得换行", "must be one line");
        }
    }
}

/// Put a major under supervised listing
///
/// By a leader, once at a time. The document number, the bureau's code with 督 as in
/// `校安督〔year〕serial号`, is without gaps per bureau and year.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = NewListing,
    responses(
        (status = 201, description = "Listed", body = Listing),
        (status = 200, description = "The same listing was stored before", body = Listing)
    ),
    extensions(("x-permission" = json!("hazard.approve")))
)]
#[post("/hazards/{id}/listing")]
pub async fn list_major(
    allowed: Allowed<hazard::Approve>,
    id: PathId,
    body: Body<NewListing>,
) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            if let Some(before) = repeated::<Stored>(tx.conn, rights, row.id, input.id, &body.hash)? {
                return Ok(Commit::unchanged(Reply::record(&Listing::from(before))?));
            }
            let request = Request {
                authority: input.authority,
                demand: input.demand.clone(),
                number: input.number.as_ref().map(|number| number.trim().to_owned()),
            };
            let sent = sent(tx, input.id, &body.hash);
            let (_, made, receipt) = listing::list_major(tx, rights, &row, sent, request)
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            let path = format!("/hazards/{}/listings", row.id);
            Ok(receipt.with(Reply::created(&path, &Listing::from(made))?))
        })
        .await
}

/// Take a hazard off the supervised list
///
/// By a leader who did not put it right, after acceptance: not before it is closed.
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = Opinion,
    responses((status = 200, description = "Taken off", body = Listing)),
    extensions(("x-permission" = json!("hazard.approve")))
)]
#[post("/hazards/{id}/delisting")]
pub async fn delist(allowed: Allowed<hazard::Approve>, id: PathId, body: Body<Opinion>) -> Result<Reply, Problem> {
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, id.0)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (input, now) = (body.get()?, tx.now);
            let (_, made, receipt) = listing::delist(tx, rights, &row, input.opinion.clone())
                .map_err(|problem| with_current(tx.conn, rights, &row, now, problem))?;
            Ok(receipt.with(Reply::record(&Listing::from(made))?))
        })
        .await
}
