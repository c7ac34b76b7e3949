//! A store that is far away: a real S3 server, and what is told while it is not there.

use std::sync::Arc;

use anxiao::platform::clock::SetClock;
use anxiao::platform::files::Key;
use anxiao::platform::files::settings::Settings;
use tempfile::TempDir;

use super::*;
use crate::evidence::{multipart, photo};
use crate::files::{s3, s3_server, s3_server_at};
use crate::support::Engine;
use crate::support::district::start_time;

/// A server whose evidence is kept there.
fn run(place: &Settings, test: impl AsyncFnOnce(&TestApp)) {
    let (url, folder) = Engine::Sqlite.database();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (app, stop) = TestApp::start_at(
            Engine::Sqlite,
            url,
            folder,
            Arc::new(SeededIds::new(2026)),
            place,
            SetClock::new(start_time()),
        )
        .await;
        test(&app).await;
        drop(stop);
    });
}

async fn form(app: &TestApp, evidence: &str, content: &[u8]) -> Answer {
    let (media, body) = multipart(content);
    let request = app.request(WHO, Method::POST, &format!("/evidence/{evidence}/content"));
    app.send(request.header("content-type", media).body(body)).await
}

/// A photo by a form and a paper in pieces; both wait for the store.
async fn refused(app: &TestApp) -> (String, String, String) {
    let visit = under_way(app).await;
    let by_form = awaited(app, &visit, "by form", &photo()).await;
    let answer = form(app, &by_form, &photo()).await.expect(503);
    assert!(!answer.text.contains("geheim") && answer.code() == "unavailable", "{}", answer.text);
    let content = paper(100);
    let in_pieces = awaited(app, &visit, "in pieces", &content).await;
    let path = begun(app, &in_pieces, 100).await;
    add(app, &path, 0, &content[..50]).await.expect(204);
    assert_eq!(add(app, &path, 50, &content[50..]).await.expect(503).code(), "unavailable");
    look(app, &path).await.expect(503);
    for evidence in [&by_form, &in_pieces] {
        assert!(!received(app, evidence).await, "nothing was acknowledged");
    }
    let told = events::table.filter(events::entity.eq("evidence")).filter(events::action.eq("received")).count();
    assert_eq!(told.get_result::<i64>(&mut app.connect()).unwrap(), 0);
    (by_form, in_pieces, path)
}

#[test]
fn what_waits_for_a_store_that_is_down_is_kept_once_it_is_back() {
    let (root, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    run(&s3(&format!("http://{address}"), "geheim", "photos", data.path()), async |app: &TestApp| {
        let (by_form, in_pieces, path) = refused(app).await;
        s3_server_at(&address, root.path());
        assert_eq!(offset(app, &path).await, 100, "who asks how far it is makes it whole");
        form(app, &by_form, &photo()).await.expect(200);
        for (evidence, content) in [(&by_form, photo()), (&in_pieces, paper(100))] {
            assert!(received(app, evidence).await);
            let hash = ContentHash::of(&content);
            assert_eq!(app.files.hash(Key::original(org("a"), hash)).await.unwrap(), Some(hash));
        }
        let shown = app.request(WHO, Method::GET, &format!("/evidence/{by_form}/content")).send().await.unwrap();
        let shown = shown.bytes().await.unwrap();
        assert!(shown.starts_with(&[0xFF, 0xD8]));
        let left: Vec<_> = std::fs::read_dir(app.files.parts()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn a_bucket_that_is_not_there_and_a_wrong_secret_acknowledge_nothing() {
    let (root, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let endpoint = s3_server(root.path());
    for place in
        [s3(&endpoint, "wrong-geheim", "photos", data.path()), s3(&endpoint, "geheim", "elsewhere", data.path())]
    {
        run(&place, async |app: &TestApp| {
            refused(app).await;
        });
    }
    let kept: Vec<_> = std::fs::read_dir(root.path().join("photos")).unwrap().collect();
    assert!(kept.is_empty(), "{kept:?}");
}
