//! Which hazards a document tells of: those named, or of an inspection all that it can tell of.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::standing::{refused, telling_of};
use crate::access::{OrgRef, Permission, Rights};
use crate::documents::bodies::Remark;
use crate::documents::rules::{self, Order};
use crate::documents::words::{DocumentRefusal as Refusal, DocumentType, RecheckResult};
use crate::hazards::rules::{IssueReach, Side};
use crate::hazards::status::{ClosedKind, Level};
use crate::hazards::store::{Powers, Round, Row, read};
use crate::platform::db::Conn;
use crate::platform::db::schema::{hazard_rounds, hazards};
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};

/// Hazards that a document may tell of.
#[derive(Debug)]
pub struct Asked {
    /// In the order of their numbers, held until the end of the transaction.
    pub rows: Vec<Row>,
    /// Whether somebody named them: then each has to fit.
    pub named: bool,
}

/// The hazards of an inspection: these, or all of it.
///
/// # Errors
/// 404 where one of these is out of sight or of another inspection; 403 where nothing is named and some are outside the
/// caller's domains.
pub fn of_inspection(
    conn: &mut Conn,
    rights: &Rights,
    inspection_id: Id,
    named: Option<&[Id]>,
) -> Result<Asked, Problem> {
    let all: Vec<Id> =
        hazards::table.filter(hazards::inspection_id.eq(inspection_id)).select(hazards::id).load(conn)?;
    if named.is_some_and(|named| named.iter().any(|id| !all.contains(id))) {
        return Err(Problem::not_found());
    }
    let wanted = named.unwrap_or(&all);
    let mut rows = read::some_to_change(conn, rights, wanted)?;
    if rows.len() < wanted.len() {
        return Err(if named.is_some() { Problem::not_found() } else { beyond() });
    }
    rows.sort_by(|one, other| one.number.cmp(&other.number));
    Ok(Asked { rows, named: named.is_some() })
}

fn beyond() -> Problem {
    let (zh, en) = (
        "含有本人权限以外的隐患，请用 hazard_ids 指明",
        "some hazards are beyond your rights: name others in hazard_ids",
    );
    Problem::new(Code::Forbidden).detail(zh, en)
}

/// Refuses whoever may not issue this type about these hazards.
fn may_issue(conn: &mut Conn, rights: &Rights, org: &OrgRef, kind: DocumentType, rows: &[Row]) -> Result<(), Problem> {
    let scope = rights.of(Permission::DocumentIssue);
    let reaches = scope.reaches_to(conn, org)?;
    let within = |row: &Row| reaches.iter().any(|reach| reach.has_domain(&row.domain));
    let powers = Powers::over(conn, rights, rows)?;
    let may = |row: &Row| {
        let actor = powers.actor(row);
        match kind {
            DocumentType::RectificationNotice => match actor.issue {
                Some(IssueReach::Any) => true,
                Some(IssueReach::General) => row.level == Level::General,
                Some(IssueReach::OwnGeneral) | None => false,
            },
            DocumentType::RecheckOpinion => actor.recheck == Some(Side::Bureau),
            DocumentType::OnSiteRecord => false,
        }
    };
    if rows.iter().all(|row| within(row) && may(row)) { Ok(()) } else { Err(beyond()) }
}

/// What fits of all there is; what somebody named has to fit.
fn fitting<T>(
    asked: impl Iterator<Item = (Row, Result<T, Vec<Refusal>>)>,
    named: impl Fn(&Row) -> bool,
    nothing: Refusal,
) -> Result<Vec<(Row, T)>, Problem> {
    let (mut fits, mut refusals, mut unfit) = (Vec::new(), Vec::new(), false);
    for (row, verdict) in asked {
        match verdict {
            Ok(found) => fits.push((row, found)),
            Err(rules) => {
                unfit |= named(&row);
                let about = rules.into_iter().map(|rule| (named(&row), rule, row.number.clone()));
                refusals.extend(about);
            }
        }
    }
    if unfit {
        let named = refusals.into_iter().filter(|(named, ..)| *named).map(|(_, rule, number)| (rule, number));
        return Err(refused(named.collect()));
    }
    let refusals: Vec<(Refusal, String)> = refusals.into_iter().map(|(_, rule, number)| (rule, number)).collect();
    if fits.is_empty() {
        let already: Vec<_> = refusals.into_iter().filter(|(rule, _)| *rule == Refusal::AlreadyIssued).collect();
        return Err(refused(if already.is_empty() { vec![(nothing, String::new())] } else { already }));
    }
    Ok(fits)
}

/// The hazards a notice orders to be put right.
///
/// # Errors
/// 403 where one is not the caller's to issue; 409 naming what does not fit.
pub fn to_order(
    conn: &mut Conn,
    rights: &Rights,
    org: &OrgRef,
    asked: Asked,
    replaced: Option<Id>,
) -> Result<Vec<Row>, Problem> {
    let kind = DocumentType::RectificationNotice;
    if asked.named {
        may_issue(conn, rights, org, kind, &asked.rows)?;
    }
    let ids: Vec<Id> = asked.rows.iter().map(|row| row.id).collect();
    let told = telling_of(conn, kind, &ids, replaced)?;
    let judged = asked.rows.into_iter().map(|row| {
        let mut refusals = rules::order_refusals(Order { status: row.status, bureau_side: row.bureau_side });
        if told.contains_key(&(row.id, row.round)) {
            refusals.push(Refusal::AlreadyIssued);
        }
        let verdict = if refusals.is_empty() { Ok(()) } else { Err(refusals) };
        (row, verdict)
    });
    let fits = fitting(judged, |_| asked.named, Refusal::NothingToOrder)?;
    let rows: Vec<Row> = fits.into_iter().map(|(row, ())| row).collect();
    may_issue(conn, rights, org, kind, &rows)?;
    Ok(rows)
}

/// A hazard with how its recheck ended.
#[derive(Debug)]
pub struct Ended {
    /// The hazard.
    pub row: Row,
    /// The round that was rechecked last.
    pub round: Round,
    /// What the opinion says of it.
    pub result: RecheckResult,
    /// What is further demanded.
    pub demand: Option<String>,
}

/// The hazards an opinion tells of.
///
/// # Errors
/// 404 for a remark about another hazard; 403 where one is not the caller's to recheck; 409 naming what does not fit.
pub fn rechecked(
    conn: &mut Conn,
    rights: &Rights,
    org: &OrgRef,
    asked: Asked,
    remarks: &[Remark],
    replaced: Option<Id>,
) -> Result<Vec<Ended>, Problem> {
    let kind = DocumentType::RecheckOpinion;
    let ids: BTreeSet<Id> = asked.rows.iter().map(|row| row.id).collect();
    if remarks.iter().any(|remark| !ids.contains(&remark.hazard_id)) {
        return Err(Problem::not_found());
    }
    if asked.named {
        may_issue(conn, rights, org, kind, &asked.rows)?;
    }
    let rounds: Vec<Round> = hazard_rounds::table
        .filter(hazard_rounds::hazard_id.eq_any(&ids))
        .filter(hazard_rounds::outcome.is_not_null())
        .order((hazard_rounds::hazard_id, hazard_rounds::round))
        .select(Round::as_select())
        .load(conn)?;
    let mut last: BTreeMap<Id, Round> = rounds.into_iter().map(|round| (round.hazard_id, round)).collect();
    let ids: Vec<Id> = ids.into_iter().collect();
    let told = telling_of(conn, kind, &ids, replaced)?;
    let judged = asked.rows.into_iter().map(|row| {
        // What was put right on the spot stands in the record; nobody came back for it.
        let round = last.remove(&row.id).filter(|_| row.closed_kind != Some(ClosedKind::OnSpot));
        let remark = remarks.iter().find(|remark| remark.hazard_id == row.id);
        let passed = round.as_ref().map(|round| round.outcome.as_deref() == Some("passed"));
        let verdict = match (rules::result(passed, remark.and_then(|remark| remark.result)), round) {
            (Ok(_), Some(round)) if told.contains_key(&(row.id, round.round)) => Err(vec![Refusal::AlreadyIssued]),
            (Ok(result), Some(round)) => Ok((round, result, remark.and_then(|remark| remark.demand.clone()))),
            (Err(refusal), _) => Err(vec![refusal]),
            (Ok(_), None) => Err(vec![Refusal::NotRechecked]),
        };
        (row, verdict)
    });
    let named = |row: &Row| asked.named || remarks.iter().any(|remark| remark.hazard_id == row.id);
    let fits = fitting(judged, named, Refusal::NotRechecked)?;
    let found: Vec<Ended> =
        fits.into_iter().map(|(row, (round, result, demand))| Ended { row, round, result, demand }).collect();
    let rows: Vec<Row> = found.iter().map(|one| one.row.clone()).collect();
    may_issue(conn, rights, org, kind, &rows)?;
    Ok(found)
}
