//! Doing what an operation says: by the very functions that requests call.

use diesel::prelude::*;
use serde_json::Value;

use super::ledger::Place;
use super::op::{Act, Operation};
use crate::access::actions::{self, Action, hazard, inspection};
use crate::access::{Permission, Rights};
use crate::evidence;
use crate::hazards::acts as hazard_acts;
use crate::hazards::store::read;
use crate::inspections::acts as inspection_acts;
use crate::inspections::store as inspections;
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Conn, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::Reply;

/// What an operation came to.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The version of the record afterwards.
    pub version: Option<i64>,
    /// The record, where others had changed it meanwhile.
    pub row: Option<Value>,
}

/// The rights as the function `A` asks for them.
///
/// # Errors
/// 403 where it is never this person's function.
pub fn asking<A: Action>(rights: &Rights) -> Result<Rights, Problem> {
    if A::ANY_OF.is_empty() || A::ANY_OF.iter().any(|permission| rights.caller.may(*permission, rights.now)) {
        Ok(rights.clone().asking(A::ANY_OF))
    } else {
        Err(Problem::new(Code::Forbidden))
    }
}

/// Does one operation that is no answer.
///
/// # Errors
/// As the request for the same thing.
pub fn run(tx: &mut Tx<'_>, rights: &Rights, op: &Operation) -> Result<Done, Problem> {
    let record = || op.record.ok_or_else(Problem::not_found);
    let commit = match op.act.as_ref().map_err(Clone::clone)? {
        Act::Create(body) => inspection_acts::create(tx, &asking::<inspection::Plan>(rights)?, body)?,
        Act::CheckIn(body) => inspection_acts::check_in(tx, &asking::<inspection::Perform>(rights)?, record()?, body)?,
        Act::Submit(body) => inspection_acts::submit(tx, &asking::<inspection::Perform>(rights)?, record()?, body)?,
        Act::Report(body) => {
            let rights = asking::<hazard::Report>(rights)?;
            hazard_acts::may_report(&rights)?;
            hazard_acts::report(tx, &rights, body)?
        }
        Act::Move(body) => hazard_acts::transition(tx, &asking::<hazard::Transition>(rights)?, record()?, body)?,
        Act::Comment(hazard_id, body) => {
            hazard_acts::comment(tx, &asking::<hazard::Comment>(rights)?, *hazard_id, body)?
        }
        Act::Declare(body) => evidence::acts::declare(tx, &asking::<actions::evidence::Send>(rights)?, body)?,
        Act::Answer(..) => return Err(Problem::internal("an answer that is not taken with its inspection")),
    };
    done(op, commit)
}

fn done(op: &Operation, commit: Commit<Reply>) -> Result<Done, Problem> {
    let mut told = commit.settle()?.json();
    if let Some(inspection) = told.get_mut("inspection").filter(|inner| inner.is_object()) {
        told = inspection.take();
    }
    let version = told.get("version").and_then(Value::as_i64);
    // What it changed, it changed by one; had nobody else done so, the device would have seen the version before.
    let others = op.base_version.zip(version).is_some_and(|(base, version)| version - 1 > base);
    Ok(Done { version, row: others.then_some(told) })
}

/// Where the record of an operation lies, as far as these rights see it.
///
/// # Errors
/// Whatever the engine says.
pub fn place(conn: &mut Conn, rights: &Rights, op: &Operation) -> Result<Option<Place>, Problem> {
    let found = match (&op.act, op.record) {
        (Ok(Act::Create(body)), _) => match body.get() {
            Ok(new) => of_org(conn, rights, Permission::InspectionPlan, new.org_id),
            Err(_) => return Ok(None),
        },
        (Ok(Act::Report(body)), _) => match body.get() {
            Ok(new) => of_org(conn, rights, Permission::HazardReport, new.org_id),
            Err(_) => return Ok(None),
        },
        (Ok(Act::Move(_)), Some(id)) => of_hazard(conn, rights, id),
        (Ok(Act::Comment(id, _)), _) => of_hazard(conn, rights, *id),
        (Ok(Act::Declare(body)), _) => match body.get().map(|new| (new.target.inspection_id, new.target.hazard_id)) {
            Ok((Some(id), _)) => of_inspection(conn, rights, id),
            Ok((None, Some(id))) => of_hazard(conn, rights, id),
            _ => return Ok(None),
        },
        (_, Some(id)) if op.kind.starts_with("inspection.") => of_inspection(conn, rights, id),
        _ => return Ok(None),
    };
    match found {
        Ok(place) => Ok(Some(place)),
        Err(problem) if problem.code == Code::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn of_org(conn: &mut Conn, rights: &Rights, permission: Permission, id: Id) -> Result<Place, Problem> {
    let org = rights.of(permission).org(conn, id)?;
    Ok(Place { bureau_id: org.bureau_id, org_id: org.id, inspection_id: None })
}

fn of_hazard(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Place, Problem> {
    let row = read::one(conn, rights, id)?;
    Ok(Place { bureau_id: row.bureau_id, org_id: row.org_id, inspection_id: row.inspection_id })
}

fn of_inspection(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Place, Problem> {
    let row = inspections::seen(conn, rights, id)?.row;
    Ok(Place { bureau_id: row.bureau_id, org_id: row.org_id, inspection_id: Some(row.id) })
}

/// Which of these are there already, for this person: own operations that were done or stand in a conflict, and records
/// in sight. What is out of sight is as absent as anything.
///
/// # Errors
/// Whatever the engine says.
pub fn present(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    use super::ledger::{Decision, OpStatus};
    use crate::platform::db::schema::{comments, sync_ops};
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let settled = [OpStatus::Applied, OpStatus::Merged, OpStatus::Conflict];
    let mut found: Vec<Id> = sync_ops::table
        .filter(sync_ops::user_id.eq(rights.user_id()))
        .filter(sync_ops::op_id.eq_any(ids.to_vec()))
        .filter(sync_ops::status.eq_any(settled).nullable().or(sync_ops::decision.eq(Decision::Accepted)))
        .select(sync_ops::op_id)
        .load(conn)?;
    let rest = |found: &[Id]| ids.iter().copied().filter(|id| !found.contains(id)).collect::<Vec<Id>>();
    let left = rest(&found);
    found.extend(inspections::among(conn, rights, &left)?);
    let left = rest(&found);
    found.extend(read::among(conn, rights, &left)?);
    let left = rest(&found);
    if !left.is_empty() {
        let own: Vec<Id> = comments::table
            .filter(comments::id.eq_any(left))
            .filter(comments::created_by.eq(rights.user_id()))
            .select(comments::id)
            .load(conn)?;
        found.extend(own);
    }
    Ok(found)
}
