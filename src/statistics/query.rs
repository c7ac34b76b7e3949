//! The statements of the summary. Everything written into them is made here: names of columns, ids and instants that
//! were parsed before; no text of a caller ever is.

use chrono::{DateTime, Utc};

use super::rules::GroupBy;
use crate::access::Reach;
use crate::hazards::status::Source;
use crate::orgs::rules::OrgKind;
use crate::platform::db::types::Id;

/// Writes literals as one engine reads them.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The embedded engine.
    pub sqlite: bool,
}

impl Dialect {
    /// An id.
    pub fn id(self, id: Id) -> String {
        if self.sqlite { format!("x'{}'", id.0.simple()) } else { format!("'{}'::uuid", id.0) }
    }

    /// An instant.
    pub fn at(self, at: DateTime<Utc>) -> String {
        if self.sqlite {
            at.timestamp_micros().to_string()
        } else {
            format!("timestamptz '{}'", at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
        }
    }

    fn seconds_to_close(self) -> &'static str {
        if self.sqlite {
            "(h.closed_at - h.registered_at) / 1000000"
        } else {
            "FLOOR(EXTRACT(EPOCH FROM h.closed_at - h.registered_at))"
        }
    }

    fn no_id(self) -> &'static str {
        if self.sqlite { "NULL" } else { "NULL::uuid" }
    }

    /// The two columns that name a row: a word or an id.
    pub fn key(self, word: Option<&str>, id: Option<&str>) -> String {
        format!(
            "{} AS key_word, {} AS key_id",
            word.map_or_else(|| "CAST(NULL AS text)".to_owned(), |word| format!("CAST({word} AS text)")),
            id.unwrap_or_else(|| self.no_id())
        )
    }
}

/// A domain's code is a word of our own catalogue; anything else in it would be refused when it was stored.
fn word(text: &str) -> String {
    let safe: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    format!("'{safe}'")
}

/// The condition that rows lie within the reaches, for columns of these names; nothing reaches nothing.
pub fn within(dialect: Dialect, reaches: &[Reach], org: &str, domain: &str) -> String {
    let parts: Vec<String> = reaches
        .iter()
        .map(|reach| {
            let id = dialect.id(reach.org_id);
            let place = match reach.org_kind {
                OrgKind::Bureau => format!("bureau_id = {id}"),
                OrgKind::Cluster => below(org, &id),
                OrgKind::School | OrgKind::Agency => format!("{org} = {id}"),
            };
            match &reach.domains {
                None => format!("({place})"),
                Some(domains) => {
                    let list: Vec<String> = domains.iter().map(|one| word(one)).collect();
                    let list = if list.is_empty() { "''".to_owned() } else { list.join(", ") };
                    format!("({place} AND {domain} IN ({list}))")
                }
            }
        })
        .collect();
    if parts.is_empty() { "1 = 0".to_owned() } else { format!("({})", parts.join(" OR ")) }
}

/// The condition that `org` is `id` or below it.
pub fn below(org: &str, id: &str) -> String {
    format!("{org} IN (SELECT descendant_id FROM org_closure WHERE ancestor_id = {id})")
}

/// What a summary is about, once parsed.
#[derive(Debug, Clone)]
pub struct Question {
    /// How rows are made.
    pub group_by: GroupBy,
    /// First days of the months as instants with their names, and the end of the last.
    pub months: Vec<(DateTime<Utc>, String)>,
    /// From this instant.
    pub from: DateTime<Utc>,
    /// Before this instant.
    pub until: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
    /// The local day, `YYYY-MM-DD`.
    pub today: String,
    /// Name of the running month, `YYYY-MM`.
    pub this_month: String,
    /// When the running month began.
    pub this_month_began: DateTime<Utc>,
}

impl Question {
    fn hazard_key(&self, dialect: Dialect) -> String {
        match self.group_by {
            GroupBy::Category => dialect.key(Some("h.category"), None),
            GroupBy::Domain => dialect.key(Some("h.domain"), None),
            GroupBy::Level => dialect.key(Some("h.level"), None),
            GroupBy::Org => dialect.key(None, Some("h.org_id")),
            GroupBy::Month => {
                let cases: Vec<String> = self
                    .months
                    .windows(2)
                    .filter_map(|pair| Some((pair.first()?, pair.get(1)?)))
                    .map(|((_, name), (end, _))| format!("WHEN h.registered_at < {} THEN '{name}'", dialect.at(*end)))
                    .collect();
                dialect.key(Some(&format!("(CASE {} END)", cases.join(" "))), None)
            }
        }
    }

    fn counter_key(&self, dialect: Dialect) -> String {
        match self.group_by {
            GroupBy::Category => dialect.key(Some("c.category"), None),
            GroupBy::Domain => dialect.key(Some("c.domain"), None),
            GroupBy::Level => dialect.key(Some("c.level"), None),
            GroupBy::Org => dialect.key(None, Some("c.scope_id")),
            GroupBy::Month => dialect.key(Some("c.month"), None),
        }
    }

    /// Whole months, from the counters. `place` chooses rows of `hazard_counters c`. Deadlines of the running month
    /// have partly passed: [`Self::due_this_month`] counts those.
    pub fn counted(&self, dialect: Dialect, place: &str) -> String {
        let first = self.months.first().map(|(_, name)| name.as_str()).unwrap_or_default();
        let last = self.months.iter().rev().nth(1).map(|(_, name)| name.as_str()).unwrap_or_default();
        let past = format!("c.due_month <> '' AND c.due_month < '{}'", self.this_month);
        let sum = |what: &str| format!("CAST(SUM({what}) AS bigint)");
        let passed = |what: &str| sum(&format!("CASE WHEN {past} THEN c.{what} ELSE 0 END"));
        format!(
            "SELECT {key}, {found} AS found, {closed} AS closed, {on_spot} AS on_spot, {own} AS self_found, \
             {due} AS due, {on_time} AS on_time, {original} AS original_on_time, CAST(0 AS bigint) AS overdue, \
             {submissions} AS submissions, {returns} AS returns, {duration} AS duration_s \
             FROM hazard_counters c WHERE {place} AND c.month BETWEEN '{first}' AND '{last}' GROUP BY 1, 2",
            key = self.counter_key(dialect),
            found = sum("c.found"),
            closed = sum("c.closed"),
            on_spot = sum("c.on_spot"),
            own = sum("c.self_found"),
            due = passed("found"),
            on_time = passed("on_time"),
            original = passed("original_on_time"),
            submissions = sum("c.submissions"),
            returns = sum("c.returns"),
            duration = sum("c.duration_s"),
        )
    }

    /// What the counters cannot know: deadlines of the running month that have passed, and what is overdue now.
    pub fn due_this_month(&self, dialect: Dialect, place: &str) -> [String; 2] {
        let (now, began) = (dialect.at(self.now), dialect.at(self.this_month_began));
        let days = format!("h.due_on >= '{}-01' AND h.due_on <= '{}'", self.this_month, self.today);
        let due = format!("{days} AND h.due_at >= {began} AND h.due_at <= {now}");
        let due = self.scan(dialect, place, &due, Columns::Due);
        let open = format!("h.status IN ('issued', 'rectifying') AND h.due_at < {now}");
        [due, self.scan(dialect, place, &open, Columns::Overdue)]
    }

    /// Any days, from the hazards themselves.
    pub fn scanned(&self, dialect: Dialect, place: &str) -> String {
        self.scan(dialect, place, "1 = 1", Columns::All)
    }

    fn scan(&self, dialect: Dialect, place: &str, also: &str, columns: Columns) -> String {
        let now = dialect.at(self.now);
        let count = |when: &str| format!("CAST(SUM(CASE WHEN {when} THEN 1 ELSE 0 END) AS bigint)");
        let zero = || "CAST(0 AS bigint)".to_owned();
        let all = |sql: String| if matches!(columns, Columns::All) { sql } else { zero() };
        let due = |sql: String| if matches!(columns, Columns::Overdue) { zero() } else { sql };
        let overdue = |sql: String| if matches!(columns, Columns::Due) { zero() } else { sql };
        let own: Vec<String> =
            Source::ALL.iter().filter(|source| source.is_schools_own()).map(|source| word(source.as_str())).collect();
        let own = format!("h.source IN ({})", own.join(", "));
        let late = format!("h.status IN ('issued', 'rectifying') AND h.due_at < {now}");
        let passed = format!("h.due_at <= {now}");
        let in_time = |against: &str| format!("{passed} AND h.status = 'closed' AND h.reported_done_at <= h.{against}");
        format!(
            "SELECT {key}, {found} AS found, {closed} AS closed, {on_spot} AS on_spot, {own} AS self_found, \
             {due} AS due, {on_time} AS on_time, {original} AS original_on_time, {overdue} AS overdue, \
             {submissions} AS submissions, {returns} AS returns, {duration} AS duration_s \
             FROM hazards h WHERE {place} AND h.status <> 'void' AND h.registered_at >= {from} \
             AND h.registered_at < {until} AND {also} GROUP BY 1, 2",
            key = self.hazard_key(dialect),
            found = all("CAST(COUNT(*) AS bigint)".to_owned()),
            closed = all(count("h.status = 'closed'")),
            on_spot = all(count("h.status = 'closed' AND h.closed_kind = 'on_spot'")),
            own = all(count(&own)),
            due = due(count(&passed)),
            on_time = due(count(&in_time("due_at"))),
            original = due(count(&in_time("original_due_at"))),
            overdue = overdue(count(&late)),
            submissions = all("CAST(SUM(h.submissions) AS bigint)".to_owned()),
            returns = all("CAST(SUM(h.returns) AS bigint)".to_owned()),
            duration = all(format!(
                "CAST(SUM(CASE WHEN h.status = 'closed' THEN {} ELSE 0 END) AS bigint)",
                dialect.seconds_to_close()
            )),
            from = dialect.at(self.from),
            until = dialect.at(self.until),
        )
    }
}

#[derive(Debug, Clone, Copy)]
enum Columns {
    All,
    Due,
    Overdue,
}
