//! Remarks on a hazard.

use std::sync::Arc;

use actix_web::{get, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{Allowed, actions::hazard};
use crate::hazards::body::MAX_TEXT;
use crate::hazards::store::comments::{self, Comment};
use crate::hazards::store::{Powers, read};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
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
    let hash = Arc::clone(&body.hash);
    allowed
        .write(&hash, move |tx, rights| {
            let row = read::one(tx.conn, rights, id.0)?;
            if !Powers::over(tx.conn, rights, [&row])?.may_comment(&row) {
                return Err(Problem::new(Code::Forbidden));
            }
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let input = body.get()?;
            if let Some(id) = input.id
                && let Some((before, hash)) = comments::stored(tx.conn, id)?
            {
                let same = before.author_id == rights.user_id()
                    && before.hazard_id == row.id
                    && hash.as_deref() == Some(&*body.hash);
                return if same {
                    Ok(Commit::unchanged(Reply::record(&before)?))
                } else {
                    Err(Problem::new(Code::IdReused))
                };
            }
            let comment_id = input.id.unwrap_or_else(|| tx.new_id());
            let author = (rights.user_id(), rights.caller.display_name.as_str());
            let (comment, receipt) = comments::add(tx, &row, comment_id, author, &input.text, &body.hash)?;
            let path = format!("/hazards/{}/comments", row.id);
            Ok(receipt.with(Reply::created(&path, &comment)?))
        })
        .await
}
