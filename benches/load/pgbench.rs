//! The floor of PostgreSQL: pgbench with prepared statements, which has no HTTP, no lanes and no JSON.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::cluster::programs;
use crate::district::District;

/// Connections of pgbench.
const CLIENTS: &str = "8";

/// The row of a hazard by its id.
pub fn row(district: &District) -> String {
    let (hazards, base, step) = (district.hazards - 1, district.base_ms, district.step_ms);
    let hex = |expression: &str| format!("lpad(to_hex({expression}), 12, '0')");
    let id = format!(
        "({} || '70008000' || {})::uuid",
        hex(&format!("{base}::bigint + :n::bigint * {step}::bigint")),
        hex(":n::bigint")
    );
    format!("\\set n random(0, {hazards})\nSELECT * FROM hazards WHERE id = {id};\n")
}

/// The statements of a point read: the row, the zone of its bureau, its rounds.
pub fn point_read(district: &District) -> String {
    let row = row(district);
    let id = row.split_once("WHERE ").map_or("", |(_, condition)| condition).trim();
    let rounds = id.replacen("id =", "hazard_id =", 1);
    format!(
        "{row}SELECT id, time_zone FROM orgs WHERE id = '{}';\nSELECT * FROM hazard_rounds WHERE {rounds}\n",
        district.bureau
    )
}

/// The statements of a list of 20 in a school.
pub fn list(district: &District) -> String {
    let schools = district.schools - 1;
    let school = format!(
        "(lpad(to_hex({}::bigint), 12, '0') || '70018000' || lpad(to_hex(:n::bigint), 12, '0'))::uuid",
        district.base_ms
    );
    format!(
        "\\set n random(0, {schools})\nSELECT * FROM hazards WHERE org_id = {school} ORDER BY created_at DESC, id DESC \
         LIMIT 21;\nSELECT id, time_zone FROM orgs WHERE id = '{}';\n",
        district.bureau
    )
}

/// Runs a script; answers how often it ran in a second. Nothing where there is no pgbench.
pub fn run(url: &str, folder: &Path, script: &str, seconds: f64) -> Result<Option<f64>> {
    let program = programs().join("pgbench");
    if !program.exists() {
        return Ok(None);
    }
    let file = folder.join("pgbench.sql");
    std::fs::write(&file, script)?;
    let output = Command::new(program)
        .args(["-n", "-M", "prepared", "-c", CLIENTS, "-j", "2", "-T", &format!("{seconds:.0}"), "-f"])
        .arg(&file)
        .arg(url)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
    match tps {
        Some(tps) if output.status.success() => Ok(Some(tps)),
        _ => bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr)),
    }
}
