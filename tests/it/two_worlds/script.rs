//! What the people of the schools do: the same in both worlds.

use std::collections::{BTreeMap, BTreeSet};

use anxiao::access::policy::cell;
use anxiao::access::{Permission, Role};
use anxiao::catalogue::builtin;
use anxiao::platform::db::Conn;
use anxiao::platform::http::openapi::PERMISSION;
use anxiao::platform::ids::built_in;
use serde_json::{Value, json};

use super::calls::{namesake, own_check, phone, walk};
use super::pair::{TRUE_ID, VOID_ID};
use crate::matrix::row::{Ask, Case, Row};
use crate::matrix::rows;
use crate::matrix::world::{ABSENT, Place, hazard};
use crate::support::district::{PASSWORD, org, user};
use crate::support::{Answer, TestApp};

/// Who of a school, and of which. `double` is an inspector of the bureau as well.
pub const PEOPLE: &[(&str, Place)] = &[
    ("principal1", "a.s1"),
    ("officer1", "a.s1"),
    ("staff1", "a.s1"),
    ("double", "a.s1"),
    ("principal2", "a.s2"),
    ("officer2", "a.s2"),
];
/// Most ids in one request that are replaced in turn.
const SPOTS: usize = 5;

/// Choices that follow from a seed alone (SplitMix64).
pub struct Source(u64);

impl Source {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    /// Another one that shares nothing with this.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = self.below(last + 1);
            all.swap(last, other);
        }
    }
}

/// What a step does with the good request of its row.
#[derive(Debug, Clone)]
pub enum Way {
    /// As it is.
    Plain,
    /// With one of its ids replaced by the id of a secret visit.
    Probe(usize, &'static str),
    /// With this query.
    Query(String),
    /// All pages, two rows each, counted.
    Walk,
    /// Again with the `ETag` of the answer.
    Again,
}

/// One step.
#[derive(Debug)]
pub enum Step {
    /// An operation of the document.
    Row { row: usize, who: &'static str, place: Place, way: Way },
    /// A call that needs no sign-in.
    Public(&'static str),
    /// A hazard with the very id of a secret visit, and its history.
    Namesake(&'static str, &'static str),
    /// A self-check of the school's own from plan to submission.
    OwnCheck(&'static str),
    /// A phone that hands in operations on the very id of a secret visit and then fetches all there is, twice.
    Phone(&'static str, &'static str),
}

fn full_name(row: &Row) -> String {
    row.operation.replacen(' ', " /api/v1", 1)
}

/// A script for a seed, in an order of its own.
pub fn write(rows: &[Row], source: &mut Source) -> Vec<Step> {
    let document = serde_json::to_value(anxiao::openapi::document()).unwrap();
    let mut steps = Vec::new();
    let mut step = |row: usize, who, place, way| steps.push(Step::Row { row, who, place, way });
    for (number, row) in rows.iter().enumerate() {
        for (who, home) in PEOPLE {
            let own = if row.targets().contains(home) { *home } else { source.pick(row.targets()) };
            step(number, *who, own, Way::Plain);
            if source.below(3) == 0 {
                step(number, *who, source.pick(row.targets()), Way::Plain);
            }
        }
        for spot in 0..SPOTS {
            let (who, home) = source.pick(PEOPLE);
            let place = if row.targets().contains(&home) { home } else { source.pick(row.targets()) };
            let id = if spot % 3 == 2 { VOID_ID } else { TRUE_ID };
            step(number, who, place, Way::Probe(spot, id));
        }
        if !row.operation.starts_with("GET ") {
            continue;
        }
        for _ in 0..2 {
            let (who, home) = source.pick(PEOPLE);
            let place = if row.targets().contains(&home) { home } else { source.pick(row.targets()) };
            step(number, who, place, Way::Again);
        }
        let queries = queries(&document, row, source);
        let list = queries.iter().any(|query| query.starts_with("limit="));
        for query in queries {
            let (who, home) = source.pick(PEOPLE);
            let place = if row.targets().contains(&home) { home } else { source.pick(row.targets()) };
            step(number, who, place, Way::Query(query));
        }
        for (who, home) in PEOPLE.iter().filter(|_| list) {
            let place = if row.targets().contains(home) { *home } else { source.pick(row.targets()) };
            step(number, who, place, Way::Walk);
        }
    }
    steps.extend(rows::PUBLIC.iter().map(|operation| Step::Public(operation)));
    steps.extend(["officer1", "principal2", "principal1"].map(Step::OwnCheck));
    steps.extend([("officer1", TRUE_ID), ("principal2", VOID_ID)].map(|(who, id)| Step::Namesake(who, id)));
    let phones = PEOPLE.iter().flat_map(|(who, _)| [TRUE_ID, VOID_ID].map(|id| Step::Phone(who, id)));
    steps.extend(phones);
    source.shuffle(&mut steps);
    steps
}

/// Every query parameter that the document gives an operation, with good values and with the ids of secret visits.
fn queries(document: &Value, row: &Row, source: &mut Source) -> Vec<String> {
    let (_, path) = row.operation.split_once(' ').unwrap();
    let none = Vec::new();
    let parameters = document["paths"][format!("/api/v1{path}")]["get"]["parameters"].as_array().unwrap_or(&none);
    let names: BTreeMap<&str, &Value> = parameters
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| (parameter["name"].as_str().unwrap(), &parameter["schema"]))
        .collect();
    let count = if names.contains_key("count") { "&count=true" } else { "" };
    let mut all = Vec::new();
    for (name, schema) in &names {
        for value in values(document, name, schema, source) {
            all.push(format!("{name}={value}{}", if *name == "count" { "" } else { count }));
        }
    }
    all
}

fn values(document: &Value, name: &str, schema: &Value, source: &mut Source) -> Vec<String> {
    let target = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#")).and_then(|at| document.pointer(at));
    let schema = target.unwrap_or(schema);
    let words: Vec<String> =
        schema["enum"].as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect();
    if !words.is_empty() {
        return vec![words[source.below(words.len())].clone(), words[source.below(words.len())].clone()];
    }
    let day = ["from", "to"].contains(&name) || schema["format"] == "date";
    match (name, schema["type"].as_str().unwrap_or("")) {
        ("cursor", _) => vec!["x".into()],
        ("sort", _) => vec!["created_at".into(), "-created_at".into()],
        ("limit", _) => vec!["1".into(), "200".into()],
        ("due_before" | "due_after", _) => vec!["2026-03-05".into()],
        ("category", _) => vec!["fang".into()],
        ("domain", _) => vec!["fire".into()],
        ("item_code", _) => vec!["fang-001".into(), "m-1".into()],
        ("month", _) => vec!["2026-03".into()],
        _ if day => vec!["2026-03-01".into(), "2026-03-09".into()],
        (_, "boolean") => vec!["true".into(), "false".into()],
        (_, "integer" | "number") => vec!["1".into(), "2026".into()],
        _ if name.ends_with("id") || name == "under" || schema["format"] == "uuid" => {
            vec![org("a.s1").to_string(), org("a.s2").to_string(), TRUE_ID.into(), VOID_ID.into()]
        }
        _ => vec!["x".into(), TRUE_ID.into()],
    }
}

/// Where the ids stand in a text.
fn ids(text: &str) -> Vec<usize> {
    let is_id = |at: &usize| text.get(*at..*at + 36).is_some_and(|part| uuid::Uuid::try_parse(part).is_ok());
    (0..text.len()).filter(is_id).collect()
}

/// The request with its `nth` id replaced.
fn probed(ask: Ask, nth: usize, id: &str) -> Ask {
    let body = ask.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let (in_path, in_body) = (ids(&ask.path), ids(&body));
    let all = in_path.len() + in_body.len();
    if all == 0 {
        return ask;
    }
    let nth = nth % all;
    if let Some(at) = in_path.get(nth) {
        let mut path = ask.path.clone();
        path.replace_range(*at..at + 36, id);
        return Ask { path, ..ask };
    }
    let mut text = body;
    let at = in_body[nth - in_path.len()];
    text.replace_range(at..at + 36, id);
    Ask { body: serde_json::from_str(&text).unwrap(), ..ask }
}

impl Step {
    /// `METHOD path`, as in the document.
    pub fn operation(&self, rows: &[Row]) -> String {
        match self {
            Self::Row { row, .. } => full_name(&rows[*row]),
            Self::Public(operation) => (*operation).to_owned(),
            Self::OwnCheck(_) => "POST /api/v1/inspections".to_owned(),
            Self::Namesake(..) => "POST /api/v1/hazards".to_owned(),
            Self::Phone(..) => "POST /api/v1/sync/push".to_owned(),
        }
    }

    /// Who takes it.
    pub const fn who(&self) -> &'static str {
        match self {
            Self::Row { who, .. } | Self::OwnCheck(who) | Self::Namesake(who, _) | Self::Phone(who, _) => who,
            Self::Public(_) => "nobody",
        }
    }

    /// What kind of step it is, for failures.
    pub fn label(&self) -> String {
        match self {
            Self::Row { way, place, .. } => format!("{way:?} at {place}"),
            Self::Public(_) => "public".into(),
            Self::OwnCheck(_) => "own self-check".into(),
            Self::Namesake(..) => "a namesake of a secret visit".into(),
            Self::Phone(..) => "a phone".into(),
        }
    }

    /// The request, its target put into a state for it.
    pub fn request(&self, conn: &mut Conn, number: usize, rows: &[Row]) -> Ask {
        match self {
            Self::Row { row, who, place, way } => {
                let ask = (rows[*row].ask)(&mut Case { conn, who, place, number });
                match way {
                    Way::Plain | Way::Again => ask,
                    Way::Probe(nth, id) => probed(ask, *nth, id),
                    Way::Query(query) => Ask { path: format!("{}?{query}", bare(&ask.path)), ..ask },
                    Way::Walk => Ask { path: format!("{}?limit=2&count=true", bare(&ask.path)), ..ask },
                }
            }
            Self::Public(operation) => {
                let (_, path) = operation.split_once(' ').unwrap();
                let body = match path {
                    "/api/v1/auth/login" => Some(json!({"username": "principal1", "password": PASSWORD})),
                    "/api/v1/auth/refresh" => Some(json!({"refresh_token": "x"})),
                    _ => None,
                };
                Ask { path: format!("/{path}"), body, ..Ask::default() }
            }
            Self::Namesake(who, id) => {
                let school = PEOPLE.iter().find(|one| one.0 == *who).unwrap().1;
                let body = hazard(id.parse().unwrap(), school, "self_check");
                Ask { path: "/hazards".into(), body: Some(body), ..Ask::default() }
            }
            Self::Phone(who, id) => {
                let op = |seq: usize, kind: &str, set: Value, needs: Value| {
                    json!({
                        "seq": seq, "op_id": built_in(&format!("phone {number} {seq}")), "kind": kind, "id": id,
                        "set": set, "needs": needs,
                    })
                };
                let remark = built_in(&format!("phone {number} remark"));
                let mut needy = op(4, "comment.add", json!({"hazard_id": id, "text": "x"}), json!([id]));
                needy["id"] = json!(remark);
                let ops = [
                    op(1, "inspection.check_in", json!({}), json!([])),
                    op(2, "inspection.answer", json!({"item_code": "fang-001", "result": "pass"}), json!([])),
                    op(3, "inspection.submit", json!({}), json!([])),
                    needy,
                ];
                let body = json!({"device_id": format!("phone {number} of {who}"), "ops": ops});
                Ask { path: "/sync/push".into(), body: Some(body), ..Ask::default() }
            }
            Self::OwnCheck(who) => {
                let school = PEOPLE.iter().find(|one| one.0 == *who).unwrap().1;
                let fang = builtin::checklist_id("fang", 1);
                let body = json!({
                    "id": built_in(&format!("own check {number}")), "kind": "self_check", "org_id": org(school),
                    "checklist_ids": [fang], "team": [user(who)],
                });
                Ask { path: "/inspections".into(), body: Some(body), ..Ask::default() }
            }
        }
    }

    /// Sends it; every answer it brings, in order.
    pub async fn send(&self, app: &TestApp, ask: &Ask, rows: &[Row]) -> Vec<Answer> {
        match self {
            Self::Row { row, who, way, .. } => {
                let first = app.send(rows[*row].request(app, who, ask)).await;
                match way {
                    Way::Walk => walk(app, who, ask, first).await,
                    Way::Again => {
                        let request = rows[*row].request(app, who, ask);
                        let second = app.send(request.header("if-none-match", first.header("etag"))).await;
                        vec![first, second]
                    }
                    _ => vec![first],
                }
            }
            Self::Public(operation) => {
                let (method, _) = operation.split_once(' ').unwrap();
                let mut request = app.request("", method.parse().unwrap(), &ask.path);
                if let Some(body) = &ask.body {
                    request = request.json(body);
                }
                vec![app.send(request).await]
            }
            Self::OwnCheck(who) => own_check(app, who, ask).await,
            Self::Phone(who, _) => phone(app, who, ask).await,
            Self::Namesake(who, id) => namesake(app, who, id, ask).await,
        }
    }
}

fn bare(path: &str) -> &str {
    path.split('?').next().unwrap()
}

/// Every operation that a role of a school may call, by the document and the permission table, was called.
pub fn every_operation_of_a_school_was_called(called: &BTreeSet<String>) {
    let document = serde_json::to_value(anxiao::openapi::document()).unwrap();
    let schools: Vec<Role> = Role::ALL.iter().copied().filter(|role| role.is_school_side()).collect();
    let mut left_out = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let named = operation[PERMISSION].as_str().unwrap_or("");
            let may = named.split(['|', ',']).map(str::trim).any(|name| match Permission::parse(name) {
                Some(permission) => schools.iter().any(|role| cell(*role, permission).is_some()),
                None => true,
            });
            let name = format!("{} {path}", method.to_uppercase());
            if may && !called.contains(&name) {
                left_out.push(name);
            }
        }
    }
    assert!(left_out.is_empty(), "no step of the script calls {left_out:?}; add rows to tests/it/matrix/rows");
}

/// Nothing but the places of the district is aimed at.
#[test]
fn steps_aim_at_places_that_exist_or_at_none() {
    let rows = rows::all();
    let steps = write(&rows, &mut Source::new(7));
    assert!(steps.len() > 500);
    let aims = |step: &Step| matches!(step, Step::Row { place, .. } if *place == ABSENT);
    assert!(steps.iter().any(aims) && !steps.iter().all(aims));
}
