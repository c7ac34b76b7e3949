//! Answers that are not the server's, and servers that are not what they were.

use std::sync::Arc;

use anxiao::accounts::tokens::Tokens;
use anxiao::platform::db::types::Timestamp;
use anxiao::platform::ids::built_in;
use anxiao::platform::journal::epoch;
use anxiao_client::http::Trouble;
use anxiao_client::outbox::MOST_OPS;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::line::{Fault, Line};
use super::{Handset, report};
use crate::support::SEED;
use crate::support::district::{start_time, user};
use crate::sync::plan;

type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// A receipt as the holder of a key would sign it, over what the answer says, changed.
fn signed(seed: [u8; 32], kind: &'static str, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Change {
    let tokens = Tokens::from_seeds(&[seed]).unwrap();
    Arc::new(move |answer: &mut Value| {
        let ops: Vec<&Value> = answer["results"].as_array().unwrap().iter().map(|one| &one["op_id"]).collect();
        let mut said = json!({
            "iss": "anxiao", "device_id": "believer", "epoch": answer["epoch"], "acked_seq": answer["acked_seq"],
            "op_ids": ops,
        });
        change(&mut said);
        answer["receipt"] = json!(tokens.sign(kind, &said).unwrap());
    })
}

fn changed(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Change {
    Arc::new(change)
}

const TYPE: &str = "sync-receipt+jws";

both_engines! {
    async fn a_forged_receipt_is_not_believed(app) {
        let line = Line::new(app);
        let mut handset = Handset::ready(app, &line, "inspector1", "believer");
        for _ in 0..3 {
            let hazard = handset.id();
            handset.note("hazard.report", hazard, report(), start_time());
        }
        let before = handset.waiting();
        let elsewhere = |said: &mut Value| said["epoch"] = json!(built_in("elsewhere"));
        let forgeries: Vec<(&str, Change)> = vec![
            ("no receipt", changed(|answer| drop(answer.as_object_mut().unwrap().remove("receipt")))),
            ("not a receipt", changed(|answer| answer["receipt"] = json!("x.y.z"))),
            ("another's key", signed([7; 32], TYPE, |_| ())),
            ("a token for a receipt", signed(SEED, "at+jwt", |_| ())),
            ("another device's", signed(SEED, TYPE, |said| said["device_id"] = json!("another"))),
            ("another epoch's", signed(SEED, TYPE, elsewhere)),
            ("over nothing", signed(SEED, TYPE, |said| said["op_ids"] = json!([]))),
            ("over something else", signed(SEED, TYPE, |said| said["op_ids"] = json!([built_in("x")]))),
            ("a changed epoch", changed(|answer| answer["epoch"] = json!(built_in("elsewhere")))),
            ("a changed end", changed(|answer| {
                let receipt = answer["receipt"].as_str().unwrap();
                let last = if receipt.ends_with('A') { "Q" } else { "A" };
                answer["receipt"] = json!(format!("{}{last}", &receipt[..receipt.len() - 1]));
            })),
        ];
        for (what, change) in forgeries {
            line.script([("/sync/push", Fault::Forged(change.clone())), ("/sync/push", Fault::Forged(change))]);
            let trouble = handset.push(app).expect_err(what);
            assert!(matches!(trouble, Trouble::Forged(_) | Trouble::Stranger(_) | Trouble::UnknownKey), "{what}: {trouble}");
            line.script([]);
            handset.kill();
            assert_eq!(handset.waiting(), before, "{what}: nothing is forgotten");
            // A second forgery that was not needed is used up.
            drop(handset.push_some(app, &[]));
        }
        // A receipt that covers a part lets go of that part alone.
        let first = json!([before[0].op_id]);
        line.script([("/sync/push", Fault::Forged(signed(SEED, TYPE, move |said| said["op_ids"] = first.clone())))]);
        handset.push_some(app, &before).unwrap();
        assert_eq!(handset.waiting(), before[1..]);
        assert_eq!(handset.push(app).unwrap().len(), 2);
        assert!(handset.waiting().is_empty());
        assert_eq!(app.get("office", "/hazards").await.expect(200).rows().len(), 3, "each was done once all the same");
    }

    async fn a_page_instead_of_an_answer_costs_nothing(app) {
        let line = Line::new(app);
        let mut handset = Handset::ready(app, &line, "inspector1", "in a hotel");
        let hazard = handset.id();
        handset.note("hazard.report", hazard, report(), start_time());
        let before = handset.waiting();
        let cursor = handset.phone().local.cursor().map(str::to_owned);
        let rows = handset.phone().local.checksums();
        let problem = r#"{"code":"rate_limited","status":429}"#.to_owned();
        let answers = [
            (Fault::Portal, None),
            (Fault::Says(302, "location: http://10.0.0.1/login", String::new()), None),
            (Fault::Says(200, "content-type: application/json", "{}".into()), None),
            (Fault::Says(200, "content-type: application/json", r#"{"results":[],"receipt":""}"#.into()), None),
            (Fault::Says(204, "x-a: b", String::new()), None),
            (Fault::Says(401, "content-type: text/html", "<h1>proxy</h1>".into()), None),
            (Fault::Says(404, "content-type: text/html", "<h1>404</h1>".into()), None),
            (Fault::Busy, Some(0)),
            (Fault::Says(429, "retry-after: 9\r\ncontent-type: application/problem+json", problem), Some(9)),
        ];
        for (fault, seconds) in answers {
            line.script([("/sync/push", fault.clone()), ("/sync/pull", fault)]);
            let pushed = handset.push(app).expect_err("a stranger's answer was taken");
            let pulled = handset.pull().expect_err("a stranger's answer was taken");
            for trouble in [pushed, pulled] {
                match seconds {
                    Some(seconds) => assert_eq!(trouble, Trouble::Later(Some(std::time::Duration::from_secs(seconds)))),
                    None => assert!(trouble.is_passing(), "{trouble}"),
                }
            }
            handset.kill();
            assert_eq!(handset.waiting(), before);
            assert_eq!(handset.phone().local.cursor().map(str::to_owned), cursor);
            assert_eq!(handset.phone().local.checksums(), rows);
        }
        // Nor do sign-in and renewal take anything from a stranger.
        let session = handset.phone().session().cloned();
        line.script([("/auth/login", Fault::Portal)]);
        assert!(matches!(handset.sign_in(), Err(Trouble::Stranger(_))));
        app.clock.advance(TimeDelta::hours(1));
        line.script([("/auth/refresh", Fault::Portal)]);
        assert!(matches!(handset.push(app), Err(Trouble::Stranger(_))));
        assert_eq!(handset.phone().session().cloned(), session);
        assert_eq!(handset.sync(app).unwrap().outcomes[0].fate(), "applied");
    }

    async fn a_restored_server_is_offered_everything_again(app) {
        let line = Line::new(app);
        let mut handset = Handset::ready(app, &line, "inspector1", "faithful");
        for _ in 0..5 {
            let hazard = handset.id();
            handset.note("hazard.report", hazard, report(), start_time());
        }
        handset.sync(app).unwrap();
        let hazard = handset.id();
        handset.note("hazard.report", hazard, report(), start_time());
        let new = epoch::begin(&mut app.connect(), built_in("after the restore"), Timestamp::from(start_time()), "restored").unwrap();
        handset.kill();
        line.seen();
        let synced = handset.sync(app).unwrap();
        assert_eq!(handset.phone().outbox.epoch(), Some(new.id.to_string().as_str()));
        let fates: Vec<&str> = synced.outcomes.iter().map(|outcome| outcome.status.as_str()).collect();
        assert_eq!(fates, ["duplicate", "duplicate", "duplicate", "duplicate", "duplicate", "applied"]);
        assert_ne!(synced.pulled.agreed, Some(false));
        assert_eq!(app.get("office", "/hazards").await.expect(200).rows().len(), 6);
        // Found out by a pull, the same.
        epoch::begin(&mut app.connect(), built_in("once more"), Timestamp::from(start_time()), "restored").unwrap();
        assert_eq!(handset.sync(app).unwrap().outcomes.len(), 6);
        assert!(handset.waiting().is_empty());
    }

    async fn another_persons_cursor_is_refused_and_everything_fetched_anew(app) {
        let line = Line::new(app);
        app.post("office", "/inspections", plan()).await.expect(201);
        let mut office = Handset::ready(app, &line, "office", "office phone");
        let mut inspector = Handset::ready(app, &line, "inspector2", "inspector's phone");
        let own = inspector.phone().local.checksums();
        let cursor = office.phone().local.cursor().unwrap().to_owned();
        let refused = app.post("inspector2", "/sync/pull", json!({"cursor": cursor})).await.expect(400);
        assert_eq!(refused.code(), "invalid_cursor");
        // A phone that got hold of another's rows shows none of them after the next pull.
        std::fs::copy(office.folder().join("rows"), inspector.folder().join("rows")).unwrap();
        inspector.kill();
        assert_ne!(inspector.phone().local.checksums(), own);
        assert_ne!(inspector.pull().unwrap().agreed, Some(false));
        assert_eq!(inspector.phone().local.checksums(), own);
        // Nor does another person sign in over what one has done.
        inspector.who = "office";
        assert!(matches!(inspector.sign_in(), Err(Trouble::Disk(_))));
    }

    async fn more_than_the_server_takes_is_halved_and_nothing_is_left(app) {
        let line = Line::new(app);
        let mut handset = Handset::ready(app, &line, "inspector1", "a week away");
        let hazard = handset.id();
        for _ in 0..=MOST_OPS {
            handset.note("weather.note", hazard, json!({"sky": "晴"}), start_time());
        }
        handset.phone().send_at_most(1000, 1024);
        line.seen();
        let outcomes = handset.push(app).unwrap();
        assert_eq!(outcomes.len(), MOST_OPS + 1);
        assert!(outcomes.iter().all(|outcome| outcome.status == "quarantined"));
        let pushes = line.seen().iter().filter(|(_, path, _)| path.contains("/sync/push")).count();
        assert!(pushes >= 3, "501 at once were refused and came in two: {pushes}");
        let kept = app.get("office", "/sync/quarantine?count=true&limit=1").await.expect(200);
        assert_eq!(kept.body["page"]["count"], MOST_OPS + 1);
        assert_eq!(kept.rows()[0]["problem"]["code"], "unknown_kind");
    }

    async fn an_operations_name_with_another_body_is_kept_for_people(app) {
        let line = Line::new(app);
        let mut handset = Handset::ready(app, &line, "inspector1", "broken memory");
        let hazard = handset.id();
        handset.note("hazard.report", hazard, report(), start_time());
        let op = handset.waiting();
        handset.push(app).unwrap();
        let mut other = op[0].clone();
        other.draft.set["title"] = json!("另一处");
        let outcomes = handset.push_some(app, &[other]).unwrap();
        assert_eq!((outcomes[0].fate(), outcomes[0].problem.as_ref().unwrap()["code"].as_str()), ("quarantined", Some("op_reused")));
        assert_eq!(handset.push_some(app, &op).unwrap()[0].was.as_deref(), Some("applied"));
        let kept = app.get("office", "/sync/quarantine").await.expect(200).rows();
        assert_eq!(kept[0]["op"]["set"]["title"], "另一处");
    }

    async fn who_may_no_longer_sign_in_still_hands_in(app) {
        let line = Line::new(app);
        let visit = app.post("office", "/inspections", plan()).await.expect(201).id();
        let mut handset = Handset::ready(app, &line, "inspector2", "left behind");
        let answer = json!({"item_code": "fang-001", "result": "pass"});
        handset.note("inspection.answer", visit.parse().unwrap(), answer, start_time());
        app.post("sysadmin", &format!("/users/{}/disable", user("inspector2")), json!({})).await.expect(200);
        assert_eq!(handset.push(app), Err(Trouble::SignInAgain));
        assert_eq!(handset.waiting().len(), 1, "a token that ran out sends nothing to quarantine by itself");
        let outcomes = handset.hand_in(app).unwrap();
        assert_eq!((outcomes.len(), outcomes[0].fate()), (1, "quarantined"));
        assert!(handset.waiting().is_empty());
        assert_eq!(handset.pull(), Err(Trouble::SignInAgain));
        assert_eq!(app.get("office", "/sync/quarantine").await.expect(200).rows().len(), 1);
    }

    async fn what_was_held_is_asked_after(app) {
        let line = Line::new(app);
        let mut handset = Handset::ready(app, &line, "inspector1", "early");
        let visit = handset.id();
        let op = handset.note("inspection.check_in", visit, json!({}), start_time());
        let mut ops = handset.waiting();
        // Made by the office, who has not yet: the app names it.
        ops[0].draft.needs = vec![visit];
        assert_eq!(handset.push_some(app, &ops).unwrap()[0].fate(), "held");
        let mut body = plan();
        body["id"] = json!(visit);
        app.post("office", "/inspections", body).await.expect(201);
        for _ in 0..100 {
            if handset.push_some(app, &ops).unwrap()[0].fate() == "applied" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(handset.fates()[&op], "applied");
    }
}
