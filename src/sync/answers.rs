//! Answers come in dozens: those of one inspection are taken together, with one look at the inspection and its items.

use serde_json::{Map, Value, json};

use diesel::prelude::*;

use super::apply::{Done, asking};
use super::merge::{Clash, Merged, Stored, merge};
use super::op::Operation;
use crate::access::Rights;
use crate::access::actions::inspection;
use crate::inspections::store::{self, AnswerBody, AnswerRow, Origin, shown, with_items};
use crate::platform::db::Tx;
use crate::platform::db::schema::answers;
use crate::platform::db::types::{Doc, Id};
use crate::platform::error::Problem;
use crate::platform::http::Body;

/// One of the answers.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The operation.
    pub op: &'a Operation,
    /// Which item.
    pub code: &'a str,
    /// The fields to change.
    pub set: &'a Map<String, Value>,
}

/// What one of them came to.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It stands.
    Done(Done),
    /// Somebody else answered otherwise: the fields, and the answer as it is.
    Clash(Vec<Clash>, Value),
    /// It was refused.
    Refused(Problem),
}

/// Takes answers to different items of one inspection. Where one of them is refused, each is tried by itself.
///
/// # Errors
/// Failures on this side alone: what is refused is a verdict.
pub fn run(
    tx: &mut Tx<'_>,
    rights: &Rights,
    inspection: Id,
    given: &[Given<'_>],
    device: Id,
) -> Result<Vec<Verdict>, Problem> {
    match tx.attempt(|tx| together(tx, rights, inspection, given, device)) {
        Ok(verdicts) => Ok(verdicts),
        Err(problem) if problem.retry || problem.fatal => Err(problem),
        Err(problem) => match given {
            [_] => Ok(vec![Verdict::Refused(problem)]),
            many => {
                let mut verdicts = Vec::with_capacity(many.len());
                for one in many {
                    verdicts.extend(run(tx, rights, inspection, std::slice::from_ref(one), device)?);
                }
                Ok(verdicts)
            }
        },
    }
}

fn together(
    tx: &mut Tx<'_>,
    rights: &Rights,
    inspection: Id,
    given: &[Given<'_>],
    device: Id,
) -> Result<Vec<Verdict>, Problem> {
    let rights = &asking::<inspection::Perform>(rights)?;
    let seen = store::seen_to_change(tx.conn, rights, inspection)?;
    let codes: Vec<String> = given.iter().map(|one| one.code.to_owned()).collect();
    let rows: Vec<AnswerRow> = answers::table
        .filter(answers::inspection_id.eq(inspection))
        .filter(answers::item_code.eq_any(codes))
        .select(AnswerRow::as_select())
        .load(tx.conn)?;
    let mut bodies = Vec::new();
    // What each came to: its place among the bodies and whether others had changed it, or a clash.
    let mut plans: Vec<Result<bool, (Vec<Clash>, &AnswerRow)>> = Vec::with_capacity(given.len());
    for one in given {
        let origin = Origin { device, seq: one.op.seq };
        let row = rows.iter().find(|row| row.item_code == one.code);
        match row.map(|row| (row, laid_over(row, one, &origin))) {
            Some((row, Merged::Clash(clashes))) => plans.push(Err((clashes, row))),
            Some((_, Merged::Fields(fields, merged))) => {
                bodies.push(body(fields, one.code, origin)?);
                plans.push(Ok(merged));
            }
            // The items of the inspection are the store's to know.
            None => {
                bodies.push(body(one.set.clone(), one.code, origin)?);
                plans.push(Ok(false));
            }
        }
    }
    let mut views = Vec::new();
    if !bodies.is_empty() {
        views = store::answer(tx, rights, &seen, &bodies, |_| String::new())?.1;
    }
    let mut views = views.into_iter();
    plans
        .into_iter()
        .map(|plan| match plan {
            Ok(merged) => {
                let view = views.next().ok_or_else(|| Problem::internal("an answer without its row"))?;
                Ok(Verdict::Done(Done { version: Some(view.version), row: merged.then(|| json!(view)) }))
            }
            Err((clashes, row)) => {
                let (row, item) = with_items(tx.conn, vec![row.clone()])?.pop().ok_or_else(Problem::not_found)?;
                Ok(Verdict::Clash(clashes, json!(shown(row, item))))
            }
        })
        .collect()
}

fn laid_over(row: &AnswerRow, one: &Given<'_>, origin: &Origin) -> Merged {
    let touched = row.touched.as_ref().map(Doc::read).unwrap_or_default();
    let mut fields: Map<String, Value> =
        store::fields(row).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    fields.insert("device_time".into(), json!(row.device_time));
    merge(Stored { fields, touched: &touched }, one.set, one.op.base_version, origin)
}

fn body(mut fields: Map<String, Value>, code: &str, origin: Origin) -> Result<AnswerBody, Problem> {
    fields.insert("item_code".into(), json!(code));
    let body = Body::<AnswerBody>::of(&Value::Object(fields));
    Ok(AnswerBody { origin: Some(origin), ..body.get()?.clone() })
}
