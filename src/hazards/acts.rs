//! What a request and an operation handed in from offline do alike, from sight to the answer.

use serde_json::json;

use super::body::TransitionBody;
use super::routes::{NewComment, NewReport, opened, view, with_actions};
use super::rules::separated;
use super::status::Refusal;
use super::store::report::{self, Report};
use super::store::{Powers, comments, read, transition};
use crate::access::{Limit, Permission, Rights};
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Reply};

/// Whether the caller reports hazards themselves anywhere, and not as hints or suggestions alone.
///
/// # Errors
/// 403.
pub fn may_report(rights: &Rights) -> Result<(), Problem> {
    let whole = rights.of(Permission::HazardReport).reaches.iter().any(|reach| reach.limit == Limit::Full);
    if whole { Ok(()) } else { Err(Problem::new(Code::Forbidden)) }
}

/// Reports a hazard.
///
/// # Errors
/// As `POST /hazards`.
pub fn report(tx: &mut Tx<'_>, rights: &Rights, body: &Body<NewReport>) -> Result<Commit<Reply>, Problem> {
    let input = body.get()?;
    let org = report::school(tx.conn, rights, input.org_id)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    if let Some(id) = input.id
        && let Some(row) = report::stored(tx.conn, id)?
    {
        if row.created_by != Some(rights.user_id()) || row.body_hash.as_deref() != Some(&*body.hash) {
            return Err(Problem::new(Code::IdReused));
        }
        let now = tx.now;
        return Ok(Commit::unchanged(Reply::record(&view(tx.conn, rights, row, now)?)?));
    }
    let report = Report {
        id: input.id,
        body_hash: Some(body.hash.to_vec()),
        category: input.category.clone(),
        domain: input.domain.clone(),
        title: input.title.clone(),
        description: input.description.clone(),
        site_id: input.site_id,
        level: input.level,
        basis: input.basis.clone(),
        source: input.source,
        found_at: input.found_at,
        evidence_ids: input.evidence_ids.clone().unwrap_or_default(),
        recurrence_of: input.recurrence_of,
    };
    let (row, receipt) = report::report(tx, rights, &org, report)?;
    let path = format!("/hazards/{}", row.id);
    let now = tx.now;
    Ok(receipt.with(Reply::created(&path, &view(tx.conn, rights, row, now)?)?))
}

/// Moves a hazard.
///
/// # Errors
/// As `POST /hazards/{id}/transitions`.
pub fn transition(
    tx: &mut Tx<'_>,
    rights: &Rights,
    id: Id,
    body: &Body<TransitionBody>,
) -> Result<Commit<Reply>, Problem> {
    if let Ok(body) = body.get() {
        opened(rights, body.action)?;
    }
    let row = read::one_to_change(tx.conn, rights, id)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    let now = tx.now;
    let request = body.get()?.request(now)?;
    let zone = read::zone_of(tx.conn, row.bureau_id)?;
    match transition::transition(tx, rights, &row, request, zone) {
        Ok((row, receipt)) => Ok(receipt.with(Reply::record(&view(tx.conn, rights, row, now)?)?)),
        Err(problem) if problem.code == Code::TransitionNotAllowed => {
            let current = view(tx.conn, rights, row, now)?;
            Err(with_actions(problem, &current).current(json!(current)))
        }
        Err(problem) => Err(problem),
    }
}

/// Whether whoever lets another's action count after all might have taken it: what separates duties holds for both.
///
/// # Errors
/// 404 out of sight; 409 `same_person`.
pub fn not_barred(tx: &mut Tx<'_>, rights: &Rights, id: Id, body: &Body<TransitionBody>) -> Result<(), Problem> {
    let row = read::one_to_change(tx.conn, rights, id)?;
    let barred = body.get().is_ok_and(|body| separated(body.action, &row.facts(), rights.user_id().0));
    if barred { Err(transition::refused(&[Refusal::SamePerson])) } else { Ok(()) }
}

/// Remarks on a hazard.
///
/// # Errors
/// As `POST /hazards/{id}/comments`.
pub fn comment(tx: &mut Tx<'_>, rights: &Rights, id: Id, body: &Body<NewComment>) -> Result<Commit<Reply>, Problem> {
    let row = read::one(tx.conn, rights, id)?;
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
        let same =
            before.author_id == rights.user_id() && before.hazard_id == row.id && hash.as_deref() == Some(&*body.hash);
        return if same { Ok(Commit::unchanged(Reply::record(&before)?)) } else { Err(Problem::new(Code::IdReused)) };
    }
    let comment_id = input.id.unwrap_or_else(|| tx.new_id());
    let author = (rights.user_id(), rights.caller.display_name.as_str());
    let (comment, receipt) = comments::add(tx, &row, comment_id, author, &input.text, &body.hash)?;
    let path = format!("/hazards/{}/comments", row.id);
    Ok(receipt.with(Reply::created(&path, &comment)?))
}
