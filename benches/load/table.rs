//! The table: work, goal, what was measured, the floor, the ratio, the verdict.

use crate::{Options, machine};

/// One measured row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub work: String,
    pub goal: String,
    pub measured: String,
    pub floor: String,
    pub ratio: Option<f64>,
    /// Nothing where no goal is set.
    pub reached: Option<bool>,
}

/// One filter of the long list.
#[derive(Debug, Clone)]
pub struct FilterRow {
    pub query: String,
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

#[derive(Debug, Default)]
struct Part {
    engine: &'static str,
    version: String,
    rows: Vec<Row>,
    filters: Vec<FilterRow>,
    refusals: Vec<String>,
}

/// Everything measured, engine by engine.
#[derive(Debug, Default)]
pub struct Table {
    parts: Vec<Part>,
}

impl Table {
    /// Begins an engine.
    pub fn engine(&mut self, engine: &'static str, version: String) {
        self.parts.push(Part { engine, version, ..Part::default() });
    }

    fn last(&mut self) -> Option<&mut Part> {
        self.parts.last_mut()
    }

    pub fn row(&mut self, row: Row) {
        crate::progress(&format!("  {}: {} (floor {})", row.work, row.measured, row.floor));
        if let Some(part) = self.last() {
            part.rows.push(row);
        }
    }

    pub fn filters(&mut self, mut filters: Vec<FilterRow>) {
        filters.sort_by(|one, other| other.p99.total_cmp(&one.p99));
        if let Some(part) = self.last() {
            part.filters = filters;
        }
    }

    /// An answer that should not have come; figures beside it count nothing.
    pub fn refusal(&mut self, text: String) {
        crate::progress(&format!("  REFUSED: {text}"));
        if let Some(part) = self.last() {
            part.refusals.push(text);
        }
    }

    /// The whole as Markdown.
    pub fn markdown(&self, options: &Options) -> String {
        let engines: Vec<String> = self.parts.iter().map(|part| format!("{} {}", part.engine, part.version)).collect();
        let profile =
            if cfg!(debug_assertions) { "development build, **not for the record**" } else { "release build" };
        let mut out = format!(
            "Measured on: {}; {}; {profile}. The machine is shared by server, database and load generator. {} hazards in \
             {} schools, {} s a row, SQLite with `synchronous=FULL`, PostgreSQL with `fsync` and `synchronous_commit` on.\n",
            machine::describe(),
            engines.join(", "),
            options.hazards,
            options.schools,
            options.seconds,
        );
        for part in &self.parts {
            out.push_str(&format!(
                "\n### {}\n\n| work | goal | measured | floor | ratio | verdict |\n|---|---|---|---|---|---|\n",
                part.engine
            ));
            for row in &part.rows {
                let verdict = match row.reached {
                    Some(true) => "reached",
                    Some(false) => "**missed**",
                    None => "",
                };
                let ratio = row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
                out.push_str(&format!(
                    "| {} | {} | {} | {} | {ratio} | {verdict} |\n",
                    row.work, row.goal, row.measured, row.floor
                ));
            }
            if !part.filters.is_empty() {
                out.push_str("\nLists of 50 in the bureau's scope at 32 clients, slowest first:\n\n");
                out.push_str("| query | requests/s | p50 ms | p99 ms |\n|---|---|---|---|\n");
                for row in &part.filters {
                    let (query, FilterRow { per_second, p50, p99, .. }) = (&row.query, row);
                    out.push_str(&format!("| `{query}` | {per_second:.0} | {p50:.1} | {p99:.1} |\n"));
                }
            }
            for refusal in &part.refusals {
                out.push_str(&format!("\nUnexpected answer: {refusal}\n"));
            }
        }
        out
    }
}
