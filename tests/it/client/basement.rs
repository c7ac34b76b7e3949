//! An inspection done wholly offline by three phones, handed in over a line that cuts, delays, repeats and reorders, and
//! explained afterwards by the server's own lists.

use std::collections::{BTreeMap, BTreeSet};

use anxiao::platform::db::schema::sync_ops;
use anxiao_client::operation::Operation;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Value, json};
use uuid::Uuid;

use super::line::Line;
use super::{Handset, report};
use crate::support::TestApp;
use crate::support::dice::Dice;
use crate::support::district::{org, start_time, user};
use crate::sync::{good_answer, plan, stands};

/// Failed by the lead, with a photo.
const FAILED: &str = "fang-002";
/// Said to be good by the lead and not to apply by the other.
const DISPUTED: &str = "fang-003";
/// Answered alike by both, and one wrote a word more.
const SHARED: &str = "fang-001";
fn at(hour: i64, minute: i64) -> DateTime<Utc> {
    start_time() + TimeDelta::minutes((hour - 10) * 60 + minute)
}

/// A photo of some size: noise does not compress.
fn picture(dice: &mut Dice) -> Vec<u8> {
    let image = RgbImage::from_fn(160, 120, |_, _| image::Rgb(dice.throw().to_le_bytes()[..3].try_into().unwrap()));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// The lead's day: begun, every item answered, a photo, a hazard beside the list and a remark to it, handed in.
fn lead_works(lead: &mut Handset, visit: Uuid, dice: &mut Dice) -> (Uuid, Uuid) {
    lead.note("inspection.check_in", visit, json!({}), at(10, 5));
    let file = lead.folder().join("gallery.jpg");
    std::fs::write(&file, picture(dice)).unwrap();
    let (evidence, op) = (lead.id(), lead.id());
    let target = json!({"inspection_id": visit, "item_code": FAILED});
    lead.phone().photo(&file, "image/jpeg", &target, (evidence, op), at(10, 20)).unwrap();
    std::fs::remove_file(file).unwrap();
    let rows: Vec<Value> = lead.phone().local.rows("answers").map(|change| change.row.clone()).collect();
    assert!(rows.len() > 10);
    for (minute, row) in rows.iter().enumerate() {
        let mut set = good_answer(&row["item"], FAILED);
        if row["item_code"] == FAILED {
            set["evidence_ids"] = json!([evidence]);
        }
        lead.note("inspection.answer", visit, set, at(10, 10) + TimeDelta::minutes(i64::try_from(minute).unwrap()));
    }
    let hazard = lead.id();
    lead.note("hazard.report", hazard, report(), at(11, 30));
    let remark = lead.id();
    lead.note("comment.add", remark, json!({"hazard_id": hazard, "text": "钥匙在门卫处"}), at(11, 31));
    lead.note("inspection.submit", visit, json!({"conclusion": "一处不合格"}), at(11, 40));
    (hazard, evidence)
}

/// Hands in some of what waits, in an order of the dice; sometimes the app is killed first, sometimes it fetches.
fn turn(app: &TestApp, handset: &mut Handset, dice: &mut Dice, others_wait: bool) {
    if dice.once_in(6) {
        handset.kill();
    }
    if dice.once_in(6) {
        drop(handset.pull());
    }
    let mut some: Vec<Operation> = handset.waiting();
    // The team has agreed that the lead hands in last.
    some.retain(|op| !others_wait || op.draft.kind != "inspection.submit");
    dice.shuffle(&mut some);
    some.truncate(1 + dice.below(4));
    if !some.is_empty() {
        drop(handset.push_some(app, &some));
    } else if handset.phone().uploads.waiting().count() > 0 {
        handset.phone().send_at_most(500, 1024);
        drop(handset.upload());
    }
}

fn busy(handset: &mut Handset) -> bool {
    handset.phone().outbox.waiting().count() > 0
}

/// Every row of a list of the server.
async fn all(app: &TestApp, path: &str) -> Vec<Value> {
    app.get("office", &format!("{path}?limit=200")).await.expect(200).rows()
}

fn ids(rows: &[Value]) -> BTreeSet<Uuid> {
    rows.iter().map(|row| row["op_id"].as_str().unwrap().parse().unwrap()).collect()
}

/// The operations of some phones with this fate.
fn of_fate(handsets: &mut [Handset], fate: &str) -> BTreeSet<Uuid> {
    handsets.iter_mut().flat_map(Handset::fates).filter(|(_, one)| one == fate).map(|(op, _)| op).collect()
}

async fn a_day(app: &TestApp, seed: u64) {
    let mut dice = Dice::new(seed);
    let line = Line::new(app);
    let mut body = plan();
    body["team"] = json!([user("inspector1"), user("external1"), user("inspector2")]);
    let visit = app.post("office", "/inspections", body).await.expect(201).id();
    let id: Uuid = visit.parse().unwrap();
    let mut phones = vec![
        Handset::ready(app, &line, "inspector1", "phone of the lead"),
        Handset::ready(app, &line, "external1", "phone two days ahead").with_clock(TimeDelta::days(2)),
        Handset::ready(app, &line, "inspector2", "phone of one who moves"),
    ];

    // In the basement.
    let (hazard, evidence) = lead_works(&mut phones[0], id, &mut dice);
    phones[1].note(
        "inspection.answer",
        id,
        json!({"item_code": DISPUTED, "result": "na", "reason": "改造中"}),
        at(10, 40),
    );
    let more = json!({"item_code": SHARED, "result": "pass", "note": "钥匙已核对"});
    phones[1].note("inspection.answer", id, more, at(10, 41));
    let used = [FAILED, DISPUTED, SHARED].map(|code| json!(code));
    let answers = phones[2].phone().local.rows("answers");
    let mut others =
        answers.filter(|one| !used.contains(&one.row["item_code"]) && one.row["item"]["response"] == "pass_fail");
    let lost_item = others.next().expect("another item to judge").row["item_code"].clone();
    drop(others);
    let lost = json!({"item_code": lost_item, "result": "fail", "note": "灭火器过期"});
    let lost = phones[2].note("inspection.answer", id, lost, at(10, 50));
    let count: Vec<usize> = phones.iter_mut().map(|handset| handset.waiting().len()).collect();

    // Meanwhile one of them goes to another place.
    app.clock.set(at(13, 0));
    let person = app.get("office", &format!("/users/{}", user("inspector2"))).await.expect(200).body;
    let membership = person["memberships"][0]["id"].as_str().unwrap().to_owned();
    let staff = json!({"org_id": org("a.s2"), "role": "school_staff"});
    app.post("office", &format!("/users/{}/memberships", user("inspector2")), staff).await.expect(201);
    app.delete("office", &format!("/users/{}/memberships/{membership}", user("inspector2"))).await.expect(204);

    // Back at the surface, with tokens that have run out.
    app.clock.set(at(15, 0));
    line.dice(Some(dice.fork()));
    let mut turns = 0;
    while phones.iter_mut().any(|handset| busy(handset) || handset.phone().uploads.waiting().count() > 0) {
        turns += 1;
        assert!(turns < 5000, "seed {seed}: no end of it: {:?}", line.told());
        let others_wait = phones[1..].iter_mut().any(busy);
        // Who answers an inspection that nobody is known to have begun has a conflict: the lead speaks first.
        let begun = phones[0].waiting().iter().all(|op| op.draft.kind != "inspection.check_in");
        let whose = if begun { dice.below(phones.len()) } else { 0 };
        turn(app, &mut phones[whose], &mut dice, others_wait);
    }
    line.settle();
    line.dice(None);
    // What came after the lead had handed in.
    phones[1].note("inspection.answer", id, json!({"item_code": SHARED, "note": "补记"}), at(11, 50));
    for handset in &mut phones {
        handset.agree(app);
    }
    let told = line.told();
    for word in ["request cut", "answer cut", "delayed past others"] {
        assert!(told.contains_key(word), "seed {seed}: {told:?}");
    }
    assert!(told.contains_key("repeated") || told.contains_key("repeated later"), "seed {seed}: {told:?}");

    // Devices: everything came, once, nothing waits, and whose clock is wrong by how much.
    let devices = all(app, "/sync/devices").await;
    assert_eq!(devices.len(), 3, "seed {seed}");
    for (place, handset) in phones.iter_mut().enumerate() {
        let device = devices.iter().find(|row| row["device_id"] == handset.name).unwrap();
        let late = usize::from(place == 1);
        assert_eq!(
            (&device["acked_seq"], &device["held"]),
            (&json!(count[place] + late), &json!(0)),
            "seed {seed}: {device}"
        );
        assert_eq!(device["clock_skew_s"], if place == 1 { 172_800 } else { 0 }, "seed {seed}");
        let fates = handset.fates();
        let of = |word: &str| fates.values().filter(|fate| *fate == word).count();
        assert_eq!(fates.len(), count[place] + late);
        assert_eq!((&device["quarantined"], &device["conflicts"]), (&json!(of("quarantined")), &json!(of("conflict"))));
    }
    let stored: i64 = sync_ops::table.count().get_result(&mut app.connect()).unwrap();
    assert_eq!(stored, i64::try_from(count.iter().sum::<usize>() + 1).unwrap(), "seed {seed}: nothing came twice");

    // Quarantine: exactly what the one did who may no longer, whole, with the fact that he might have then.
    let kept = all(app, "/sync/quarantine").await;
    assert_eq!(ids(&kept), BTreeSet::from([lost]), "seed {seed}: {kept:?}");
    assert_eq!(of_fate(&mut phones, "quarantined"), ids(&kept));
    assert_eq!((&kept[0]["allowed_then"], &kept[0]["user_id"]), (&json!(true), &json!(user("inspector2"))));
    assert_eq!(kept[0]["op"]["set"]["note"], "灭火器过期");
    // As staff of another school he performs its own checks; of this visit he knows nothing any more.
    assert_eq!(kept[0]["problem"]["code"], "not_found");

    // Conflicts: the disputed item with both values, whoever came first; and what came after the submission.
    let conflicts = all(app, "/sync/conflicts").await;
    assert_eq!(of_fate(&mut phones, "conflict"), ids(&conflicts), "seed {seed}");
    assert_eq!(conflicts.len(), 2, "seed {seed}: {conflicts:?}");
    let disputed = conflicts.iter().find(|row| row["op"]["set"]["item_code"] == DISPUTED).unwrap();
    let field = |row: &Value, name: &str| {
        let fields = row["fields"].as_array().unwrap();
        fields
            .iter()
            .find(|field| field["field"] == name)
            .map(|field| (field["server"].clone(), field["device"].clone()))
    };
    let both = field(disputed, "result").unwrap();
    let stands_now = stands(app, &visit, DISPUTED).await["result"].clone();
    let lead_was_first = disputed["device_id"] == phones[1].name;
    let said = if lead_was_first { ("pass", "na") } else { ("na", "pass") };
    assert_eq!(both, (json!(said.0), json!(said.1)), "seed {seed}");
    assert_eq!(stands_now, said.0, "seed {seed}: by arrival, not by the phones' clocks");
    let late = conflicts.iter().find(|row| row["op"]["set"]["note"] == "补记").unwrap();
    assert_eq!(field(late, "status").unwrap().0, "submitted");

    // The inspection is whole, and nothing of it is there twice.
    let row = app.get("office", &format!("/inspections/{visit}")).await.expect(200).body;
    assert_eq!((&row["status"], &row["evidence_complete"]), (&json!("submitted"), &json!(true)), "seed {seed}");
    assert_eq!(stands(app, &visit, SHARED).await["note"], "钥匙已核对");
    assert_eq!(stands(app, &visit, lost_item.as_str().unwrap()).await["result"], "pass");
    let hazards = all(app, "/hazards").await;
    assert_eq!(hazards.len(), 2, "seed {seed}: one of the list, one beside it");
    assert!(hazards.iter().any(|row| row["id"] == json!(hazard)));
    let remarks = app.get("office", &format!("/hazards/{hazard}/comments")).await.expect(200).rows();
    assert_eq!(remarks.len(), 1);
    let photo = app.get("office", &format!("/evidence/{evidence}")).await.expect(200).body;
    assert!(!photo["received_at"].is_null());
    // The clock that was wrong is shown beside what it said.
    let answer = stands(app, &visit, SHARED).await;
    assert!(answer["answered_at"].as_str().unwrap().starts_with("2026-03-02"), "{answer}");

    // Each phone shows what its person may see, and no more.
    let sees = |handset: &mut Handset| handset.phone().local.row("inspections", &visit).is_some();
    let seen: Vec<bool> = phones.iter_mut().map(sees).collect();
    assert_eq!(seen, [true, true, false], "seed {seed}");
    let mine: BTreeMap<String, i64> =
        phones[0].phone().local.rows("answers").map(|change| (change.row["item_code"].to_string(), change.v)).collect();
    let theirs = all(app, &format!("/inspections/{visit}/answers")).await;
    assert_eq!(mine.len(), theirs.len());
    for row in theirs {
        assert_eq!(mine[&row["item_code"].to_string()], row["version"].as_i64().unwrap());
    }
    eprintln!("seed {seed}: {turns} turns, {} operations, {told:?}", stored);
}

both_engines! {
    async fn a_day_in_the_basement_comes_through_and_is_explained(app) {
        a_day(app, 2026).await;
    }

    async fn another_day_with_other_dice(app) {
        a_day(app, 31).await;
    }
}
