//! A server in a process of its own: the product's binary, or this program as the floor.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::machine::{field, kibibytes};

/// Ends with its value.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to the first 200 of readiness.
    pub ready_after: Duration,
}

impl Server {
    /// The product's binary on a database, with its defaults but for `more`.
    pub fn product(url: &str, folder: &Path, more: &[&str]) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anxiao"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--database-url", url]);
        command.arg("--data-dir").arg(folder).args(more);
        Self::start(command, "/health/ready")
    }

    /// This program, answering with bare queries.
    pub fn floor(url: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", url]);
        Self::start(command, "/ready")
    }

    #[expect(clippy::disallowed_methods, reason = "this thread has nothing else to do")]
    fn start(mut command: Command, ready: &str) -> Result<Self> {
        // Log lines are made and written as in service, only that nobody keeps them.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().context("the server does not start")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                let status = child.wait()?;
                bail!("the server ended before it listened: {status}");
            }
        }
        let address = line.split_once("http://").and_then(|(_, tail)| tail.split_whitespace().next());
        let address = address.context("no address")?.parse()?;
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        while !answers(address, ready) {
            if started.elapsed() > Duration::from_secs(30) {
                bail!("the server is not ready after 30 s");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    /// Resident memory in MiB: now, and the most so far.
    pub fn memory(&self) -> (f64, f64) {
        let path = format!("/proc/{}/status", self.child.id());
        let mib = |name| field(&path, name).and_then(|text| kibibytes(&text)).map_or(f64::NAN, |kib| kib / 1024.0);
        (mib("VmRSS"), mib("VmHWM"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    stream.write_all(request.as_bytes()).is_ok() && stream.read_exact(&mut answer).is_ok() && answer.ends_with(b" 200")
}
