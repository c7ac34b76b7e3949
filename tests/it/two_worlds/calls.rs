//! Steps of more than one call, and what each call brings back.

use std::time::Duration;

use anxiao::platform::db::schema::sync_ops;
use anxiao::platform::db::types::{Doc, Id};
use anxiao::platform::ids::built_in;
use anxiao::sync::ledger::OpStatus;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use super::script::PEOPLE;
use crate::matrix::row::Ask;
use crate::support::district::user;
use crate::support::{Answer, TestApp};

/// Most pages followed.
const PAGES: usize = 40;

/// Follows a list to its end.
pub async fn walk(app: &TestApp, who: &str, ask: &Ask, first: Answer) -> Vec<Answer> {
    let mut all = vec![first];
    while all.len() < PAGES {
        let Some(cursor) = all.last().unwrap().body["page"]["next_cursor"].as_str().map(str::to_owned) else { break };
        all.push(app.get(who, &format!("{}&cursor={cursor}", ask.path)).await);
    }
    all
}

/// Hands in, asks what became of it, fetches to the end and once more.
pub async fn phone(app: &TestApp, who: &str, ask: &Ask) -> Vec<Answer> {
    let body = ask.body.clone().unwrap();
    let mut all = vec![app.post(who, &ask.path, body.clone()).await, app.post(who, &ask.path, body).await];
    for path in ["/sync/devices", "/sync/quarantine?count=true", "/sync/conflicts?count=true"] {
        all.push(app.get(who, path).await);
    }
    let mut cursor = Value::Null;
    let mut more = 2;
    while more > 0 && all.len() < PAGES {
        let answer = app.post(who, "/sync/pull", json!({"cursor": cursor, "limit": 100})).await;
        cursor = answer.body["cursor"].clone();
        more -= usize::from(answer.body["has_more"] != true);
        all.push(answer);
    }
    all
}

/// From plan to submission; one item fails and becomes a hazard with a number.
pub async fn own_check(app: &TestApp, who: &str, ask: &Ask) -> Vec<Answer> {
    let made = app.post(who, "/inspections", ask.body.clone().unwrap()).await;
    let Some(id) = made.body["id"].as_str().map(str::to_owned) else { return vec![made] };
    let at = format!("/inspections/{id}");
    let mut all = vec![made, app.patch(who, &at, 1, json!({"title": "本周自查"})).await];
    let keyed = app.request(who, Method::POST, &format!("{at}/check-in")).header("idempotency-key", &id);
    all.push(app.send(keyed.json(&json!({}))).await);
    let rows = app.get(who, &format!("{at}/answers")).await;
    let answers: Vec<Value> = rows
        .rows()
        .iter()
        .map(|row| {
            let item = &row["item"];
            let code = &item["code"];
            match item["response"].as_str().unwrap() {
                "number" => {
                    json!({"item_code": code, "value": item["min"].as_f64().or(item["max"].as_f64()).unwrap_or(1.0)})
                }
                "choice" => json!({"item_code": code, "value": "none"}),
                "text" => json!({"item_code": code, "value": "好"}),
                _ if code == "fang-003" => {
                    json!({"item_code": code, "result": "fail", "note": "堆物", "evidence_ids": [built_in("photo")]})
                }
                _ => json!({"item_code": code, "result": "pass"}),
            }
        })
        .collect();
    all.push(rows);
    all.push(app.put(who, &format!("{at}/answers"), json!({"answers": answers})).await);
    all.push(app.post(who, &format!("{at}/submit"), json!({"conclusion": "一处不合格"})).await.expect(200));
    all.push(app.get(who, &format!("{at}/history")).await);
    all
}

/// Reports a hazard under the id of a secret visit, and asks for it.
pub async fn namesake(app: &TestApp, who: &str, id: &str, ask: &Ask) -> Vec<Answer> {
    let made = app.post(who, &ask.path, ask.body.clone().unwrap()).await;
    what_waited_is_done(app, who, id).await;
    vec![
        made,
        app.get(who, &format!("/hazards/{id}")).await,
        app.get(who, &format!("/hazards/{id}/history")).await,
        app.get(who, &format!("/hazards?inspection_id={id}")).await,
    ]
}

/// What phones of this school hold for a record that has come is done beside the requests: it is waited for, so that
/// both worlds are asked at the same point. Where a secret kept it from being done, the answers would differ.
async fn what_waited_is_done(app: &TestApp, who: &str, id: &str) {
    let school = PEOPLE.iter().find(|one| one.0 == who).unwrap().1;
    let people: Vec<Id> = PEOPLE.iter().filter(|one| one.1 == school).map(|one| user(one.0)).collect();
    let id: Id = id.parse().unwrap();
    let mut conn = app.connect();
    for _ in 0..200 {
        let held: Vec<Doc> = sync_ops::table
            .filter(sync_ops::status.eq(OpStatus::Held))
            .filter(sync_ops::user_id.eq_any(&people))
            .select(sync_ops::needs)
            .load(&mut conn)
            .unwrap();
        if !held.iter().any(|needs| needs.read::<Vec<Id>>().contains(&id)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
