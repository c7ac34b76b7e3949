//! Random people doing random things to a few hazards through the front door, and what must hold after each of them.

use std::collections::{BTreeMap, BTreeSet};

use anxiao::access::Role;
use anxiao::hazards::status::{Action, Level, Status};
use anxiao::hazards::store::{Round, Row};
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{hazard_counters, hazard_people, hazard_rounds, hazards, memberships};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::statistics::counters::{FULL, Figures};
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::district::{org, start_time, user};
use crate::support::{Answer, TestApp};

/// The walks. A failure names its seed; the same seed walks the same way.
const SEEDS: &[u64] = &[1, 20260302, 640104, 7, 99];
const STEPS: usize = 60;

/// Everybody with a part in the loop. `inspector2` is also an officer of the school.
const PEOPLE: &[&str] =
    &["leader", "office", "section.fire", "supervisor", "inspector1", "inspector2", "principal1", "officer1", "staff1"];

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(n).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn often(&mut self, in_ten: usize) -> bool {
        self.below(10) < in_ten
    }
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// A body for an action, mostly a good one.
fn body(dice: &mut Dice, app: &TestApp, who: &str, action: Action) -> Value {
    let now: Timestamp = anxiao::platform::clock::Clock::now(app.clock.as_ref());
    let later = now + TimeDelta::days(if dice.often(9) { 10 } else { -1 });
    let person = user(dice.pick(&["staff1", "staff1", "officer1", "principal1", "officer2", "inspector1"]));
    match action {
        Action::Issue | Action::Regrade => {
            let level = dice.pick(Level::ALL);
            let mut body = json!({"action": action, "level": level});
            if dice.often(8) {
                body["basis"] = json!("判定指南第三条");
            }
            if level == Level::Major && dice.often(5) {
                body["determination"] = json!("combined");
            }
            if action == Action::Regrade {
                body["reason"] = json!("重新判定");
            } else if dice.often(3) {
                body["due_at"] = json!(later);
            }
            body
        }
        Action::Assign => json!({"action": action, "responsible_user_id": person}),
        Action::Acknowledge => json!({"action": action}),
        Action::FilePlan => json!({
            "action": action, "measures": "更换", "responsible_user_id": user("staff1"), "leader_user_id": user("principal1"),
            "budget_fen": 100, "due_at": later, "contingency": "专人值守",
        }),
        Action::ReportDone => json!({"action": action, "measures_taken": "已更换", "evidence_ids": []}),
        Action::Pass => {
            let mut people = BTreeSet::new();
            if dice.often(9) {
                people.insert(user(who));
            }
            for _ in 0..dice.below(3) {
                people.insert(user(dice.pick(&[
                    "inspector1",
                    "inspector2",
                    "office",
                    "supervisor",
                    "officer1",
                    "leader",
                ])));
            }
            if people.is_empty() {
                people.insert(user("office"));
            }
            json!({"action": action, "opinion": "已到位", "recheckers": people, "on_site": dice.often(7)})
        }
        Action::Approve => json!({"action": action, "opinion": "同意"}),
        Action::Return | Action::ReassignDue | Action::Reopen => {
            json!({"action": action, "reason": "未到位", "due_at": later})
        }
        Action::RejectAssignment | Action::Void => json!({"action": action, "reason": "不属本校"}),
    }
}

/// What may stand in the way of an action that was open, because of its body.
fn by_body(action: Action) -> &'static [&'static str] {
    match action {
        Action::Issue => &["needs_bureau", "basis_missing"],
        Action::Regrade => &["basis_missing"],
        Action::Pass => &[
            "not_a_rechecker",
            "same_person",
            "needs_bureau",
            "needs_two_recheckers",
            "needs_on_site",
            "no_second_person",
        ],
        _ => &[],
    }
}

/// One try, judged against what the record said beforehand. Whether it moved.
async fn one(app: &TestApp, about: &str, who: &str, before: &Answer, id: &str, body: &Value) -> bool {
    let answer = app.post(who, &format!("/hazards/{id}/transitions"), body.clone()).await;
    let about = format!("{about}: {who} {body} → {} {}", answer.status, answer.text);
    let action = body["action"].as_str().unwrap();
    if before.status == 404 {
        assert!(matches!(answer.status, 403 | 404), "{about}");
        return false;
    }
    judge(&about, &before.body, action, &answer, &answer.body)
}

fn judge(about: &str, before: &Value, action: &str, answer: &Answer, problem: &Value) -> bool {
    let open = words(&before["allowed_actions"]);
    let closed: BTreeMap<String, Vec<String>> = before["refused_actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["action"].as_str().unwrap().to_owned(), words(&one["reasons"])))
        .collect();
    assert_eq!(open.len() + closed.len(), Action::ALL.len(), "{about}");
    assert!(open.iter().all(|one| !closed.contains_key(one)), "{about}");
    match answer.status {
        200 => {
            assert!(open.iter().any(|one| one == action), "{about} was not open: {open:?}");
            assert_eq!(answer.body["version"].as_i64(), before["version"].as_i64().map(|old| old + 1), "{about}");
            true
        }
        409 => {
            let told: Vec<String> = problem["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["code"].as_str().unwrap().to_owned())
                .collect();
            match closed.get(action) {
                Some(reasons) => assert!(reasons.iter().all(|one| told.contains(one)), "{about}: {reasons:?}"),
                None => {
                    let mine = by_body(Action::parse(action).unwrap());
                    assert!(told.iter().all(|one| mine.contains(&one.as_str())), "{about} was open");
                }
            }
            false
        }
        // No permission of this person opens the action at all.
        403 => {
            assert!(closed.contains_key(action), "{about} was open");
            false
        }
        // A person named who is not there, or not of this school; a deadline in the past.
        404 | 422 => false,
        _ => panic!("{about}"),
    }
}

/// The whole of what was promised, for one hazard as it now is.
async fn promises(app: &TestApp, conn: &mut Conn, about: &str, id: &str) {
    let row: Row = hazards::table.find(id.parse::<Id>().unwrap()).select(Row::as_select()).first(conn).unwrap();
    let rounds: Vec<Round> = hazard_rounds::table
        .filter(hazard_rounds::hazard_id.eq(row.id))
        .order(hazard_rounds::round)
        .select(Round::as_select())
        .load(conn)
        .unwrap();
    let history = app.get("leader", &format!("/hazards/{id}/history")).await.expect(200).rows();
    assert_eq!(i64::try_from(history.len()).unwrap(), row.version, "{about}: one entry for each change");
    let mut replayed = Map::new();
    for entry in &history {
        let action = entry["action"].as_str().unwrap();
        assert!(entry["actor"].is_string() && entry["at"].is_string(), "{about}: {entry}");
        if matches!(action, "reject_assignment" | "return" | "regrade" | "reassign_due" | "void" | "reopen") {
            assert!(entry["payload"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{about}: {entry}");
        }
        replayed.extend(entry["payload"]["set"].as_object().unwrap().clone());
    }
    // What no entry says: who the row is, and who found it, which the school does not learn from the history.
    let silent = ["id", "version", "created_at", "updated_at", "created_by", "bureau_id", "org_id", "reported_by"];
    let nothing =
        |value: &Value| matches!(value, Value::Null | Value::Bool(false)) || *value == json!(0) || *value == json!([]);
    for (name, value) in serde_json::to_value(&row).unwrap().as_object().unwrap() {
        if !silent.contains(&name.as_str()) {
            let told = replayed.get(name).unwrap_or(&Value::Null);
            assert!(told == value || (nothing(told) && nothing(value)), "{about}: {name} is {value}, replayed {told}");
        }
    }
    let (rectifiers, recheckers): (Vec<Id>, Vec<Id>) = (row.rectifiers.read(), row.recheckers.read());
    assert!(recheckers.iter().all(|one| !rectifiers.contains(one)), "{about}: rechecked by who rectified");
    assert!(row.status != Status::AwaitingApproval || row.level == Level::Major, "{about}");
    if row.status.clock_runs() {
        let plan = row.level == Level::Major && row.plan.is_none();
        assert!(row.due_at.is_some() || plan, "{about}: a clock without end");
    }
    let told = rounds.iter().filter(|round| round.round == row.round).count();
    let waits = matches!(row.status, Status::AwaitingRecheck | Status::AwaitingApproval | Status::Closed);
    assert!(told == usize::from(waits) || row.status == Status::Void, "{about}: round {}", row.round);
    if row.status == Status::Closed {
        let last = rounds.last().unwrap();
        assert!(!rectifiers.contains(&row.closed_by.unwrap()), "{about}: closed by who rectified");
        assert_eq!(last.outcome.as_deref(), Some("passed"), "{about}");
        let people: i64 =
            hazard_people::table.filter(hazard_people::hazard_id.eq(row.id)).count().get_result(conn).unwrap();
        assert!(usize::try_from(people).unwrap() >= recheckers.len(), "{about}: a rechecker is forgotten");
        if row.level == Level::Major {
            assert!(recheckers.len() >= 2 && last.on_site == Some(true), "{about}: two recheckers on site");
            assert_eq!(row.approved_by, Some(user("leader")), "{about}: a leader");
            assert!(!recheckers.contains(&row.approved_by.unwrap()), "{about}");
            assert!(row.plan.is_some() && row.basis.is_some(), "{about}: plan and clause");
        }
    }
}

fn sum(all: impl Iterator<Item = Figures>) -> [i64; 9] {
    let mut sum = [0; 9];
    for one in all {
        let parts = [
            one.found,
            one.closed,
            one.on_spot,
            one.self_found,
            one.on_time,
            one.original_on_time,
            one.submissions,
            one.returns,
            one.duration_s,
        ];
        sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    sum
}

/// The counters of the bureau against a count over its rows.
pub fn recount(conn: &mut Conn, about: &str) {
    use hazard_counters as c;
    let rows: Vec<Row> =
        hazards::table.filter(hazards::bureau_id.eq(org("a"))).select(Row::as_select()).load(conn).unwrap();
    type Line = (i64, i64, i64, i64, i64, i64, i64, i64, i64);
    let kept: Vec<Line> = c::table
        .filter(c::scope_id.eq(org("a")))
        .filter(c::rollup.eq(FULL))
        .select((
            c::found,
            c::closed,
            c::on_spot,
            c::self_found,
            c::on_time,
            c::original_on_time,
            c::submissions,
            c::returns,
            c::duration_s,
        ))
        .load(conn)
        .unwrap();
    let kept = kept.into_iter().map(|one| Figures {
        found: one.0,
        closed: one.1,
        on_spot: one.2,
        self_found: one.3,
        on_time: one.4,
        original_on_time: one.5,
        submissions: one.6,
        returns: one.7,
        duration_s: one.8,
    });
    let counted = rows.iter().map(|row| row.contribution(chrono_tz::Asia::Shanghai).figures);
    assert_eq!(sum(kept), sum(counted), "{about}: counters");
}

async fn found(app: &TestApp) -> Vec<String> {
    let finding = |source: &str, level: &str| {
        json!({
            "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "出口上锁", "description": "铁链锁闭",
            "source": source, "level": level,
        })
    };
    let mut ids = Vec::new();
    for (who, source, level) in [
        ("officer1", "self_check", "general"),
        ("officer1", "patrol", "major"),
        ("inspector1", "routine", "general"),
        ("office", "complaint", "major"),
    ] {
        ids.push(app.post(who, "/hazards", finding(source, level)).await.expect(201).id());
    }
    ids
}

/// Who does what, and what that person saw of the hazard before: mostly something that is open and leads onward.
async fn choose(dice: &mut Dice, app: &TestApp, id: &str) -> (&'static str, Action, Answer) {
    let guided = dice.often(8);
    let mut who = dice.pick(PEOPLE);
    let mut seen = app.get(who, &format!("/hazards/{id}")).await;
    let aside = ["void", "reject_assignment", "regrade", "reassign_due", "assign"];
    for _ in 0..if guided { 6 } else { 0 } {
        if seen.status == 200 {
            let mut open = words(&seen.body["allowed_actions"]);
            open.retain(|one| !aside.contains(&one.as_str()) && (one != "file_plan" || seen.body["plan"].is_null()));
            if !open.is_empty() {
                let action = Action::parse(&open[dice.below(open.len())]).unwrap();
                return (who, action, seen);
            }
        }
        who = dice.pick(PEOPLE);
        seen = app.get(who, &format!("/hazards/{id}")).await;
    }
    (who, dice.pick(Action::ALL), seen)
}

/// One call for all hazards: each outcome is the one a single call would have had.
async fn together(dice: &mut Dice, app: &TestApp, conn: &mut Conn, about: &str, ids: &[String]) -> usize {
    let (who, action, _) = choose(dice, app, &ids[0]).await;
    let body = body(dice, app, who, action);
    let mut before = Vec::new();
    for id in ids {
        before.push(app.get(who, &format!("/hazards/{id}")).await);
    }
    let answer = app.post(who, "/hazards/bulk", json!({"ids": ids, "transition": body})).await;
    if matches!(answer.status, 403 | 422) {
        return 0;
    }
    let results = answer.expect(200).body["results"].as_array().unwrap().clone();
    let mut moved = 0;
    for ((id, before), result) in ids.iter().zip(before).zip(results) {
        let about = format!("{about}: all at once, {who} {body} → {result}");
        assert_eq!(result["id"], json!(id), "{about}");
        match result["status"].as_str().unwrap() {
            "applied" => {
                assert!(words(&before.body["allowed_actions"]).contains(&action.as_str().to_owned()), "{about}");
                promises(app, conn, &about, id).await;
                moved += 1;
            }
            "not_found" => assert_eq!(before.status, 404, "{about}"),
            _ => {
                let status = u16::try_from(result["problem"]["status"].as_u64().unwrap()).unwrap();
                let refused =
                    Answer { status, headers: before.headers.clone(), text: String::new(), body: Value::Null };
                judge(&about, &before.body, action.as_str(), &refused, &result["problem"]);
            }
        }
    }
    moved
}

both_engines! {
    async fn whatever_people_do_through_the_front_door_the_promises_hold(app) {
        let mut conn = app.connect();
        let now = Timestamp::from(start_time() - TimeDelta::days(30));
        diesel::insert_into(memberships::table)
            .values((
                memberships::id.eq(user("second hat")),
                memberships::created_at.eq(now),
                memberships::user_id.eq(user("inspector2")),
                memberships::bureau_id.eq(org("a")),
                memberships::org_id.eq(org("a.s1")),
                memberships::role.eq(Role::SchoolSafetyOfficer),
                memberships::valid_from.eq(now),
            ))
            .execute(&mut conn)
            .unwrap();
        let (mut moved, mut reached) = (0, BTreeSet::new());
        for seed in SEEDS {
            let mut dice = Dice(*seed);
            let ids = found(app).await;
            for step in 0..STEPS {
                let about = format!("seed {seed} step {step}");
                if dice.often(1) {
                    moved += together(&mut dice, app, &mut conn, &about, &ids).await;
                    recount(&mut conn, &about);
                    continue;
                }
                let id = &ids[dice.below(ids.len())];
                let (who, action, before) = choose(&mut dice, app, id).await;
                let body = body(&mut dice, app, who, action);
                app.clock.advance(TimeDelta::minutes(i64::try_from(dice.below(300)).unwrap()));
                if one(app, &about, who, &before, id, &body).await {
                    moved += 1;
                    promises(app, &mut conn, &about, id).await;
                    recount(&mut conn, &about);
                }
            }
            let states: Vec<String> =
                hazards::table.select(hazards::status).load(&mut conn).unwrap();
            reached.extend(states);
        }
        assert!(reached.iter().all(|one| Status::parse(one).is_some()), "{reached:?}");
        assert!(moved > SEEDS.len() * STEPS / 5, "only {moved} moves: the walks get nowhere");
        assert!(reached.contains("closed"), "no walk reached its end: {reached:?}");
    }
}
