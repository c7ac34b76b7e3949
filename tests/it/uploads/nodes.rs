//! Several servers, several writers, and a server that starts again.

use std::path::Path;
use std::sync::Arc;

use anxiao::platform::files::Key;
use anxiao::platform::files::settings::{Settings, Where};
use base64::Engine as _;
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::support::Engine;

/// Another server on the same database; its files are in `place`.
async fn beside(app: &TestApp, place: &Path) -> (TestApp, oneshot::Sender<()>) {
    let ids = Arc::new(SeededIds::new(77));
    let settings = Settings { parts: place.join(".parts"), place: Where::Folder(place.to_owned()) };
    TestApp::start_at(app.engine, app.url.clone(), TempDir::new().unwrap(), ids, &settings, app.clock.clone()).await
}

async fn kept(app: &TestApp, content: &[u8]) -> Option<ContentHash> {
    app.files.hash(Key::original(org("a"), ContentHash::of(content))).await.unwrap()
}

async fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = Instant::now();
    while !is_so().await {
        assert!(patience.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_server_that_starts_again_goes_on_where_the_last_one_was() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (url, folder) = engine.database();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (first, stop) = TestApp::start(engine, url, folder).await;
            let visit = under_way(&first).await;
            let content = paper(100);
            let evidence = awaited(&first, &visit, "across a restart", &content).await;
            let path = begun(&first, &evidence, 100).await;
            add(&first, &path, 0, &content[..30]).await.expect(204);
            // A piece that is coming when the server ends.
            let mut coming = raw(&first, &path, 30, 70, "").await;
            coming.write_all(&content[30..50]).await.unwrap();
            drop(stop);
            drop(coming);
            let address = first.base.strip_prefix("http://").unwrap();
            soon("the first server ends", async || TcpStream::connect(address).await.is_err()).await;
            let (again, _stop) = beside(&first, first.files.local().unwrap()).await;
            let at = offset(&again, &path).await;
            assert!(at == 30 || at == 50, "{at}");
            add(&again, &path, at, &content[at..60]).await.expect(204);
            add(&again, &path, 60, &content[60..]).await.expect(204);
            assert!(received(&again, &evidence).await);
            assert_eq!(kept(&again, &content).await, Some(ContentHash::of(&content)));
        });
    }
}

#[test]
fn nodes_that_share_the_folder_take_turns() {
    TestApp::run(Engine::Postgres, async |app: &TestApp| {
        let (other, _stop) = beside(app, app.files.local().unwrap()).await;
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "shared", &content).await;
        let path = begun(app, &evidence, 100).await;
        add(app, &path, 0, &content[..30]).await.expect(204);
        assert_eq!(offset(&other, &path).await, 30);
        let mut coming = raw(app, &path, 30, 70, "").await;
        coming.write_all(&content[30..50]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(add_once(&other, &path, 30, &content[30..]).await.expect(423).code(), "upload_busy");
        drop(coming);
        soon("what came is kept", async || offset(&other, &path).await == 50).await;
        add(&other, &path, 50, &content[50..80]).await.expect(204);
        add(app, &path, 80, &content[80..]).await.expect(204);
        assert!(received(&other, &evidence).await);
    });
}

#[test]
fn a_node_without_the_pieces_says_so_before_anything_is_sent() {
    TestApp::run(Engine::Postgres, async |app: &TestApp| {
        let elsewhere = TempDir::new().unwrap();
        let (other, _stop) = beside(app, elsewhere.path()).await;
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "on the other", &content).await;
        let path = begun(app, &evidence, 100).await;
        assert_eq!(offset(&other, &path).await, 0, "nothing has come: anybody may begin");
        add(app, &path, 0, &content[..30]).await.expect(204);
        look(&other, &path).await.expect(410);
        assert_eq!(add(&other, &path, 30, &content[30..]).await.expect(410).code(), "upload_gone");
        assert_eq!(offset(app, &path).await, 30, "where the pieces are it goes on");
        let again = begun(&other, &evidence, 100).await;
        assert_ne!(again, path);
        look(app, &path).await.expect(404);
        add(&other, &again, 0, &content).await.expect(204);
        assert!(received(app, &evidence).await);
        for node in [app, &other] {
            assert_eq!(offset(node, &again).await, 100, "what is received is so everywhere");
        }
        assert_eq!(kept(&other, &content).await, Some(ContentHash::of(&content)));
    });
}

#[test]
fn of_two_nodes_that_write_the_same_upload_one_is_believed() {
    TestApp::run(Engine::Postgres, async |app: &TestApp| {
        let elsewhere = TempDir::new().unwrap();
        let (other, _stop) = beside(app, elsewhere.path()).await;
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "both", &content).await;
        let path = begun(app, &evidence, 100).await;
        let mut coming = raw(app, &path, 0, 100, "").await;
        coming.write_all(&content[..40]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        add(&other, &path, 0, &content[..50]).await.expect(204);
        // The first node may tell of its 40 bytes no more: fifty were acknowledged.
        drop(coming);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(offset(&other, &path).await, 50);
        look(app, &path).await.expect(410);
        add(&other, &path, 50, &content[50..]).await.expect(204);
        assert!(received(app, &evidence).await);
        assert_eq!(kept(&other, &content).await, Some(ContentHash::of(&content)));
    });
}

both_engines! {
    async fn many_that_write_at_once_corrupt_nothing(app) {
        let visit = under_way(app).await;
        let content = paper(60_000);
        let evidence = awaited(app, &visit, "many writers", &content).await;
        let path = begun(app, &evidence, content.len()).await;
        let (content, path) = (&content, &path);
        let writers = (0..6_usize).map(|number| async move {
            let mut turned_away = 0_usize;
            for _ in 0..2000 {
                let now = look(app, path).await;
                if now.status != 200 {
                    assert_eq!(now.status, 423, "being kept");
                    continue;
                }
                let at: usize = now.header("upload-offset").parse().unwrap();
                if at == content.len() {
                    return turned_away;
                }
                let end = (at + 700 + number * 311).min(content.len());
                let answer = add_once(app, path, at, &content[at..end]).await;
                match answer.status {
                    204 => assert_eq!(answer.header("upload-offset"), end.to_string()),
                    409 | 423 => turned_away += 1,
                    _ => panic!("{} {}", answer.status, answer.text),
                }
            }
            panic!("it never became whole")
        });
        let turned_away: usize = join_all(writers).await.into_iter().sum();
        assert!(turned_away > 0, "nobody ever met anybody: this has shown nothing");
        assert!(received(app, &evidence).await);
        assert_eq!(kept(app, content).await, Some(ContentHash::of(content)));
        let mut conn = app.connect();
        let told = events::table.filter(events::entity.eq("evidence")).filter(events::action.eq("received")).count();
        assert_eq!(told.get_result::<i64>(&mut conn).unwrap(), 1);
    }

    async fn an_upload_that_is_ended_while_it_is_written_leaves_nothing(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "ended meanwhile", &content).await;
        let path = begun(app, &evidence, 100).await;
        let mut coming = raw(app, &path, 0, 100, "").await;
        coming.write_all(&content[..40]).await.unwrap();
        let part = app.files.parts().join(id_of(&path).to_string());
        soon("it is being written", async || part.exists()).await;
        app.send(tus(app, WHO, Method::DELETE, &path)).await.expect(204);
        coming.write_all(&content[40..]).await.unwrap();
        let mut answer = [0; 12];
        coming.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 410");
        assert!(!received(app, &evidence).await);
        soon("its file is gone", async || !part.exists()).await;
        look(app, &path).await.expect(404);
    }

    async fn what_a_file_is_called_never_reaches_a_path(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let long = "长".repeat(300);
        for (number, name) in ["../../../../tmp/evil", "a\0b.jpg", "C:\\evil.jpg", "/etc/passwd", "..", long.as_str()].iter().enumerate() {
            let evidence = awaited(app, &visit, &format!("name {number}"), &content).await;
            let said = format!("filename {},evidence_id {}", STANDARD.encode(name), STANDARD.encode(&evidence));
            let request = tus(app, WHO, Method::POST, "/uploads").header("upload-length", 100);
            let path = place(&app.send(request.header("upload-metadata", &said)).await.expect(201));
            add(app, &path, 0, &content[..50]).await.expect(204);
            assert_eq!(look(app, &path).await.header("upload-metadata"), said, "kept as it was said");
            let parts: Vec<String> = std::fs::read_dir(app.files.parts()).unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert_eq!(parts, [id_of(&path).to_string()], "{name:?}");
            add(app, &path, 50, &content[50..]).await.expect(204);
        }
        crate::evidence::content::only_names_of_our_own(app);
        // Beyond what a header may hold it is refused as a whole.
        let evidence = awaited(app, &visit, "too long", &content).await;
        let said = format!("filename {},evidence_id {}", STANDARD.encode("x".repeat(4000)), STANDARD.encode(&evidence));
        let request = tus(app, WHO, Method::POST, "/uploads").header("upload-length", 100);
        assert_eq!(app.send(request.header("upload-metadata", said)).await.expect(400).faults()[0].0, "Upload-Metadata");
    }
}
