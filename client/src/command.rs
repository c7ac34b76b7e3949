//! What can be typed, and the operation each of it stands for.

use std::path::PathBuf;

use anxiao_client::local::Local;
use anxiao_client::operation::Draft;
use clap::{Args, Parser, Subcommand};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A phone in a terminal: works offline, hands in over bad networks, forgets nothing without a receipt.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// Where everything is kept; belongs to one person
    #[arg(long, env = "ANXIAO_CLIENT_STORE", default_value = "phone")]
    pub store: PathBuf,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in; the password is read from standard input
    Login {
        /// Such as https://anxiao.example
        server: String,
        /// The user name
        username: String,
    },
    /// Fetch what this user may see
    Pull,
    /// Arrive at an inspection
    CheckIn {
        /// The inspection
        inspection: Uuid,
    },
    /// Answer an item
    Answer {
        /// The inspection
        inspection: Uuid,
        /// Such as fang-003
        item: String,
        /// pass, fail or na
        result: Option<String>,
        /// Of items that ask for a number, a choice or a text: as JSON
        #[arg(long)]
        value: Option<Value>,
        /// In words
        #[arg(long)]
        note: Option<String>,
        /// Why it does not apply
        #[arg(long)]
        reason: Option<String>,
        /// Photos, by the ids that `photo` printed
        #[arg(long)]
        evidence: Vec<Uuid>,
    },
    /// Report a hazard
    Report {
        /// The organisation
        #[arg(long)]
        org: Uuid,
        /// Such as fang
        #[arg(long)]
        category: String,
        /// Such as fire
        #[arg(long)]
        domain: String,
        /// In a few words
        #[arg(long)]
        title: String,
        /// What is to be seen
        #[arg(long)]
        description: String,
        /// How it was found
        #[arg(long, default_value = "referral")]
        source: String,
    },
    /// Hand in an inspection
    Submit {
        /// The inspection
        inspection: Uuid,
        /// In words
        #[arg(long)]
        conclusion: Option<String>,
    },
    /// Keep a copy of a photo or a video, declare it and put it on the list of uploads
    Photo {
        /// The file
        file: PathBuf,
        /// What it is
        #[arg(long, default_value = "image/jpeg")]
        media_type: String,
        /// What it is evidence for
        #[command(flatten)]
        target: Target,
    },
    /// Note operations of any kind: {"kind","set","id"?,"base_version"?,"needs"?,"group"?}, one a line, from standard input
    Note,
    /// Hand in, fetch, upload
    Sync {
        /// Keep trying for so many seconds
        #[arg(long = "for", default_value_t = 0)]
        seconds: u64,
    },
    /// Hand in, to be looked at by people, what nobody can sign in for any more
    HandIn,
    /// What waits, and what became of what was handed in
    Status,
    /// The rows of a collection, one JSON object a line
    Show {
        /// inspections, answers, checklists, orgs, sites, hazards, comments
        collection: String,
    },
}

/// What a photo is evidence for.
#[derive(Debug, Args)]
pub struct Target {
    /// Of an item of this inspection
    #[arg(long, requires = "item")]
    inspection: Option<Uuid>,
    /// Which item
    #[arg(long, requires = "inspection")]
    item: Option<String>,
    /// Of this hazard
    #[arg(long, requires = "role", conflicts_with = "inspection")]
    hazard: Option<Uuid>,
    /// In which of its rounds
    #[arg(long, default_value_t = 1)]
    round: i32,
    /// before or after
    #[arg(long, requires = "hazard")]
    role: Option<String>,
}

impl Target {
    /// As the server reads it.
    ///
    /// # Errors
    /// Where nothing is named.
    pub fn json(&self) -> Result<Value, String> {
        match (self.inspection, self.hazard) {
            (Some(inspection), _) => Ok(json!({"inspection_id": inspection, "item_code": self.item})),
            (None, Some(hazard)) => Ok(json!({"hazard_id": hazard, "round": self.round, "role": self.role})),
            (None, None) => Err("name --inspection and --item, or --hazard and --role".into()),
        }
    }
}

impl Command {
    /// The operation, with the version of the record that this phone has seen.
    ///
    /// # Errors
    /// For a command that is none.
    pub fn draft(&self, local: &Local, new_id: impl FnOnce() -> Uuid) -> Result<Draft, String> {
        let (kind, id, base_version, set) = match self {
            Self::CheckIn { inspection } => ("inspection.check_in", *inspection, seen(local, *inspection), json!({})),
            Self::Answer { inspection, item, result, value, note, reason, evidence } => {
                let set = json!({
                    "item_code": item, "result": result, "value": value, "note": note, "reason": reason,
                    "evidence_ids": if evidence.is_empty() { Value::Null } else { json!(evidence) },
                });
                ("inspection.answer", *inspection, answer_seen(local, *inspection, item), set)
            }
            Self::Report { org, category, domain, title, description, source } => {
                let set = json!({
                    "org_id": org, "category": category, "domain": domain, "title": title, "description": description,
                    "source": source,
                });
                ("hazard.report", new_id(), None, set)
            }
            Self::Submit { inspection, conclusion } => {
                ("inspection.submit", *inspection, None, json!({"conclusion": conclusion}))
            }
            other => return Err(format!("{other:?} is no operation")),
        };
        // A field that was not said is left as it is; null would clear it.
        let mut set: Map<String, Value> = set.as_object().cloned().unwrap_or_default();
        set.retain(|_, value| !value.is_null());
        Ok(Draft { kind: kind.to_owned(), id, base_version, set, needs: vec![], group: None })
    }
}

fn seen(local: &Local, inspection: Uuid) -> Option<i64> {
    local.row("inspections", &inspection.to_string()).map(|change| change.v)
}

fn answer_seen(local: &Local, inspection: Uuid, item: &str) -> Option<i64> {
    local.answer(&inspection.to_string(), item).map(|change| change.v)
}
