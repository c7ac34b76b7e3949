//! Fills a database: one bureau, schools, people with sessions, inspections, and hazards in every state.
//!
//! Rows are written by the product's own types, with their rounds, journal entries and counters; only the steps
//! between registration and the state they are in are left out.

use std::sync::Arc;

use anxiao::access::{OrgRef, Role};
use anxiao::hazards::number;
use anxiao::hazards::status::{ClosedKind, Level, Source, Status};
use anxiao::hazards::store::{Round, Row};
use anxiao::on_conn;
use anxiao::orgs::rules::{OrgKind, SchoolKind};
use anxiao::orgs::store::{OrgRow, create_bureau, insert_many};
use anxiao::platform::clock::{Clock, SystemClock};
use anxiao::platform::db::schema::{hazard_rounds, hazards, inspections, memberships, serials, sessions, users};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use anxiao::platform::db::{DatabaseUrl, Db, DbOptions, Tx, Work, migrations};
use anxiao::platform::error::Problem;
use anxiao::platform::ids::SeededIds;
use anxiao::platform::journal::Event;
use anxiao::statistics::counters::{self, Contribution};
use anyhow::{Result, anyhow};
use chrono::{Datelike, TimeDelta};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

use crate::district::{BUREAU_USERS, District, Kind, SECTION_DOMAINS, mix};

const REGION: &str = "640104";
const ZONE: Tz = chrono_tz::Asia::Shanghai;
/// Hazards in one write job.
const CHUNK: usize = 500;
pub const CATEGORIES: [&str; 10] = ["fang", "cha", "gai", "jiao", "qiang", "ji", "zhi", "du", "jiu", "diao"];
pub const DOMAINS: [&str; 12] = [
    "fire",
    "gas",
    "electric",
    "building",
    "lab",
    "bus",
    "food",
    "health",
    "security",
    "dormitory",
    "management",
    "emergency",
];
const SOURCES: [Source; 6] =
    [Source::SelfCheck, Source::Patrol, Source::Routine, Source::Special, Source::Unannounced, Source::Random];

/// Migrates and fills.
pub fn fill(url: &DatabaseUrl, hazards: u64, schools: u64) -> Result<District> {
    migrations::run(url).map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(url, &options, Arc::new(SystemClock), Arc::new(SeededIds::new(1)), 1)?;
    let problem = |problem: Problem| anyhow!("{problem}");
    runtime.block_on(async {
        anxiao::built_in::install(&db).await.map_err(problem)?;
        let bureau = db
            .write(Work::default(), |tx| {
                let (row, receipt) = create_bureau(tx, "兴庆区教育局", REGION, "Asia/Shanghai")?;
                Ok(receipt.with(row.id))
            })
            .await
            .map_err(problem)?;
        let district = Arc::new(District::ending(SystemClock.now().utc(), bureau, hazards, schools));
        let of = Arc::clone(&district);
        db.write(Work::default(), move |tx| {
            people_and_places(tx, &of)?;
            Ok(tx.record(Event::of("org", of.bureau, "filled"))?.with(()))
        })
        .await
        .map_err(problem)?;
        let mut contributions: Vec<Contribution> = Vec::new();
        let mut serials = std::collections::BTreeMap::new();
        let numbers: Vec<u64> = (0..hazards).collect();
        for chunk in numbers.chunks(CHUNK) {
            let rows: Vec<Row> = chunk
                .iter()
                .map(|n| {
                    let mut row = row(&district, *n);
                    let year = row.created_at.utc().with_timezone(&ZONE).year();
                    let serial = serials.entry(year).or_insert(0_i64);
                    *serial += 1;
                    row.number = number::format(REGION, year, *serial);
                    row
                })
                .collect();
            contributions.extend(rows.iter().map(|row| row.contribution(ZONE)));
            db.write(Work::default(), move |tx| {
                let mut receipt = tx.record(Event::of("org", bureau, "filled"))?;
                let rounds: Vec<Round> = rows.iter().filter(|row| row.submissions > 0).map(round).collect();
                on_conn!(&mut *tx.conn, conn => diesel::insert_into(hazards::table).values(&rows).execute(conn)?);
                on_conn!(&mut *tx.conn, conn => diesel::insert_into(hazard_rounds::table).values(&rounds).execute(conn)?);
                for row in &rows {
                    receipt = tx.record(registered(row))?;
                }
                Ok(receipt.with(()))
            })
            .await
            .map_err(problem)?;
        }
        db.write(Work::default(), move |tx| {
            counters::add_all(tx, &contributions)?;
            for (year, last) in &serials {
                diesel::insert_into(serials::table)
                    .values((
                        serials::bureau_id.eq(bureau),
                        serials::series.eq("hazard"),
                        serials::year.eq(*year),
                        serials::last.eq(*last),
                    ))
                    .execute(tx.conn)?;
            }
            Ok(tx.record(Event::of("org", bureau, "filled"))?.with(()))
        })
        .await
        .map_err(problem)?;
        Ok(Arc::unwrap_or_clone(district))
    })
}

fn people_and_places(tx: &mut Tx<'_>, district: &District) -> Result<(), Problem> {
    let bureau = OrgRef {
        id: district.bureau,
        bureau_id: district.bureau,
        kind: OrgKind::Bureau,
        name: String::new(),
        time_zone: ZONE.name().to_owned(),
        parent_id: None,
    };
    let schools: Vec<OrgRow> = (0..district.schools)
        .map(|n| {
            let id = district.id(Kind::School, n);
            let mut row = OrgRow::below(tx, &bureau, id, OrgKind::School, format!("第{}小学", n + 1));
            row.school_kind = Some(SchoolKind::Primary);
            row
        })
        .collect();
    insert_many(tx.conn, &schools, Some(bureau.id))?;
    for n in 0..district.schools {
        person(tx, district, n, Role::SchoolSafetyOfficer, district.id(Kind::School, n), None)?;
    }
    for n in 0..BUREAU_USERS {
        person(tx, district, district.bureau_user(n), Role::SafetyOffice, district.bureau, None)?;
    }
    let domains = Some(Doc::of(&SECTION_DOMAINS));
    person(tx, district, district.section_user(), Role::SectionOfficer, district.bureau, domains)?;
    for n in 0..district.schools {
        let at = district.founded();
        diesel::insert_into(inspections::table)
            .values((
                inspections::id.eq(district.id(Kind::Inspection, n)),
                inspections::version.eq(1_i64),
                inspections::created_at.eq(at),
                inspections::updated_at.eq(at),
                inspections::bureau_id.eq(district.bureau),
                inspections::org_id.eq(district.id(Kind::School, n)),
                inspections::kind.eq("routine"),
                inspections::title.eq("例行检查"),
                inspections::announced.eq(true),
                inspections::status.eq("confirmed"),
                inspections::lead_id.eq(district.id(Kind::User, district.bureau_user(n))),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

fn person(
    tx: &mut Tx<'_>,
    district: &District,
    n: u64,
    role: Role,
    org: Id,
    domains: Option<Doc>,
) -> Result<(), Problem> {
    let (at, user) = (district.founded(), district.id(Kind::User, n));
    diesel::insert_into(users::table)
        .values((
            users::id.eq(user),
            users::version.eq(1_i64),
            users::created_at.eq(at),
            users::updated_at.eq(at),
            users::username.eq(format!("user{n}")),
            users::display_name.eq(format!("用户{n}")),
            users::password_hash.eq("nobody signs in with this"),
            users::must_change_password.eq(false),
            users::demo.eq(false),
            users::rights_version.eq(1_i64),
            users::failed_logins.eq(0),
        ))
        .execute(tx.conn)?;
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(district.id(Kind::Membership, n)),
            memberships::created_at.eq(at),
            memberships::user_id.eq(user),
            memberships::bureau_id.eq(district.bureau),
            memberships::org_id.eq(org),
            memberships::role.eq(role),
            memberships::domains.eq(domains),
            memberships::valid_from.eq(at),
        ))
        .execute(tx.conn)?;
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(district.id(Kind::Session, n)),
            sessions::user_id.eq(user),
            sessions::created_at.eq(tx.now),
            sessions::last_used_at.eq(tx.now),
            sessions::expires_at.eq(tx.now + TimeDelta::days(30)),
        ))
        .execute(tx.conn)?;
    Ok(())
}

fn pick<T: Copy>(from: &[T], seed: u64, default: T) -> T {
    let length = u64::try_from(from.len()).unwrap_or(1).max(1);
    usize::try_from(seed % length).ok().and_then(|at| from.get(at)).copied().unwrap_or(default)
}

/// Hazard `n`, without its number.
fn row(district: &District, n: u64) -> Row {
    let seed = mix(n);
    let at = district.found(n);
    let school = district.school_of(n);
    let (status, major) = match seed % 100 {
        0..5 => (Status::Registered, false),
        5..8 => (Status::Issued, false),
        8..14 => (Status::Rectifying, (seed >> 8).is_multiple_of(20)),
        14..17 => (Status::AwaitingRecheck, (seed >> 8).is_multiple_of(20)),
        17 => (Status::AwaitingApproval, true),
        18 => (Status::Void, false),
        _ => (Status::Closed, (seed >> 8).is_multiple_of(20)),
    };
    let level = if major { Level::Major } else { Level::General };
    let source = pick(&SOURCES, seed >> 16, Source::Routine);
    let category = pick(&CATEGORIES, seed >> 24, "fang");
    let domain = pick(&DOMAINS, (seed >> 24) % 10 + (seed >> 40) % 3, "fire");
    let officer = district.id(Kind::User, school);
    let inspector = district.id(Kind::User, district.bureau_user(seed >> 32));
    let reporter = if source.is_schools_own() { officer } else { inspector };
    let issued = !matches!(status, Status::Registered | Status::Void);
    let issued_at = issued.then(|| at + TimeDelta::hours(5));
    let due_at = issued.then(|| at + TimeDelta::days(15));
    let acknowledged = issued && status != Status::Issued;
    let done = acknowledged && status != Status::Rectifying;
    let done_at = done.then(|| at + TimeDelta::days(i64::try_from((seed >> 44) % 20).unwrap_or(0) + 1));
    let closed_at = done_at.filter(|_| status == Status::Closed).map(|at| at + TimeDelta::days(3));
    let nobody = || Doc::of(&[(); 0]);
    Row {
        id: district.hazard(n),
        version: 1,
        created_at: at,
        updated_at: closed_at.or(done_at).or(issued_at).unwrap_or(at),
        created_by: Some(reporter),
        body_hash: Some(vec![7; 32]),
        bureau_id: district.bureau,
        org_id: district.id(Kind::School, school),
        site_id: None,
        number: String::new(),
        status,
        level,
        proposed_level: level,
        level_decided_by: issued.then_some(inspector),
        category: category.to_owned(),
        domain: domain.to_owned(),
        title: "三楼东侧安全出口上锁".to_owned(),
        description: "午休时段铁链锁闭，无法从内部打开；值班教师不知钥匙所在，疏散标志被遮挡。".to_owned(),
        basis: None,
        requirement: issued.then(|| "立即拆除铁链，保持疏散通道畅通。".to_owned()),
        source,
        escalate: false,
        found_at: at,
        registered_at: at,
        reported_by: reporter,
        inspection_id: (source == Source::Routine).then(|| district.id(Kind::Inspection, school)),
        item_code: (source == Source::Routine).then(|| "fang-001".to_owned()),
        evidence_ids: nobody(),
        responsible_org_id: district.id(Kind::School, school),
        responsible_user_id: acknowledged.then_some(officer),
        leader_user_id: None,
        lead_section: None,
        remedy: None,
        bureau_side: false,
        issued_at,
        issued_by: issued.then_some(inspector),
        acknowledged_at: acknowledged.then(|| at + TimeDelta::days(1)),
        acknowledged_by: acknowledged.then_some(officer),
        due_at,
        due_on: due_at.map(|at| at.utc().with_timezone(&ZONE).date_naive()),
        original_due_at: due_at,
        plan_due_at: None,
        policy_id: None,
        calendar_provisional: false,
        plan: None,
        plan_filed_at: None,
        round: 1,
        returns: 0,
        submissions: i32::from(done),
        rectifiers: if done { Doc::of(&[officer]) } else { nobody() },
        reported_done_at: done_at,
        reported_done_by: done.then_some(officer),
        recheck_due_at: done_at.map(|at| at + TimeDelta::days(7)),
        recheckers: if closed_at.is_some() { Doc::of(&[inspector]) } else { nobody() },
        passed_at: closed_at,
        approved_by: None,
        closed_at,
        closed_by: closed_at.map(|_| inspector),
        closed_kind: closed_at.map(|_| ClosedKind::Rechecked),
        void_reason: (status == Status::Void).then(|| "重复登记".to_owned()),
        reopened: 0,
        recurrence_of: None,
        marks: Doc::of(&serde_json::json!({})),
        proposed_recurrence_of: None,
    }
}

fn round(row: &Row) -> Round {
    Round {
        hazard_id: row.id,
        round: 1,
        due_at: row.due_at,
        measures_taken: Some("已拆除铁链，更换为推杆锁，并对值班人员重新培训。".to_owned()),
        cost_fen: Some(32_000),
        evidence_ids: Doc::of(&[(); 0]),
        signed_off_by: None,
        reported_by: row.reported_done_by,
        reported_at: row.reported_done_at,
        outcome: row.closed_at.map(|_| "passed".to_owned()),
        opinion: row.closed_at.map(|_| "整改到位。".to_owned()),
        recheckers: row.recheckers.clone(),
        on_site: row.closed_at.map(|_| true),
        recheck_evidence_ids: Doc::of(&[(); 0]),
        rechecked_by: row.closed_by,
        rechecked_at: row.closed_at,
        approval_opinion: None,
        approved_by: None,
        approved_at: None,
    }
}

fn registered(row: &Row) -> Event {
    let set: &Row = row;
    let at: Timestamp = row.created_at;
    Event::of("hazard", row.id, "register")
        .at(row.bureau_id, row.org_id)
        .with(json!({ "set": { "number": set.number, "title": set.title, "description": set.description }, "at": at }))
}
