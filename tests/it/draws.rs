//! Double-random draws, from frozen pools to a proof that anybody verifies.

use std::io::Write;
use std::process::{Command, Stdio};

use anxiao::access::Role;
use anxiao::draws::algorithm::{commitment, hex};
use anxiao::draws::proof::Proof;
use anxiao::platform::db::schema::{events, memberships};
use anxiao::platform::db::types::Timestamp;
use anxiao::platform::ids::built_in;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, person, start_time, user};

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/draws/verify.py");
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/draws/vectors.json");

fn pair(n: u8) -> (Value, Value) {
    let (seed, salt) = ([n; 32], [n + 100; 32]);
    (json!({"commitment": commitment(&seed, &salt)}), json!({"seed": hex(&seed), "salt": hex(&salt)}))
}

async fn plan(app: &TestApp) -> Value {
    let rows = app.get("office", "/checklists?category=fang&status=published").await.expect(200).rows();
    json!({
        "title": "春季双随机抽查",
        "objects": {"filter": {"under": org("a")}, "strata_by": "school_kind", "quotas": [{"count": 1}]},
        "inspectors": {"roles": ["inspector", "supervisor"], "per_object": 2},
        "inspection": {"kind": "random", "checklist_ids": [rows[0]["id"]], "planned_from": "2026-03-05", "planned_to": "2026-03-20"},
    })
}

/// A draw with both seeds promised and shown.
async fn ready(app: &TestApp, body: Value) -> String {
    let at = format!("/draws/{}", app.post("office", "/draws", body).await.expect(201).id());
    app.post("office", &format!("{at}/commitments"), pair(1).0).await.expect(201);
    app.post("leader", &format!("{at}/commitments"), pair(2).0).await.expect(201);
    app.post("leader", &format!("{at}/seeds"), pair(2).1).await.expect(200);
    app.post("office", &format!("{at}/seeds"), pair(1).1).await.expect(200);
    at
}

/// What the Python program says of each document.
fn judge(documents: &[Value]) -> Vec<String> {
    let mut child = Command::new("python3")
        .args(["-B", VERIFIER, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs the independent verifier");
    let mut input = child.stdin.take().unwrap();
    let lines: String = documents.iter().map(|one| format!("{one}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Every leaf of a document, as pointers.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(all) if !all.is_empty() => {
            all.iter().enumerate().for_each(|(n, one)| leaves(one, &format!("{at}/{n}"), found));
        }
        Value::Object(all) => all.iter().for_each(|(name, one)| leaves(one, &format!("{at}/{name}"), found)),
        _ => found.push(at.to_owned()),
    }
}

/// The document with one byte of one leaf changed.
fn mutated(document: &Value, at: &str) -> Value {
    let mut out = document.clone();
    let leaf = out.pointer_mut(at).unwrap();
    *leaf = match leaf.clone() {
        Value::Number(number) => json!(number.as_u64().unwrap() ^ 1),
        Value::String(text) if text.is_empty() => json!("x"),
        Value::String(text) => {
            let mut chars: Vec<char> = text.chars().collect();
            let middle = chars.len() / 2;
            chars[middle] = if chars[middle] == '1' { '2' } else { '1' };
            json!(chars.into_iter().collect::<String>())
        }
        Value::Null => json!({"source": "s", "text": "t", "recorded_by": "u", "recorded_at": "v"}),
        other => json!([other]),
    };
    out
}

fn every_change_is_found(document: &Value) -> usize {
    let mut all = Vec::new();
    leaves(document, "", &mut all);
    let documents: Vec<Value> =
        std::iter::once(document.clone()).chain(all.iter().map(|at| mutated(document, at))).collect();
    let python = judge(&documents);
    assert_eq!(python.len(), documents.len());
    for (n, one) in documents.iter().enumerate() {
        let rust = serde_json::from_value::<Proof>(one.clone())
            .map_err(|e| e.to_string())
            .and_then(|proof| proof.verify().map_err(|e| e.to_string()));
        let about = if n == 0 { "the proof itself" } else { &all[n - 1] };
        assert_eq!(rust.is_ok(), n == 0, "Rust on {about}: {rust:?}");
        assert_eq!(python[n] == "ok", n == 0, "Python on {about}: {}", python[n]);
    }
    all.len()
}

#[test]
fn both_verifiers_know_the_answers_and_find_every_changed_byte() {
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    let changed: usize = vectors.iter().map(every_change_is_found).sum();
    assert!(changed > 500, "{changed}");
}

#[test]
fn the_command_verifies_a_file_and_names_what_does_not_match() {
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let verify = |document: &Value, more: &[&str]| {
        let file = folder.path().join("proof.json");
        std::fs::write(&file, document.to_string()).unwrap();
        let out =
            Command::new(env!("CARGO_BIN_EXE_anxiao")).args(["draw", "verify"]).arg(&file).args(more).output().unwrap();
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    };
    assert_eq!(verify(&vectors[0], &[]).0, Some(0));
    assert_eq!(verify(&vectors[0], &["--result", vectors[0]["result_sha256"].as_str().unwrap()]).0, Some(0));
    let (code, said) = verify(&vectors[0], &["--result", vectors[1]["result_sha256"].as_str().unwrap()]);
    assert!(code == Some(1) && said.contains("/result_sha256"), "{said}");
    let (code, said) = verify(&mutated(&vectors[0], "/seeds/1/salt"), &[]);
    assert!(code == Some(1) && said.contains("/seeds/1/commitment"), "{said}");
    let (code, said) = verify(&json!([]), &[]);
    assert!(code == Some(1) && said.contains("is no proof"), "{said}");
}

both_engines! {
    async fn from_frozen_pools_to_a_proof_that_two_programs_verify(app) {
        let made = app.post("office", "/draws", plan(app).await).await.expect(201);
        assert_eq!((made.body["number"].as_str(), made.body["status"].as_str()), (Some("640104-2026-D0001"), Some("frozen")));
        let at = format!("/draws/{}", made.id());
        // The supervisor of the cluster reaches no school outside it.
        let away = json!([{"inspector": user("supervisor"), "school": org("a.s2"), "why": "out_of_reach"}]);
        assert_eq!(made.body["pool"]["excluded"], away);
        let (promise1, seed1) = pair(1);
        let (promise2, seed2) = pair(2);
        app.post("inspector1", &format!("{at}/commitments"), promise1.clone()).await.expect(403);
        let early = app.post("office", &format!("{at}/run"), json!({})).await.expect(409);
        assert_eq!(early.faults(), [("".into(), "awaiting_commitments".into()), ("".into(), "awaiting_seeds".into())]);
        app.post("office", &format!("{at}/commitments"), promise1.clone()).await.expect(201);
        assert_eq!(app.post("office", &format!("{at}/commitments"), promise2.clone()).await.expect(409).faults(), [("".into(), "same_person".into())]);
        assert_eq!(app.post("leader", &format!("{at}/commitments"), promise1.clone()).await.expect(422).faults(), [("/commitment".into(), "duplicate".into())]);
        assert_eq!(app.post("office", &format!("{at}/seeds"), seed1.clone()).await.expect(409).faults(), [("".into(), "awaiting_commitments".into())]);
        assert_eq!(app.post("leader", &format!("{at}/commitments"), promise2).await.expect(201).body["status"], "committed");
        let wrong = app.post("office", &format!("{at}/seeds"), seed2.clone()).await.expect(422);
        assert_eq!(wrong.faults(), [("/seed".into(), "does_not_fit_commitment".into())]);
        let one = app.post("office", &format!("{at}/seeds"), seed1.clone()).await.expect(200);
        assert_eq!((one.body["status"].as_str(), one.body["commitments"][0]["seed"].clone()), (Some("committed"), Value::Null));
        app.post("office", &format!("{at}/seeds"), seed1).await.expect(409);
        assert_eq!(app.post("office", &format!("{at}/run"), json!({})).await.expect(409).faults(), [("".into(), "awaiting_seeds".into())]);
        assert_eq!(app.post("leader", &format!("{at}/seeds"), seed2).await.expect(200).body["status"], "revealed");
        let drawn = app.post("office", &format!("{at}/run"), json!({})).await.expect(200);
        let results = drawn.body["results"].as_array().unwrap();
        assert_eq!(results.len(), 2);
        assert!(results.iter().all(|one| one["team"].as_array().unwrap().len() == 2));
        let again = app.post("office", &format!("{at}/run"), json!({})).await.expect(409);
        assert_eq!(again.faults(), [("".into(), "already_drawn".into())]);
        let early = app.get("office", &format!("{at}/proof")).await.expect(409);
        assert_eq!(early.faults(), [("".into(), "not_yet".into())]);
        app.post("office", &format!("{at}/publish"), json!({"statement": "两校检查均已开始"})).await.expect(200);
        app.post("office", &format!("{at}/void"), json!({"reason": "不满意"})).await.expect(409);
        let proof = app.get("section.fire", &format!("{at}/proof")).await.expect(200);
        assert_eq!(proof.body["result_sha256"], drawn.body["result_sha256"]);
        let changed = every_change_is_found(&proof.body);
        assert!(changed > 50, "{changed}");
        for who in ["principal1", "staff1", "inspector1", "supervisor", "external1", "sysadmin"] {
            app.get(who, "/draws").await.expect(403);
            app.get(who, &at).await.expect(403);
        }
        assert_eq!((app.get("b.office", &at).await.status, app.get("b.office", "/draws").await.rows().len()), (404, 0));
        let mut conn = app.connect();
        let journal: Vec<(String, String, String)> = events::table.filter(events::entity.eq("draw")).order(events::seq)
            .select((events::stream, events::action, events::payload)).load(&mut conn).unwrap();
        assert!(journal.iter().all(|(stream, _, payload)| stream == "bureau" && !payload.contains(&hex(&[1; 32]))));
        let actions: Vec<&str> = journal.iter().map(|one| one.1.as_str()).collect();
        assert_eq!(actions, ["frozen", "committed", "committed", "seed_revealed", "seed_revealed", "drawn", "published"]);
        assert!(journal[5].2.contains(drawn.body["result_sha256"].as_str().unwrap()));
    }

    async fn public_entropy_comes_after_the_promise_and_from_somebody_else(app) {
        let mut body = plan(app).await;
        body["seeding"] = json!("public_entropy");
        assert_eq!(app.post("office", "/draws", body.clone()).await.expect(422).faults(), [("/entropy_source".into(), "required".into())]);
        body["entropy_source"] = json!("3月3日双色球开奖号码");
        let at = format!("/draws/{}", app.post("office", "/draws", body).await.expect(201).id());
        let said = json!({"source": "https://example.org/ssq", "text": "02 09 14 21 28 33 + 07"});
        assert_eq!(app.post("leader", &format!("{at}/entropy"), said.clone()).await.expect(409).faults(), [("".into(), "awaiting_commitments".into())]);
        app.post("office", &format!("{at}/commitments"), pair(1).0).await.expect(201);
        assert_eq!(app.post("leader", &format!("{at}/commitments"), pair(2).0).await.expect(409).faults(), [("".into(), "all_committed".into())]);
        assert_eq!(app.post("office", &format!("{at}/seeds"), pair(1).1).await.expect(409).faults(), [("".into(), "awaiting_entropy".into())]);
        assert_eq!(app.post("office", &format!("{at}/entropy"), said.clone()).await.expect(409).faults(), [("".into(), "same_person".into())]);
        app.post("leader", &format!("{at}/entropy"), json!({"source": "s", "text": "a\nb"})).await.expect(422);
        app.post("leader", &format!("{at}/entropy"), said.clone()).await.expect(201);
        app.post("leader", &format!("{at}/entropy"), said).await.expect(409);
        app.post("office", &format!("{at}/seeds"), pair(1).1).await.expect(200);
        app.post("leader", &format!("{at}/run"), json!({})).await.expect(200);
        app.post("leader", &format!("{at}/publish"), json!({"statement": "均已开始"})).await.expect(200);
        every_change_is_found(&app.get("leader", &format!("{at}/proof")).await.expect(200).body);
    }

    async fn a_pool_that_cannot_be_drawn_from_is_not_frozen(app) {
        let good = plan(app).await;
        let with = |pointer: &str, value: Value| {
            let mut body = good.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = value;
            body
        };
        let cases: &[(&str, Value, &str, &str)] = &[
            ("/objects/filter", json!({"school_kind": "vocational"}), "/objects/filter", "empty_pool"),
            ("/objects/filter", json!({"features": ["bus"]}), "/objects/filter", "empty_pool"),
            ("/objects/quotas", json!([{"count": 2}]), "/objects/quotas/0/count", "more_than_pool"),
            ("/objects/quotas", json!([{"stratum": "primary", "count": 1}]), "/objects/quotas", "no_quota"),
            ("/objects/quotas", json!([{"count": 1, "rate_percent": 5}]), "/objects/quotas/0/rate_percent", "only_one_of"),
            ("/inspectors/per_object", json!(1), "/inspectors/per_object", "out_of_range"),
            ("/inspectors/per_object", json!(4), "/inspectors/roles", "too_few_inspectors"),
            ("/inspectors/per_object", json!(3), "/inspectors", "impossible_assignment"),
            ("/inspection/kind", json!("routine"), "/inspection/kind", "not_for_this_kind"),
            ("/inspection/planned_to", json!("2026-03-01"), "/inspection/planned_to", "before_from"),
            ("/title", json!("两行\n标题"), "/title", "invalid_format"),
            ("/year", json!(2025), "/year", "out_of_range"),
        ];
        for (pointer, value, at, code) in cases {
            let refused = app.post("office", "/draws", with(pointer, value.clone())).await.expect(422);
            assert_eq!(refused.faults()[0], ((*at).to_owned(), (*code).to_owned()), "{pointer} {value}");
        }
        for who in ["inspector1", "inspector2"] {
            let tie = json!({"inspector_id": user(who), "org_id": org("a.s2"), "relation": "teaching"});
            app.post("office", "/recusals", tie).await.expect(201);
        }
        let refused = app.post("office", "/draws", good.clone()).await.expect(422);
        assert_eq!(refused.faults(), [("/inspectors".into(), "impossible_assignment".into())]);
        let foreign = json!([org("b.s1")]);
        let mut body = good.clone();
        body["objects"] = json!({"org_ids": foreign, "quotas": [{"count": 1}]});
        app.post("office", "/draws", body).await.expect(404);
        assert!(app.get("office", "/draws").await.rows().is_empty(), "nothing was kept, no number was taken");
    }

    async fn a_repetition_needs_a_reason_and_numbers_have_no_gaps(app) {
        let at = ready(app, plan(app).await).await;
        app.post("leader", &format!("{at}/void"), json!({"reason": "名单有误"})).await.expect(200);
        app.post("leader", &format!("{at}/run"), json!({})).await.expect(409);
        let refused = app.post("office", "/draws", plan(app).await).await.expect(422);
        assert_eq!(refused.faults(), [("/reason".into(), "repeats_a_draw".into())]);
        let mut body = plan(app).await;
        body["title"] = json!("换个名字");
        app.post("office", "/draws", body.clone()).await.expect(422);
        body["reason"] = json!("首次抽取名单有误");
        let second = app.post("office", "/draws", body).await.expect(201);
        assert_eq!(second.body["number"], "640104-2026-D0002");
        assert!(at.ends_with(second.body["repeats"].as_str().unwrap()));
        let used = app.post("office", &format!("/draws/{}/commitments", second.id()), pair(1).0).await.expect(422);
        assert_eq!(used.faults(), [("/commitment".into(), "duplicate".into())]);
    }

    async fn the_recused_are_never_sent_and_a_late_recusal_stops_the_draw(app) {
        let tie = |who: &str| json!({"inspector_id": user(who), "org_id": org("a.s1"), "relation": "family"});
        app.post("office", "/recusals", tie("inspector1")).await.expect(201);
        let at = ready(app, plan(app).await).await;
        let drawn = app.post("office", &format!("{at}/run"), json!({})).await.expect(200);
        let of_s1 = drawn.body["results"].as_array().unwrap().iter().find(|one| one["school"] == json!(org("a.s1"))).unwrap().clone();
        assert!(!of_s1["team"].as_array().unwrap().contains(&json!(user("inspector1"))));
        let mut body = plan(app).await;
        body["reason"] = json!("第二批");
        body["inspectors"] = json!({"user_ids": [user("inspector1"), user("inspector2"), user("supervisor"), user("leader")], "per_object": 2});
        let at = format!("/draws/{}", app.post("office", "/draws", body).await.expect(201).id());
        app.post("office", "/recusals", tie("inspector2")).await.expect(201);
        let late = app.post("office", &format!("{at}/commitments"), pair(3).0).await.expect(409);
        assert_eq!(late.faults(), [("".into(), "pool_outdated".into())]);
    }

    async fn whoever_belongs_to_a_school_of_the_pool_learns_nothing_before_the_others(app) {
        let mut conn = app.connect();
        let now = Timestamp::from(start_time());
        person(&mut conn, "double", Role::SafetyOffice, "a", None, now);
        diesel::insert_into(memberships::table)
            .values((
                memberships::id.eq(built_in("double membership")), memberships::created_at.eq(now),
                memberships::user_id.eq(user("double")), memberships::bureau_id.eq(org("a")),
                memberships::org_id.eq(org("a.s1")), memberships::role.eq(Role::SchoolStaff), memberships::valid_from.eq(now),
            ))
            .execute(&mut conn).unwrap();
        let at = ready(app, plan(app).await).await;
        assert_eq!(app.post("double", &format!("{at}/run"), json!({})).await.expect(409).faults(), [("".into(), "belongs_to_pool".into())]);
        app.post("office", &format!("{at}/run"), json!({})).await.expect(200);
        let seen = app.get("double", &at).await.expect(200);
        assert_eq!((seen.body["withheld"].clone(), seen.body["results"].clone()), (json!(true), Value::Null));
        assert!(!seen.text.contains(&hex(&[1; 32])) && !seen.text.contains(&hex(&[2; 32])), "from the seeds the result follows");
        app.get("double", &format!("{at}/proof")).await.expect(409);
        assert_eq!(app.get("leader", &at).await.body["results"].as_array().unwrap().len(), 2);
        app.post("office", &format!("{at}/publish"), json!({"statement": "均已开始"})).await.expect(200);
        assert_eq!(app.get("double", &at).await.body["results"].as_array().unwrap().len(), 2);
    }

    async fn who_comes_to_a_school_of_the_pool_is_told_nothing_again(app) {
        let at = ready(app, plan(app).await).await;
        person(&mut app.connect(), "double", Role::SafetyOffice, "a", None, Timestamp::from(start_time()));
        let run = || app.request("double", reqwest::Method::POST, &format!("{at}/run")).header("idempotency-key", "k1").json(&json!({}));
        let drawn = app.send(run()).await.expect(200);
        let again = app.send(run()).await.expect(200);
        assert_eq!((&again.body["results"], again.header("idempotency-replayed")), (&drawn.body["results"], "true"));
        let staff = json!({"org_id": org("a.s1"), "role": "school_staff"});
        app.post("sysadmin", &format!("/users/{}/memberships", user("double")), staff).await.expect(201);
        let refused = app.send(run()).await.expect(409);
        assert!(refused.faults().contains(&("".into(), "belongs_to_pool".into())) && refused.body["results"].is_null(), "{}", refused.text);
        // Nor by what is left of another pool.
        let mut left = plan(app).await;
        left["objects"] = json!({"filter": {"under": org("a"), "untouched_months": 6}, "quotas": [{"count": 1}]});
        left["title"] = json!("再抽");
        assert_eq!(app.post("double", "/draws", left.clone()).await.expect(409).faults(), [("/objects/filter/untouched_months".into(), "belongs_to_pool".into())]);
        // A visit that was given up before its check-in never was.
        let made = app.post("office", &format!("{at}/inspections"), json!({})).await.expect(201);
        for one in made.body["results"].as_array().unwrap() {
            app.post("office", &format!("/inspections/{}/void", one["inspection_id"].as_str().unwrap()), json!({"reason": "停课"})).await.expect(200);
        }
        let open = app.get("double", &at).await.expect(200);
        assert!(open.body["results"].as_array().unwrap().iter().all(|one| one["inspection_id"].is_null()), "{}", open.text);
        assert!(app.get("office", &at).await.expect(200).body["results"][0]["inspection_id"].is_string());
    }

    async fn what_was_drawn_becomes_inspections_once_and_opens_the_proof_when_all_have_begun(app) {
        let at = ready(app, plan(app).await).await;
        let make = format!("{at}/inspections");
        let early = app.post("office", &make, json!({})).await.expect(409);
        assert_eq!(early.faults(), [("".into(), "not_drawn".into())]);
        let drawn = app.post("office", &format!("{at}/run"), json!({})).await.expect(200);
        let results = drawn.body["results"].as_array().unwrap().clone();
        for who in ["section.fire", "inspector1", "principal1", "sysadmin"] {
            app.post(who, &make, json!({})).await.expect(403);
        }
        app.post("b.office", &make, json!({})).await.expect(404);
        app.post("leader", &make, json!({})).await.expect(403);
        let other = app.get("office", "/checklists?category=cha&status=published").await.expect(200).rows()[0]["id"].clone();
        for (body, at, code) in [
            (json!({"planned_on": "2026-03-04"}), "/planned_on", "not_as_frozen"),
            (json!({"planned_on": "2026-03-21"}), "/planned_on", "not_as_frozen"),
            (json!({"checklist_ids": [other]}), "/checklist_ids", "not_as_frozen"),
            (json!({"kind": "routine"}), "/kind", "not_for_this_kind"),
        ] {
            assert_eq!(app.post("office", &make, body).await.expect(422).faults(), [(at.to_owned(), code.to_owned())]);
        }
        let made = app.post("office", &make, json!({"planned_on": "2026-03-09"})).await.expect(201);
        let visits: Vec<String> = made.body["results"].as_array().unwrap().iter().map(|one| one["inspection_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((visits.len(), &made.body["proof_open"]), (2, &json!(false)));
        let again = app.post("office", &make, json!({})).await.expect(409);
        assert_eq!(again.faults(), [("".into(), "already_made".into())]);
        for (visit, result) in visits.iter().zip(&results) {
            let seen = app.get("office", &format!("/inspections/{visit}")).await.expect(200).body;
            assert_eq!((&seen["org_id"], &seen["team"], &seen["lead_id"]), (&result["school"], &result["team"], &result["team"][0]));
            assert_eq!((&seen["kind"], &seen["announced"], &seen["planned_on"]), (&json!("random"), &json!(false), &json!("2026-03-09")));
            for who in ["principal1", "principal2"] {
                app.get(who, &format!("/inspections/{visit}")).await.expect(404);
                assert!(app.get(who, "/notices").await.expect(200).rows().is_empty());
            }
            // Who goes was drawn.
            let edit = json!({"team": [user("inspector1"), user("inspector2")]});
            let refused = app.patch("office", &format!("/inspections/{visit}"), 1, edit).await.expect(409);
            assert_eq!(refused.faults(), [("".into(), "drawn".into())]);
            // When was frozen with the pools.
            for day in [json!("2026-03-04"), json!("2026-03-21"), Value::Null] {
                let refused = app.patch("office", &format!("/inspections/{visit}"), 1, json!({"planned_on": day})).await.expect(422);
                assert_eq!(refused.faults(), [("/planned_on".into(), "not_as_frozen".into())]);
            }
        }
        app.patch("office", &format!("/inspections/{}", visits[0]), 1, json!({"planned_on": "2026-03-20"})).await.expect(200);
        for member in results[0]["team"].as_array().unwrap() {
            let who = ["inspector1", "inspector2", "supervisor"].into_iter().find(|name| *member == json!(user(name))).unwrap();
            let told = app.get(who, "/notices").await.expect(200).rows();
            assert!(told.iter().any(|row| row["kind"] == "inspection_assigned" && row["entity_id"] == visits[0].as_str()), "{who}");
        }
        // Neither by statement nor with one of two begun.
        let statement = json!({"statement": "均已开始"});
        assert_eq!(app.post("office", &format!("{at}/publish"), statement.clone()).await.expect(409).faults(), [("".into(), "not_yet".into())]);
        app.post("office", &format!("{at}/void"), json!({"reason": "x"})).await.expect(409);
        let lead = results[0]["team"][0].clone();
        let lead = ["inspector1", "inspector2", "supervisor"].into_iter().find(|name| lead == json!(user(name))).unwrap();
        app.post(lead, &format!("/inspections/{}/check-in", visits[0]), json!({})).await.expect(200);
        assert_eq!(app.get("office", &format!("{at}/proof")).await.expect(409).faults(), [("".into(), "not_yet".into())]);
        app.post("office", &format!("/inspections/{}/void", visits[1]), json!({"reason": "学校放假"})).await.expect(200);
        let proof = app.get("section.fire", &format!("{at}/proof")).await.expect(200);
        assert_eq!(proof.body["result_sha256"], drawn.body["result_sha256"]);
        let mut conn = app.connect();
        let journal: Vec<(String, String)> = events::table.filter(events::entity.eq("draw")).order(events::seq)
            .select((events::stream, events::action)).load(&mut conn).unwrap();
        assert_eq!(journal.last().unwrap(), &("bureau".to_owned(), "inspections_made".to_owned()));
    }

    async fn two_who_make_the_inspections_at_once_make_them_once(app) {
        let at = ready(app, plan(app).await).await;
        app.post("office", &format!("{at}/run"), json!({})).await.expect(200);
        let make = format!("{at}/inspections");
        let all = futures_util::future::join_all((0..6).map(|_| app.post("office", &make, json!({})))).await;
        let mut statuses: Vec<u16> = all.iter().map(|one| one.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
        assert_eq!(app.get("office", "/inspections?kind=random").await.expect(200).rows().len(), 2);
    }

    async fn a_team_that_cannot_go_any_more_makes_nothing(app) {
        let at = ready(app, plan(app).await).await;
        let drawn = app.post("office", &format!("{at}/run"), json!({})).await.expect(200);
        let (school, who) = (drawn.body["results"][0]["school"].clone(), drawn.body["results"][0]["team"][1].clone());
        let tie = json!({"inspector_id": who, "org_id": school, "relation": "family"});
        app.post("office", "/recusals", tie).await.expect(201);
        let refused = app.post("office", &format!("{at}/inspections"), json!({})).await.expect(422);
        assert_eq!(refused.faults(), [("/results/0/team/1".into(), "recused".into())]);
        assert!(app.get("office", "/inspections").await.expect(200).rows().is_empty(), "all or none");
        app.post("office", &format!("{at}/void"), json!({"reason": "有人须回避"})).await.expect(200);
    }

    async fn schools_drawn_or_visited_lately_may_be_left_out_of_the_pool(app) {
        let mut body = plan(app).await;
        body["objects"] = json!({"filter": {"under": org("a"), "untouched_months": 6}, "quotas": [{"count": 1}]});
        body["title"] = json!("第一次");
        let schools = |made: &crate::support::Answer| made.body["pool"]["schools"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
        let at = ready(app, body.clone()).await;
        assert_eq!(schools(&app.get("office", &at).await.expect(200)).len(), 2);
        let drawn = app.post("office", &format!("{at}/run"), json!({})).await.expect(200).body["results"][0]["school"].clone();
        body["title"] = json!("第二次");
        let second = app.post("office", "/draws", body.clone()).await.expect(201);
        assert!(schools(&second).len() == 1 && schools(&second)[0] != drawn);
        let other = schools(&second)[0].clone();
        let list = &body["inspection"]["checklist_ids"];
        let visit = json!({"kind": "special", "org_id": other, "checklist_ids": list, "team": [user("inspector1"), user("inspector2")], "announced": false});
        let visit = app.post("office", "/inspections", visit).await.expect(201).id();
        body["title"] = json!("第三次");
        let third = app.post("office", "/draws", body.clone()).await.expect(201);
        assert_eq!(schools(&third).len(), 1, "a plan is no visit");
        app.post("inspector1", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
        body["title"] = json!("第四次");
        let nobody = app.post("office", "/draws", body.clone()).await.expect(422);
        assert_eq!(nobody.faults(), [("/objects/filter".into(), "empty_pool".into())]);
        app.clock.set("2026-09-03T02:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        body["inspection"]["planned_from"] = json!("2026-09-05");
        body["inspection"]["planned_to"] = json!("2026-09-20");
        assert_eq!(schools(&app.post("office", "/draws", body.clone()).await.expect(201)).len(), 2);
        body["objects"]["filter"]["untouched_months"] = json!(0);
        app.post("office", "/draws", body).await.expect(422);
    }
}
