//! `anxiao admin create`: the first people, and further bureaus.

use std::io::Read;

use clap::Subcommand;
use diesel::prelude::*;
use serde_json::json;

use super::{open, say};
use crate::access::Role;
use crate::accounts::passwords;
use crate::config::Config;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{memberships, org_closure, orgs, users};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Commit, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::Faults;
use crate::platform::ids::SystemIds;
use crate::platform::journal::{Event, Stream};

/// Commands of `admin`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a person, and with --new-bureau the bureau too. Prints a one-time password unless one is given
    Create(Create),
}

/// Flags of `admin create`.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// What the person is
    #[arg(long, value_name = "ROLE", value_parser = role_parser())]
    role: String,
    /// For signing in: 3 to 64 of a-z 0-9 . _ -
    #[arg(long, value_name = "NAME")]
    username: String,
    /// For people to read [default: the user name]
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// The organisation, by its name
    #[arg(long, value_name = "NAME")]
    org: String,
    /// Read the password from standard input: at least 15 characters
    #[arg(long)]
    password_stdin: bool,
    /// Make the organisation as a new bureau
    #[arg(long, requires = "region_code")]
    new_bureau: bool,
    /// Six digits of GB/T 2260; begins the numbers of the bureau's hazards
    #[arg(long, value_name = "CODE", requires = "new_bureau")]
    region_code: Option<String>,
    /// Zone of the bureau's business days
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    time_zone: String,
}

fn role_parser() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Role::ALL.iter().map(|role| role.as_str()))
}

/// Runs the command.
pub fn run(config: &Config, command: Command) -> Result<(), String> {
    let Command::Create(args) = command;
    let role = Role::parse(&args.role).ok_or_else(|| format!("{} is no role", args.role))?;
    let username = args.username.trim().to_lowercase();
    check(&args, &username)?;
    let (password, one_time) = if args.password_stdin {
        (password_from_stdin(&username)?, false)
    } else {
        (passwords::one_time(&SystemIds), true)
    };
    let hash = passwords::hash_now(&password, passwords::salt(&SystemIds)).map_err(|problem| problem.to_string())?;
    let (db, runtime) = open(config)?;
    let display_name = args.display_name.clone().unwrap_or_else(|| username.clone());
    let (org, name) = (args.org.clone(), username.clone());
    let new_bureau = args.region_code.clone().map(|code| (code, args.time_zone.clone()));
    let made = runtime.block_on(db.write(Work::default(), move |tx| {
        let (org_id, bureau_id) = match &new_bureau {
            Some((code, zone)) => make_bureau(tx, &org, code, zone)?,
            None => find_org(tx, &org, role)?,
        };
        make_person(tx, &name, &display_name, &hash, one_time, (role, org_id, bureau_id))
    }));
    made.map_err(|problem| sentence(&problem, &args, &username))?;
    say(&format!("{username} is {role} of {}", args.org));
    if one_time {
        say(&format!("one-time password: {password}"));
    }
    Ok(())
}

fn check(args: &Create, username: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if !(3..=64).contains(&username.len()) || !username.chars().all(allowed) {
        return Err("the user name must have 3 to 64 of a-z 0-9 . _ -".into());
    }
    if let Some(code) = &args.region_code
        && (code.len() != 6 || !code.chars().all(|c| c.is_ascii_digit()))
    {
        return Err("the region code must have six digits".into());
    }
    if args.time_zone.parse::<chrono_tz::Tz>().is_err() {
        return Err(format!("{} is no time zone", args.time_zone));
    }
    if args.org.trim().is_empty() || args.org.chars().count() > 100 {
        return Err("the organisation's name must have 1 to 100 characters".into());
    }
    Ok(())
}

fn password_from_stdin(username: &str) -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin()
        .take(1024)
        .read_to_string(&mut text)
        .map_err(|error| format!("no password on standard input: {error}"))?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    let mut faults = Faults::default();
    passwords::judge(&mut faults, "password", &password, username);
    match faults.into_inner().first() {
        Some(fault) => Err(format!("the password {}", fault.detail.1)),
        None => Ok(password),
    }
}

fn sentence(problem: &Problem, args: &Create, username: &str) -> String {
    match problem.code {
        Code::UsernameTaken => format!("the user name {username} is taken"),
        Code::RegionCodeTaken => "a bureau with this region code exists already".into(),
        Code::NotFound => format!("there is no organisation {}; with --new-bureau it is made", args.org),
        _ => problem.to_string(),
    }
}

/// The organisation of that name on which the role can stand; two of one name are told apart by nobody.
fn find_org(tx: &mut Tx<'_>, name: &str, role: Role) -> Result<(Id, Id), Problem> {
    let kinds: Vec<&str> = role.stands_on().iter().map(|kind| kind.as_str()).collect();
    let found: Vec<(Id, Id)> = orgs::table
        .filter(orgs::name.eq(name))
        .filter(orgs::kind.eq_any(kinds))
        .select((orgs::id, orgs::bureau_id))
        .load(tx.conn)?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Problem::not_found()),
        _ => Err(Problem::new(Code::StateConflict).cause("several organisations have this name")),
    }
}

fn make_bureau(tx: &mut Tx<'_>, name: &str, region_code: &str, zone: &str) -> Result<(Id, Id), Problem> {
    let id = tx.new_id();
    diesel::insert_into(orgs::table)
        .values((
            orgs::id.eq(id),
            orgs::version.eq(1_i64),
            orgs::created_at.eq(tx.now),
            orgs::updated_at.eq(tx.now),
            orgs::kind.eq(OrgKind::Bureau),
            orgs::bureau_id.eq(id),
            orgs::name.eq(name),
            orgs::region_code.eq(region_code),
            orgs::time_zone.eq(zone),
            orgs::features.eq(Doc::of(&Vec::<String>::new())),
        ))
        .execute(tx.conn)?;
    diesel::insert_into(org_closure::table)
        .values((org_closure::ancestor_id.eq(id), org_closure::descendant_id.eq(id), org_closure::depth.eq(0)))
        .execute(tx.conn)?;
    let _ = tx.record(Event::of("org", id, "created").at(id, id).with(json!({"kind": "bureau"})))?;
    Ok((id, id))
}

fn make_person(
    tx: &mut Tx<'_>,
    username: &str,
    display_name: &str,
    hash: &str,
    must_change: bool,
    (role, org_id, bureau_id): (Role, Id, Id),
) -> Result<Commit<Id>, Problem> {
    let (id, membership) = (tx.new_id(), tx.new_id());
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::version.eq(1_i64),
            users::created_at.eq(tx.now),
            users::updated_at.eq(tx.now),
            users::username.eq(username),
            users::display_name.eq(display_name),
            users::password_hash.eq(hash),
            users::must_change_password.eq(must_change),
            users::demo.eq(false),
            users::rights_version.eq(1_i64),
            users::failed_logins.eq(0),
        ))
        .execute(tx.conn)?;
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(membership),
            memberships::created_at.eq(tx.now),
            memberships::user_id.eq(id),
            memberships::bureau_id.eq(bureau_id),
            memberships::org_id.eq(org_id),
            memberships::role.eq(role),
            memberships::valid_from.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let event = Event::of("user", id, "created").at(bureau_id, org_id).stream(Stream::Accounts);
    Ok(tx.record(event.with(json!({"role": role, "by": "command line"})))?.with(id))
}
