//! Files with secret keys of 32 bytes: made at first use with owner-only rights, shared by the nodes of an installation.
//!
//! `{"seeds": ["base64url", …]}`: the first is used for what is new, all for what is old; a new one is put in front.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::platform::durable;
use crate::platform::ids::Ids;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    /// 32 bytes each, base64url; the first is used for what is new.
    seeds: Vec<String>,
}

/// The keys of a file, at least one; made there if it does not exist. `what` names it to the operator.
///
/// # Errors
/// One sentence for the operator.
pub fn open(path: &Path, what: &str, ids: &dyn Ids) -> Result<Vec<[u8; 32]>, String> {
    let shown = path.display();
    if !path.exists() {
        let mut seed = [0; 32];
        ids.fill(&mut seed);
        let file = KeyFile { seeds: vec![URL_SAFE_NO_PAD.encode(seed)] };
        let text = serde_json::to_string(&file).map_err(|error| error.to_string())?;
        create_private(path, &text).map_err(|error| format!("the {what} {shown} cannot be made: {error}"))?;
    }
    refuse_readable_by_others(path, what)?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("the {what} {shown} cannot be read: {error}"))?;
    let file: KeyFile =
        serde_json::from_str(&text).map_err(|error| format!("the {what} {shown} is not valid: {error}"))?;
    let seeds: Option<Vec<[u8; 32]>> =
        file.seeds.iter().map(|seed| URL_SAFE_NO_PAD.decode(seed).ok()?.try_into().ok()).collect();
    seeds.filter(|seeds| !seeds.is_empty()).ok_or_else(|| format!("the {what} {shown} holds no seeds of 32 bytes"))
}

fn create_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    if let Some(folder) = path.parent() {
        durable::make_folder(folder, false)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // What is signed and sealed with it outlives a power loss; so must its name.
    durable::sync_name(path)
}

fn refuse_readable_by_others(path: &Path, what: &str) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode();
        if mode & 0o007 != 0 {
            return Err(format!("the {what} {} can be read by everybody: chmod 600 it", path.display()));
        }
    }
    Ok(())
}
