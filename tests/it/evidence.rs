//! Evidence from declaration to display, and what is refused on the way.
//!
//! `content`: what files hold, what they are called, and how much of them is taken. `gaps`: what a bureau lets missing
//! photos stand in the way of. `flagged`: photos used again, as the hazard tells it.

pub mod content;
mod flagged;
mod gaps;

use std::io::Cursor;

use anxiao::platform::files::{ContentHash, Key, Rendition};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

/// A photo of a phone held upright: wider than high as stored, turned by its orientation, with the place in it.
pub fn photo() -> Vec<u8> {
    with_gps(&picture(64, 48, ImageFormat::Jpeg, 7))
}

pub fn picture(width: u32, height: u32, format: ImageFormat, shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let left = |x: u32| if x < width / 2 { Rgb([250, shade, 10]) } else { Rgb([10, shade, 250]) };
    let image = RgbImage::from_fn(width, height, |x, _| left(x));
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn with_gps(jpeg: &[u8]) -> Vec<u8> {
    with_exif(jpeg, 6)
}

/// An EXIF block (an orientation, the GPS reference N) behind the start of a JPEG.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2A\0\0\0\x08\0\x02".to_vec();
    tiff.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    tiff.extend_from_slice(&[0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 38]);
    tiff.extend_from_slice(&[0, 0, 0, 0]);
    tiff.extend_from_slice(&[0, 1, 0, 1, 0, 2, 0, 0, 0, 2, b'N', 0, 0, 0, 0, 0, 0, 0]);
    tiff.extend_from_slice(b"SECRET-PLACE 36.9N");
    let mut block = b"Exif\0\0".to_vec();
    block.extend_from_slice(&tiff);
    let mut out = jpeg[..2].to_vec();
    out.extend_from_slice(&[0xFF, 0xE1]);
    out.extend_from_slice(&u16::try_from(block.len() + 2).unwrap().to_be_bytes());
    out.extend_from_slice(&block);
    out.extend_from_slice(&jpeg[2..]);
    out
}

/// A declaration of a photo.
pub fn declaration(id: Option<&str>, content: &[u8], target: Value) -> Value {
    let mut body = json!({
        "sha256": ContentHash::of(content).to_string(), "bytes": content.len(), "media_type": "image/jpeg",
        "target": target,
    });
    if let Some(id) = id {
        body["id"] = json!(id);
    }
    body
}

/// A form with one file.
pub fn multipart(content: &[u8]) -> (String, Vec<u8>) {
    named(content, "a.jpg")
}

fn named(content: &[u8], name: &str) -> (String, Vec<u8>) {
    let head = "--xx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"";
    let mut body = format!("{head}{name}\"\r\ncontent-type: image/jpeg\r\n\r\n").into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--xx--\r\n");
    ("multipart/form-data; boundary=xx".into(), body)
}

/// Keeps the files of [`photo`] in both bureaus.
pub async fn keep(app: &TestApp) {
    let hash = ContentHash::of(&photo());
    for bureau in ["a", "b"] {
        for rendition in Rendition::ALL {
            let staged = app.files.stage(photo()).await.unwrap();
            app.files.put(Key { namespace: org(bureau), hash, rendition }, staged).await.unwrap();
        }
    }
}

async fn upload(app: &TestApp, who: &str, id: &str, (media, body): (String, Vec<u8>)) -> Answer {
    let request = app.request(who, Method::POST, &format!("/evidence/{id}/content"));
    app.send(request.header("content-type", media).body(body)).await
}

async fn bytes(app: &TestApp, who: &str, path: &str) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
    let answer = app.request(who, Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
}

fn id(number: u8) -> String {
    format!("0195e0c0-0000-7000-8000-0000000000{number:02x}")
}

/// An inspection of the first school, the team there.
async fn visit(app: &TestApp, announced: bool) -> String {
    let list = anxiao::catalogue::builtin::checklist_id("fang", 1);
    let body = json!({
        "kind": if announced { "routine" } else { "unannounced" }, "org_id": org("a.s1"), "checklist_ids": [list],
        "team": [user("inspector1"), user("inspector2")], "announced": announced,
    });
    app.post("office", "/inspections", body).await.expect(201).id()
}

pub async fn under_way(app: &TestApp) -> String {
    let visit = visit(app, true).await;
    app.post("inspector1", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
    visit
}

const ITEM: &str = "fang-003";

async fn fail(app: &TestApp, visit: &str, claims: &[String]) -> Value {
    let body = json!({"result": "fail", "note": "堆物", "evidence_ids": claims});
    app.put("inspector1", &format!("/inspections/{visit}/answers/{ITEM}"), body).await.expect(200).body
}

async fn pass_the_rest(app: &TestApp, visit: &str) {
    let rows = app.get("inspector1", &format!("/inspections/{visit}/answers")).await.expect(200).rows();
    let answers: Vec<Value> = rows
        .iter()
        .filter(|row| row["result"].is_null())
        .map(|row| {
            let (item, code) = (&row["item"], &row["item_code"]);
            match item["response"].as_str().unwrap() {
                "number" => {
                    json!({"item_code": code, "value": item["min"].as_f64().or(item["max"].as_f64()).unwrap_or(1.0)})
                }
                "choice" => json!({"item_code": code, "value": item["options"].as_array().unwrap().iter()
                    .find(|option| option["fail"] == false).unwrap()["value"]}),
                "text" => json!({"item_code": code, "value": "好"}),
                _ => json!({"item_code": code, "result": "pass"}),
            }
        })
        .collect();
    app.put("inspector1", &format!("/inspections/{visit}/answers"), json!({"answers": answers})).await.expect(200);
}

pub fn item(visit: &str) -> Value {
    json!({"inspection_id": visit, "item_code": ITEM})
}

async fn declared(app: &TestApp, who: &str, number: u8, content: &[u8], target: Value) -> String {
    let id = id(number);
    app.post(who, "/evidence", declaration(Some(&id), content, target)).await.expect(201);
    id
}

async fn received(app: &TestApp, who: &str, number: u8, content: &[u8], target: Value) -> String {
    let id = declared(app, who, number, content, target).await;
    upload(app, who, &id, multipart(content)).await.expect(200);
    id
}

async fn missing(app: &TestApp, visit: &str) -> Vec<(Value, Value)> {
    let rows = app.get("inspector1", &format!("/inspections/{visit}/evidence?missing=true")).await.expect(200).rows();
    rows.iter().map(|row| (row["evidence_id"].clone(), row["state"].clone())).collect()
}

async fn hazard(app: &TestApp, claims: &[String]) -> String {
    let body = json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口", "description": "锁闭",
        "source": "referral", "evidence_ids": claims,
    });
    app.post("office", "/hazards", body).await.expect(201).id()
}

async fn step(app: &TestApp, who: &str, hazard: &str, body: Value) -> Answer {
    app.post(who, &format!("/hazards/{hazard}/transitions"), body).await
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

both_engines! {
    async fn a_photo_is_awaited_declared_and_received(app) {
        let (visit, photo) = (under_way(app).await, photo());
        let at = format!("/inspections/{visit}");
        // Failed, and nothing claimed: the demand itself is the gap.
        assert_eq!(fail(app, &visit, &[]).await["photo"], "awaited");
        assert_eq!(missing(app, &visit).await, [(Value::Null, json!("awaited"))]);
        // Claimed before anybody has declared it; foreign ids are no different.
        let other = under_way(app).await;
        let foreign = received(app, "inspector1", 9, &picture(10, 10, ImageFormat::Png, 1), item(&other)).await;
        fail(app, &visit, &[id(1), foreign.clone()]).await;
        assert_eq!(missing(app, &visit).await, [(json!(id(1)), json!("awaited")), (json!(foreign), json!("awaited"))]);
        let answer = fail(app, &visit, &[id(1)]).await;
        let body = declaration(Some(&id(1)), &photo, item(&visit));
        let made = app.post("inspector2", "/evidence", body.clone()).await.expect(201);
        assert_eq!(made.body["state"], "declared");
        assert_eq!(app.post("inspector2", "/evidence", body.clone()).await.expect(200).text, made.text);
        assert_eq!(app.post("inspector1", "/evidence", body.clone()).await.expect(409).code(), "id_reused");
        assert_eq!(missing(app, &visit).await, [(json!(id(1)), json!("declared"))]);
        app.get("inspector1", &format!("/evidence/{}/content", id(1))).await.expect(409);
        pass_the_rest(app, &visit).await;
        // Handed in and complete are two facts.
        let handed = app.post("inspector1", &format!("{at}/submit"), json!({})).await.expect(200);
        assert_eq!(handed.body["inspection"]["evidence_complete"], false);
        let found = handed.body["hazards"][0]["id"].as_str().unwrap().to_owned();
        let here = upload(app, "inspector2", &id(1), multipart(&photo)).await.expect(200);
        assert_eq!((here.body["state"].clone(), here.body["content_type"].clone()), (json!("received"), json!("image/jpeg")));
        assert_eq!((here.body["width"].clone(), here.body["height"].clone()), (json!(48), json!(64)));
        assert!(missing(app, &visit).await.is_empty());
        assert_eq!(app.get("office", &at).await.body["evidence_complete"], true);
        let now = app.get("inspector1", &format!("{at}/answers")).await.rows();
        let now = now.iter().find(|row| row["item_code"] == ITEM).unwrap();
        // Handing in raised its version by the link to its hazard; what arrives afterwards does not.
        assert_eq!((now["photo"].clone(), now["version"].as_i64()), (json!("received"), answer["version"].as_i64().map(|seen| seen + 1)));
        // The same photo stands beside the hazard; who found it is not told to the school.
        for (who, by) in [("office", json!(user("inspector2"))), ("principal1", Value::Null)] {
            let rows = app.get(who, &format!("/hazards/{found}/evidence")).await.expect(200).rows();
            assert_eq!((rows.len(), rows[0]["state"].clone()), (1, json!("received")), "{who}");
            assert_eq!(rows[0]["evidence"]["created_by"], by, "{who}");
            assert_eq!(bytes(app, who, &format!("/evidence/{}/content", id(1))).await.0, 200);
        }
        app.get("principal2", &format!("/evidence/{}", id(1))).await.expect(404);
        // After submission: nothing that no answer claims.
        app.post("inspector1", "/evidence", declaration(Some(&id(3)), &photo, item(&visit))).await.expect(409);
        app.post("officer1", "/evidence", declaration(None, &photo, item(&visit))).await.expect(409);
        app.post("b.inspector", "/evidence", declaration(None, &photo, item(&visit))).await.expect(404);
        app.post("inspector1", "/evidence", declaration(None, &photo, json!({"inspection_id": visit, "item_code": "x-1"})))
            .await
            .expect(404);
        let two = json!({"inspection_id": visit, "item_code": ITEM, "hazard_id": found, "round": 1, "role": "after"});
        let answer = app.post("inspector1", "/evidence", declaration(None, &photo, two)).await.expect(422);
        assert_eq!(answer.faults(), [("/target".into(), "one_target".into())]);
    }

    async fn what_is_not_what_was_declared_is_refused_and_nothing_is_kept(app) {
        let visit = under_way(app).await;
        let good = picture(40, 30, ImageFormat::Jpeg, 3);
        let first = declared(app, "inspector1", 1, &good, item(&visit)).await;
        let wrong = upload(app, "inspector1", &first, multipart(&picture(40, 30, ImageFormat::Jpeg, 200))).await.expect(422);
        assert_eq!((wrong.code(), wrong.faults()[0].0.as_str()), ("wrong_hash", "/sha256"), "{}", wrong.text);
        assert!(wrong.text.contains(&ContentHash::of(&good).to_string()), "{}", wrong.text);
        // Half of it: the form breaks off, or the file is only its first half.
        let (media, body) = multipart(&good);
        let cut = upload(app, "inspector1", &first, (media, body[..body.len() / 2].to_vec())).await;
        assert_eq!((cut.status, cut.code()), (400, "malformed_body"), "{}", cut.text);
        assert_eq!(upload(app, "inspector1", &first, multipart(&good[..good.len() / 2])).await.expect(422).code(), "wrong_hash");
        let (media, mut body) = multipart(&good);
        let again = body.clone();
        body.truncate(body.len() - 8);
        body.extend_from_slice(&again);
        assert!(upload(app, "inspector1", &first, (media, body)).await.status >= 400);
        assert_eq!(upload(app, "inspector1", &first, ("text/plain".into(), good.clone())).await.expect(415).code(), "unsupported_media_type");
        assert_eq!(app.get("inspector1", &format!("/evidence/{first}")).await.body["state"], "declared");

        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec();
        let cut = picture(300, 300, ImageFormat::Jpeg, 90);
        let mut both = picture(30, 30, ImageFormat::Png, 9);
        both.extend_from_slice(b"<html><script>alert(1)</script></html>");
        let bad: Vec<(Vec<u8>, u16, &str)> = vec![
            (bomb(), 422, "too_many_pixels"),
            (svg, 415, "svg"),
            (b"<!doctype html><html><body>hi</body></html>".to_vec(), 415, "html"),
            (cut[..cut.len() - 40].to_vec(), 422, "truncated"),
            (both, 422, "polyglot"),
            (b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 415, "unknown_type"),
        ];
        for (number, (content, status, code)) in (10..).zip(&bad) {
            let id = declared(app, "inspector1", number, content, item(&visit)).await;
            let before = resident();
            let refused = upload(app, "inspector1", &id, named(content, "../../innocent.jpg")).await;
            assert_eq!((refused.status, refused.faults()), (*status, vec![("/file".into(), (*code).into())]), "{}", refused.text);
            if *code == "too_many_pixels" {
                // Decoded it would take a gibibyte.
                assert!(resident() < before + 300, "{} then {}", before, resident());
            }
            assert_eq!(app.get("inspector1", &format!("/evidence/{id}")).await.body["state"], "declared", "{code}");
        }
        assert!(app.files.namespaces().await.unwrap().is_empty(), "something was kept");
    }

    async fn the_place_stays_in_the_sealed_original(app) {
        let (visit, photo) = (under_way(app).await, photo());
        let id = received(app, "inspector1", 1, &photo, item(&visit)).await;
        assert!(photo.windows(6).any(|part| part == b"SECRET"));
        for (path, side) in [("content", (48, 64)), ("thumbnail", (48, 64))] {
            let (status, headers, shown) = bytes(app, "principal1", &format!("/evidence/{id}/{path}")).await;
            assert_eq!(status, 200);
            for mark in [&b"Exif"[..], b"SECRET", b"ICC_PROFILE", b"http://ns.adobe.com", b"Photoshop"] {
                assert!(!shown.windows(mark.len()).any(|part| part == mark), "{path} {mark:?}");
            }
            let seen = image::load_from_memory(&shown).unwrap().into_rgb8();
            assert_eq!(seen.dimensions(), side, "{path}");
            // Turned clockwise, the left half is above.
            assert!(seen.get_pixel(24, 5)[0] > 200 && seen.get_pixel(24, 60)[2] > 200, "{path}");
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            assert!(header("content-disposition").starts_with("attachment; filename="));
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(header("content-security-policy").contains("sandbox"));
            assert_eq!(header("content-type"), "image/jpeg");
        }
        for (who, expected) in [("office", 200), ("supervisor", 200), ("inspector1", 200), ("inspector2", 403), ("principal1", 403), ("principal2", 404)] {
            let (status, _, original) = bytes(app, who, &format!("/evidence/{id}/original")).await;
            assert_eq!(status, expected, "{who}");
            assert_eq!(original == photo, expected == 200, "{who}");
        }
        let whole = bytes(app, "office", &format!("/evidence/{id}/content")).await.2;
        let request = app.request("office", Method::GET, &format!("/evidence/{id}/content")).header("range", "bytes=10-19");
        let part = request.send().await.unwrap();
        assert_eq!(part.status().as_u16(), 206);
        assert_eq!(part.headers()["content-range"].to_str().unwrap(), format!("bytes 10-19/{}", whole.len()));
        assert_eq!(part.bytes().await.unwrap(), whole[10..20]);
        let request = app.request("office", Method::GET, &format!("/evidence/{id}/content")).header("range", "bytes=9999999-");
        assert_eq!(request.send().await.unwrap().status().as_u16(), 416);
    }

    async fn what_was_received_never_changes(app) {
        let visit = under_way(app).await;
        let (one, other) = (picture(40, 30, ImageFormat::Png, 3), picture(40, 30, ImageFormat::Png, 4));
        let id = received(app, "inspector1", 1, &one, item(&visit)).await;
        let before = app.get("inspector1", &format!("/evidence/{id}")).await.expect(200);
        assert_eq!(before.body["content_type"], "image/png", "by its content, not by what was declared");
        assert_eq!(upload(app, "inspector1", &id, multipart(&one)).await.expect(200).text, before.text);
        assert_eq!(upload(app, "inspector1", &id, multipart(&other)).await.expect(422).code(), "wrong_hash");
        assert_eq!(app.get("inspector1", &format!("/evidence/{id}")).await.text, before.text);
        assert_eq!(upload(app, "principal1", &id, multipart(&one)).await.expect(403).code(), "forbidden");
        upload(app, "principal2", &id, multipart(&one)).await.expect(404);
    }

    async fn a_link_opens_five_minutes_for_who_may_see_it(app) {
        let visit = under_way(app).await;
        let id = received(app, "inspector1", 1, &photo(), item(&visit)).await;
        let link = app.post("officer1", &format!("/evidence/{id}/links"), json!({"form": "thumbnail"})).await.expect(201);
        let url = format!("/{}", link.body["url"].as_str().unwrap());
        let open = || async { bytes(app, "", &url).await.0 };
        assert_eq!(open().await, 200);
        assert_eq!(bytes(app, "", &format!("{url}x")).await.0, 404);
        app.clock.advance(chrono::TimeDelta::seconds(299));
        assert_eq!(open().await, 200);
        use anxiao::platform::db::schema::memberships;
        use diesel::prelude::*;
        let now = anxiao::platform::db::types::Timestamp::from(crate::support::district::start_time());
        let theirs = || diesel::update(memberships::table.filter(memberships::user_id.eq(user("officer1"))));
        theirs().set(memberships::ended_at.eq(now)).execute(&mut app.connect()).unwrap();
        assert_eq!(open().await, 404, "the right has gone");
        theirs().set(memberships::ended_at.eq(None::<anxiao::platform::db::types::Timestamp>)).execute(&mut app.connect()).unwrap();
        assert_eq!(open().await, 200);
        app.clock.advance(chrono::TimeDelta::seconds(2));
        assert_eq!(open().await, 404);
    }

    async fn a_hidden_visit_has_no_evidence_for_its_school(app) {
        let visit = visit(app, false).await;
        let at = format!("/inspections/{visit}/evidence");
        let nothing = app.get("principal1", &format!("/inspections/{}/evidence", id(1))).await.expect(404);
        for who in ["principal1", "officer1"] {
            assert_eq!(app.get(who, &at).await.expect(404).text, nothing.text);
            app.post(who, "/evidence", declaration(None, &photo(), item(&visit))).await.expect(404);
        }
        // Nor can there be any before the team is there.
        app.post("inspector1", "/evidence", declaration(None, &photo(), item(&visit))).await.expect(409);
        app.post("inspector1", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
        let id = received(app, "inspector1", 1, &photo(), item(&visit)).await;
        app.get("principal1", &at).await.expect(200);
        app.get("principal1", &format!("/evidence/{id}")).await.expect(200);
    }

    async fn a_photo_used_again_is_told_to_the_bureau_alone(app) {
        let (first, photo) = (hazard(app, &[id(1)]).await, photo());
        received(app, "office", 1, &photo, json!({"hazard_id": first, "round": 1, "role": "before"})).await;
        // The same picture, its metadata taken out, as the state after.
        let bare: Vec<u8> = picture(64, 48, ImageFormat::Jpeg, 7);
        let turned = photo.len() - bare.len();
        assert!(turned > 0 && bare != photo);
        let after = received(app, "officer1", 2, &bare, json!({"hazard_id": first, "round": 1, "role": "after"})).await;
        let told = app.get("office", &format!("/evidence/{after}")).await.expect(200);
        assert_eq!(told.body["reuse"], "before_as_after");
        assert_eq!(told.body["reused_from"][0]["evidence_id"], json!(id(1)));
        let theirs = app.get("officer1", &format!("/evidence/{after}")).await.expect(200);
        assert!(theirs.body["reuse"].is_null() && !theirs.text.contains("reused_from"), "{}", theirs.text);
        let second = hazard(app, &[]).await;
        let other = received(app, "office", 3, &photo, json!({"hazard_id": second, "round": 1, "role": "before"})).await;
        assert_eq!(app.get("office", &format!("/evidence/{other}")).await.body["reuse"], "other_record");
        let rows = app.get("office", &format!("/hazards/{first}/evidence")).await.rows();
        let reuse: Vec<&Value> = rows.iter().map(|row| &row["evidence"]["reuse"]).collect();
        assert_eq!(reuse, [&Value::Null, &json!("before_as_after")]);
    }

    async fn of_two_copies_that_arrive_at_once_one_is_told_of_the_other(app) {
        for round in 0..6_u8 {
            let copy = picture(64, 48, ImageFormat::Jpeg, 100 + round * 20);
            let (one, other) = (hazard(app, &[]).await, hazard(app, &[]).await);
            let target = |hazard: &str| json!({"hazard_id": hazard, "round": 1, "role": "before"});
            let one = declared(app, "office", 10 + round * 2, &copy, target(&one)).await;
            let other = declared(app, "office", 11 + round * 2, &copy, target(&other)).await;
            let both = [upload(app, "office", &one, multipart(&copy)), upload(app, "office", &other, multipart(&copy))];
            let told = futures_util::future::join_all(both).await;
            let again: Vec<Value> = told.into_iter().map(|answer| answer.expect(200).body["reuse"].clone()).collect();
            assert_eq!(again.iter().filter(|reuse| reuse.is_null()).count(), 1, "{again:?}");
        }
    }

    async fn a_bureau_may_let_gaps_stand_in_the_way(app) {
        let default = app.get("officer1", "/evidence-policy").await.expect(200);
        assert_eq!((default.body["gaps"].clone(), default.body["version"].clone()), (json!("show"), json!(0)));
        app.put("principal1", "/evidence-policy", json!({"gaps": "block_both"})).await.expect(403);
        app.put("office", "/evidence-policy", json!({"gaps": "block_both"})).await.expect(200);
        app.put("office", "/evidence-policy", json!({"gaps": "show"})).await.expect(428);
        let visit = under_way(app).await;
        fail(app, &visit, &[]).await;
        pass_the_rest(app, &visit).await;
        let submit = format!("/inspections/{visit}/submit");
        let gap = [(format!("/answers/{ITEM}"), "evidence_missing".to_owned())];
        assert_eq!(app.post("inspector1", &submit, json!({})).await.expect(422).faults(), gap);
        fail(app, &visit, &[id(1)]).await;
        declared(app, "inspector1", 1, &photo(), item(&visit)).await;
        assert_eq!(app.post("inspector1", &submit, json!({})).await.expect(422).faults(), gap);
        upload(app, "inspector1", &id(1), multipart(&photo())).await.expect(200);
        app.post("inspector1", &submit, json!({})).await.expect(200);

        let hazard = hazard(app, &[]).await;
        step(app, "office", &hazard, json!({"action": "issue", "level": "general"})).await.expect(200);
        step(app, "officer1", &hazard, json!({"action": "acknowledge"})).await.expect(200);
        let done = json!({"action": "report_done", "measures_taken": "拆除", "evidence_ids": [id(5)]});
        step(app, "officer1", &hazard, done).await.expect(200);
        let pass = json!({"action": "pass", "opinion": "好", "recheckers": [user("office")], "on_site": true});
        let stopped = step(app, "office", &hazard, pass.clone()).await.expect(409);
        assert_eq!(stopped.faults(), [(format!("/evidence/{}", id(5)), "evidence_missing".into())]);
        // What was declared as the state before does not answer for the state after.
        let target = |role: &str| json!({"hazard_id": hazard, "round": 1, "role": role});
        received(app, "officer1", 5, &picture(20, 20, ImageFormat::Png, 77), target("after")).await;
        step(app, "office", &hazard, pass).await.expect(200);
        let late = declaration(Some(&id(6)), &photo(), target("after"));
        app.post("officer1", "/evidence", late).await.expect(409);
        let early = declaration(Some(&id(7)), &photo(), json!({"hazard_id": hazard, "round": 2, "role": "after"}));
        assert_eq!(app.post("officer1", "/evidence", early).await.expect(422).faults()[0].1, "no_such_round");
    }

    async fn reading_takes_few_statements_however_many_photos(app) {
        let visit = under_way(app).await;
        let claims: Vec<String> = (1..=6).map(id).collect();
        fail(app, &visit, &claims).await;
        received(app, "inspector1", 1, &photo(), item(&visit)).await;
        let gate = usize::from(app.engine == crate::support::Engine::Postgres);
        app.get("office", "/me").await.expect(200);
        let mut told = Vec::new();
        for _ in 0..2 {
            app.take_statements();
            app.get("office", &format!("/inspections/{visit}/evidence")).await.expect(200);
            let list = app.take_statements().len() - gate;
            app.get("office", &format!("/evidence/{}", id(1))).await.expect(200);
            let one = app.take_statements().len() - gate;
            assert_eq!(bytes(app, "office", &format!("/evidence/{}/thumbnail", id(1))).await.0, 200);
            told.push((list, one, app.take_statements().len() - gate));
            for number in 2..=6 {
                if told.len() == 1 {
                    declared(app, "inspector1", number, &photo(), item(&visit)).await;
                }
            }
        }
        assert_eq!(told[0], told[1]);
        assert!(told[0].0 <= 7 && told[0].1 <= 2 && told[0].2 <= 2, "{told:?}");
    }
}

fn bomb() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunks: [(&[u8; 4], &[u8]); 3] = [
        (b"IHDR", &[0, 0, 0x40, 0, 0, 0, 0x40, 0, 8, 6, 0, 0, 0]),
        (b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]),
        (b"IEND", &[]),
    ];
    for (name, body) in chunks {
        bytes.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
        let from = bytes.len();
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(body);
        let sum = !bytes[from..].iter().fold(!0_u32, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
        });
        bytes.extend_from_slice(&sum.to_be_bytes());
    }
    bytes
}
