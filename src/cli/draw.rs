//! `anxiao draw`: verifying the proof of a double-random draw, and making a seed for one. No database, no network.

use std::path::PathBuf;

use clap::Subcommand;

use super::say;
use crate::draws::algorithm::{commitment, hex};
use crate::draws::proof::Proof;
use crate::platform::ids::{Ids, SystemIds};

/// Commands of `draw`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compute everything in a proof again and name the first thing that does not match
    Verify(Verify),
    /// Make a seed, its salt and the commitment to both; keep seed and salt to yourself until it is time
    Seed,
}

/// Flags of `draw verify`.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The proof, as `GET /api/v1/draws/{id}/proof` answered it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The hash of the result as it was published at the draw
    #[arg(long, value_name = "SHA256")]
    result: Option<String>,
    /// The hash of the pools as it was published when they were frozen
    #[arg(long, value_name = "SHA256")]
    pool: Option<String>,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), String> {
    match command {
        Command::Verify(args) => verify(args),
        Command::Seed => {
            let (mut seed, mut salt) = ([0_u8; 32], [0_u8; 32]);
            SystemIds.fill(&mut seed);
            SystemIds.fill(&mut salt);
            say(&format!("seed       {}", hex(&seed)));
            say(&format!("salt       {}", hex(&salt)));
            say(&format!("commitment {}", commitment(&seed, &salt)));
            Ok(())
        }
    }
}

fn verify(args: &Verify) -> Result<(), String> {
    let name = args.file.display();
    let text = std::fs::read(&args.file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let proof: Proof = serde_json::from_slice(&text).map_err(|error| format!("{name} is no proof: {error}"))?;
    proof.verify().map_err(|mismatch| format!("{name} does not hold: {mismatch}"))?;
    for (known, own, what) in
        [(&args.pool, &proof.pool_sha256, "pool_sha256"), (&args.result, &proof.result_sha256, "result_sha256")]
    {
        if known.as_ref().is_some_and(|known| !known.eq_ignore_ascii_case(own)) {
            return Err(format!("{name} does not hold: /{what}: is not what was published"));
        }
    }
    let (schools, drawn) = (proof.pool.schools.len(), proof.results.len());
    say(&format!("draw {} holds: {drawn} of {schools} schools, as the seeds say", proof.pool.number));
    say(&format!("pool   {}", proof.pool_sha256));
    say(&format!("result {}", proof.result_sha256));
    Ok(())
}
