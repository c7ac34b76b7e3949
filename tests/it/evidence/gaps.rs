//! What a bureau lets missing photos stand in the way of, and what it only shows.

use super::*;

const POLICIES: [&str; 4] = ["show", "block_submission", "block_closing", "block_both"];

async fn say(app: &TestApp, gaps: &str) {
    let now = app.get("office", "/evidence-policy").await.expect(200);
    let request = app.request("office", Method::PUT, "/evidence-policy").json(&json!({"gaps": gaps}));
    let version = now.body["version"].as_i64().unwrap();
    let request = if version == 0 { request } else { request.header("if-match", format!("\"{version}\"")) };
    app.send(request).await.expect(200);
}

/// Fails the item as put right on the spot, with a photo before and one after.
async fn fixed(app: &TestApp, visit: &str, before: &str, after: &str) {
    let body = json!({
        "result": "fail", "on_the_spot": true, "measures_taken": "当场清走", "fixed_by": user("staff1"),
        "before_evidence_ids": [before], "after_evidence_ids": [after],
    });
    app.put("inspector1", &format!("/inspections/{visit}/answers/{ITEM}"), body).await.expect(200);
}

async fn submit(app: &TestApp, visit: &str) -> Answer {
    app.post("inspector1", &format!("/inspections/{visit}/submit"), json!({})).await
}

fn gap() -> Vec<(String, String)> {
    vec![(format!("/answers/{ITEM}"), "evidence_missing".to_owned())]
}

/// A hazard that was reported done, with a photo that has not come.
async fn reported_done(app: &TestApp, photo: &str) -> String {
    let hazard = hazard(app, &[]).await;
    step(app, "office", &hazard, json!({"action": "issue", "level": "general"})).await.expect(200);
    step(app, "officer1", &hazard, json!({"action": "acknowledge"})).await.expect(200);
    let done = json!({"action": "report_done", "measures_taken": "拆除", "evidence_ids": [photo]});
    step(app, "officer1", &hazard, done).await.expect(200);
    hazard
}

both_engines! {
    async fn each_policy_stands_in_the_way_of_what_it_says_and_of_nothing_else(app) {
        let pass = json!({"action": "pass", "opinion": "好", "recheckers": [user("office")], "on_site": true});
        for (number, policy) in POLICIES.into_iter().enumerate() {
            let number = u8::try_from(number).unwrap() * 10 + 20;
            say(app, policy).await;
            let visit = under_way(app).await;
            fail(app, &visit, &[id(number)]).await;
            pass_the_rest(app, &visit).await;
            let handed = submit(app, &visit).await;
            if ["block_submission", "block_both"].contains(&policy) {
                assert_eq!(handed.expect(422).faults(), gap(), "{policy}");
                // What the item demands is met by what has arrived, not by what was promised.
                declared(app, "inspector1", number, &photo(), item(&visit)).await;
                assert_eq!(submit(app, &visit).await.expect(422).faults(), gap(), "{policy}");
                upload(app, "inspector1", &id(number), multipart(&photo())).await.expect(200);
                submit(app, &visit).await.expect(200);
            } else {
                assert_eq!(handed.expect(200).body["inspection"]["evidence_complete"], false, "{policy}");
                assert_eq!(missing(app, &visit).await, [(json!(id(number)), json!("awaited"))], "shown: {policy}");
            }
            let hazard = reported_done(app, &id(number + 1)).await;
            let closed = step(app, "office", &hazard, pass.clone()).await;
            if ["block_closing", "block_both"].contains(&policy) {
                let fault = vec![(format!("/evidence/{}", id(number + 1)), "evidence_missing".to_owned())];
                assert_eq!(closed.expect(409).faults(), fault, "{policy}");
                let target = json!({"hazard_id": hazard, "round": 1, "role": "after"});
                received(app, "officer1", number + 1, &picture(20, 20, ImageFormat::Png, number), target).await;
                step(app, "office", &hazard, pass.clone()).await.expect(200);
            } else {
                closed.expect(200);
                let rows = app.get("office", &format!("/hazards/{hazard}/evidence?missing=true")).await.expect(200).rows();
                assert_eq!((rows.len(), &rows[0]["state"]), (1, &json!("awaited")), "shown: {policy}");
            }
        }
    }

    async fn what_is_put_right_on_the_spot_needs_both_photos_where_anything_is_blocked(app) {
        for (number, policy) in POLICIES.into_iter().enumerate() {
            let number = u8::try_from(number).unwrap() * 10 + 100;
            let (before, after) = (id(number), id(number + 1));
            say(app, policy).await;
            let visit = under_way(app).await;
            pass_the_rest(app, &visit).await;
            fixed(app, &visit, &before, &after).await;
            if policy == "show" {
                let handed = submit(app, &visit).await.expect(200);
                assert_eq!(handed.body["hazards"][0]["status"], "closed");
                assert_eq!(handed.body["inspection"]["evidence_complete"], false);
                let expected = [(json!(before), json!("awaited")), (json!(after), json!("awaited"))];
                assert_eq!(missing(app, &visit).await, expected);
                let found = handed.body["hazards"][0]["id"].as_str().unwrap();
                let rows = app.get("office", &format!("/hazards/{found}/evidence?missing=true")).await.expect(200).rows();
                assert_eq!(rows.len(), 2, "{rows:?}");
                continue;
            }
            // Handing it in closes its hazard: the photos have to be there for either.
            assert_eq!(submit(app, &visit).await.expect(422).faults(), gap(), "{policy}: neither");
            received(app, "inspector1", number, &picture(20, 20, ImageFormat::Png, number), item(&visit)).await;
            assert_eq!(submit(app, &visit).await.expect(422).faults(), gap(), "{policy}: only before");
            received(app, "inspector1", number + 1, &picture(20, 20, ImageFormat::Png, number + 1), item(&visit)).await;
            let handed = submit(app, &visit).await.expect(200);
            assert_eq!(handed.body["hazards"][0]["status"], "closed", "{policy}");
            assert_eq!(handed.body["inspection"]["evidence_complete"], true, "{policy}");
        }
    }

    async fn a_photo_that_shows_something_else_does_not_answer_for_an_item(app) {
        say(app, "block_submission").await;
        let visit = under_way(app).await;
        pass_the_rest(app, &visit).await;
        fail(app, &visit, &[id(1)]).await;
        // Declared for the same visit, for another item.
        received(app, "inspector1", 1, &photo(), json!({"inspection_id": visit, "item_code": "fang-004"})).await;
        assert_eq!(submit(app, &visit).await.expect(422).faults(), gap());
        // A file that was refused is as good as none.
        fail(app, &visit, &[id(2)]).await;
        let page = b"<!doctype html><html><body>hi</body></html>".to_vec();
        declared(app, "inspector1", 2, &page, item(&visit)).await;
        upload(app, "inspector1", &id(2), multipart(&page)).await.expect(415);
        assert_eq!(submit(app, &visit).await.expect(422).faults(), gap());
        fail(app, &visit, &[id(3)]).await;
        received(app, "inspector1", 3, &photo(), item(&visit)).await;
        submit(app, &visit).await.expect(200);
    }
}
