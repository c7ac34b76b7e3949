//! Freezing the pools of a draw.

use chrono::{Datelike, SecondsFormat};
use diesel::prelude::*;
use serde_json::json;

use super::record::{DrawRecord, Seen};
use super::show::view;
use super::{inspectors, schools};
use crate::access::scope::org_ref;
use crate::access::{OrgRef, Rights};
use crate::catalogue::rules::ChecklistStatus;
use crate::catalogue::store::readable;
use crate::draws::algorithm::{Impossible, hex, sha256_hex};
use crate::draws::bodies::NewDraw;
use crate::draws::pool::{Pool, Visit};
use crate::draws::rules::{DrawStatus, Seeding, StrataBy};
use crate::hazards::deadline::local_date;
use crate::hazards::store::read::zone;
use crate::on_conn;
use crate::platform::db::schema::{draws, orgs, serials};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::{Event, Stream};

/// An instant as it stands in canonical texts: UTC, to the microsecond.
pub fn stamp(at: Timestamp) -> String {
    at.utc().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The bureau whose draw this is: that of the first organisation named, or the caller's.
///
/// # Errors
/// 404 for an organisation out of sight.
pub fn bureau_of(conn: &mut Conn, rights: &Rights, new: &NewDraw) -> Result<OrgRef, Problem> {
    let named = new.objects.org_ids.as_ref().and_then(|ids| ids.first().copied());
    let named = named.or_else(|| new.objects.filter.as_ref().and_then(|filter| filter.under));
    let scope = rights.scope();
    let bureau_id = match named {
        Some(id) => scope.org(conn, id)?.bureau_id,
        None => scope.own_bureau().ok_or_else(Problem::not_found)?,
    };
    org_ref(conn, bureau_id)
}

/// The next serial of draws of a bureau and year. The row stays locked until the commit: nobody else freezes meanwhile.
fn take_serial(tx: &mut Tx<'_>, bureau_id: Id, year: i32) -> Result<i64, Problem> {
    let row =
        (serials::bureau_id.eq(bureau_id), serials::series.eq("draw"), serials::year.eq(year), serials::last.eq(1_i64));
    Ok(on_conn!(tx.conn, conn => diesel::insert_into(serials::table)
        .values(row)
        .on_conflict((serials::bureau_id, serials::series, serials::year))
        .do_update()
        .set(serials::last.eq(serials::last + 1))
        .returning(serials::last)
        .get_result(conn)?))
}

/// The earlier draw of the year that this one repeats: of the same title, or void and of the same schools.
fn repeated(conn: &mut Conn, bureau_id: Id, year: i32, title: &str, schools: &str) -> Result<Option<Id>, Problem> {
    let same = draws::title
        .eq(title.to_owned())
        .or(draws::schools_sha256.eq(schools.to_owned()).and(draws::status.eq(DrawStatus::Void)));
    Ok(draws::table
        .filter(draws::bureau_id.eq(bureau_id))
        .filter(draws::year.eq(year))
        .filter(same)
        .order((draws::created_at.desc(), draws::id.desc()))
        .select(draws::id)
        .first(conn)
        .optional()?)
}

fn check_checklists(conn: &mut Conn, rights: &Rights, bureau: &OrgRef, ids: &[Id]) -> Result<(), Problem> {
    let mut faults = Vec::new();
    for (place, id) in ids.iter().enumerate() {
        let row = readable(conn, rights, *id)?;
        // A school's own checklist is not for all the others.
        if row.org_id.is_some_and(|owner| owner != bureau.id) {
            return Err(Problem::not_found());
        }
        if row.status != ChecklistStatus::Published {
            let at = format!("/inspection/checklist_ids/{place}");
            faults.push(FieldError::new(at, "not_published", "检查清单未发布或已停用", "is not published"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::new(Code::ValidationFailed).errors(faults)) }
}

fn impossible(reason: &Impossible) -> Problem {
    let (at, code, zh, en) = match reason {
        Impossible::EmptyPool => {
            ("/objects", "empty_pool", "没有可抽取的学校".to_owned(), "nothing to draw from".to_owned())
        }
        Impossible::TooFewInspectors => {
            ("/inspectors", "too_few_inspectors", "检查人员不足".to_owned(), "there are too few inspectors".to_owned())
        }
        Impossible::NobodyLeft(school) => (
            "/inspectors",
            "impossible_assignment",
            format!("回避后可派往学校 {school} 的人员不足"),
            format!("too few are left for school {school}, the recused and those out of reach apart"),
        ),
        other => return Problem::internal(format!("{other:?}")),
    };
    Problem::invalid(FieldError::new(at, code, zh, en))
}

/// Freezes the pools and gives the draw its number.
///
/// # Errors
/// 404 for ids out of sight; 422 for what cannot be drawn from, for a day that has passed, and for a repetition without
/// a reason.
pub fn create(
    tx: &mut Tx<'_>,
    rights: &Rights,
    bureau: &OrgRef,
    new: &NewDraw,
    hash: &[u8],
) -> Result<(Receipt, DrawRecord), Problem> {
    let today = local_date(tx.now.utc(), zone(&bureau.time_zone));
    check_checklists(tx.conn, rights, bureau, &new.inspection.checklist_ids)?;
    let rows = schools::gather(tx.conn, rights, bureau, &new.objects, today)?;
    let strata_by = new.objects.strata_by.unwrap_or(StrataBy::None);
    let weights = new.weights.unwrap_or_default();
    let schools = schools::weighted(tx.conn, bureau.id, rows, strata_by, weights, tx.now)?;
    let visit = &new.inspection;
    let span = (tx.now, today, visit.planned_to);
    let gathered = inspectors::gather(tx.conn, rights, bureau, &new.inspectors, &schools, span)?;
    let strata = schools::strata(&schools, &new.objects)?;
    let year = new.year.unwrap_or_else(|| today.year());
    let mut faults = Vec::new();
    if !(today.year()..=today.year() + 1).contains(&year) {
        faults.push(FieldError::new("/year", "out_of_range", "只能为今年或明年", "must be this year or the next"));
    }
    if visit.planned_to < today {
        faults.push(FieldError::new("/inspection/planned_to", "in_the_past", "日期已过", "has passed"));
    }
    if !faults.is_empty() {
        return Err(Problem::new(Code::ValidationFailed).errors(faults));
    }
    let serial = take_serial(tx, bureau.id, year)?;
    let region: Option<String> = orgs::table.find(bureau.id).select(orgs::region_code).first(tx.conn)?;
    let number = format!("{}-{year}-D{serial:04}", region.unwrap_or_default());
    let title = new.title.trim();
    let reason = new.reason.as_deref().map(str::trim);
    let mut ids: Vec<&str> = schools.iter().map(|school| school.id.as_str()).collect();
    ids.sort_unstable();
    let schools_sha256 = sha256_hex(ids.join("\n").as_bytes());
    let repeats = repeated(tx.conn, bureau.id, year, title, &schools_sha256)?;
    if repeats.is_some() && reason.is_none() {
        let (zh, en) = ("同名或同一批学校已抽取过，须说明重新抽取的原因", "repeats an earlier draw: say why");
        return Err(Problem::invalid(FieldError::new("/reason", "repeats_a_draw", zh, en)));
    }
    let seeding = new.seeding.unwrap_or(Seeding::TwoOfficials);
    let pool = Pool {
        number: number.clone(),
        title: title.to_owned(),
        reason: reason.unwrap_or_default().to_owned(),
        frozen_at: stamp(tx.now),
        frozen_by: rights.user_id().to_string(),
        seeding: seeding.to_string(),
        entropy_source: new.entropy_source.as_deref().unwrap_or_default().trim().to_owned(),
        strata_by: strata_by.to_string(),
        per_object: new.inspectors.per_object,
        weights,
        strata,
        schools,
        inspectors: gathered.inspectors.iter().map(ToString::to_string).collect(),
        excluded: gathered.excluded,
        visit: Visit {
            kind: visit.kind.to_string(),
            checklist_ids: visit.checklist_ids.iter().map(ToString::to_string).collect(),
            planned_from: visit.planned_from.to_string(),
            planned_to: visit.planned_to.to_string(),
        },
    }
    .sorted();
    pool.check().map_err(|reason| impossible(&reason))?;
    let pool_sha256 = hex(&pool.hash());
    let id = new.id.unwrap_or_else(|| tx.new_id());
    diesel::insert_into(draws::table)
        .values((
            (draws::id.eq(id), draws::version.eq(1_i64), draws::created_at.eq(tx.now), draws::updated_at.eq(tx.now)),
            (draws::created_by.eq(rights.user_id()), draws::body_hash.eq(hash.to_vec()), draws::year.eq(year)),
            (draws::bureau_id.eq(bureau.id), draws::number.eq(&number), draws::title.eq(title)),
            (draws::reason.eq(reason), draws::repeats.eq(repeats), draws::status.eq(DrawStatus::Frozen)),
            (draws::seeding.eq(seeding), draws::pool.eq(Doc::of(&pool)), draws::pool_sha256.eq(&pool_sha256)),
            draws::schools_sha256.eq(schools_sha256),
        ))
        .execute(tx.conn)?;
    let event = Event::of("draw", id, "frozen").at(bureau.id, bureau.id).stream(Stream::Bureau);
    let payload = json!({
        "number": number, "seeding": seeding, "pool_sha256": pool_sha256, "schools": pool.schools.len(),
        "inspectors": pool.inspectors.len(), "repeats": repeats, "reason": reason,
        "untouched_months": new.objects.filter.as_ref().and_then(|filter| filter.untouched_months),
    });
    let receipt = tx.record(event.with(payload))?;
    let seen = Seen::load(tx.conn, id)?;
    Ok((receipt, view(rights, &seen)))
}
