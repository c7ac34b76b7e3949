//! A row of the matrix: one operation (or one action of `/transitions`), how to make a good request of it, and whom the
//! permission table lets do it where.

use anxiao::access::policy::cell;
use anxiao::access::{Limit, Permission, Role};
use anxiao::platform::db::Conn;
use anxiao::platform::db::types::Id;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::world::{ABSENT, Place, within};
use crate::support::TestApp;
use crate::support::district::{PEOPLE, user};

/// A request to be made.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Under `/api/v1`, with its query.
    pub path: String,
    /// The body as JSON.
    pub body: Option<Value>,
    /// The body as CSV.
    pub csv: Option<String>,
    /// The body as XLSX.
    pub xlsx: Option<Vec<u8>>,
    /// The body as a form: its media type and bytes.
    pub form: Option<(String, Vec<u8>)>,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
    /// Whatever version there is.
    pub any_version: bool,
    /// The version seen.
    pub version: Option<i64>,
    /// With this session rather than the usual one.
    pub session: Option<Id>,
}

/// Who asks for what, where.
pub struct Case<'a> {
    /// A connection of the test's own.
    pub conn: &'a mut Conn,
    /// Who asks.
    pub who: &'static str,
    /// Where it aims; `a` for what aims nowhere.
    pub place: Place,
    /// Differs from case to case, for what must be unique.
    pub number: usize,
}

/// What is to come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// 403: never a function of this role.
    Never,
    /// 404 with the bytes of an absent record.
    Gone,
    /// 403 although the record is in sight: beyond the limit of the role.
    Beyond,
    /// 403 with its own code: who reported is sealed to this role, wherever it asks.
    Sealed,
    /// 2xx.
    Done,
    /// 2xx, 409 or 422: in sight and the caller's function; the rules of the record decide.
    Judged,
}

/// One row.
pub struct Row {
    /// `POST /orgs/{id}/sites`, under `/api/v1`.
    pub operation: &'static str,
    /// Of `/transitions`; else empty.
    pub action: &'static str,
    /// Any of these opens it; none at all: everybody signed in.
    pub any_of: &'static [Permission],
    /// Where it can aim; nowhere when empty.
    pub places: &'static [Place],
    /// Whether a role at home there sees the target; the reach of `any_of` where nothing is said.
    pub sight: Option<fn(Role, Place, Place) -> bool>,
    /// What differs from the rule.
    pub but: Option<fn(Role, Place, Place) -> Option<Expect>>,
    /// The request is made such that the limits of roles allow it.
    pub within_limits: bool,
    /// Somebody of bureau `a` who can do it at `good_at`.
    pub by: &'static str,
    /// Where it succeeds: `a.s1`, or `a` for what aims at bureaus or nowhere.
    pub good_at: Option<Place>,
    /// Makes a good request, having put the target into a state for it.
    pub ask: fn(&mut Case<'_>) -> Ask,
}

/// A row that aims nowhere; the rest is added by the methods.
pub const fn row(operation: &'static str, any_of: &'static [Permission], ask: fn(&mut Case<'_>) -> Ask) -> Row {
    Row {
        operation,
        action: "",
        any_of,
        places: &[],
        sight: None,
        but: None,
        within_limits: false,
        by: "office",
        good_at: None,
        ask,
    }
}

impl Row {
    /// Where it aims.
    pub const fn at(mut self, places: &'static [Place]) -> Self {
        self.places = places;
        self
    }

    /// The action of `/transitions`.
    pub const fn action(mut self, action: &'static str) -> Self {
        self.action = action;
        self
    }

    /// Who sees the target.
    pub const fn seen(mut self, sight: fn(Role, Place, Place) -> bool) -> Self {
        self.sight = Some(sight);
        self
    }

    /// What differs from the rule.
    pub const fn but(mut self, but: fn(Role, Place, Place) -> Option<Expect>) -> Self {
        self.but = Some(but);
        self
    }

    /// The request keeps within the limits of the roles.
    pub const fn limits_met(mut self) -> Self {
        self.within_limits = true;
        self
    }

    /// Who can do it.
    pub const fn by(mut self, name: &'static str) -> Self {
        self.by = name;
        self
    }

    /// Where it succeeds.
    pub const fn good_at(mut self, place: Place) -> Self {
        self.good_at = Some(place);
        self
    }

    /// A good request, and the same of the other bureau.
    pub fn good(&self, conn: &mut Conn, number: usize) -> (Ask, Ask) {
        let ours = self.good_at.unwrap_or(if self.places.contains(&"a.s1") { "a.s1" } else { "a" });
        let theirs = if ours == "a" { "b" } else { "b.s1" };
        let theirs = (self.ask)(&mut Case { conn, who: self.by, place: theirs, number });
        ((self.ask)(&mut Case { conn, who: self.by, place: ours, number }), theirs)
    }

    /// Its name in failures.
    pub fn name(&self) -> String {
        format!("{} {}", self.operation, self.action)
    }

    /// The places, at least one.
    pub fn targets(&self) -> &'static [Place] {
        if self.places.is_empty() { &["a"] } else { self.places }
    }

    /// What the permission table says.
    pub fn expect(&self, role: Role, home: Place, place: Place) -> Expect {
        let held: Vec<Limit> = self.any_of.iter().filter_map(|permission| cell(role, *permission)).collect();
        if held.is_empty() && !self.any_of.is_empty() {
            return Expect::Never;
        }
        if let Some(other) = self.but.and_then(|but| but(role, home, place)) {
            return other;
        }
        if !self.places.is_empty() {
            let seen = self.sight.map_or_else(|| within(home, place), |sight| sight(role, home, place));
            if place == ABSENT || !seen {
                return Expect::Gone;
            }
        }
        let whole = self.any_of.is_empty() || self.within_limits || held.contains(&Limit::Full);
        if whole { Expect::Done } else { Expect::Judged }
    }

    /// The request as this person.
    pub fn request(&self, app: &TestApp, who: &str, ask: &Ask) -> RequestBuilder {
        let (method, _) = self.operation.split_once(' ').unwrap();
        let name = if ask.session.is_some() { "" } else { who };
        let mut request = app.request(name, Method::from_bytes(method.as_bytes()).unwrap(), &ask.path);
        if let Some(session) = ask.session {
            request = request.bearer_auth(app.token_for(user(who), session));
        }
        if let Some(version) = ask.version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if ask.any_version {
            request = request.header("if-match", "*");
        }
        if let Some((media, bytes)) = &ask.form {
            request = request.header("content-type", media).body(bytes.clone());
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        if let Some(csv) = &ask.csv {
            request = request.header("content-type", "text/csv").body(csv.clone());
        }
        if let Some(xlsx) = &ask.xlsx {
            let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            request = request.header("content-type", media).body(xlsx.clone());
        }
        request
    }
}

/// The people of bureau `a`, one for each role: name, role, home.
pub fn callers() -> Vec<(&'static str, Role, Place)> {
    let of_role = |role: &Role| PEOPLE.iter().find(|person| person.1 == *role).map(|one| (one.0, one.1, one.2));
    Role::ALL.iter().map(|role| of_role(role).unwrap_or_else(|| panic!("nobody is {role}"))).collect()
}

/// GET of a path.
pub fn get(path: String) -> Ask {
    Ask { path, ..Ask::default() }
}

/// A body for a path.
pub fn send(path: String, body: Value) -> Ask {
    Ask { path, body: Some(body), ..Ask::default() }
}
