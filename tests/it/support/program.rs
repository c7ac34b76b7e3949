//! The real program as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anxiao::platform::db::DatabaseUrl;

/// The password of whoever [`first_person`] makes.
pub const PASSWORD: &str = "rain-in-April-47-umbrellas";

/// The program itself with a database of its own; killed when the test ends, however it ends.
pub struct Program {
    /// The process.
    pub child: Child,
    /// `http://127.0.0.1:PORT`
    pub base: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program with a folder and a database of the test.
pub fn command(folder: &Path, url: &DatabaseUrl, arguments: &[&str]) -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_anxiao")), folder, url, arguments)
}

/// The same with a program of the test's own making.
pub fn command_of(program: &Path, folder: &Path, url: &DatabaseUrl, arguments: &[&str]) -> Command {
    let url = match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{path}"),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(program);
    command.args(arguments).arg("--data-dir").arg(folder).args(["--database-url", &url, "--log", "error"]);
    command.env_clear().current_dir(folder);
    command
}

/// The arguments with which [`Program`] serves.
pub const SERVE: &[&str] =
    &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--drain-ms", "800"];

impl Program {
    /// Serves on a port of the system's choice.
    pub fn start(folder: &Path, url: &DatabaseUrl) -> Self {
        Self::of(command(folder, url, SERVE))
    }

    /// The same from a command made with [`SERVE`].
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let greeting = lines.next().expect("the server ended before it listened").unwrap();
        let base = greeting.strip_prefix("anxiao listens on ").and_then(|rest| rest.split(' ').next());
        Self { base: base.unwrap_or_else(|| panic!("no address in {greeting}")).to_owned(), child }
    }

    /// SIGKILL: no handler runs, no buffer is written out.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, as `systemctl stop` or a container's end sends it.
    pub fn terminate(&self) {
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(asked.success());
    }

    /// How it ended.
    pub fn ended(&mut self) -> std::process::ExitStatus {
        let patience = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(patience.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The arguments that make the first bureau with somebody of its safety office.
pub const FIRST_PERSON: &[&str] = &[
    "admin",
    "create",
    "--role",
    "safety_office",
    "--username",
    "office",
    "--org",
    "丙区教育局",
    "--new-bureau",
    "--region-code",
    "990102",
    "--password-stdin",
];

/// Makes the first bureau with somebody of its safety office, by the command line.
pub fn first_person(folder: &Path, url: &DatabaseUrl) {
    first_person_by(command(folder, url, FIRST_PERSON));
}

/// The same from a command made with [`FIRST_PERSON`].
pub fn first_person_by(mut command: Command) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}
