//! What people do on their phones, with or without a network: everything goes into the outbox.

use anxiao::platform::db::types::Timestamp;
use serde_json::{Value, json};

use super::sim::{ITEMS, Sim};
use crate::support::district::{org, user};

/// What may come after a state, and how somebody would ask for it.
fn next_actions(status: &str) -> &'static [&'static str] {
    match status {
        "registered" => &["issue", "issue", "issue", "void"],
        "issued" => &["acknowledge", "acknowledge", "acknowledge", "assign", "reject_assignment"],
        "rectifying" => &["report_done", "report_done", "assign", "reassign_due"],
        "awaiting_recheck" => &["pass", "return", "pass"],
        _ => &["reopen", "issue"],
    }
}

impl Sim {
    /// A device's clock, some minutes ago.
    fn then(&mut self, place: usize) -> Value {
        if self.dice.often(15) {
            return Value::Null;
        }
        let ago = self.dice.from(0, 3600);
        json!(Timestamp::from_micros(self.now() + (self.phones[place].skew - ago) * 1_000_000))
    }

    fn does(&mut self, place: usize, kind: &str, record: &str, set: Value, mut more: Value) -> String {
        let op_id = self.id();
        more["occurred_at"] = self.then(place);
        let (who, name) = (self.phones[place].who, self.phones[place].name);
        self.say(format!("{who}/{name} does {kind} {record} {set} {more} as {op_id}"));
        self.phones[place].does(op_id, kind, record, set, more)
    }

    /// Somebody does something.
    pub fn somebody_acts(&mut self) {
        let place = self.dice.below(self.phones.len());
        let inspector = self.phones[place].who.starts_with("inspector");
        match self.dice.below(100) {
            0..14 => drop(self.plans(place)),
            14..26 => self.visits_offline(place),
            26..48 if inspector => self.answers(place),
            26..48 => self.moves(place),
            48..58 => drop(self.reports(place)),
            58..70 => self.moves(place),
            70..80 => self.remarks(place),
            80..88 => self.photographs(place),
            88..92 => self.does_together(place),
            92..95 => self.waits_for_its_own(place),
            95..97 => self.misuses(place),
            _ => self.submits(place),
        }
    }

    fn school(&mut self, place: usize) -> &'static str {
        match self.phones[place].who {
            "officer1" => "a.s1",
            "officer2" => "a.s2",
            _ => self.dice.of(&["a.s1", "a.s1", "a.s2"]),
        }
    }

    /// Plans a visit; now and then a secret one.
    fn plans(&mut self, place: usize) -> (String, bool) {
        let school = self.school(place);
        let who = self.phones[place].who;
        let (kind, team) = match who {
            "officer1" | "officer2" => ("self_check", vec![user(who)]),
            "office" if self.dice.often(35) => ("unannounced", vec![user("inspector1"), user("inspector2")]),
            "supervisor" => ("supervision", vec![user("supervisor"), user("inspector1")]),
            _ => ("routine", vec![user("inspector1"), user("inspector2")]),
        };
        let id = if kind == "unannounced" { self.dice.hidden().to_string() } else { self.id() };
        let set = json!({"kind": kind, "org_id": org(school), "team": team, "checklist_ids": [self.checklist]});
        let op = self.does(place, "inspection.create", &id, set, json!({}));
        self.phones[place].visits.push((id.clone(), op));
        (id, who.starts_with("inspector"))
    }

    /// A whole visit without a network: planned, begun, answered, handed in.
    fn visits_offline(&mut self, place: usize) {
        let (visit, _) = self.plans(place);
        let needs = |sim: &mut Self| if sim.dice.often(80) { json!([visit]) } else { Value::Null };
        let more = json!({"needs": needs(self)});
        self.does(place, "inspection.check_in", &visit, json!({}), more);
        for code in ITEMS {
            let set = self.answer(place, &visit, code);
            let more = json!({"needs": needs(self), "base_version": 1});
            self.does(place, "inspection.answer", &visit, set, more);
        }
        if self.dice.often(60) {
            let more = json!({"needs": needs(self)});
            self.does(place, "inspection.submit", &visit, json!({}), more);
        }
    }

    /// A visit that the phone knows of and that its person is on.
    fn visit(&mut self, place: usize) -> Option<String> {
        let phone = &self.phones[place];
        let me = json!(user(phone.who));
        let mut known: Vec<String> = phone
            .rows("inspections")
            .filter(|row| matches!(row["status"].as_str(), Some("planned" | "in_progress")))
            .filter(|row| row["team"].as_array().is_some_and(|team| team.contains(&me)))
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        known.extend(phone.visits.iter().rev().take(2).map(|(id, _)| id.clone()));
        self.dice.pick(&known)
    }

    fn answer(&mut self, place: usize, visit: &str, code: &str) -> Value {
        let mut set = json!({"item_code": code});
        let fails = self.dice.often(25);
        if self.dice.often(85) {
            set["result"] = json!(if fails { "fail" } else { "pass" });
        }
        if fails || self.dice.often(30) || set["result"].is_null() {
            set["note"] = json!(format!("note {}", self.dice.below(1000)));
        }
        if fails && self.dice.often(70) {
            let photo = self.declares(place, json!({"inspection_id": visit, "item_code": code}), visit);
            set["evidence_ids"] = json!([photo]);
        }
        set
    }

    /// Begins and answers some of a visit.
    fn answers(&mut self, place: usize) {
        let Some(visit) = self.visit(place) else { return drop(self.plans(place)) };
        let planned =
            !self.phones[place].rows("inspections").any(|row| row["id"] == *visit && row["status"] == "in_progress");
        if planned {
            let more = json!({"needs": if self.dice.often(50) { json!([visit]) } else { Value::Null }});
            self.does(place, "inspection.check_in", &visit, json!({}), more);
        }
        for _ in 0..=self.dice.below(5) {
            let code = self.dice.of(&ITEMS);
            let set = self.answer(place, &visit, code);
            let seen = self.phones[place].answer_version(&visit, code);
            let base = if self.dice.often(85) { seen } else { Some(self.dice.from(1, 4)).filter(|_| seen.is_some()) };
            self.does(place, "inspection.answer", &visit, set, json!({"base_version": base}));
        }
        if self.dice.often(25) {
            self.does(place, "inspection.submit", &visit, json!({}), json!({}));
        }
    }

    fn submits(&mut self, place: usize) {
        if let Some(visit) = self.visit(place) {
            self.does(place, "inspection.submit", &visit, json!({"conclusion": "模拟"}), json!({}));
        }
    }

    fn reports(&mut self, place: usize) -> (String, String) {
        let school = self.school(place);
        let id = self.id();
        let source = if self.phones[place].who.starts_with("officer") { "self_check" } else { "referral" };
        let title = format!("隐患 {}", self.dice.below(10_000));
        let mut set = json!({
            "org_id": org(school), "category": "fang", "domain": "fire", "title": title, "description": "模拟",
            "source": source,
        });
        if self.dice.often(5) {
            set["category"] = json!("nonsense");
        }
        let op = self.does(place, "hazard.report", &id, set, json!({}));
        self.phones[place].hazards.push(id.clone());
        self.rumours.push(id.clone());
        (id, op)
    }

    /// A hazard that the phone knows of, made itself, or only heard of; with what must be there first.
    fn hazard(&mut self, place: usize) -> Option<(String, String, Value, Option<i64>)> {
        let phone = &self.phones[place];
        let late = self.late_hazard.clone();
        let seen: Vec<(String, String, Option<i64>)> = phone
            .rows("hazards")
            .map(|row| {
                (
                    row["id"].as_str().unwrap().to_owned(),
                    row["status"].as_str().unwrap().to_owned(),
                    row["version"].as_i64(),
                )
            })
            .filter(|(id, ..)| *id != late)
            .collect();
        let own = phone.hazards.clone();
        match self.dice.below(10) {
            0..7 => self.dice.pick(&seen).map(|(id, status, version)| (id, status, Value::Null, version)),
            7..9 => self.dice.pick(&own).map(|id| (id.clone(), "registered".to_owned(), json!([id]), None)),
            _ => {
                let rumours = self.rumours.clone();
                self.dice.pick(&rumours).map(|id| (id.clone(), "registered".to_owned(), json!([id]), None))
            }
        }
    }

    /// Takes a hazard a step on.
    fn moves(&mut self, place: usize) {
        let Some((id, status, needs, version)) = self.hazard(place) else { return drop(self.reports(place)) };
        let who = self.phones[place].who;
        let action = self.dice.of(next_actions(&status));
        let now = self.now();
        let due = |days: i64| json!(Timestamp::from_micros(now + days * 86_400_000_000));
        let mut set = json!({"action": action});
        let more = match action {
            "issue" => json!({"level": "general"}),
            "void" | "reject_assignment" => json!({"reason": "误报"}),
            "assign" => json!({"responsible_user_id": user("staff1")}),
            "reassign_due" | "return" | "reopen" => json!({"reason": "再看", "due_at": due(20)}),
            "report_done" => json!({"measures_taken": "已拆除", "evidence_ids": []}),
            "pass" => json!({"opinion": "已整改", "recheckers": [user(who)], "on_site": true}),
            _ => json!({}),
        };
        set.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let base = version.filter(|_| self.dice.often(60));
        self.does(place, "hazard.transition", &id, set, json!({"needs": needs, "base_version": base}));
    }

    fn remarks(&mut self, place: usize) {
        let Some((hazard, _, needs, _)) = self.hazard(place) else { return drop(self.reports(place)) };
        let id = self.id();
        let text = format!("留言 {}", self.dice.below(10_000));
        self.does(place, "comment.add", &id, json!({"hazard_id": hazard, "text": text}), json!({"needs": needs}));
    }

    /// Declares a photo; its content is sent later.
    fn declares(&mut self, place: usize, target: Value, needs: &str) -> String {
        let id = self.id();
        let bytes = self.picture();
        let set = super::photos::declaration(&bytes, target);
        let needs = if self.dice.often(50) { json!([needs]) } else { Value::Null };
        self.does(place, "evidence.declare", &id, set, json!({"needs": needs}));
        self.phones[place].photos.push(super::phone::Photo { id: id.clone(), bytes, sent: false });
        id
    }

    fn photographs(&mut self, place: usize) {
        if self.dice.often(50)
            && let Some(visit) = self.visit(place)
        {
            let code = self.dice.of(&ITEMS);
            self.declares(place, json!({"inspection_id": visit, "item_code": code}), &visit);
        } else if let Some((hazard, ..)) = self.hazard(place) {
            self.declares(place, json!({"hazard_id": hazard, "round": 1, "role": "before"}), &hazard);
        }
    }

    /// A set of operations that is all or nothing; now and then one of them cannot be done.
    fn does_together(&mut self, place: usize) {
        let group = format!("together {}", self.dice.below(1_000_000));
        let from = self.phones[place].log.len();
        let (hazard, _) = self.reports(place);
        let (remark, bad) = (self.id(), self.dice.often(45));
        let on = if bad { self.id() } else { hazard.clone() };
        self.does(place, "comment.add", &remark, json!({"hazard_id": on, "text": "同时"}), json!({}));
        let (second, _) = self.reports(place);
        let needs = if self.dice.often(30) { json!([hazard]) } else { Value::Null };
        self.does(
            place,
            "comment.add",
            &self.id_of(&second),
            json!({"hazard_id": second, "text": "再"}),
            json!({"needs": needs}),
        );
        for one in &mut self.phones[place].log[from..] {
            one.body["group"] = json!(group);
            one.group = Some(group.clone());
        }
    }

    fn id_of(&self, text: &str) -> String {
        // Any id that follows from another one: the same in every run of the seed.
        anxiao::platform::ids::built_in(&format!("simulator remark {text}")).to_string()
    }

    /// An operation that needs another one of the same phone, whichever of them arrives first.
    fn waits_for_its_own(&mut self, place: usize) {
        let hazard = self.id();
        let remark = self.id();
        let school = self.school(place);
        let source = if self.phones[place].who.starts_with("officer") { "self_check" } else { "referral" };
        let first = self.id();
        let text = json!({"hazard_id": hazard, "text": "先到"});
        self.does(place, "comment.add", &remark, text, json!({"needs": [first]}));
        let set = json!({
            "org_id": org(school), "category": "fang", "domain": "fire", "title": "后到", "description": "x", "source": source,
        });
        let occurred = self.then(place);
        let phone = &mut self.phones[place];
        phone.does(first, "hazard.report", &hazard, set, json!({"occurred_at": occurred}));
        phone.hazards.push(hazard);
    }

    fn misuses(&mut self, place: usize) {
        let acked: Vec<usize> =
            (0..self.phones[place].log.len()).filter(|one| self.phones[place].log[*one].acked).collect();
        if let Some(one) = self.dice.pick(&acked) {
            self.say(format!("{} uses the id of operation {one} again", self.phones[place].name));
            self.phones[place].misuses(one);
        }
    }
}
