//! `anxiao admin create`: the first people, and further bureaus.

use std::io::Read;

use clap::Subcommand;
use diesel::prelude::*;

use super::{open, open_existing, say};
use crate::access::Role;
use crate::access::scope::org_ref;
use crate::accounts::passwords;
use crate::accounts::people::bodies::NewMembership;
use crate::accounts::people::store::{self as people, NewAccount};
use crate::config::Config;
use crate::orgs::store::create_bureau;
use crate::platform::db::schema::orgs;
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::Faults;
use crate::platform::ids::SystemIds;

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
    // The first bureau may come before the first start; everything else needs what is there.
    let (db, runtime) = if args.region_code.is_some() { open(config)? } else { open_existing(config)? };
    let display_name = args.display_name.clone().unwrap_or_else(|| username.clone());
    let (org, name) = (args.org.clone(), username.clone());
    let new_bureau = args.region_code.clone().map(|code| (code, args.time_zone.clone()));
    let made = runtime.block_on(db.write(Work::default(), move |tx| {
        let org_id = match &new_bureau {
            Some((code, zone)) => create_bureau(tx, &org, code, zone)?.0.id,
            None => find_org(tx, &org, role)?,
        };
        make_person(tx, (&name, &display_name), (&hash, one_time), role, org_id)
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
        Code::ValidationFailed => match problem.errors.first() {
            Some(fault) => format!("{} {}", fault.pointer.trim_start_matches('/'), fault.detail.1),
            None => problem.to_string(),
        },
        _ => problem.to_string(),
    }
}

/// The organisation of that name on which the role can stand; two of one name are told apart by nobody.
fn find_org(tx: &mut Tx<'_>, name: &str, role: Role) -> Result<Id, Problem> {
    let kinds: Vec<&str> = role.stands_on().iter().map(|kind| kind.as_str()).collect();
    let found: Vec<Id> =
        orgs::table.filter(orgs::name.eq(name)).filter(orgs::kind.eq_any(kinds)).select(orgs::id).load(tx.conn)?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Problem::not_found()),
        _ => Err(Problem::new(Code::StateConflict).cause("several organisations have this name")),
    }
}

fn make_person(
    tx: &mut Tx<'_>,
    (username, display_name): (&str, &str),
    (hash, must_change): (&str, bool),
    role: Role,
    org_id: Id,
) -> Result<Commit<()>, Problem> {
    let org = org_ref(tx.conn, org_id)?;
    let account = NewAccount {
        id: tx.new_id(),
        username,
        display_name,
        phone: None,
        password_hash: hash,
        must_change_password: must_change,
        demo: false,
        body_hash: None,
    };
    let membership = NewMembership { org_id, role, domains: None, valid_from: None, valid_to: None };
    Ok(people::found(tx, &account, &org, &membership)?.with(()))
}
