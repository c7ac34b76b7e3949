//! Names that survive a power loss. `fsync` of a file keeps its bytes; only `fsync` of the folder keeps its name.

use std::fs::{DirBuilder, File};
use std::path::Path;

/// Makes a folder and those above it that are missing, each durably. `private` ones are for this account alone.
///
/// # Errors
/// Whatever the operating system says.
pub fn make_folder(path: &Path, private: bool) -> std::io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_folder(above, private)?;
    }
    let mut builder = DirBuilder::new();
    // Not an error when another process was faster.
    builder.recursive(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder.create(path)?;
    sync_name(path)
}

/// Syncs the folder in which `path` has its name.
///
/// # Errors
/// Whatever the operating system says.
pub fn sync_name(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
        _ => sync_folder(Path::new(".")),
    }
}

/// Makes what was named in a folder, renamed into it or removed from it, survive.
///
/// # Errors
/// Whatever the operating system says.
pub fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}
