//! Submitting a month and correcting it.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::ledger::{self, Standing};
use super::reports::{AggregateEntry, Row, entries};
use super::terms::{self, Terms};
use crate::access::OrgRef;
use crate::months::rules::{self, Contradiction, Frozen, Month, Phase};
use crate::on_conn;
use crate::platform::db::schema::{aggregate_entries, monthly_reports};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::Event;

/// What a school states.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Nothing was found: a positive statement.
    pub nothing_found: bool,
    /// Anything else.
    pub note: Option<String>,
    /// Counts without rows.
    pub aggregates: Vec<AggregateEntry>,
    /// Spent in the month, in fen; nothing where the ledger is to be asked.
    pub spent_fen: Option<i64>,
}

impl Statement {
    /// What a report stated.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of(conn: &mut crate::platform::db::Conn, row: &Row) -> Result<Self, Problem> {
        Ok(Self {
            nothing_found: row.nothing_found,
            note: row.note.clone(),
            aggregates: entries(conn, &[row.id])?.into_iter().map(|(_, entry)| entry).collect(),
            spent_fen: row.stated_spent_fen,
        })
    }
}

/// Submits a month of a school. The caller has checked the right to.
///
/// # Errors
/// 422 for a month to come; 409 where it is locked, reported, or what is stated contradicts the ledger.
pub fn submit(
    tx: &mut Tx<'_>,
    school: &OrgRef,
    (id, month, body_hash): (Id, Month, Option<Vec<u8>>),
    statement: &Statement,
) -> Result<(Row, Receipt), Problem> {
    let terms = Terms::of(tx.conn, school.bureau_id)?;
    begun(terms, month, tx)?;
    let late = terms::late(tx.conn, terms, school.id, month, tx.now)?;
    let frozen = freeze(tx, (school.id, month, terms), statement)?;
    let actor = tx.actor()?;
    let row = Row {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: actor,
        body_hash,
        bureau_id: school.bureau_id,
        org_id: school.id,
        month: month.to_string(),
        nothing_found: statement.nothing_found,
        note: statement.note.clone(),
        stated_spent_fen: statement.spent_fen,
        spent_fen: frozen.spent_fen.month,
        late,
        corrected_late: false,
        submitted_at: tx.now,
        submitted_by: actor,
        figures: Doc::of(&frozen),
    };
    diesel::insert_into(monthly_reports::table).values(&row).execute(tx.conn)?;
    enter(tx, &row, &statement.aggregates)?;
    let receipt = record(tx, &row, statement, "submit")?;
    Ok((row, receipt))
}

/// Corrects a report that was loaded with [`super::reports::one_to_change`]: its figures are taken anew.
///
/// # Errors
/// As [`submit`].
pub fn correct(tx: &mut Tx<'_>, before: &Row, statement: &Statement) -> Result<(Row, Receipt), Problem> {
    use monthly_reports as r;
    let month: Month = before.month.parse().map_err(Problem::internal)?;
    let terms = Terms::of(tx.conn, before.bureau_id)?;
    let late = terms::late(tx.conn, terms, before.org_id, month, tx.now)?;
    let frozen = freeze(tx, (before.org_id, month, terms), statement)?;
    let mut row = before.clone();
    row.version += 1;
    row.updated_at = tx.now;
    row.nothing_found = statement.nothing_found;
    row.note.clone_from(&statement.note);
    row.stated_spent_fen = statement.spent_fen;
    row.spent_fen = frozen.spent_fen.month;
    row.corrected_late |= late;
    row.submitted_by = tx.actor()?;
    row.submitted_at = tx.now;
    row.figures = Doc::of(&frozen);
    diesel::update(r::table.find(row.id))
        .set((
            (r::version.eq(row.version), r::updated_at.eq(row.updated_at), r::figures.eq(&row.figures)),
            (r::nothing_found.eq(row.nothing_found), r::note.eq(&row.note), r::spent_fen.eq(row.spent_fen)),
            (r::stated_spent_fen.eq(row.stated_spent_fen), r::corrected_late.eq(row.corrected_late)),
            (r::submitted_by.eq(row.submitted_by), r::submitted_at.eq(row.submitted_at)),
        ))
        .execute(tx.conn)?;
    diesel::delete(aggregate_entries::table.filter(aggregate_entries::report_id.eq(row.id))).execute(tx.conn)?;
    enter(tx, &row, &statement.aggregates)?;
    let receipt = record(tx, &row, statement, "correct")?;
    Ok((row, receipt))
}

fn begun(terms: Terms, month: Month, tx: &Tx<'_>) -> Result<(), Problem> {
    if terms.phase(month, tx.now) == Phase::Future {
        let future = FieldError::new("/month", "in_the_future", "该月份尚未开始", "has not begun yet");
        return Err(Problem::invalid(future));
    }
    Ok(())
}

/// The figures as they stand, if the statement agrees with them.
fn freeze(tx: &mut Tx<'_>, (org_id, month, terms): (Id, Month, Terms), said: &Statement) -> Result<Frozen, Problem> {
    let counted = said.aggregates.iter().map(|entry| entry.found).sum();
    let place = (org_id, month, terms.zone);
    let Standing { in_ledger, frozen } = ledger::standing(tx.conn, place, &said.aggregates, said.spent_fen, tx.now)?;
    rules::judge(said.nothing_found, in_ledger, counted).map_err(|contradiction| refused(contradiction, month))?;
    Ok(frozen)
}

fn refused(contradiction: Contradiction, month: Month) -> Problem {
    let (code, zh, en) = match contradiction {
        Contradiction::Ledger(count) => (
            Code::ContradictsLedger,
            format!("{month} 台账已登记隐患 {count} 条，不能作零报告"),
            format!("the ledger has {count} hazards of {month}: that is not nothing"),
        ),
        Contradiction::Counts => {
            let fault = FieldError::new(
                "/aggregates",
                "contradicts_nothing_found",
                "零报告不得填报汇总隐患数",
                "must be empty where nothing was found",
            );
            return Problem::invalid(fault);
        }
        Contradiction::Nothing => (
            Code::NothingToReport,
            format!("{month} 台账无隐患，也未填报汇总数，请作零报告（nothing_found: true）"),
            format!("neither the ledger nor the report has anything of {month}: state nothing_found: true"),
        ),
    };
    let errors = vec![FieldError::new("/nothing_found", code.as_str(), zh.clone(), en.clone())];
    Problem::new(code).detail(zh, en).errors(errors)
}

fn enter(tx: &mut Tx<'_>, row: &Row, entries: &[AggregateEntry]) -> Result<(), Problem> {
    use aggregate_entries as e;
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                (e::report_id.eq(row.id), e::bureau_id.eq(row.bureau_id), e::org_id.eq(row.org_id)),
                (e::month.eq(&row.month), e::domain.eq(&entry.domain)),
                (e::found.eq(entry.found), e::rectified.eq(entry.rectified)),
            )
        })
        .collect();
    if !rows.is_empty() {
        on_conn!(&mut *tx.conn, conn => diesel::insert_into(e::table).values(&rows).execute(conn)?);
    }
    Ok(())
}

/// The journal keeps every version whole, its figures included.
fn record(tx: &mut Tx<'_>, row: &Row, statement: &Statement, action: &'static str) -> Result<Receipt, Problem> {
    let set: Value = json!({
        "month": row.month, "nothing_found": row.nothing_found, "note": row.note, "aggregates": statement.aggregates,
        "stated_spent_fen": row.stated_spent_fen, "spent_fen": row.spent_fen, "late": row.late,
        "corrected_late": row.corrected_late, "figures": row.figures,
    });
    let event = Event::of("monthly_report", row.id, action).at(row.bureau_id, row.org_id);
    tx.record(event.with(json!({ "version": row.version, "set": set })))
}
