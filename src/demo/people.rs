//! The people of the district: the fifteen of the published sign-ins, and those without whom the story could not go on.

use chrono::TimeDelta;

use super::world::World;
use crate::access::scope::org_ref;
use crate::access::{OrgRef, Permission, Role};
use crate::accounts::people::bodies::NewMembership;
use crate::accounts::people::memberships::grantable;
use crate::accounts::people::store::{NewAccount, found};
use crate::platform::db::Tx;
use crate::platform::error::Problem;
use crate::platform::http::{Check, Faults};

const SURNAMES: [&str; 20] = [
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩", "杨", "朱", "秦", "尤",
    "许",
];
const GIVEN: [&str; 12] = ["安", "宁", "平", "静", "和", "康", "顺", "诚", "慎", "敏", "勤", "实"];

/// Names that say that nobody is meant.
fn invented(number: usize) -> String {
    let pick = |words: &[&'static str], at: usize| words.get(at % words.len()).copied().unwrap_or_default();
    format!("{}{}（虚构）", pick(&SURNAMES, number), pick(&GIVEN, number / SURNAMES.len() + number))
}

/// Somebody to be made.
struct Person<'a> {
    username: &'a str,
    role: Role,
    org: &'a OrgRef,
    domains: Option<Vec<String>>,
    /// Days from the date until which the role is held.
    until: Option<i64>,
}

fn make(
    tx: &mut Tx<'_>,
    world: &mut World,
    hash: &str,
    granter: Option<&str>,
    person: Person<'_>,
) -> Result<(), Problem> {
    let end = world.due(1, person.until.unwrap_or(0));
    let membership = NewMembership {
        org_id: person.org.id,
        role: person.role,
        domains: person.domains,
        valid_from: None,
        valid_to: person.until.map(|_| end),
    };
    let mut faults = Faults::default();
    membership.check(&mut faults);
    faults.finish()?;
    let display_name = invented(world.count());
    let id = tx.new_id();
    let account = NewAccount {
        id,
        username: person.username,
        display_name: &display_name,
        phone: None,
        password_hash: hash,
        must_change_password: false,
        demo: true,
        body_hash: None,
    };
    match granter {
        None => drop(found(tx, &account, person.org, &membership)?),
        Some(granter) => world.has(tx, granter, &[Permission::UserManage], |tx, rights| {
            let org = grantable(tx.conn, rights, &membership, "")?;
            found(tx, &account, &org, &membership).map(drop)
        })?,
    }
    tx.now = tx.now + TimeDelta::minutes(1);
    world.introduce(tx, id, person.username, &display_name)
}

/// The three administrators, whom the command line makes.
///
/// # Errors
/// Whatever the engine says.
pub fn administrators(tx: &mut Tx<'_>, world: &mut World, hash: &str) -> Result<(), Problem> {
    let bureau = world.bureau.clone();
    for (username, role) in
        [("sysadmin", Role::SystemAdmin), ("secadmin", Role::SecurityAdmin), ("auditadmin", Role::AuditAdmin)]
    {
        make(tx, world, hash, None, Person { username, role, org: &bureau, domains: None, until: None })?;
    }
    Ok(())
}

/// The people of the bureau, whom the system administrator makes.
///
/// # Errors
/// Whatever the engine says.
pub fn bureau(tx: &mut Tx<'_>, world: &mut World, hash: &str) -> Result<(), Problem> {
    let bureau = world.bureau.clone();
    let people = [
        ("leader", Role::BureauLeader, None, None),
        ("office", Role::SafetyOffice, None, None),
        ("section.fire", Role::SectionOfficer, Some(vec!["fire".to_owned()]), None),
        ("inspector1", Role::Inspector, None, None),
        ("inspector2", Role::Inspector, None, None),
        ("external1", Role::ExternalInspector, None, Some(60)),
    ];
    for (username, role, domains, until) in people {
        make(tx, world, hash, Some("sysadmin"), Person { username, role, org: &bureau, domains, until })?;
    }
    Ok(())
}

/// Supervisors of the clusters, a principal and a safety officer of each school, and one of the staff.
///
/// # Errors
/// Whatever the engine says.
pub fn schools(tx: &mut Tx<'_>, world: &mut World, hash: &str) -> Result<(), Problem> {
    let mut known = Vec::new();
    for school in world.schools.clone() {
        if let Some(cluster_id) = school.org.parent_id
            && !known.contains(&cluster_id)
        {
            known.push(cluster_id);
            let cluster = org_ref(tx.conn, cluster_id)?;
            let username = school.supervisor;
            let supervisor = Person { username, role: Role::Supervisor, org: &cluster, domains: None, until: None };
            make(tx, world, hash, Some("sysadmin"), supervisor)?;
        }
        let (principal, officer) = (school.principal(), school.officer());
        for (username, role) in [(&principal, Role::Principal), (&officer, Role::SchoolSafetyOfficer)] {
            let person = Person { username, role, org: &school.org, domains: None, until: None };
            make(tx, world, hash, Some("office"), person)?;
        }
        if school.number == 1 {
            let staff =
                Person { username: "staff1", role: Role::SchoolStaff, org: &school.org, domains: None, until: None };
            make(tx, world, hash, Some(&principal), staff)?;
        }
    }
    Ok(())
}
