//! `anxiao-client`: a phone in a terminal.
//!
//! Whatever the network does, `answer`, `report`, `submit`, `photo` and `note` work; `sync` hands in and fetches as far as
//! it comes and can be run again at any time.

mod command;

use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anxiao_client::http::{Http, Trouble};
use anxiao_client::operation::{Draft, Outcome};
use anxiao_client::patience::Patience;
use anxiao_client::phone::Phone;
use chrono::{DateTime, Utc};
use clap::Parser;
use serde_json::{Value, json};
use uuid::Uuid;

use command::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            drop(writeln!(std::io::stderr(), "anxiao-client: {sentence}"));
            ExitCode::FAILURE
        }
    }
}

fn say(line: &dyn std::fmt::Display) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[expect(clippy::disallowed_methods, reason = "the command is where the real clock comes in")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// UUIDv4, which does not tell when it was made: the ids of hidden visits must not.
#[expect(clippy::disallowed_methods, reason = "the command is where real randomness comes in")]
fn new_id() -> Uuid {
    Uuid::new_v4()
}

fn open(store: &Path) -> Result<Phone, String> {
    Phone::open(store, &format!("client-{}", new_id())).map_err(told)
}

fn run(cli: &Cli) -> Result<(), String> {
    let store = cli.store.as_path();
    match &cli.command {
        Command::Login { server, username } => login(store, server, username),
        Command::Pull => {
            let mut phone = open(store)?;
            let pulled = phone.pull(&mut http(&phone)?).map_err(told)?;
            say(&format!("{} rows came, {} went", pulled.changes, pulled.gone));
            Ok(())
        }
        Command::Sync { seconds } => sync(store, Duration::from_secs(*seconds)),
        Command::HandIn => {
            let mut phone = open(store)?;
            let outcomes = phone.hand_in(&mut http(&phone)?, now()).map_err(told)?;
            outcomes.iter().for_each(|outcome| say(&line(outcome)));
            Ok(())
        }
        Command::Photo { file, media_type, target } => photo(store, file, media_type, &target.json()?),
        Command::Note => note(store),
        Command::Status => status(&open(store)?),
        Command::Show { collection } => {
            open(store)?.local.rows(collection).for_each(|change| say(&change.row));
            Ok(())
        }
        done => {
            let mut phone = open(store)?;
            let draft = done.draft(&phone.local, new_id)?;
            kept(&mut phone, draft)
        }
    }
}

fn http(phone: &Phone) -> Result<Http, String> {
    let session = phone.session().ok_or("log in first")?;
    Ok(Http::new(&session.server, Duration::from_secs(60)))
}

fn kept(phone: &mut Phone, draft: Draft) -> Result<(), String> {
    let (id, op_id) = (draft.id, new_id());
    let seq = phone.note(draft, op_id, now()).map_err(told)?;
    say(&json!({"seq": seq, "op_id": op_id, "id": id}));
    Ok(())
}

/// Operations from standard input, one JSON object a line; each is on the disk before its line is printed.
fn note(store: &Path) -> Result<(), String> {
    let mut phone = open(store)?;
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(told)?;
        let fault = |error: serde_json::Error| format!("line {}: {error}", number + 1);
        let mut draft: Value = serde_json::from_str(&line).map_err(fault)?;
        if let Some(object) = draft.as_object_mut() {
            object.entry("id").or_insert_with(|| json!(new_id()));
        }
        kept(&mut phone, serde_json::from_value(draft).map_err(fault)?)?;
    }
    Ok(())
}

fn photo(store: &Path, file: &Path, media_type: &str, target: &Value) -> Result<(), String> {
    let evidence_id = new_id();
    let kept = open(store)?.photo(file, media_type, target, (evidence_id, new_id()), now());
    kept.map_err(|error| format!("{}: {error}", file.display()))?;
    say(&json!({"evidence_id": evidence_id}));
    Ok(())
}

fn login(store: &Path, server: &str, username: &str) -> Result<(), String> {
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).map_err(told)?;
    let mut phone = open(store)?;
    let server = server.trim_end_matches('/');
    let mut http = Http::new(server, Duration::from_secs(30));
    phone.sign_in(&mut http, server, username, password.trim_end_matches(['\r', '\n'])).map_err(|trouble| {
        if trouble == Trouble::SignInAgain { "the user name or the password is wrong".into() } else { told(trouble) }
    })?;
    say(&format!("signed in as {username} on {}", phone.outbox.device_id()));
    Ok(())
}

/// Round after round until one comes through, or the time is over. Between rounds the folder is free for others.
fn sync(store: &Path, most: Duration) -> Result<(), String> {
    let mut patience = Patience::default();
    let begun = Instant::now();
    loop {
        let mut phone = open(store)?;
        let trouble = match phone.sync(&mut http(&phone)?, now()) {
            Ok(synced) => {
                synced.outcomes.iter().for_each(|outcome| say(&line(outcome)));
                synced.uploaded.iter().for_each(|id| say(&format!("{id} uploaded")));
                say(&format!("{} rows came, {} went", synced.pulled.changes, synced.pulled.gone));
                return Ok(());
            }
            Err(trouble) => trouble,
        };
        let waits = (phone.outbox.waiting().count(), phone.uploads.waiting().count());
        let left = format!("{trouble}; {} operations and {} files are kept and wait", waits.0, waits.1);
        drop(phone);
        let asked = if let Trouble::Later(asked) = &trouble { *asked } else { None };
        let wait = patience.wait(asked, new_id().as_u64_pair().0);
        if trouble == Trouble::SignInAgain {
            return Err(format!("{left}: log in again, or, if you no longer can, hand-in"));
        }
        if !trouble.is_passing() || begun.elapsed() + wait > most {
            return Err(left);
        }
        say(&format!("{left}: again in {} s", wait.as_secs()));
        #[expect(clippy::disallowed_methods, reason = "a command has nothing else to do")]
        std::thread::sleep(wait);
    }
}

fn line(outcome: &Outcome) -> String {
    let code = outcome.problem.as_ref().and_then(|problem| problem.get("code")).and_then(Value::as_str);
    let mut line = format!("{} {} {}", outcome.seq, outcome.op_id, outcome.fate());
    if let Some(code) = code {
        line += &format!(" {code}");
    }
    if let Some(id) = outcome.conflict_id.or(outcome.quarantine_id) {
        line += &format!(" {id}");
    }
    if outcome.allowed_then == Some(true) {
        line += " (allowed when it was done)";
    }
    if !outcome.waiting_for.is_empty() {
        line += &format!(" for {:?}", outcome.waiting_for);
    }
    line
}

fn status(phone: &Phone) -> Result<(), String> {
    for op in phone.outbox.waiting() {
        say(&format!("{} {} waits {}", op.seq, op.op_id, op.draft.kind));
    }
    phone.outbox.outcomes().for_each(|(op, outcome)| say(&format!("{} {}", line(outcome), op.draft.kind)));
    for wanted in phone.uploads.waiting() {
        say(&format!("{} waits, {} bytes", wanted.evidence_id, wanted.bytes));
    }
    for (wanted, problem) in phone.uploads.refused() {
        let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
        say(&format!("{} refused {code}: {}", wanted.evidence_id, wanted.path.display()));
    }
    Ok(())
}
