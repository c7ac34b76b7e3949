//! The inbox.

use anxiao::access::Permission as P;
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{notice_recipients, notices};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use diesel::prelude::*;
use serde_json::json;

use crate::matrix::row::{Case, Row, get, row, send};
use crate::matrix::world::{of, org_of};
use crate::support::district::{start_time, user};

/// An unread notice about the account of whoever asks, or of somebody of the other bureau.
fn notice(case: &mut Case<'_>) -> Id {
    let owner = if case.place.starts_with('b') { "b.leader" } else { case.who };
    let id = of(&format!("notice of {owner}"), case.place);
    fresh(case.conn, id, user(owner), org_of(if owner == "b.leader" { "b" } else { "a" }));
    id
}

fn fresh(conn: &mut Conn, id: Id, owner: Id, bureau: Id) {
    let now = Timestamp::from(start_time());
    diesel::delete(notice_recipients::table.filter(notice_recipients::notice_id.eq(id))).execute(conn).unwrap();
    diesel::delete(notices::table.find(id)).execute(conn).unwrap();
    diesel::insert_into(notices::table)
        .values((
            notices::id.eq(id),
            notices::version.eq(1_i64),
            notices::created_at.eq(now),
            notices::updated_at.eq(now),
            notices::bureau_id.eq(bureau),
            notices::org_id.eq(bureau),
            notices::kind.eq("password_reset"),
            notices::entity.eq("user"),
            notices::entity_id.eq(owner),
            notices::dedupe.eq(id.to_string()),
            notices::payload.eq(Doc::of(&json!({}))),
        ))
        .execute(conn)
        .unwrap();
    diesel::insert_into(notice_recipients::table)
        .values((
            notice_recipients::notice_id.eq(id),
            notice_recipients::user_id.eq(owner),
            notice_recipients::created_at.eq(now),
        ))
        .execute(conn)
        .unwrap();
}

pub fn rows() -> Vec<Row> {
    vec![
        row("GET /notices", &[P::NoticeRead], |_| get("/notices?unread=true".into())).limits_met(),
        row("GET /notices/unread-count", &[P::NoticeRead], |_| get("/notices/unread-count".into())).limits_met(),
        row("POST /notices/{id}/read", &[P::NoticeRead], |case| get(format!("/notices/{}/read", notice(case))))
            .limits_met(),
        row("POST /notices/read", &[P::NoticeRead], |case| {
            send("/notices/read".into(), json!({ "ids": [notice(case)] }))
        })
        .limits_met(),
    ]
}
