//! tus 1.0, as a phone on a bad line uses it.
//!
//! `nodes`: several servers, several writers, and a server that starts again. `bucket`: a store that is far away.
//! `refused`: what is not taken.

mod bucket;
mod nodes;
mod refused;

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

/// A client's patience with 423: what it sent before is told of a moment before its connection lets go of the file.
async fn patiently(app: &TestApp, request: RequestBuilder) -> Answer {
    let began = Instant::now();
    loop {
        let answer = app.send(request.try_clone().unwrap()).await;
        if answer.status != 423 || began.elapsed() > Duration::from_secs(20) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn add(app: &TestApp, path: &str, at: usize, bytes: &[u8]) -> Answer {
    patiently(app, piece(app, WHO, path, at, bytes)).await
}

/// Without patience.
async fn add_once(app: &TestApp, path: &str, at: usize, bytes: &[u8]) -> Answer {
    app.send(piece(app, WHO, path, at, bytes)).await
}

async fn look(app: &TestApp, path: &str) -> Answer {
    patiently(app, tus(app, WHO, Method::HEAD, path)).await
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
        if now == after || patience.elapsed() > Duration::from_secs(20) {
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

    async fn of_two_that_write_at_once_one_waits(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "both", &content).await;
        let path = begun(app, &evidence, 100).await;
        let mut first = raw(app, &path, 0, 100, "").await;
        first.write_all(&content[..50]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let second = add_once(app, &path, 0, &content).await.expect(423);
        assert_eq!((second.code(), second.header("retry-after")), ("upload_busy", "2"));
        first.write_all(&content[50..]).await.unwrap();
        let patience = Instant::now();
        while !received(app, &evidence).await {
            assert!(patience.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(add(app, &path, 0, &content).await.expect(409).code(), "offset_conflict");
        assert_eq!(app.files.size(anxiao::platform::files::Key::original(org("a"), ContentHash::of(&content))).await.unwrap(), Some(100));
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
            assert!(patience.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(stream);
        let patience = Instant::now();
        while offset(app, &path).await != (17 << 20) + 1 {
            assert!(patience.elapsed() < Duration::from_secs(30), "what came is kept to the byte");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        add(app, &path, (17 << 20) + 1, &content[(17 << 20) + 1..]).await.expect(204);
        assert!(received(app, &evidence).await);
        assert_eq!(Value::from(offset(app, &path).await), json!(content.len()));
    }
}
