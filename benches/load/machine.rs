//! What the figures were measured on.

use anxiao::platform::db::{Conn, word};
use anyhow::Result;

/// Cores, processor and memory, in one line.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)).unwrap_or(0.0);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {processor}, {:.1} GiB, Linux {}", memory / 1024.0 / 1024.0, kernel.trim())
}

/// The value of a `name: value` line.
pub fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, value)| value))?;
    Some(value.trim().to_owned())
}

/// `123 kB` as a number.
pub fn kibibytes(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The engine's own version.
pub fn engine_version(conn: &mut Conn) -> Result<String> {
    let sql = if conn.is_sqlite() {
        "SELECT sqlite_version() AS word"
    } else {
        "SELECT current_setting('server_version') AS word"
    };
    Ok(word(conn, sql)?)
}
