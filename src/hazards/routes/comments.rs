//! Remarks on a hazard.

use std::sync::Arc;

use actix_web::{get, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{Allowed, actions::hazard};
use crate::hazards::acts;
use crate::hazards::body::MAX_TEXT;
use crate::hazards::store::comments::{self, Comment};
use crate::hazards::store::read;
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, List, PathId, Reply};

/// No filter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// Remarks on a hazard
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard"), PageQuery),
    responses((status = 200, description = "A page of remarks", body = ListOf<Comment>)),
    extensions(("x-permission" = json!("hazard.read")))
)]
#[get("/hazards/{id}/comments")]
pub async fn list(allowed: Allowed<hazard::Read>, id: PathId, list: List<NoFilter>) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let row = read::one(conn, rights, id.0)?;
            comments::list(conn, row.id, &list)?.reply()
        })
        .await
}

/// A remark to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// The client's own id, so that a repeat is recognised.
    pub id: Option<Id>,
    /// What to say.
    #[schema(example = "已联系维修单位，周三到场。", min_length = 1, max_length = 4000)]
    pub text: String,
}

impl Check for NewComment {
    fn check(&self, faults: &mut Faults) {
        faults.text("/text", &self.text, 1, MAX_TEXT);
    }
}

/// Remark on a hazard
#[utoipa::path(
    tag = "hazards",
    params(("id" = Id, Path, description = "The hazard")),
    request_body = NewComment,
    responses(
        (status = 201, description = "Written", body = Comment),
        (status = 200, description = "The same remark was stored before", body = Comment)
    ),
    extensions(("x-permission" = json!("hazard.comment")))
)]
#[post("/hazards/{id}/comments")]
pub async fn create(allowed: Allowed<hazard::Comment>, id: PathId, body: Body<NewComment>) -> Result<Reply, Problem> {
    allowed.write(&Arc::clone(&body.hash), move |tx, rights| acts::comment(tx, rights, id.0, &body)).await
}
