//! Devices: one row for each person and installation of the app.

use diesel::prelude::*;
use serde_json::json;

use super::receipt::{self, CredentialKey};
use crate::access::Caller;
use crate::platform::db::schema::{sync_devices, sync_ops};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::Faults;
use crate::platform::http::body::forbidden;
use crate::platform::journal::{Event, Stream};

/// A row of `sync_devices`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sync_devices)]
pub struct Device {
    /// Of the row.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it first came.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whose.
    pub user_id: Id,
    /// The bureau of its person then.
    pub bureau_id: Id,
    /// The organisation of its person then.
    pub org_id: Id,
    /// The device's own name for itself.
    pub device_id: String,
    /// Of its credential.
    pub credential_hash: Vec<u8>,
    /// When it last handed something in.
    pub last_seen_at: Timestamp,
    /// Everything from its first operation to this one is stored.
    pub acked_seq: i64,
    /// Seconds by which its clock was ahead when it last told it.
    pub skew_s: Option<i64>,
}

/// Checks a device's own name for itself, 1 to 100 characters on one line.
pub fn named(faults: &mut Faults, name: &str) {
    faults.text("/device_id", name, 1, 100);
    if name.chars().any(|c| forbidden(c) || c == '\n' || c == '\t') {
        faults.say("/device_id", "control_character", "不得含控制字符", "must not contain control characters");
    }
}

/// The device, held until the end of the transaction.
///
/// # Errors
/// 404 where it never came.
pub fn lock(conn: &mut Conn, id: Id) -> Result<Device, Problem> {
    if let Conn::Postgres(pg) = conn {
        sync_devices::table.find(id).select(sync_devices::id).for_update().first::<Id>(pg)?;
    }
    Ok(sync_devices::table.find(id).select(Device::as_select()).first(conn)?)
}

/// The device of a person by its own name; none where it never came.
///
/// # Errors
/// Whatever the engine says.
pub fn find(conn: &mut Conn, user_id: Id, device_id: &str) -> Result<Option<Id>, Problem> {
    Ok(sync_devices::table
        .filter(sync_devices::user_id.eq(user_id))
        .filter(sync_devices::device_id.eq(device_id))
        .select(sync_devices::id)
        .first(conn)
        .optional()?)
}

/// The device, held until the end of the transaction; made where it never came, and then with its receipt.
///
/// # Errors
/// 403 for somebody of no place at all.
pub fn locked_or_new(
    tx: &mut Tx<'_>,
    caller: &Caller,
    device_id: &str,
    key: &CredentialKey,
) -> Result<(Device, Option<Receipt>), Problem> {
    if let Some(id) = find(tx.conn, caller.user_id, device_id)? {
        return Ok((lock(tx.conn, id)?, None));
    }
    let home =
        caller.memberships.iter().find(|one| one.is_valid(tx.now)).ok_or_else(|| Problem::new(Code::Forbidden))?;
    let id = tx.new_id();
    let row = Device {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        user_id: caller.user_id,
        bureau_id: home.bureau_id,
        org_id: home.org.id,
        device_id: device_id.to_owned(),
        credential_hash: receipt::hash(&key.credential(id)?),
        last_seen_at: tx.now,
        acked_seq: 0,
        skew_s: None,
    };
    diesel::insert_into(sync_devices::table).values(&row).execute(tx.conn)?;
    let event = Event::of("device", id, "registered").at(row.bureau_id, row.org_id).stream(Stream::Accounts);
    let receipt = tx.record(event.with(json!({"user_id": row.user_id})))?;
    Ok((row, Some(receipt)))
}

/// Notes that the device was here and how far it has come: everything up to `acked_seq` is stored without a gap.
///
/// # Errors
/// Whatever the engine says.
pub fn note(tx: &mut Tx<'_>, device: &Device, skew_s: Option<i64>) -> Result<i64, Problem> {
    let stored: Vec<i64> = sync_ops::table
        .filter(sync_ops::device_id.eq(device.id))
        .filter(sync_ops::seq.gt(device.acked_seq))
        .order(sync_ops::seq)
        .select(sync_ops::seq)
        .limit(100_000)
        .load(tx.conn)?;
    let acked = without_gap(device.acked_seq, &stored);
    diesel::update(sync_devices::table.find(device.id))
        .set((
            sync_devices::version.eq(sync_devices::version + 1),
            sync_devices::updated_at.eq(tx.now),
            sync_devices::last_seen_at.eq(tx.now),
            sync_devices::acked_seq.eq(acked),
            sync_devices::skew_s.eq(skew_s.or(device.skew_s)),
        ))
        .execute(tx.conn)?;
    Ok(acked)
}

/// The last number that follows `from` without a gap in an ascending list.
fn without_gap(from: i64, stored: &[i64]) -> i64 {
    stored.iter().fold(from, |last, seq| if *seq == last + 1 { *seq } else { last })
}

#[cfg(test)]
mod tests {
    use super::without_gap;

    #[test]
    fn what_is_behind_a_gap_is_not_acknowledged_by_number() {
        assert_eq!(without_gap(0, &[1, 2, 2, 3, 5, 6]), 3);
        assert_eq!(without_gap(7, &[9]), 7);
        assert_eq!(without_gap(7, &[]), 7);
    }
}
