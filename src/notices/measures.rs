//! What accompanies a hazard, told: who has to decide a request for more time, and what the bureau has decided.

use serde_json::{Value, json};

use super::audience::Audience;
use super::kind::Kind;
use super::occasions::{about, leaders_of, office_of, school_of};
use super::store::{Notice, tell, tell_first};
use crate::access::Role;
use crate::hazards::status::Level;
use crate::hazards::store::Row;
use crate::platform::db::Tx;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

fn with(mut notice: Notice, more: Value) -> Notice {
    if let (Value::Object(payload), Value::Object(more)) = (&mut notice.payload, more) {
        payload.extend(more);
    }
    notice
}

/// More time was asked for: whoever may decide is told. `asker_decides` says that the asker's own office would have the
/// decision, which then is the bureau's.
///
/// # Errors
/// Whatever the engine says.
pub fn extension_asked(tx: &mut Tx<'_>, row: &Row, extension_id: Id, asker_decides: bool) -> Result<(), Problem> {
    let notice = with(about(Kind::ExtensionRequested, row), json!({"extension_id": extension_id}));
    if row.level == Level::Major {
        return tell(tx, &notice, &[leaders_of(row)]);
    }
    if row.bureau_side {
        let mut deciders = vec![office_of(row)];
        deciders.extend(row.issued_by.map(Audience::Person));
        return tell(tx, &notice, &deciders);
    }
    let principals = Audience::SchoolRole(row.org_id, &[Role::Principal]);
    if asker_decides {
        return tell(tx, &notice, &[principals, office_of(row)]);
    }
    tell_first(tx, &notice, &[&[principals], &[office_of(row)]])
}

/// A request was decided: the asker, the school and who puts it right are told.
///
/// # Errors
/// Whatever the engine says.
pub fn extension_decided(
    tx: &mut Tx<'_>,
    row: &Row,
    (extension_id, asked_by): (Id, Id),
    granted: bool,
) -> Result<(), Problem> {
    let more = json!({"extension_id": extension_id, "granted": granted});
    let notice = with(about(Kind::ExtensionDecided, row), more);
    let mut all = vec![Audience::Person(asked_by), school_of(row)];
    all.extend(row.responsible_user_id.map(Audience::Person));
    tell(tx, &notice, &all)
}

/// Listing, delisting, stop of use and its end: the school and who puts it right are told.
///
/// # Errors
/// Whatever the engine says.
pub fn school_told(tx: &mut Tx<'_>, kind: Kind, row: &Row) -> Result<(), Problem> {
    let mut all = vec![school_of(row)];
    all.extend(row.responsible_user_id.map(Audience::Person));
    tell(tx, &about(kind, row), &all)
}
