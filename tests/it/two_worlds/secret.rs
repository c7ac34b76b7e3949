//! What the bureau does in the second world alone. Every function that can touch a secret visit belongs here.

use anxiao::catalogue::builtin;
use anxiao::draws::algorithm::{commitment, hex};
use serde_json::{Value, json};

use super::pair::TRUE_ID;
use super::script::Source;
use crate::matrix::world::of;
use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

/// (who plans, kind, school, team)
const WAYS: &[(&str, &str, &str, &[&str])] = &[
    ("leader", "unannounced", "a.s1", &["inspector1", "inspector2"]),
    ("office", "unannounced", "a.s2", &["inspector2", "external1"]),
    ("office", "random", "a.s1", &["inspector1", "external1"]),
    ("office", "look_back", "a.s1", &["office", "inspector2"]),
    ("supervisor", "supervision", "a.s1", &["supervisor", "inspector1"]),
    ("inspector1", "special", "a.s1", &["inspector1", "inspector2"]),
    ("office", "third_party", "a.s2", &["external1", "inspector1"]),
];

struct Visit {
    id: String,
    by: &'static str,
    team: &'static [&'static str],
    version: i64,
}

/// The secret visits under way.
pub struct Secret {
    source: Source,
    visits: Vec<Visit>,
    /// Acts so far.
    pub done: usize,
    /// Look-backs among them.
    pub looked: usize,
}

impl Secret {
    pub fn new(source: Source) -> Self {
        Self { source, visits: Vec::new(), done: 0, looked: 0 }
    }

    /// Plans one; the first is always at the first school.
    pub async fn plan(&mut self, app: &TestApp, id: Option<&str>) -> Answer {
        let way = if id.is_some() { 0 } else { self.source.below(WAYS.len()) };
        let (by, kind, school, team) = WAYS[way];
        let mut lists = vec![builtin::checklist_id("fang", 1).to_string()];
        if id.is_none() && self.source.below(3) == 0 {
            // The school's own checklist: using it must not show on it.
            lists.push(of("checklist", school).to_string());
        }
        let people: Vec<_> = team.iter().map(|name| user(name)).collect();
        let mut body = json!({
            "kind": kind, "org_id": org(school), "checklist_ids": lists, "team": people, "announced": false,
            "planned_on": "2026-03-09", "title": format!("不打招呼{}", self.done),
        });
        if let Some(id) = id {
            body["id"] = Value::from(id);
        }
        let answer = app.post(by, "/inspections", body).await;
        self.done += 1;
        if answer.status == 201 {
            self.visits.push(Visit { id: answer.id(), by, team, version: 1 });
        }
        answer
    }

    /// Calls one off.
    pub async fn call_off(&mut self, app: &TestApp, id: &str) {
        app.post("office", &format!("/inspections/{id}/void"), json!({"reason": "改期"})).await.expect(200);
        self.visits.retain(|visit| visit.id != id);
        self.done += 1;
    }

    /// One act: plan, change, call off, read, or try what is refused.
    pub async fn act(&mut self, app: &TestApp) {
        let what = self.source.below(12);
        if what < 3 {
            let planned = self.plan(app, None).await;
            // The school's own checklist may be a draft just now, or out of the sight of who plans.
            assert!(matches!(planned.status, 201 | 404 | 422), "{}", planned.text);
            return;
        }
        match what {
            8 => return self.draw(app).await,
            9 => return self.campaign(app).await,
            10 => return self.phone(app).await,
            11 => return self.look_back(app).await,
            _ => {}
        }
        let which = self.source.below(self.visits.len());
        let (id, by, team, version) = {
            let visit = &self.visits[which];
            (visit.id.clone(), visit.by, visit.team, visit.version)
        };
        let at = format!("/inspections/{id}");
        self.done += 1;
        match what {
            3 | 4 => {
                let people: Vec<_> = team.iter().rev().map(|name| user(name)).collect();
                let edit = json!({"title": format!("夜查{}", self.done), "planned_on": "2026-03-10", "team": people});
                app.patch(by, &at, version, edit).await.expect(200);
                self.visits[which].version += 1;
            }
            5 if id != TRUE_ID => self.call_off(app, &id).await,
            6 => {
                for path in [
                    at.clone(),
                    format!("{at}/answers"),
                    format!("{at}/history"),
                    format!("/answers?inspection_id={id}"),
                ] {
                    app.get(team[0], &path).await.expect(200);
                }
                app.get("office", "/inspections?count=true").await.expect(200);
            }
            _ => {
                app.post("leader", &format!("{at}/check-in"), json!({})).await.expect(409);
                // Of what has not begun nothing is issued, and no number is taken.
                for kind in ["on_site_record", "rectification_notice", "recheck_opinion"] {
                    let document = json!({"type": kind});
                    app.post("office", &format!("{at}/documents"), document).await.expect(409);
                }
                app.put(team[0], &format!("{at}/answers/fang-001"), json!({"result": "pass"})).await.expect(409);
                app.patch(by, &at, version + 9, json!({"title": "x"})).await.expect(412);
            }
        }
    }

    /// A double-random draw, from the frozen pools to the inspections made of its result.
    async fn draw(&mut self, app: &TestApp) {
        self.done += 1;
        let people = ["inspector1", "inspector2", "supervisor"].map(user);
        let body = json!({
            "title": format!("双随机{}", self.done), "objects": {"filter": {"under": org("a")}, "strata_by": "school_kind", "quotas": [{"count": 1}]},
            "inspectors": {"user_ids": people, "per_object": 2},
            "inspection": {
                "kind": "random", "checklist_ids": [builtin::checklist_id("fang", 1)], "planned_from": "2026-03-20",
                "planned_to": "2026-03-30",
            },
        });
        let at = format!("/draws/{}", app.post("office", "/draws", body).await.expect(201).id());
        // A seed serves one draw.
        let mut number = [0; 32];
        number[..8].copy_from_slice(&self.done.to_be_bytes());
        let officials = [("office", number, [101; 32]), ("leader", number, [102; 32])];
        for (who, seed, salt) in officials {
            let promise = json!({"commitment": commitment(&seed, &salt)});
            app.post(who, &format!("{at}/commitments"), promise).await.expect(201);
        }
        for (who, seed, salt) in officials {
            let shown = json!({"seed": hex(&seed), "salt": hex(&salt)});
            app.post(who, &format!("{at}/seeds"), shown).await.expect(200);
        }
        app.post("office", &format!("{at}/run"), json!({})).await.expect(200);
        app.post("office", &format!("{at}/inspections"), json!({})).await.expect(201);
    }

    /// A surprise campaign over both schools, in force or ended before anybody came.
    async fn campaign(&mut self, app: &TestApp) {
        self.done += 1;
        let people = ["inspector1", "inspector2", "external1"].map(user);
        let body = json!({
            "title": format!("突击排查{}", self.done), "kinds": ["unannounced", "special"], "campaign": true,
            "checklist_ids": [builtin::checklist_id("fang", 1)], "schools": {"under": org("a")},
            "inspectors": {"pool": people, "per_school": 2},
            "period": {"from": "2026-03-02", "to": "2026-03-30"},
        });
        let at = format!("/plans/{}", app.post("office", "/plans", body).await.expect(201).id());
        app.post("office", &format!("{at}/activate"), json!({})).await.expect(200);
        app.get("office", &format!("{at}/matrix")).await.expect(200);
        if self.source.below(2) == 0 {
            app.post("office", &format!("{at}/end"), json!({"reason": "另行安排"})).await.expect(200);
        }
    }

    /// Closed hazards are drawn, as long as there are any that no visit looks back at.
    async fn look_back(&mut self, app: &TestApp) {
        self.done += 1;
        let people = ["inspector2", "external1"].map(user);
        let body = json!({
            "sample": {"share_percent": 100, "min_days": 0}, "inspectors": {"pool": people, "per_school": 2},
        });
        let made = app.post("office", "/look-backs", body).await;
        if made.status == 201 {
            self.looked += 1;
            app.get("office", &format!("/look-backs/{}", made.id())).await.expect(200);
            let visit = made.body["rows"][0]["inspection_id"].as_str().unwrap();
            app.get("office", &format!("/inspections/{visit}/look-backs")).await.expect(200);
            if self.source.below(2) == 0 {
                app.post("office", &format!("/inspections/{visit}/void"), json!({"reason": "改期"})).await.expect(200);
            }
        } else {
            // Recused in the script, or all are being looked back at.
            assert!(matches!(made.expect(422).faults()[0].1.as_str(), "empty_pool" | "too_few_people"));
        }
    }

    /// The phone of one of the team fetches, and hands in what comes too early.
    async fn phone(&mut self, app: &TestApp) {
        self.done += 1;
        let who = ["inspector1", "inspector2", "external1"][self.source.below(3)];
        let device = format!("secret phone of {who}");
        app.post(who, "/sync/pull", json!({"device_id": device, "limit": 500})).await.expect(200);
        let id = TRUE_ID;
        let photo = json!({
            "sha256": hex(&[7; 32]), "bytes": 3, "media_type": "image/jpeg", "captured_at": "2026-03-02T08:00:00+08:00",
            "target": {"inspection_id": id, "item_code": "fang-001"},
        });
        let name = |part: &str| of(&format!("secret {part} {}", self.done), "a.s1");
        let ops = json!([
            {"seq": 2 * self.done - 1, "op_id": name("answer"), "kind": "inspection.answer", "id": id,
                "set": {"item_code": "fang-001", "result": "pass"}},
            {"seq": 2 * self.done, "op_id": name("photo"), "kind": "evidence.declare", "id": name("evidence"), "set": photo},
        ]);
        app.post(who, "/sync/push", json!({"device_id": device, "ops": ops})).await.expect(200);
        app.get("office", "/sync/quarantine?count=true").await.expect(200);
    }

    /// The team arrives.
    pub async fn arrive(&self, app: &TestApp, id: &str) {
        let visit = self.visits.iter().find(|visit| visit.id == id).unwrap();
        app.post(visit.team[1], &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
    }
}
