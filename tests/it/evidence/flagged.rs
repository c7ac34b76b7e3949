//! A photo used again, as its hazard tells it: to the bureau, and not to the school.

use super::*;

async fn told(app: &TestApp, who: &str, hazard: &str) -> Answer {
    app.get(who, &format!("/hazards/{hazard}")).await.expect(200)
}

/// Evidence, way and place of each flag.
fn flags(answer: &Answer) -> Vec<(String, String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = answer.body["photo_reuse"].as_array().unwrap_or_else(|| panic!("no flags: {}", answer.text));
    rows.iter()
        .map(|row| (text(&row["evidence_id"]), text(&row["reuse"]), text(&row["role"]), row["round"].clone()))
        .collect()
}

both_engines! {
    async fn a_before_used_as_after_stands_on_its_hazard(app) {
        let first = hazard(app, &[id(1)]).await;
        assert_eq!(flags(&told(app, "office", &first).await), []);
        received(app, "office", 1, &photo(), json!({"hazard_id": first, "round": 1, "role": "before"})).await;
        assert_eq!(flags(&told(app, "office", &first).await), []);
        // Its metadata taken out: other bytes, the same pixels.
        let bare = picture(64, 48, ImageFormat::Jpeg, 7);
        let after = received(app, "officer1", 2, &bare, json!({"hazard_id": first, "round": 1, "role": "after"})).await;
        let expected = vec![(after.clone(), "before_as_after".to_owned(), "after".to_owned(), json!(1))];
        for who in ["office", "leader", "supervisor"] {
            assert_eq!(flags(&told(app, who, &first).await), expected, "{who}");
        }
        for who in ["officer1", "principal1"] {
            let theirs = told(app, who, &first).await;
            assert!(!theirs.text.contains("photo_reuse") && !theirs.text.contains(&after), "{who}: {}", theirs.text);
        }
        let listed = app.get("office", "/hazards").await.expect(200);
        assert!(!listed.text.contains("photo_reuse"), "a page tells of many, and asks nothing for each");
        // Another hazard with the same photo has a flag of its own, and gives none to the first.
        let second = hazard(app, &[]).await;
        let other = received(app, "office", 3, &photo(), json!({"hazard_id": second, "round": 1, "role": "before"})).await;
        assert_eq!(flags(&told(app, "office", &second).await), [(other, "other_record".into(), "before".into(), json!(1))]);
        assert_eq!(flags(&told(app, "office", &first).await), expected);
        // What a change answers says the same as a look afterwards.
        let moved = step(app, "office", &first, json!({"action": "issue", "level": "general"})).await.expect(200);
        assert_eq!(flags(&moved), expected);
        app.get("b.office", &format!("/hazards/{first}")).await.expect(404);
    }

    async fn the_photos_of_an_item_are_told_on_the_hazard_that_it_became(app) {
        let earlier = under_way(app).await;
        received(app, "inspector1", 1, &photo(), item(&earlier)).await;
        let visit = under_way(app).await;
        let fixed = json!({
            "result": "fail", "on_the_spot": true, "measures_taken": "当场清走", "fixed_by": user("staff1"),
            "before_evidence_ids": [id(2)], "after_evidence_ids": [id(3)],
        });
        app.put("inspector1", &format!("/inspections/{visit}/answers/{ITEM}"), fixed).await.expect(200);
        let fresh = picture(30, 30, ImageFormat::Png, 99);
        received(app, "inspector1", 2, &fresh, item(&visit)).await;
        received(app, "inspector1", 3, &fresh, item(&visit)).await;
        // And one that belongs to the visit before, at another place of the day.
        received(app, "inspector2", 4, &photo(), item(&visit)).await;
        pass_the_rest(app, &visit).await;
        let handed = app.post("inspector1", &format!("/inspections/{visit}/submit"), json!({})).await.expect(200);
        let found = handed.body["hazards"][0]["id"].as_str().unwrap();
        assert_eq!(handed.body["hazards"][0]["status"], "closed");
        let seen = flags(&told(app, "office", found).await);
        let expected = [(id(3), "before_as_after"), (id(4), "other_record")];
        let brief: Vec<(String, &str)> = seen.iter().map(|flag| (flag.0.clone(), flag.1.as_str())).collect();
        assert_eq!(brief, expected);
        assert!(!told(app, "principal1", found).await.text.contains("photo_reuse"));
    }
}
