//! Files over lines that break.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Handset;
use super::line::{Fault, Line};
use crate::evidence::{item, photo, under_way};
use crate::support::TestApp;
use crate::support::district::start_time;

/// A file that is kept as it is.
fn paper(length: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    bytes.extend((9..length).map(|n| u8::try_from(n % 251).unwrap()));
    bytes
}

/// A file that was declared and waits on the phone.
fn taken(handset: &mut Handset, visit: &str, content: &[u8], media_type: &str) -> Uuid {
    let file = handset.folder().join("gallery");
    std::fs::write(&file, content).unwrap();
    let (evidence, op) = (handset.id(), handset.id());
    handset.phone().photo(&file, media_type, &item(visit), (evidence, op), start_time()).unwrap();
    std::fs::remove_file(file).unwrap();
    evidence
}

async fn received(app: &TestApp, evidence: Uuid) -> bool {
    let view = app.get("inspector1", &format!("/evidence/{evidence}")).await.expect(200).body;
    !view["received_at"].is_null()
}

/// Bytes that went by PATCH.
fn patched(line: &Line) -> usize {
    line.seen().iter().filter(|(method, _, _)| method == "PATCH").map(|(_, _, length)| length).sum()
}

both_engines! {
    async fn an_upload_that_breaks_anywhere_goes_on_where_it_was(app) {
        let line = Line::new(app);
        let visit = under_way(app).await;
        let mut handset = Handset::ready(app, &line, "inspector1", "long tunnel");
        let content = paper(100_000);
        let evidence = taken(&mut handset, &visit, &content, "application/pdf");
        handset.push(app).unwrap();
        line.seen();
        let mut breaks = 0;
        for fault in [
            Fault::CutRequest(0), Fault::CutRequest(1), Fault::CutRequest(300), Fault::CutRequest(999),
            Fault::CutAnswer(0), Fault::CutAnswer(500), Fault::CutAnswer(999), Fault::Portal, Fault::Busy, Fault::Repeat,
        ] {
            handset.phone().send_at_most(500, 4096);
            // One piece goes through, the next does not; after it the phone is started anew.
            line.script([("/uploads/", Fault::None), ("/uploads/", fault)]);
            if handset.upload().is_err() {
                breaks += 1;
            }
            handset.kill();
        }
        assert!(breaks >= 8, "{breaks}");
        // A connection that died may be read for a moment longer.
        for _ in 0..100 {
            if handset.upload().is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(received(app, evidence).await);
        assert_eq!(handset.phone().uploads.waiting().count(), 0);
        // Begun anew after each break it would have been several times as much.
        let sent = patched(&line);
        assert!((content.len()..2 * content.len()).contains(&sent), "{sent} bytes, {breaks} breaks");
        assert!(!handset.folder().join("photos").join(evidence.to_string()).exists());
        let original = app.get("office", &format!("/evidence/{evidence}")).await.expect(200).body;
        assert_eq!(original["bytes"], content.len());
    }

    async fn the_last_answer_lost_is_asked_for_and_nothing_sent_twice(app) {
        let line = Line::new(app);
        let visit = under_way(app).await;
        let mut handset = Handset::ready(app, &line, "inspector1", "last metre");
        let content = photo();
        let evidence = taken(&mut handset, &visit, &content, "image/jpeg");
        handset.push(app).unwrap();
        line.seen();
        line.script([("/uploads/", Fault::CutAnswer(0))]);
        handset.upload().unwrap_err();
        assert!(received(app, evidence).await);
        handset.kill();
        assert_eq!(handset.upload().unwrap(), [evidence]);
        assert_eq!(patched(&line), content.len());
    }

    async fn a_file_that_is_not_wanted_is_kept_and_keeps_no_other_back(app) {
        let line = Line::new(app);
        let visit = under_way(app).await;
        let mut handset = Handset::ready(app, &line, "inspector1", "spoilt");
        let bad = taken(&mut handset, &visit, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/jpeg");
        let changed = taken(&mut handset, &visit, &paper(3000), "application/pdf");
        let good = taken(&mut handset, &visit, &photo(), "image/jpeg");
        let copy = handset.folder().join("photos").join(changed.to_string());
        let mut other = paper(3000);
        other[2000] ^= 1;
        std::fs::write(&copy, other).unwrap();
        let synced = handset.sync(app).unwrap();
        assert_eq!(synced.uploaded, [good]);
        handset.kill();
        let refused: Vec<(Uuid, Value)> =
            handset.phone().uploads.refused().map(|(wanted, problem)| (wanted.evidence_id, problem["code"].clone())).collect();
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused.contains(&(changed, json!("wrong_hash"))), "{refused:?}");
        assert!(refused.iter().any(|(id, _)| *id == bad));
        assert!(copy.exists(), "what the phone took stays on the phone");
        assert!(handset.sync(app).unwrap().uploaded.is_empty());
        assert_eq!(handset.phone().uploads.waiting().count(), 0);
    }

    async fn where_there_is_no_tus_a_form_does(app) {
        let line = Line::new(app);
        let visit = under_way(app).await;
        let mut handset = Handset::ready(app, &line, "inspector1", "old proxy");
        let evidence = taken(&mut handset, &visit, &photo(), "image/jpeg");
        handset.push(app).unwrap();
        line.script([("/uploads", Fault::Says(501, "content-type: text/html", "<h1>501</h1>".into())), ("/content", Fault::Portal)]);
        assert!(handset.upload().unwrap_err().is_passing());
        assert_eq!(handset.phone().uploads.waiting().count(), 1);
        line.script([("/uploads", Fault::Says(405, "content-type: text/html", "<h1>405</h1>".into()))]);
        assert_eq!(handset.upload().unwrap(), [evidence]);
        assert!(received(app, evidence).await);
    }

    async fn a_photo_is_safe_from_the_moment_it_is_taken(app) {
        let line = Line::new(app);
        let visit = under_way(app).await;
        let mut handset = Handset::ready(app, &line, "inspector1", "sudden death");
        let evidence = taken(&mut handset, &visit, &photo(), "image/jpeg");
        // Killed between the declaration and the list of uploads.
        handset.phone = None;
        std::fs::remove_file(handset.folder().join("uploads")).unwrap();
        handset.kill();
        assert_eq!(handset.sync(app).unwrap().uploaded, [evidence]);
        assert!(received(app, evidence).await);
    }
}
