//! Whether rows and store agree, as an operator asks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anxiao::evidence::media::{Care, Count, Finding, check};
use anxiao::platform::clock::{Clock, SystemClock};
use anxiao::platform::db::{Db, DbOptions};
use anxiao::platform::files::{ContentHash, Key, Rendition};
use anxiao::platform::ids::{SeededIds, built_in};
use reqwest::Method;

use crate::evidence::{declaration, item, multipart, photo, under_way};
use crate::kill::command;
use crate::support::TestApp;
use crate::support::district::org;

const LOOK: Care = Care { deep: false, delete_orphans: false };

async fn looked(app: &TestApp, care: Care) -> (Count, Vec<Finding>) {
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(&app.url, &options, app.clock.clone(), Arc::new(SeededIds::new(7)), 1).unwrap();
    let mut findings = Vec::new();
    // Files have the time of this machine.
    let count =
        check(&db, &app.files, care, SystemClock.now(), |finding| findings.push(finding.clone())).await.unwrap();
    (count, findings)
}

fn path(app: &TestApp, key: Key) -> PathBuf {
    app.files.local().unwrap().join(key.to_string())
}

both_engines! {
    async fn what_is_missing_damaged_or_known_to_nobody_is_told(app) {
        let visit = under_way(app).await;
        let content = photo();
        let id = built_in("checked");
        app.post("inspector1", "/evidence", declaration(Some(&id.to_string()), &content, item(&visit))).await.expect(201);
        let (none, findings) = looked(app, LOOK).await;
        assert_eq!((none, findings.len()), (Count::default(), 0), "declared is not received");
        let (media, body) = multipart(&content);
        let request = app.request("inspector1", Method::POST, &format!("/evidence/{id}/content"));
        app.send(request.header("content-type", media).body(body)).await.expect(200);
        let well = Count { wanted: 3, bad: 0, orphans: 0 };
        assert_eq!(looked(app, Care { deep: true, ..LOOK }).await, (well, Vec::new()));

        let original = Key::original(org("a"), ContentHash::of(&content));
        let mut other = content.clone();
        other[content.len() / 2] ^= 1;
        std::fs::write(path(app, original), &other).unwrap();
        assert_eq!(looked(app, LOOK).await.1, [], "the same length: only who reads sees it");
        assert_eq!(looked(app, Care { deep: true, ..LOOK }).await.1, [Finding::Damaged(original, vec![id])]);
        std::fs::write(path(app, original), &content[1..]).unwrap();
        assert_eq!(looked(app, LOOK).await.1, [Finding::Damaged(original, vec![id])]);
        std::fs::write(path(app, original), &content).unwrap();
        let small = original.as_rendition(Rendition::Thumbnail);
        let kept = std::fs::read(path(app, small)).unwrap();
        app.files.delete(small).await.unwrap();
        assert_eq!(looked(app, LOOK).await, (Count { bad: 1, ..well }, vec![Finding::Missing(small, vec![id])]));
        std::fs::write(path(app, small), kept).unwrap();

        // The same file in another bureau is nobody's there.
        let stray = Key::original(org("b"), original.hash);
        app.files.put(stray, app.files.stage(content.clone()).await.unwrap()).await.unwrap();
        assert_eq!(looked(app, LOOK).await, (well, Vec::new()), "it may be about to be linked");
        let yesterday = SystemTime::now() - Duration::from_secs(25 * 3600);
        std::fs::File::open(path(app, stray)).unwrap().set_modified(yesterday).unwrap();
        let length = content.len() as u64;
        assert_eq!(looked(app, LOOK).await.1, [Finding::Orphan(stray, length)]);
        let care = Care { delete_orphans: true, ..LOOK };
        assert_eq!(looked(app, care).await.1, [Finding::Removed(stray, length)]);
        assert_eq!(looked(app, care).await, (well, Vec::new()));

        // The command ends with 1 exactly when something is missing.
        let folder = tempfile::tempdir().unwrap();
        let run = || {
            let mut command = command(folder.path(), &app.url, &["media", "check", "--deep"]);
            let output = command.arg("--evidence-store").arg(app.files.local().unwrap()).output().unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        };
        let (code, said) = run();
        assert_eq!((code, said.starts_with("3 files in the database, 0 of them")), (Some(0), true), "{said}");
        app.files.delete(original).await.unwrap();
        let (code, said) = run();
        assert_eq!((code, said.starts_with(&format!("missing {original} of evidence {id}"))), (Some(1), true), "{said}");
    }
}

#[test]
fn a_backup_names_the_files_that_belong_to_it() {
    TestApp::run(crate::support::Engine::Sqlite, async |app: &TestApp| {
        let visit = under_way(app).await;
        let content = photo();
        let id = built_in("in the backup").to_string();
        app.post("inspector1", "/evidence", declaration(Some(&id), &content, item(&visit))).await.expect(201);
        let (media, body) = multipart(&content);
        let request = app.request("inspector1", Method::POST, &format!("/evidence/{id}/content"));
        app.send(request.header("content-type", media).body(body)).await.expect(200);
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("copy.db");
        let mut backup = command(folder.path(), &app.url, &["backup", "--to"]);
        let done = backup.arg(&to).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let checked = std::process::Command::new("sha256sum")
            .args(["--check", "--strict"])
            .arg(folder.path().join("copy.db.evidence"))
            .current_dir(app.files.local().unwrap())
            .output()
            .unwrap();
        let original = Key::original(org("a"), ContentHash::of(&content));
        assert_eq!(String::from_utf8(checked.stdout).unwrap(), format!("{original}: OK\n"));
    });
}
