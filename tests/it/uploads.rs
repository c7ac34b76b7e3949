//! tus 1.0, as a phone on a bad line uses it.
//!
//! `nodes`: several servers, several writers, and a server that starts again. `bucket`: a store that is far away.

mod bucket;
mod nodes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anxiao::platform::db::schema::{events, uploads};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::db::{Db, DbOptions};
use anxiao::platform::files::ContentHash;
use anxiao::platform::ids::{SeededIds, built_in};
use anxiao::uploads::sweep::sweep;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use diesel::prelude::*;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::evidence::{declaration, item, under_way};
use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

const WHO: &str = "inspector1";
const PIECE: &str = "application/offset+octet-stream";

/// A file that is kept as it is.
fn paper(length: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    bytes.extend((9..length).map(|n| u8::try_from(n % 251).unwrap()));
    bytes
}

/// Evidence that was declared and awaits this content.
async fn awaited(app: &TestApp, visit: &str, name: &str, content: &[u8]) -> String {
    let id = built_in(name).to_string();
    let mut body = declaration(Some(&id), content, item(visit));
    body["media_type"] = json!(if content.len() > 20 << 20 { "video/mp4" } else { "application/pdf" });
    app.post(WHO, "/evidence", body).await.expect(201);
    id
}

fn tus(app: &TestApp, who: &str, method: Method, path: &str) -> RequestBuilder {
    app.request(who, method, path).header("tus-resumable", "1.0.0")
}

fn beginning(app: &TestApp, who: &str, evidence: &str, length: usize) -> RequestBuilder {
    tus(app, who, Method::POST, "/uploads")
        .header("upload-length", length)
        .header("upload-metadata", format!("filename YQ==,evidence_id {}", STANDARD.encode(evidence)))
}

fn place(answer: &Answer) -> String {
    let path = answer.header("location").strip_prefix("/api/v1");
    path.unwrap_or_else(|| panic!("no place: {}", answer.text)).to_owned()
}

async fn begun(app: &TestApp, evidence: &str, length: usize) -> String {
    let answer = app.send(beginning(app, WHO, evidence, length)).await.expect(201);
    assert_eq!((answer.header("upload-offset"), answer.header("tus-resumable")), ("0", "1.0.0"));
    place(&answer)
}

fn piece(app: &TestApp, who: &str, path: &str, at: usize, bytes: &[u8]) -> RequestBuilder {
    tus(app, who, Method::PATCH, path).header("upload-offset", at).header("content-type", PIECE).body(bytes.to_vec())
}

async fn add(app: &TestApp, path: &str, at: usize, bytes: &[u8]) -> Answer {
    app.send(piece(app, WHO, path, at, bytes)).await
}

async fn look(app: &TestApp, path: &str) -> Answer {
    app.send(tus(app, WHO, Method::HEAD, path)).await
}

async fn offset(app: &TestApp, path: &str) -> usize {
    look(app, path).await.expect(200).header("upload-offset").parse().unwrap()
}

/// Whether evidence is received, and as what.
async fn received(app: &TestApp, evidence: &str) -> bool {
    let view = app.get(WHO, &format!("/evidence/{evidence}")).await.expect(200).body;
    !view["received_at"].is_null()
}

/// A connection that sends the head of a piece and then whatever the test says.
async fn raw(app: &TestApp, path: &str, at: usize, length: usize, more: &str) -> TcpStream {
    raw_head(app, path, at, &format!("content-length: {length}\r\n{more}")).await
}

async fn raw_head(app: &TestApp, path: &str, at: usize, more: &str) -> TcpStream {
    let address = app.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PATCH /api/v1{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\n\
         upload-offset: {at}\r\ncontent-type: {PIECE}\r\n{more}\r\n",
        app.token(WHO)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Sends a part of a piece and breaks off; comes back when the server has noticed.
async fn cut(app: &TestApp, path: &str, at: usize, all: &[u8], after: usize) -> usize {
    let mut stream = raw(app, path, at, all.len() - at, "").await;
    stream.write_all(&all[at..after]).await.unwrap();
    stream.flush().await.unwrap();
    drop(stream);
    let patience = Instant::now();
    loop {
        let now = offset(app, path).await;
        if now == after || patience.elapsed() > Duration::from_secs(5) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)))
}

fn id_of(path: &str) -> Id {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

both_engines! {
    async fn the_terms_are_told_to_everybody(app) {
        let answer = app.send(app.request("", Method::OPTIONS, "/uploads")).await.expect(200);
        assert_eq!(answer.header("tus-version"), "1.0.0");
        assert_eq!(answer.header("tus-extension"), "creation,creation-with-upload,checksum,expiration,termination");
        assert_eq!(answer.header("tus-checksum-algorithm"), "sha256,sha1");
        assert_eq!(answer.header("tus-max-size"), (200 << 20).to_string());
    }

    async fn an_upload_goes_on_at_the_byte_where_it_broke_wherever_that_is(app) {
        let visit = under_way(app).await;
        let content = paper(61);
        for after in (1..content.len()).step_by(2) {
            let evidence = awaited(app, &visit, &format!("cut at {after}"), &content).await;
            let path = begun(app, &evidence, content.len()).await;
            assert_eq!(cut(app, &path, 0, &content, after).await, after);
            assert!(!received(app, &evidence).await);
            // A second break in the middle of the rest.
            let middle = after + (content.len() - after) / 2;
            assert_eq!(cut(app, &path, after, &content, middle).await, middle, "after {after}");
            let done = add(app, &path, middle, &content[middle..]).await.expect(204);
            assert_eq!(done.header("upload-offset"), content.len().to_string());
            assert!(received(app, &evidence).await, "cut at {after}");
            assert!(!app.files.parts().join(id_of(&path).to_string()).exists(), "the part is gone");
        }
        let read = app.files.hash(anxiao::platform::files::Key::original(org("a"), ContentHash::of(&content))).await;
        assert_eq!(read.unwrap(), Some(ContentHash::of(&content)));
    }

    async fn half_an_upload_is_half_an_upload_until_the_rest_comes(app) {
        let visit = under_way(app).await;
        let content = paper(1000);
        let evidence = awaited(app, &visit, "half", &content).await;
        let path = begun(app, &evidence, 1000).await;
        add(app, &path, 0, &content[..500]).await.expect(204);
        let half = look(app, &path).await.expect(200);
        assert_eq!((half.header("upload-offset"), half.header("upload-length")), ("500", "1000"));
        assert!(half.header("upload-metadata").starts_with("filename YQ==,evidence_id "));
        assert!(half.header("upload-expires").ends_with(" GMT"));
        assert_eq!(half.header("cache-control"), "no-store");
        assert!(!received(app, &evidence).await);
        add(app, &path, 500, &[]).await.expect(204);
        assert_eq!(offset(app, &path).await, 500, "an empty piece moves nothing");
        add(app, &path, 500, &content[500..]).await.expect(204);
        assert!(received(app, &evidence).await);
        // Whoever lost the answer asks, or sends the end again.
        assert_eq!(offset(app, &path).await, 1000);
        add(app, &path, 1000, &[]).await.expect(204);
        assert_eq!(add(app, &path, 500, &content[500..]).await.expect(409).code(), "offset_conflict");
        let mut conn = app.connect();
        let told = events::table.filter(events::entity.eq("evidence")).filter(events::action.eq("received")).count();
        assert_eq!(told.get_result::<i64>(&mut conn).unwrap(), 1);
    }

    async fn the_same_content_again_by_another_upload_is_no_error(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "twice", &content).await;
        for _ in 0..2 {
            let path = begun(app, &evidence, 100).await;
            add(app, &path, 0, &content).await.expect(204);
            assert_eq!(offset(app, &path).await, 100);
        }
    }

    async fn a_piece_with_a_wrong_checksum_is_discarded(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "checksum", &content).await;
        let path = begun(app, &evidence, 100).await;
        let first = |checksum: String| piece(app, WHO, &path, 0, &content[..40]).header("upload-checksum", checksum);
        assert_eq!(app.send(first(sha256(b"other"))).await.expect(460).code(), "checksum_mismatch");
        assert_eq!(offset(app, &path).await, 0);
        let sha1 = STANDARD.encode([0_u8; 20]);
        app.send(first(format!("sha1 {sha1}"))).await.expect(460);
        let unknown = app.send(first("md5 AAAAAAAAAAAAAAAAAAAAAA==".into())).await.expect(400);
        assert_eq!(unknown.faults(), [("Upload-Checksum".to_owned(), "invalid_format".to_owned())]);
        app.send(first(sha256(&content[..40]))).await.expect(204);
        // A broken piece cannot be checked: nothing of it counts.
        let more = format!("upload-checksum: {}\r\n", sha256(&content[40..]));
        let mut stream = raw(app, &path, 40, 60, &more).await;
        stream.write_all(&content[40..80]).await.unwrap();
        drop(stream);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(offset(app, &path).await, 40);
        let rest = piece(app, WHO, &path, 40, &content[40..]).header("upload-checksum", sha256(&content[40..]));
        app.send(rest).await.expect(204);
        assert!(received(app, &evidence).await);
    }

    async fn a_piece_for_another_place_is_told_where_the_upload_is(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "offset", &content).await;
        let path = begun(app, &evidence, 100).await;
        add(app, &path, 0, &content[..30]).await.expect(204);
        for wrong in [0, 29, 31, 100, 5000] {
            let answer = add(app, &path, wrong, &content[..10]).await.expect(409);
            assert_eq!((answer.code(), &answer.body["current"]["offset"]), ("offset_conflict", &json!(30)), "{wrong}");
        }
        let without = tus(app, WHO, Method::PATCH, &path).header("content-type", PIECE).body(vec![1]);
        assert_eq!(app.send(without).await.expect(400).faults(), [("Upload-Offset".to_owned(), "required".to_owned())]);
        let unlike = piece(app, WHO, &path, 30, b"").header("upload-offset", "-1");
        app.send(unlike).await.expect(400);
        let json = tus(app, WHO, Method::PATCH, &path).header("upload-offset", 30).json(&json!({}));
        app.send(json).await.expect(415);
        assert_eq!(offset(app, &path).await, 30);
    }

    async fn what_is_too_large_is_refused_and_nothing_of_it_is_kept(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "large", &content).await;
        let other = app.send(beginning(app, WHO, &evidence, 101)).await.expect(422);
        assert_eq!(other.faults(), [("Upload-Length".to_owned(), "differs".to_owned())]);
        app.send(beginning(app, WHO, &evidence, (20 << 20) + 1)).await.expect(413);
        let path = begun(app, &evidence, 100).await;
        let mut much = content.clone();
        much.push(0);
        assert_eq!(add(app, &path, 0, &much).await.expect(413).code(), "body_too_large");
        // The same in chunks, which do not say how long they are.
        let mut stream = raw_head(app, &path, 0, "transfer-encoding: chunked\r\n").await;
        for chunk in much.chunks(50) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
            stream.write_all(&[chunk, b"\r\n"].concat()).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 413");
        assert_eq!(offset(app, &path).await, 0);
        add(app, &path, 0, &content).await.expect(204);
    }

    async fn an_upload_that_expired_is_gone_and_what_came_of_it_is_removed(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "late", &content).await;
        let path = begun(app, &evidence, 100).await;
        add(app, &path, 0, &content[..30]).await.expect(204);
        let part = app.files.parts().join(id_of(&path).to_string());
        app.clock.advance(TimeDelta::days(6));
        assert_eq!(offset(app, &path).await, 30);
        add(app, &path, 30, &content[30..40]).await.expect(204);
        app.clock.advance(TimeDelta::days(6));
        assert_eq!(offset(app, &path).await, 40, "each piece gives it seven days more");
        app.clock.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
        for method in [Method::HEAD, Method::DELETE] {
            app.send(tus(app, WHO, method, &path)).await.expect(410);
        }
        assert_eq!(add(app, &path, 40, &content[40..]).await.expect(410).code(), "upload_gone");
        assert!(part.exists());
        let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
        let db = Db::start(&app.url, &options, app.clock.clone(), Arc::new(SeededIds::new(7)), 1).unwrap();
        assert_eq!(sweep(&db, &app.files).await.unwrap(), 1);
        assert!(!part.exists());
        assert_eq!(sweep(&db, &app.files).await.unwrap(), 0);
        look(app, &path).await.expect(404);
        let again = begun(app, &evidence, 100).await;
        add(app, &again, 0, &content).await.expect(204);
        assert!(received(app, &evidence).await);
    }

    async fn who_ends_an_upload_leaves_nothing(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "ended", &content).await;
        let path = begun(app, &evidence, 100).await;
        add(app, &path, 0, &content[..30]).await.expect(204);
        app.send(tus(app, WHO, Method::DELETE, &path)).await.expect(204);
        look(app, &path).await.expect(404);
        assert!(!app.files.parts().join(id_of(&path).to_string()).exists());
        app.send(tus(app, WHO, Method::DELETE, &path)).await.expect(404);
    }

    async fn an_upload_is_its_owners_alone(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "mine", &content).await;
        let path = begun(app, &evidence, 100).await;
        let absent = format!("/uploads/{}", built_in("nothing"));
        for who in ["inspector2", "office", "b.office"] {
            let theirs = app.send(piece(app, who, &path, 0, &content)).await.expect(404);
            let none = app.send(piece(app, who, &absent, 0, &content)).await.expect(404);
            assert_eq!(theirs.text, none.text);
            app.send(tus(app, who, Method::HEAD, &path)).await.expect(404);
            app.send(tus(app, who, Method::DELETE, &path)).await.expect(404);
        }
        app.send(beginning(app, "b.office", &evidence, 100)).await.expect(404);
        assert_eq!(offset(app, &path).await, 0);
        // A colleague of the team may send it too: that is another upload.
        let theirs = place(&app.send(beginning(app, "inspector2", &evidence, 100)).await.expect(201));
        assert_ne!(theirs, path);
        app.send(piece(app, "inspector2", &theirs, 0, &content)).await.expect(204);
    }

    async fn of_two_that_write_at_once_one_waits(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "both", &content).await;
        let path = begun(app, &evidence, 100).await;
        let mut first = raw(app, &path, 0, 100, "").await;
        first.write_all(&content[..50]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let second = add(app, &path, 0, &content).await.expect(423);
        assert_eq!((second.code(), second.header("retry-after")), ("upload_busy", "2"));
        first.write_all(&content[50..]).await.unwrap();
        let patience = Instant::now();
        while !received(app, &evidence).await {
            assert!(patience.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(add(app, &path, 0, &content).await.expect(409).code(), "offset_conflict");
        assert_eq!(app.files.size(anxiao::platform::files::Key::original(org("a"), ContentHash::of(&content))).await.unwrap(), Some(100));
    }

    async fn a_content_that_was_not_declared_ends_its_upload(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "forged", &content).await;
        let path = begun(app, &evidence, 100).await;
        let mut other = content.clone();
        other[99] ^= 1;
        let answer = add(app, &path, 0, &other).await.expect(422);
        assert_eq!((answer.code(), answer.faults().len()), ("wrong_hash", 1));
        look(app, &path).await.expect(404);
        assert!(!received(app, &evidence).await);
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>".to_vec();
        let evidence = awaited(app, &visit, "svg", &svg).await;
        let path = begun(app, &evidence, svg.len()).await;
        assert!(matches!(add(app, &path, 0, &svg).await.status, 415 | 422));
        assert!(!received(app, &evidence).await);
    }

    async fn a_store_that_is_away_loses_nothing(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "away", &content).await;
        let path = begun(app, &evidence, 100).await;
        // A file where the bureau's folder would be.
        let shelf = app.files.local().unwrap().join(org("a").to_string());
        std::fs::write(&shelf, b"").unwrap();
        assert_eq!(add(app, &path, 0, &content).await.expect(503).header("retry-after"), "1");
        look(app, &path).await.expect(503);
        assert!(!received(app, &evidence).await);
        std::fs::remove_file(&shelf).unwrap();
        assert_eq!(offset(app, &path).await, 100, "who asks how far it is makes it whole");
        assert!(received(app, &evidence).await);
    }

    async fn a_part_on_another_machine_is_honestly_gone(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "elsewhere", &content).await;
        let path = begun(app, &evidence, 100).await;
        add(app, &path, 0, &content[..30]).await.expect(204);
        std::fs::remove_file(app.files.parts().join(id_of(&path).to_string())).unwrap();
        assert_eq!(add(app, &path, 30, &content[30..]).await.expect(410).code(), "upload_gone");
        // What a machine never wrote durably, although the row is older: cut off, not built upon.
        let again = begun(app, &evidence, 100).await;
        assert_ne!(again, path);
        add(app, &again, 0, &content[..30]).await.expect(204);
        let part = app.files.parts().join(id_of(&again).to_string());
        std::fs::write(&part, [&content[..30], b"rubbish"].concat()).unwrap();
        add(app, &again, 30, &content[30..]).await.expect(204);
        assert!(received(app, &evidence).await);
    }

    async fn another_version_of_tus_is_refused(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "version", &content).await;
        let path = begun(app, &evidence, 100).await;
        for version in ["", "0.2.2", "2.0.0"] {
            let request = app.request(WHO, Method::PATCH, &path).header("upload-offset", 0).header("content-type", PIECE);
            let request = if version.is_empty() { request } else { request.header("tus-resumable", version) };
            let answer = app.send(request.body(content.clone())).await.expect(412);
            assert_eq!((answer.code(), answer.header("tus-version")), ("unsupported_tus_version", "1.0.0"));
        }
        assert_eq!(offset(app, &path).await, 0);
    }

    async fn the_first_piece_may_come_with_the_beginning_and_methods_may_be_overridden(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "at once", &content).await;
        let whole = beginning(app, WHO, &evidence, 100).header("content-type", PIECE).body(content.clone());
        let answer = app.send(whole).await.expect(201);
        assert_eq!(answer.header("upload-offset"), "100");
        assert!(received(app, &evidence).await);
        let evidence = awaited(app, &visit, "by POST", &content).await;
        let path = begun(app, &evidence, 100).await;
        let by_post = |method: &str| tus(app, WHO, Method::POST, &path).header("x-http-method-override", method);
        let request = by_post("PATCH").header("upload-offset", 0).header("content-type", PIECE);
        app.send(request.body(content.clone())).await.expect(204);
        assert!(received(app, &evidence).await);
        app.send(by_post("DELETE")).await.expect(204);
        look(app, &path).await.expect(404);
        assert!(received(app, &evidence).await, "what was received stays");
    }

    async fn what_may_be_under_way_is_bounded(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let mut last = String::new();
        for number in 0..20 {
            let evidence = awaited(app, &visit, &format!("many {number}"), &content).await;
            last = begun(app, &evidence, 100).await;
            assert_eq!(begun(app, &evidence, 100).await, last, "beginning again is the same");
        }
        let evidence = awaited(app, &visit, "one too many", &content).await;
        let answer = app.send(beginning(app, WHO, &evidence, 100)).await.expect(429);
        assert_eq!((answer.code(), answer.header("retry-after")), ("too_many_uploads", "60"));
        add(app, &last, 0, &content).await.expect(204);
        let path = begun(app, &evidence, 100).await;
        app.send(tus(app, WHO, Method::DELETE, &path)).await.expect(204);
        // A bureau whose uploads would fill the disk: one byte less is room.
        let mut conn = app.connect();
        let now = Timestamp::from(crate::support::district::start_time());
        let open: i64 = 19 * 100;
        let full = (20_i64 << 30) - open - 100;
        diesel::insert_into(uploads::table)
            .values((
                (uploads::id.eq(built_in("full")), uploads::created_at.eq(now), uploads::updated_at.eq(now)),
                (uploads::expires_at.eq(now + TimeDelta::days(1)), uploads::evidence_id.eq(built_in("x"))),
                (uploads::user_id.eq(user("office")), uploads::bureau_id.eq(org("a")), uploads::length.eq(full + 1)),
                (uploads::received.eq(0_i64), uploads::done.eq(false), uploads::metadata.eq("")),
            ))
            .execute(&mut conn)
            .unwrap();
        app.send(beginning(app, WHO, &evidence, 100)).await.expect(429);
        diesel::update(uploads::table.find(built_in("full"))).set(uploads::length.eq(full)).execute(&mut conn).unwrap();
        begun(app, &evidence, 100).await;
    }

    async fn metadata_that_names_no_evidence_is_told_so(app) {
        for metadata in ["", "filename YQ==", "evidence_id !!", "evidence_id bm8=", "a b c"] {
            let request = tus(app, WHO, Method::POST, "/uploads").header("upload-length", 1);
            let answer = app.send(request.header("upload-metadata", metadata)).await.expect(400);
            assert_eq!(answer.faults()[0].0, "Upload-Metadata", "{metadata}");
        }
        let unknown = STANDARD.encode(built_in("nothing").to_string());
        let request = tus(app, WHO, Method::POST, "/uploads").header("upload-length", 1);
        app.send(request.header("upload-metadata", format!("evidence_id {unknown}"))).await.expect(404);
    }

    async fn a_large_piece_is_acknowledged_while_it_comes(app) {
        let visit = under_way(app).await;
        let content = paper(18 << 20);
        let evidence = awaited(app, &visit, "large piece", &content).await;
        let path = begun(app, &evidence, content.len()).await;
        let mut stream = raw(app, &path, 0, content.len(), "").await;
        stream.write_all(&content[..(17 << 20) + 1]).await.unwrap();
        let patience = Instant::now();
        // Nothing has ended yet, and most of it is durable.
        while offset(app, &path).await < 16 << 20 {
            assert!(patience.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(stream);
        let patience = Instant::now();
        while offset(app, &path).await != (17 << 20) + 1 {
            assert!(patience.elapsed() < Duration::from_secs(10), "what came is kept to the byte");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        add(app, &path, (17 << 20) + 1, &content[(17 << 20) + 1..]).await.expect(204);
        assert!(received(app, &evidence).await);
        assert_eq!(Value::from(offset(app, &path).await), json!(content.len()));
    }
}
