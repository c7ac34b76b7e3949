//! A ledger as a file. Pages are read through the read lanes one after the other, and only when the one before was
//! taken: no lane waits for a slow reader, and no more than a page is in memory.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use chrono_tz::Tz;
use futures_util::{Stream, stream};
use serde_json::{Value, json};

use super::columns::Line;
use super::facts::Facts;
use super::kind::{Format, Ledger};
use super::row::HazardLedgerRow;
use crate::access::{Allowed, Rights, actions};
use crate::hazards::deadline;
use crate::hazards::store::read::{self, Filter, Zones};
use crate::hazards::store::walk::Walk;
use crate::platform::db::Conn;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::export::sheet::{self, MAX_ROWS, Title, Told, too_many};
use crate::platform::export::{Slot, answer as file, csv};
use crate::platform::http::list::After;
use crate::platform::journal::{Event, Stream as Journal};

/// Hazards in one step. One page is in memory, one may wait for the sheet.
const PAGE: usize = 500;

/// What file of what.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which ledger.
    pub ledger: Ledger,
    /// What file.
    pub format: Format,
    /// Narrowed to what.
    pub filter: Filter,
    /// The filter for the journal.
    pub told: Value,
}

/// What stays the same from page to page.
#[derive(Debug)]
struct Plan {
    ledger: Ledger,
    walk: Walk,
    zones: Zones,
    zone: Tz,
}

/// The cells of a page.
#[derive(Debug)]
struct Cells {
    rows: Vec<Vec<String>>,
    after: After,
    last: bool,
}

impl Plan {
    fn cells(&self, conn: &mut Conn, rights: &Rights, after: After, done: u64) -> Result<Cells, Problem> {
        let limit = i64::try_from(PAGE).map_err(Problem::internal)?;
        let rows = self.walk.next(conn, rights, after, limit)?;
        let facts = Facts::of(conn, rights, &rows)?;
        let (last, after) = (rows.len() < PAGE, rows.last().map(|row| (row.created_at, row.id)).or(after));
        let rows = (done + 1..).zip(rows).map(|(serial, row)| {
            let zone = self.zones.get(&row.bureau_id).copied().unwrap_or(self.zone);
            let row = HazardLedgerRow::of(row, &facts, zone, rights.now);
            let line = Line { serial, row: &row };
            self.ledger.columns().iter().map(|(_, cell)| cell(&line)).collect()
        });
        Ok(Cells { rows: rows.collect(), after, last })
    }

    fn headings(&self) -> Vec<&'static str> {
        self.ledger.columns().iter().map(|(heading, _)| *heading).collect()
    }
}

/// An export under way.
struct Export {
    allowed: Allowed<actions::ledger::Export>,
    plan: Arc<Plan>,
    slot: Slot,
    id: Id,
    after: After,
    done: u64,
    ended: bool,
}

impl Export {
    fn now(&self) -> Timestamp {
        self.allowed.app().clock.now()
    }

    async fn page(&mut self) -> Result<Vec<Vec<String>>, Problem> {
        self.slot.check(self.now())?;
        let (plan, after, done) = (Arc::clone(&self.plan), self.after, self.done);
        let cells = self.allowed.read(move |conn, rights| plan.cells(conn, rights, after, done)).await?;
        self.done += u64::try_from(cells.rows.len()).map_err(Problem::internal)?;
        (self.after, self.ended) = (cells.after, cells.last);
        Ok(cells.rows)
    }

    /// Who, which ledger, what file, narrowed to what; and at the end how many rows.
    async fn record(&self, action: &'static str, facts: Value) -> Result<(), Problem> {
        let id = self.id;
        self.allowed
            .write_unkept(move |tx, rights| {
                let scope = rights.scope();
                let reach = scope.reaches.first().ok_or_else(Problem::not_found)?;
                let event = Event::of("export", id, action).at(reach.bureau_id, reach.org_id);
                Ok(tx.record(event.stream(Journal::Accounts).with(facts.clone()))?.with(()))
            })
            .await
    }

    async fn finished(&self) -> Result<(), Problem> {
        self.record("finish", json!({ "rows": self.done })).await
    }
}

/// The file as an answer.
///
/// # Errors
/// 404 for ids out of sight, 422 for more rows than a sheet holds, 503 when too many run; whatever the engine says.
pub async fn answer(allowed: Allowed<actions::ledger::Export>, wanted: Wanted) -> Result<HttpResponse, Problem> {
    let Wanted { ledger, format, filter, told } = wanted;
    let plan = allowed
        .read(move |conn, rights| {
            let zones = read::zones_of(conn, rights)?;
            let bureau = rights.scope().own_bureau();
            let zone = bureau.and_then(|id| zones.get(&id).copied()).unwrap_or(chrono_tz::Asia::Shanghai);
            let walk = Walk::begin(conn, rights, &filter, ledger.kept(), zone)?;
            if format == Format::Xlsx && walk.count(conn, rights)? > MAX_ROWS {
                return Err(too_many());
            }
            Ok(Plan { ledger, walk, zones, zone })
        })
        .await?;
    let (rights, app) = (allowed.rights(), allowed.app());
    let (slot, id) = (app.exports.begin(rights.user_id(), rights.now)?, app.ids.next(app.clock.now()));
    let today = deadline::local_date(rights.now.utc(), plan.zone);
    let response = file::download(
        format.media(),
        &format!("{}-{today}.{format}", ledger.name_zh()),
        &format!("{ledger}-{today}.{format}"),
    );
    let mut export = Export { allowed, plan: Arc::new(plan), slot, id, after: None, done: 0, ended: false };
    export.record("begin", json!({ "ledger": ledger, "format": format, "filter": told })).await?;
    match format {
        Format::Csv => {
            let mut begin = csv::MARK.to_vec();
            begin.extend(csv::lines([export.plan.headings()])?);
            begin.extend(csv::lines(export.page().await?)?);
            let mut response = response;
            Ok(response.streaming(lines(export, begin)))
        }
        Format::Xlsx => {
            let made = book(&mut export).await?;
            export.finished().await?;
            file::file(response, made)
        }
    }
}

/// The CSV from its beginning. An error breaks the connection off: half a ledger never looks like a whole one.
fn lines(export: Export, begin: Vec<u8>) -> impl Stream<Item = Result<Bytes, Problem>> {
    stream::try_unfold((export, Some(begin)), |(mut export, begin)| async move {
        if let Some(begin) = begin {
            return Ok(Some((Bytes::from(begin), (export, None))));
        }
        if export.ended {
            export.finished().await?;
            return Ok(None);
        }
        let page = export.page().await.inspect_err(|problem| {
            tracing::error!(export = %export.id, %problem, "an export broke off");
        })?;
        Ok(Some((Bytes::from(csv::lines(page)?), (export, None))))
    })
}

/// The XLSX, made beside on a thread that may block.
async fn book(export: &mut Export) -> Result<std::fs::File, Problem> {
    let folder = export.allowed.app().exports.folder().to_owned();
    let title = Title {
        name: export.plan.ledger.name_zh().to_owned(),
        headings: export.plan.headings(),
        made: export.allowed.rights().now,
    };
    let (pages, told) = tokio::sync::mpsc::channel(1);
    let made = actix_web::web::block(move || sheet::write(folder, &title, told));
    let made = actix_web::rt::spawn(made);
    loop {
        let page = export.page().await?;
        // A thread that is gone tells why below.
        if pages.send(Told::Rows(page)).await.is_err() || (export.ended && pages.send(Told::End).await.is_err()) {
            break;
        }
        if export.ended {
            break;
        }
    }
    drop(pages);
    made.await.map_err(Problem::internal)?.map_err(Problem::internal)?
}
