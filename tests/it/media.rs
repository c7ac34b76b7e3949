//! Whether rows and store agree, as an operator asks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anxiao::evidence::media::{Care, Count, Finding, check};
use anxiao::platform::clock::{Clock, SystemClock};
use anxiao::platform::db::{Db, DbOptions};
use anxiao::platform::files::{ContentHash, Files, Key, Rendition};
use anxiao::platform::ids::{SeededIds, built_in};
use chrono::TimeDelta;
use reqwest::Method;

use crate::evidence::{declaration, item, multipart, photo, under_way};
use crate::files::{s3, s3_server};
use crate::support::TestApp;
use crate::support::district::org;
use crate::support::program::command;

const LOOK: Care = Care { deep: false, delete_orphans: false };

/// A day and an hour: what is there now is old then.
const LATER: TimeDelta = TimeDelta::hours(25);

async fn looked(app: &TestApp, care: Care) -> (Count, Vec<Finding>) {
    looked_at(app, &app.files, care, TimeDelta::zero()).await
}

async fn looked_at(app: &TestApp, files: &Files, care: Care, after: TimeDelta) -> (Count, Vec<Finding>) {
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(&app.url, &options, app.clock.clone(), Arc::new(SeededIds::new(7)), 1).unwrap();
    let mut findings = Vec::new();
    // Files have the time of this machine.
    let now = SystemClock.now() + after;
    let count = check(&db, files, care, now, |finding| findings.push(finding.clone())).await.unwrap();
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
        // Nor does an old content with a new name count as old: an upload may have waited for days.
        let yesterday = SystemTime::now() - Duration::from_secs(25 * 3600);
        std::fs::File::open(path(app, stray)).unwrap().set_modified(yesterday).unwrap();
        let care = Care { delete_orphans: true, ..LOOK };
        assert_eq!(looked(app, care).await, (well, Vec::new()), "its name is young");
        assert!(path(app, stray).exists());
        let length = content.len() as u64;
        assert_eq!(looked_at(app, &app.files, LOOK, LATER).await.1, [Finding::Orphan(stray, length)]);
        assert_eq!(looked_at(app, &app.files, care, LATER).await.1, [Finding::Removed(stray, length)]);
        assert_eq!(looked_at(app, &app.files, care, LATER).await, (well, Vec::new()));

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

    async fn a_bucket_is_compared_as_a_folder_is(app) {
        let visit = under_way(app).await;
        let content = photo();
        let id = built_in("in a bucket");
        app.post("inspector1", "/evidence", declaration(Some(&id.to_string()), &content, item(&visit))).await.expect(201);
        let (media, body) = multipart(&content);
        let request = app.request("inspector1", Method::POST, &format!("/evidence/{id}/content"));
        app.send(request.header("content-type", media).body(body)).await.expect(200);
        let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let endpoint = s3_server(root.path());
        let bucket = Files::open(&s3(&endpoint, "geheim", "photos", data.path())).unwrap();
        let look = async |care| looked_at(app, &bucket, care, LATER).await;
        let key = |rendition| Key { namespace: org("a"), hash: ContentHash::of(&content), rendition };
        let original = key(Rendition::Original);
        let (count, findings) = look(LOOK).await;
        assert_eq!(count, Count { wanted: 3, bad: 3, orphans: 0 });
        assert!(findings.contains(&Finding::Missing(original, vec![id])));
        for rendition in Rendition::ALL {
            let bytes = app.files.read_all(key(rendition), 1 << 30).await.unwrap().unwrap();
            bucket.put(key(rendition), bucket.stage(bytes).await.unwrap()).await.unwrap();
        }
        let well = Count { wanted: 3, bad: 0, orphans: 0 };
        let (deep, clean) = (Care { deep: true, ..LOOK }, Care { delete_orphans: true, ..LOOK });
        assert_eq!(look(deep).await, (well, Vec::new()));
        let object = root.path().join("photos/anxiao").join(original.to_string());
        let mut other = content.clone();
        other[content.len() / 2] ^= 1;
        std::fs::write(&object, &other).unwrap();
        assert_eq!(look(LOOK).await, (well, Vec::new()));
        assert_eq!(look(deep).await.1, [Finding::Damaged(original, vec![id])]);
        std::fs::write(&object, &content[1..]).unwrap();
        assert_eq!(look(LOOK).await.1, [Finding::Damaged(original, vec![id])]);
        std::fs::write(&object, &content).unwrap();
        let stray = Key { namespace: org("b"), ..original };
        bucket.put(stray, bucket.stage(content.clone()).await.unwrap()).await.unwrap();
        assert_eq!(looked_at(app, &bucket, clean, TimeDelta::zero()).await, (well, Vec::new()), "it is young");
        assert_eq!(look(clean).await.1, [Finding::Removed(stray, content.len() as u64)]);
        assert_eq!(look(clean).await, (well, Vec::new()));

        // As an operator asks: a right answer, and one sentence where there can be none.
        let folder = tempfile::tempdir().unwrap();
        let run = |bucket: &str, endpoint: &str, secret: &str| {
            let mut command = command(folder.path(), &app.url, &["media", "check", "--deep"]);
            command.args(["--evidence-store", &format!("s3://{bucket}/anxiao"), "--evidence-s3-endpoint", endpoint]);
            command.args(["--evidence-s3-key-id", "anxiao", "--evidence-s3-secret", secret]);
            let output = command.output().unwrap();
            let said = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.code(), said(output.stdout), said(output.stderr))
        };
        let (code, said, _) = run("photos", &endpoint, "geheim");
        assert_eq!((code, said.starts_with("3 files in the database, 0 of them")), (Some(0), true), "{said}");
        let nobody = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
        for (bucket, endpoint, secret, word) in [
            ("photos", &endpoint, "wrong-geheim", "SignatureDoesNotMatch"),
            ("elsewhere", &endpoint, "geheim", "NoSuchBucket"),
            ("photos", &nobody, "geheim", "refused"),
        ] {
            let (code, said, complaint) = run(bucket, endpoint, secret);
            assert!(code.is_some_and(|code| code != 0) && said.is_empty(), "{code:?} {said}");
            assert!(complaint.lines().count() == 1 && complaint.contains(word), "{complaint}");
            assert!(!complaint.contains("geheim"), "{complaint}");
        }
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
        let mut backup = command(folder.path(), &app.url, &["backup"]);
        let done = backup.arg("--to").arg(&to).output().unwrap();
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
