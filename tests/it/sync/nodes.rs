//! Several processes on one database.

use anxiao::platform::ids::SeededIds;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Phone, begun, good_answers, id, words};
use crate::support::district::org;
use crate::support::{Engine, TestApp};

/// Another server on the same database, with randomness of its own.
async fn second(app: &TestApp) -> (TestApp, tokio::sync::oneshot::Sender<()>) {
    let ids = std::sync::Arc::new(SeededIds::new(77));
    TestApp::start_with(Engine::Postgres, app.url.clone(), tempfile::TempDir::new().unwrap(), ids).await
}

/// The same push fifty times at once, through two servers: one effect, the same answers.
#[test]
fn fifty_repeats_through_two_servers_have_one_effect() {
    TestApp::run(Engine::Postgres, async |app| {
        let (other, _stop) = second(app).await;
        let visit = begun(app).await;
        let mut phone = Phone::new("inspector1", "hammer");
        let answers = good_answers(app, &visit, "fang-003").await;
        let mut ops: Vec<Value> = answers
            .into_iter()
            .map(|one| phone.op("inspection.answer", &visit, one, json!({"base_version": 1})))
            .collect();
        ops.push(phone.op("inspection.submit", &visit, json!({}), json!({})));
        let body = phone.body(&ops);
        let calls = (0..50).map(|n| {
            let server = if n % 2 == 0 { app } else { &other };
            let body = body.clone();
            async move {
                for _ in 0..50 {
                    let answer = server.post("inspector1", "/sync/push", body.clone()).await;
                    if answer.status != 503 {
                        return answer.expect(200);
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                panic!("busy for ever")
            }
        });
        let answers = join_all(calls).await;
        let first = answers.iter().filter(|answer| words(answer).iter().all(|word| word == "applied")).count();
        assert_eq!(first, 1, "one of them was the first");
        let plain = |answer: &crate::support::Answer| {
            let mut body = answer.body.clone();
            for name in ["server_time", "device_credential"] {
                body.as_object_mut().unwrap().remove(name);
            }
            for result in body["results"].as_array_mut().unwrap() {
                let was = result.as_object_mut().unwrap().remove("was");
                result["status"] = was.unwrap_or_else(|| result["status"].clone());
            }
            body
        };
        assert!(answers.iter().all(|answer| plain(answer) == plain(&answers[0])));
        let hazards = app.get("office", &format!("/hazards?inspection_id={visit}")).await.expect(200).rows();
        assert_eq!(hazards.len(), 1);
        let history = app.get("office", &format!("/inspections/{visit}/history")).await.expect(200).rows();
        let count = |action: &str| history.iter().filter(|entry| entry["action"] == action).count();
        assert_eq!((count("answered"), count("submitted")), (1, 1), "{history:?}");
    });
}

/// Two phones of different people bring different things at the same time.
#[test]
fn pushes_of_many_phones_at_once_lose_nothing() {
    TestApp::run(Engine::Postgres, async |app| {
        let (other, _stop) = second(app).await;
        let names = ["p-1", "p-2", "p-3", "p-4", "p-5", "p-6"];
        let calls = names.into_iter().enumerate().map(|(n, name)| {
            let server = if n % 2 == 0 { app } else { &other };
            async move {
                let mut phone = Phone::new(["office", "leader", "supervisor"][n % 3], name);
                let report = |at: &str| {
                    json!({
                        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": at, "description": "x",
                        "source": "referral",
                    })
                };
                let ops: Vec<Value> = (0..20)
                    .map(|k| phone.op("hazard.report", id(&format!("{name} hazard {k}")), report("出口"), json!({})))
                    .collect();
                let answer = phone.push(server, &ops).await;
                assert!(words(&answer).iter().all(|word| word == "applied"), "{}", answer.text);
            }
        });
        join_all(calls).await;
        let page = app.get("office", "/hazards?count=true&limit=200").await.expect(200);
        assert_eq!(page.body["page"]["count"], 120);
        let mut numbers: Vec<Value> = page.rows().iter().map(|row| row["number"].clone()).collect();
        numbers.sort_by_key(ToString::to_string);
        numbers.dedup();
        assert_eq!(numbers.len(), 120);
    });
}
