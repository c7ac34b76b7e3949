//! What goes wrong, or just happens, elsewhere: rights move, servers stop, commits fail, time passes, people decide.

use anxiao::platform::db::schema::{events, memberships, sessions, users};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::ids::built_in;
use anxiao::platform::journal::epoch;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use super::sim::{Backup, Sim};
use crate::support::Engine;
use crate::support::district::{org, user};
use crate::support::program::command;

/// Whose rights move, and what they are given.
const MOVING: [(&str, &[(&str, &str)]); 3] = [
    ("inspector2", &[("a", "inspector"), ("a.s2", "school_staff")]),
    ("supervisor", &[("a.cluster", "supervisor"), ("a.s2", "supervisor"), ("a", "supervisor")]),
    ("officer2", &[("a.s2", "school_safety_officer"), ("a.s1", "school_safety_officer")]),
];

impl Sim {
    pub async fn weather(&mut self) {
        match self.dice.below(100) {
            0..22 => self.rights_move().await,
            22..34 => self.account_closes_or_opens().await,
            34..56 => self.office_decides().await,
            56..64 => self.office_edits().await,
            64..72 => self.team_changes().await,
            72..80 => self.late_writer(),
            80..86 => {
                self.say("the server restarts");
                self.count("restarts", 1);
                self.restart(|_, _| {}).await;
            }
            86..94 if self.app().engine == Engine::Sqlite => self.backup_or_restore().await,
            _ => {
                let days = self.dice.from(1, 9);
                self.say(format!("{days} days pass"));
                self.app().clock.advance(TimeDelta::days(days));
            }
        }
    }

    /// Whether somebody is signed in and has any role.
    pub fn may_sync(&mut self, who: &str) -> bool {
        let disabled: Option<Timestamp> =
            users::table.find(user(who)).select(users::disabled_at).first(self.conn()).unwrap();
        let roles: i64 = memberships::table
            .filter(memberships::user_id.eq(user(who)))
            .filter(memberships::ended_at.is_null())
            .count()
            .get_result(self.conn())
            .unwrap();
        disabled.is_none() && roles > 0
    }

    async fn rights_move(&mut self) {
        let (who, places) = self.dice.of(&MOVING);
        let held: Vec<Id> = memberships::table
            .filter(memberships::user_id.eq(user(who)))
            .filter(memberships::ended_at.is_null())
            .order(memberships::id)
            .select(memberships::id)
            .load(self.conn())
            .unwrap();
        let path = format!("/users/{}/memberships", user(who));
        self.count("rights", 1);
        if held.len() > 1 || (!held.is_empty() && self.dice.often(50)) {
            let gone = self.dice.of(&held);
            let answer = self.call("office", Method::DELETE, &format!("{path}/{gone}"), None).await;
            self.say(format!("{who} loses a role: {}", answer.status));
        } else {
            let (place, role) = self.dice.of(places);
            let answer = self.post("office", &path, json!({"org_id": org(place), "role": role})).await;
            self.say(format!("{who} becomes {role} of {place}: {}", answer.status));
        }
    }

    async fn account_closes_or_opens(&mut self) {
        let who = self.dice.of(&["inspector2", "officer2", "supervisor"]);
        let closed: Option<Timestamp> =
            users::table.find(user(who)).select(users::disabled_at).first(self.conn()).unwrap();
        let word = if closed.is_some() { "enable" } else { "disable" };
        let answer = self.post("sysadmin", &format!("/users/{}/{word}", user(who)), json!({})).await;
        self.say(format!("{word} {who}: {}", answer.status));
        self.count("accounts", 1);
        if word == "enable" && answer.status == 200 {
            self.sign_in(who);
        }
    }

    /// A session of its own for somebody whose sessions ended.
    fn sign_in(&mut self, who: &'static str) {
        let step = self.step;
        let id = built_in(&format!("simulator session {who} {step} {}", self.now()));
        let now = Timestamp::from_micros(self.now());
        diesel::insert_into(sessions::table)
            .values((
                (sessions::id.eq(id), sessions::user_id.eq(user(who)), sessions::created_at.eq(now)),
                (sessions::last_used_at.eq(now), sessions::expires_at.eq(now + TimeDelta::days(365))),
            ))
            .execute(self.conn())
            .unwrap();
        self.sessions.insert(who, id);
    }

    /// The office has something done after all that was kept, or lets it be.
    async fn office_decides(&mut self) {
        let open: Vec<(super::oracle::Key, String, String)> = self
            .oracle
            .acks
            .iter()
            .filter(|(_, ack)| !ack.accepted && ack.who != "office")
            .filter_map(|(key, ack)| Some((key.clone(), ack.status.clone(), ack.kept_as.clone()?)))
            .collect();
        let Some((key, status, id)) = self.dice.pick(&open) else { return };
        let yes = self.dice.often(70);
        let (path, body) = match (status.as_str(), yes) {
            ("conflict", true) => (format!("/sync/conflicts/{id}/resolve"), json!({"keep": "device"})),
            ("conflict", false) => (format!("/sync/conflicts/{id}/resolve"), json!({"keep": "server"})),
            (_, true) => (format!("/sync/quarantine/{id}/accept"), json!({})),
            (_, false) => (format!("/sync/quarantine/{id}/dismiss"), json!({"reason": "模拟"})),
        };
        let answer = self.post("office", &path, body).await;
        self.say(format!("the office decides {} ({status}, {yes}): {}", key.1, answer.status));
        self.count("decisions", 1);
        assert!(answer.status < 500, "a decision ended with {}: {}", answer.status, answer.text);
        if answer.status == 200 && yes {
            let ack = &self.oracle.acks[&key];
            let answered =
                (ack.kind() == "inspection.answer").then(|| (ack.record(), ack.body["set"]["item_code"].clone()));
            let version = match answered {
                Some((visit, code)) => self.answer_version(&visit, code.as_str().unwrap()),
                None => None,
            };
            let ack = self.oracle.acks.get_mut(&key).unwrap();
            (ack.accepted, ack.late, ack.version) = (true, true, version);
        }
    }

    fn answer_version(&mut self, visit: &str, code: &str) -> Option<i64> {
        use anxiao::platform::db::schema::answers;
        let visit: Id = visit.parse().unwrap();
        let found = answers::table.filter(answers::inspection_id.eq(visit)).filter(answers::item_code.eq(code));
        found.select(answers::version).first(self.conn()).optional().unwrap()
    }

    async fn office_edits(&mut self) {
        let rows = self.get("office", "/hazards?limit=50").await.expect(200).rows();
        let late = self.late_hazard.clone();
        let rows: Vec<Value> = rows.into_iter().filter(|row| row["id"] != late.as_str()).collect();
        let Some(row) = self.dice.pick(&rows) else { return };
        let title = format!("改 {}", self.dice.below(1000));
        let answer =
            self.change(&format!("/hazards/{}", row["id"].as_str().unwrap()), &row, json!({"title": title})).await;
        self.say(format!("the office edits {}: {answer}", row["id"]));
    }

    async fn change(&self, path: &str, row: &Value, body: Value) -> u16 {
        let request = self.app().request("", Method::PATCH, path).bearer_auth(self.token("office"));
        let request = request.header("if-match", format!("\"{}\"", row["version"])).json(&body);
        self.app().send(request).await.status
    }

    /// A planned visit gets another team: who is off it loses its answers.
    async fn team_changes(&mut self) {
        let rows = self.get("office", "/inspections?status=planned&limit=50").await.expect(200).rows();
        let rows: Vec<Value> = rows.into_iter().filter(|row| row["kind"] == "routine").collect();
        let Some(row) = self.dice.pick(&rows) else { return };
        let mut team = vec![user("inspector1"), user("inspector2"), user("office")];
        team.remove(self.dice.below(3));
        let path = format!("/inspections/{}", row["id"].as_str().unwrap());
        let status = self.change(&path, &row, json!({"team": team})).await;
        self.say(format!("another team for {}: {status}", row["id"]));
    }

    /// Somebody whose transaction commits later than those that began after it. SQLite has one writer at a time.
    fn late_writer(&mut self) {
        if self.app().engine == Engine::Sqlite {
            return;
        }
        if let Some(mut conn) = self.late.take() {
            self.say("the late writer commits");
            return conn.batch_execute("COMMIT").unwrap();
        }
        self.say("a writer begins who commits late");
        self.count("late writers", 1);
        let (id, at) = (self.late_hazard.clone(), Timestamp::from_micros(self.now()));
        let title = self.dice.below(100_000);
        let mut conn = self.app().connect();
        conn.batch_execute(&format!(
            "BEGIN; SET idle_in_transaction_session_timeout = 0; \
             UPDATE hazards SET title = 'late {title}', version = version + 1 WHERE id = '{id}'; \
             INSERT INTO events (epoch, stream, entity, entity_id, action, at, payload, content_hash) \
             VALUES (1, 'open', 'hazard', '{id}', 'late', '{}', '{{}}', '\\x00')",
            at.utc().to_rfc3339()
        ))
        .unwrap();
        self.late = Some(conn);
    }

    pub fn commit_late(&mut self) {
        if self.late.is_some() {
            self.late_writer();
        }
    }

    pub fn epoch_in_force(&mut self) -> String {
        epoch::current(self.conn()).unwrap().id.to_string()
    }

    async fn backup_or_restore(&mut self) {
        if self.backup.is_none() || self.dice.often(30) {
            let file = self.app().folder().join(format!("backup-{}.db", self.step));
            let words = ["backup", "--to", file.to_str().unwrap()];
            let said = command(self.app().folder(), &self.app().url, &words).output().unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            self.say("a backup is made");
            self.count("backups", 1);
            self.backup = Some(Backup { file, oracle: self.oracle.clone() });
            return;
        }
        let Some(backup) = self.backup.take() else { return };
        self.say("the backup is restored: a new epoch");
        self.count("restores", 1);
        let words = ["restore".to_owned(), "--from".to_owned(), backup.file.to_string_lossy().into_owned()];
        self.restart(|folder, url| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            // The lanes of the server that stopped may take a moment to close the database.
            for turn in 0..50 {
                let said = command(folder, url, &words).output().unwrap();
                if said.status.success() {
                    return;
                }
                let why = String::from_utf8_lossy(&said.stderr).into_owned();
                assert!(why.contains("in use") && turn < 49, "{why}");
                std::thread::sleep(std::time::Duration::from_millis(40));
            }
        })
        .await;
        self.oracle = backup.oracle;
        let before = std::mem::replace(&mut self.oracle.epoch, String::new());
        self.oracle.epoch = self.epoch_in_force();
        assert_ne!(before, self.oracle.epoch, "a restore begins another epoch");
        for who in ["inspector2", "officer2", "supervisor"] {
            if self.sessions.contains_key(who) {
                self.sign_in(who);
            }
        }
    }

    /// Lays a trap into the database: while it is armed, every commit that brings a new operation fails.
    pub fn set_trap(&mut self) {
        let sql = if self.app().engine == Engine::Sqlite {
            "CREATE TABLE sim_trap (armed INTEGER); CREATE TABLE sim_nobody (id INTEGER PRIMARY KEY); \
             CREATE TABLE sim_victim (id INTEGER REFERENCES sim_nobody (id) DEFERRABLE INITIALLY DEFERRED); \
             CREATE TRIGGER sim_fail AFTER INSERT ON sync_ops WHEN EXISTS (SELECT 1 FROM sim_trap) \
             BEGIN INSERT INTO sim_victim VALUES (1); END;"
        } else {
            "CREATE TABLE sim_trap (armed INTEGER); \
             CREATE FUNCTION sim_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF EXISTS (SELECT 1 FROM sim_trap) THEN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END IF; \
             RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER sim_fail AFTER INSERT ON sync_ops DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION sim_fail();"
        };
        self.conn().batch_execute(sql).unwrap();
    }

    pub fn arm(&mut self, armed: bool) {
        let sql = if armed { "INSERT INTO sim_trap VALUES (1)" } else { "DELETE FROM sim_trap" };
        self.conn().batch_execute(sql).unwrap();
        if armed {
            self.count("failed commits", 1);
        }
        self.trapped = armed;
    }

    /// Whether the journal holds an entry; for people who look at it in a debugger.
    pub fn events_of(&mut self, entity: &str, action: &str) -> Vec<Id> {
        events::table
            .filter(events::entity.eq(entity))
            .filter(events::action.eq(action))
            .select(events::entity_id)
            .load(self.conn())
            .unwrap()
    }
}
