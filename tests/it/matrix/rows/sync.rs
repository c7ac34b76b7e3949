//! Handing in, fetching, and what is kept for people.

use anxiao::access::{Permission as P, Role};
use anxiao::platform::db::schema::{comments, sync_devices, sync_ops};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use anxiao::sync::device::Device;
use anxiao::sync::ledger::{OpRow, OpStatus};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::matrix::row::{Case, Row, get, row, send};
use crate::matrix::world::{ABSENT, Place, SCHOOLS, bureau, of, org_of, within};
use crate::support::district::{start_time, user};

/// What is kept is seen by the bureau as a whole, beside its author and the lead of the visit, who are nobody here.
fn kept_is_seen(role: Role, home: Place, place: Place) -> bool {
    matches!(role, Role::BureauLeader | Role::SafetyOffice) && within(home, place)
}

/// A remark handed in on the hazard of a place, kept with this status.
fn kept(case: &mut Case<'_>, status: OpStatus) -> Id {
    let place = case.place;
    let id = of(&format!("kept {status}"), place);
    if place == ABSENT {
        return id;
    }
    let author = user(if bureau(place) == "b" { "b.inspector" } else { "p.a" });
    let (bureau_id, now) = (org_of(bureau(place)), Timestamp::from(start_time()));
    let device = Device {
        id: of("device", place),
        version: 1,
        created_at: now,
        updated_at: now,
        user_id: author,
        bureau_id,
        org_id: bureau_id,
        device_id: format!("phone of {place}"),
        credential_hash: vec![0; 32],
        last_seen_at: now,
        acked_seq: 0,
        skew_s: None,
    };
    let remark = of(&format!("remark handed in {status}"), place);
    diesel::delete(comments::table.find(remark)).execute(case.conn).unwrap();
    diesel::delete(sync_ops::table.find(id)).execute(case.conn).unwrap();
    let known: i64 = sync_devices::table.find(device.id).count().get_result(case.conn).unwrap();
    if known == 0 {
        diesel::insert_into(sync_devices::table).values(&device).execute(case.conn).unwrap();
    }
    let op_id = of(&format!("operation {status}"), place);
    let body = json!({
        "seq": 1, "op_id": op_id, "kind": "comment.add", "id": remark,
        "set": {"hazard_id": of("hazard", place), "text": "见图"},
    });
    let row = OpRow {
        id,
        version: 1,
        created_at: now,
        updated_at: now,
        user_id: author,
        device_id: device.id,
        bureau_id,
        org_id: org_of(place),
        inspection_id: None,
        record_id: Some(remark),
        op_id,
        reused: false,
        seq: 1,
        kind: "comment.add".into(),
        schema_no: 1,
        group_key: None,
        body: body.to_string(),
        body_hash: vec![0; 32],
        needs: Doc(json!([])),
        occurred_at: None,
        skew_s: None,
        status,
        result: Doc(Value::Object(serde_json::Map::new())),
        allowed_then: None,
        decision: None,
        decided_at: None,
        decided_by: None,
        decision_reason: None,
    };
    diesel::insert_into(sync_ops::table).values(&row).execute(case.conn).unwrap();
    id
}

pub fn rows() -> Vec<Row> {
    vec![
        row("POST /sync/push", &[P::Sync], |_| send("/sync/push".into(), json!({"device_id": "matrix", "ops": []}))),
        row("POST /sync/pull", &[P::Sync], |_| send("/sync/pull".into(), json!({"limit": 3}))),
        row("GET /sync/devices", &[P::Sync], |_| get("/sync/devices".into())),
        row("GET /sync/quarantine", &[P::Sync], |_| get("/sync/quarantine".into())),
        row("GET /sync/conflicts", &[P::Sync], |_| get("/sync/conflicts".into())),
        row("POST /sync/quarantine/{id}/accept", &[P::Sync], |case| {
            send(format!("/sync/quarantine/{}/accept", kept(case, OpStatus::Quarantined)), json!({}))
        })
        .at(SCHOOLS)
        .seen(kept_is_seen),
        row("POST /sync/quarantine/{id}/dismiss", &[P::Sync], |case| {
            send(format!("/sync/quarantine/{}/dismiss", kept(case, OpStatus::Quarantined)), json!({"reason": "误报"}))
        })
        .at(SCHOOLS)
        .seen(kept_is_seen),
        row("POST /sync/conflicts/{id}/resolve", &[P::Sync], |case| {
            send(format!("/sync/conflicts/{}/resolve", kept(case, OpStatus::Conflict)), json!({"keep": "server"}))
        })
        .at(SCHOOLS)
        .seen(kept_is_seen),
    ]
}
