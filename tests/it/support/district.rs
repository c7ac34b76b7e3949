//! The small district of the tests: two bureaus, a cluster, schools, an agency, and one person in each role.
//!
//! | organisation | what |
//! |---|---|
//! | `a` | bureau 甲区 (640104) |
//! | `a.cluster` | cluster of 甲区, with school `a.s1` in it |
//! | `a.s1`, `a.s2` | a primary school with canteen in the cluster; a boarding junior high directly under the bureau |
//! | `a.agency` | an agency of 甲区 |
//! | `b`, `b.s1` | bureau 乙区 (640105) and its school |
//!
//! People have the demo district's names; those of 乙区 begin with `b.`.

use std::sync::{Arc, LazyLock};

use anxiao::access::Role;
use anxiao::accounts::passwords;
use anxiao::orgs::rules::OrgKind;
use anxiao::platform::clock::{Clock, SetClock};
use anxiao::platform::db::schema::{memberships, org_closure, orgs, sessions, users};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use anxiao::platform::db::{Conn, DatabaseUrl, Db, DbOptions};
use anxiao::platform::ids::{SeededIds, built_in};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

/// Everybody's password.
pub const PASSWORD: &str = "rain-in-April-47-umbrellas";
static HASH: LazyLock<String> = LazyLock::new(|| passwords::hash_now(PASSWORD, [7; 16]).unwrap());

/// Where the clock stands when a test begins: Monday 2 March 2026, 10:00 in Shanghai.
pub fn start_time() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-03-02T10:00:00+08:00").unwrap().with_timezone(&Utc)
}

/// The id of an organisation of the district, by its short name.
pub fn org(name: &str) -> Id {
    built_in(&format!("test org {name}"))
}

/// The id of a person of the district, by user name.
pub fn user(name: &str) -> Id {
    built_in(&format!("test user {name}"))
}

/// The session that a person of the district has from the start.
pub fn session(name: &str) -> Id {
    built_in(&format!("test session {name}"))
}

/// (short name, kind, parent, name, school kind, features)
const ORGS: &[(&str, OrgKind, Option<&str>, &str, Option<&str>, &[&str])] = &[
    ("a", OrgKind::Bureau, None, "甲区教育局", None, &[]),
    ("a.cluster", OrgKind::Cluster, Some("a"), "东片区", None, &[]),
    ("a.s1", OrgKind::School, Some("a.cluster"), "甲区第一小学", Some("primary"), &["canteen", "gas"]),
    ("a.s2", OrgKind::School, Some("a"), "甲区第二中学", Some("junior_high"), &["boarding", "canteen", "lab"]),
    ("a.agency", OrgKind::Agency, Some("a"), "甲区消防大队", None, &[]),
    ("b", OrgKind::Bureau, None, "乙区教育局", None, &[]),
    ("b.s1", OrgKind::School, Some("b"), "乙区第一小学", Some("primary"), &["canteen"]),
];

/// (user name, role, organisation, domains)
pub const PEOPLE: &[(&str, Role, &str, Option<&[&str]>)] = &[
    ("leader", Role::BureauLeader, "a", None),
    ("office", Role::SafetyOffice, "a", None),
    ("section.fire", Role::SectionOfficer, "a", Some(&["fire"])),
    ("supervisor", Role::Supervisor, "a.cluster", None),
    ("inspector1", Role::Inspector, "a", None),
    ("inspector2", Role::Inspector, "a", None),
    ("external1", Role::ExternalInspector, "a", None),
    ("principal1", Role::Principal, "a.s1", None),
    ("officer1", Role::SchoolSafetyOfficer, "a.s1", None),
    ("staff1", Role::SchoolStaff, "a.s1", None),
    ("principal2", Role::Principal, "a.s2", None),
    ("officer2", Role::SchoolSafetyOfficer, "a.s2", None),
    ("sysadmin", Role::SystemAdmin, "a", None),
    ("secadmin", Role::SecurityAdmin, "a", None),
    ("auditadmin", Role::AuditAdmin, "a", None),
    ("b.leader", Role::BureauLeader, "b", None),
    ("b.office", Role::SafetyOffice, "b", None),
    ("b.inspector", Role::Inspector, "b", None),
    ("b.principal", Role::Principal, "b.s1", None),
    ("b.officer", Role::SchoolSafetyOfficer, "b.s1", None),
    ("b.sysadmin", Role::SystemAdmin, "b", None),
];

/// Puts the district into a migrated database.
pub fn install(url: &DatabaseUrl, conn: &mut Conn) {
    let now = Timestamp::from(start_time() - TimeDelta::days(30));
    let clock: Arc<dyn Clock> = SetClock::new(start_time() - TimeDelta::days(30));
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(url, &options, clock, Arc::new(SeededIds::new(1)), 1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(anxiao::built_in::install(&db)).unwrap();
    drop(db);
    for (short, kind, parent, name, school_kind, features) in ORGS {
        let bureau = short.split('.').next().unwrap();
        let region = matches!(kind, OrgKind::Bureau).then(|| if *short == "a" { "640104" } else { "640105" });
        diesel::insert_into(orgs::table)
            .values((
                orgs::id.eq(org(short)),
                orgs::version.eq(1_i64),
                orgs::created_at.eq(now),
                orgs::updated_at.eq(now),
                orgs::kind.eq(kind),
                orgs::parent_id.eq(parent.map(org)),
                orgs::bureau_id.eq(org(bureau)),
                orgs::name.eq(name),
                orgs::region_code.eq(region),
                orgs::time_zone.eq("Asia/Shanghai"),
                orgs::school_kind.eq(*school_kind),
                orgs::features.eq(Doc::of(features)),
            ))
            .execute(conn)
            .unwrap();
        let mut above = Some(*short);
        let mut depth = 0;
        while let Some(one) = above {
            diesel::insert_into(org_closure::table)
                .values((
                    org_closure::ancestor_id.eq(org(one)),
                    org_closure::descendant_id.eq(org(short)),
                    org_closure::depth.eq(depth),
                ))
                .execute(conn)
                .unwrap();
            above = ORGS.iter().find(|row| row.0 == one).and_then(|row| row.2);
            depth += 1;
        }
    }
    for (name, role, place, domains) in PEOPLE {
        person(conn, name, *role, place, *domains, now);
    }
    // Somebody with a one-time password, not yet changed.
    person(conn, "newcomer", Role::SchoolStaff, "a.s1", None, now);
    diesel::update(users::table.find(user("newcomer")))
        .set(users::must_change_password.eq(true))
        .execute(conn)
        .unwrap();
}

/// Puts a person with one membership and one session into a database.
pub fn person(conn: &mut Conn, name: &str, role: Role, place: &str, domains: Option<&[&str]>, now: Timestamp) {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(user(name)),
            users::version.eq(1_i64),
            users::created_at.eq(now),
            users::updated_at.eq(now),
            users::username.eq(name),
            users::display_name.eq(format!("测试 {name}")),
            users::password_hash.eq(HASH.as_str()),
            users::must_change_password.eq(false),
            users::demo.eq(false),
            users::rights_version.eq(1_i64),
            users::failed_logins.eq(0),
        ))
        .execute(conn)
        .unwrap();
    let bureau = place.split('.').next().unwrap();
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(built_in(&format!("test membership {name}"))),
            memberships::created_at.eq(now),
            memberships::user_id.eq(user(name)),
            memberships::bureau_id.eq(org(bureau)),
            memberships::org_id.eq(org(place)),
            memberships::role.eq(role),
            memberships::domains.eq(domains.map(|domains| Doc::of(&domains))),
            memberships::valid_from.eq(now),
        ))
        .execute(conn)
        .unwrap();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session(name)),
            sessions::user_id.eq(user(name)),
            sessions::created_at.eq(now),
            sessions::last_used_at.eq(now),
            sessions::expires_at.eq(now + TimeDelta::days(365)),
        ))
        .execute(conn)
        .unwrap();
}
