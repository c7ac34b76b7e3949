//! A PostgreSQL cluster that lives as long as this test run and is thrown away after it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// Settings for tests: nothing needs to outlive a power failure.
const FAST: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300 \
                    -c shared_buffers=64MB -c autovacuum=off";

/// A running cluster; connect as `postgres` through its socket folder.
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    // Its standard input is a pipe: when this process ends, however it ends, the pipe closes and the shell on the
    // other side stops the server and removes the folder.
    _keeper: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The cluster of this run, started at first use.
pub fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| start(FAST))
}

impl Cluster {
    /// The URL of a database in the cluster.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{host}:{}/{database}", self.port)
    }
}

/// The folder of PostgreSQL's programs, the newest there is.
pub fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    found.sort();
    let on_path = std::env::var("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&on_path));
    let whole = |folder: &PathBuf| ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).exists());
    found.into_iter().rfind(whole).expect("PostgreSQL 15 or later is needed for the tests: apt-get install postgresql")
}

/// Starts a cluster with `settings`, options of `postgres`; it ends with this process at the latest.
#[expect(clippy::zombie_processes, reason = "the keeper ends with the pipe, after this process")]
pub fn start(settings: &str) -> Cluster {
    let folder = std::env::temp_dir().join(format!("anxiao-pg-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let port = 40_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    let bin = programs();
    // PostgreSQL refuses to run as root: then it runs as the account that its package made, or as nobody.
    let root = Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n");
    let drop_root = if root { drop_root(&folder) } else { String::new() };
    let script = format!(
        "cd / && {drop_root} {bin}/initdb -D {data} -U postgres --auth=trust --no-sync -E UTF8 --locale=C >{log} 2>&1 && \
         {{ {drop_root} {bin}/postgres -D {data} -k {folder} -p {port} -c listen_addresses= {settings} \
         >>{log} 2>&1 & server=$!; cat >/dev/null; kill -QUIT $server; wait $server; rm -rf {folder}; }}",
        bin = bin.display(),
        data = folder.join("data").display(),
        log = folder.join("log").display(),
        folder = folder.display(),
    );
    let keeper = Command::new("setsid").args(["sh", "-c", &script]).stdin(Stdio::piped()).spawn().unwrap();
    for _ in 0..300 {
        let ready = Command::new(bin.join("pg_isready"))
            .args(["-q", "-h", &folder.to_string_lossy(), "-p", &port.to_string()])
            .status();
        if ready.is_ok_and(|status| status.success()) {
            return Cluster { folder, port, _keeper: keeper };
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    panic!("the PostgreSQL cluster did not start:\n{log}");
}

/// The words before a program of PostgreSQL's that works in `folder`; that account can write there then.
pub fn as_postgres(folder: &Path) -> Vec<String> {
    let root = Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n");
    let words = if root { drop_root(folder) } else { "env".to_owned() };
    words.split(' ').map(str::to_owned).collect()
}

fn drop_root(folder: &Path) -> String {
    let known = Command::new("id").args(["-u", "postgres"]).output().is_ok_and(|output| output.status.success());
    let user = if known { "postgres" } else { "nobody" };
    let owned = Command::new("chown").arg(user).arg(folder).status().unwrap();
    assert!(owned.success(), "the cluster's folder cannot be given to {user}");
    format!("setpriv --reuid={user} --clear-groups --no-new-privs --inh-caps=-all")
}
