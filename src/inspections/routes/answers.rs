//! Answers: of one inspection, and of one item across all schools.

use actix_web::{get, put, web};

use crate::access::{Allowed, actions::inspection};
use crate::catalogue::rules::Fault;
use crate::catalogue::words::invalid;
use crate::inspections::store::{self, AnswerBody, AnswerFilter, AnswerView, AnswersBody};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::http::{Body, List, Page, PathId, Reply};

/// Read the answers of an inspection
///
/// One row for each item that concerns the school, in order; `result` is null until answered.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    responses((status = 200, description = "All answers", body = ListOf<AnswerView>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/inspections/{id}/answers")]
pub async fn of_inspection(allowed: Allowed<inspection::Read>, id: PathId) -> Result<Reply, Problem> {
    allowed
        .read(move |conn, rights| {
            let seen = store::seen(conn, rights, id.0)?;
            Page::whole(store::answers_of(conn, rights, &seen)?).reply()
        })
        .await
}

/// Answer several items
///
/// All or none. Each takes the place of the answer given before. Only the team, after check-in.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection")),
    request_body = AnswersBody,
    responses((status = 200, description = "The answers as stored", body = ListOf<AnswerView>)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[put("/inspections/{id}/answers")]
pub async fn put_many(
    allowed: Allowed<inspection::Perform>,
    id: PathId,
    body: Body<AnswersBody>,
) -> Result<Reply, Problem> {
    allowed
        .write_unkept(move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id.0)?;
            let answers = &body.get()?.answers;
            let (receipt, views) = store::answer(tx, rights, &seen, answers, |place| format!("/answers/{place}"))?;
            let reply = Page::whole(views).reply()?;
            Ok(match receipt {
                Some(receipt) => receipt.with(reply),
                None => Commit::unchanged(reply),
            })
        })
        .await
}

/// Answer an item
///
/// Takes the place of the answer given before. Only the team, after check-in.
#[utoipa::path(
    tag = "inspections",
    params(("id" = Id, Path, description = "Of the inspection"),
        ("item_code" = String, Path, description = "Which item", example = "fang-003")),
    request_body = AnswerBody,
    responses((status = 200, description = "The answer as stored", body = AnswerView)),
    extensions(("x-permission" = json!("inspection.perform")))
)]
#[put("/inspections/{id}/answers/{item_code}")]
pub async fn put_one(
    allowed: Allowed<inspection::Perform>,
    path: web::Path<(String, String)>,
    body: Body<AnswerBody>,
) -> Result<Reply, Problem> {
    let (id, code) = path.into_inner();
    let id: Id = id.parse().map_err(|error| Problem::not_found().cause(error))?;
    allowed
        .write_unkept(move |tx, rights| {
            let seen = store::seen_to_change(tx.conn, rights, id)?;
            store::has_item(tx.conn, rights, &seen, &code)?;
            let mut answer = body.get()?.clone();
            if answer.item_code.as_ref().is_some_and(|named| *named != code) {
                return Err(invalid(vec![Fault::at("/item_code", "differs_from_path")]));
            }
            answer.item_code = Some(code.clone());
            let (receipt, mut views) = store::answer(tx, rights, &seen, &[answer], |_| String::new())?;
            let reply = Reply::record(&views.pop().ok_or_else(Problem::not_found)?)?;
            Ok(match receipt {
                Some(receipt) => receipt.with(reply),
                None => Commit::unchanged(reply),
            })
        })
        .await
}

/// List answers across schools
///
/// One item in all schools of the caller's scope, for instance; those of void inspections do not count.
#[utoipa::path(
    tag = "inspections",
    params(AnswerFilter, PageQuery),
    responses((status = 200, description = "A page of answers, newest inspection first", body = ListOf<AnswerView>)),
    extensions(("x-permission" = json!("inspection.read")))
)]
#[get("/answers")]
pub async fn across(allowed: Allowed<inspection::Read>, list: List<AnswerFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| store::answers_across(conn, rights, &list)?.reply()).await
}
