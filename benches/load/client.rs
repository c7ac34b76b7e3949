//! A lean HTTP/1.1 client: one request at a time on each kept-alive connection, and nothing else, because it shares
//! the machine with what it measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;

/// Makes the bytes of a request from the number of the connection and of the request on it.
pub type Requests = Arc<dyn Fn(u64, u64) -> Vec<u8> + Send + Sync>;

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The status and body of an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        let mut left = request;
        while !left.is_empty() {
            match self.stream.try_write(left) {
                Ok(sent) => left = left.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        self.buffer.clear();
        let (mut head, mut whole) = (None, usize::MAX);
        while self.buffer.len() < whole {
            self.stream.readable().await?;
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
            if head.is_none()
                && let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                head = Some(end + 4);
                whole = end + 4 + length(self.buffer.get(..end).unwrap_or_default())?;
            }
        }
        let status = self.buffer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok()).context("no status line")?;
        let body = self.buffer.get(head.unwrap_or(0)..).unwrap_or_default().to_vec();
        Ok(Answer { status, body })
    }
}

fn length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    value.and_then(|value| value.parse().ok()).with_context(|| format!("an answer without a length: {head}"))
}

/// A GET as somebody.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A POST as somebody, with a key for its repeat.
pub fn post(path: &str, token: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Answers in a second.
    pub per_second: f64,
    /// Milliseconds.
    pub p50: f64,
    /// Milliseconds.
    pub p99: f64,
    /// Answers other than 2xx, with the first of them.
    pub refused: usize,
    pub refusal: String,
}

/// Drives `connections` at once for `seconds`, after a fifth of that for warming up.
pub async fn drive(address: SocketAddr, connections: u64, seconds: f64, requests: Requests) -> Result<Outcome> {
    let from = Instant::now() + Duration::from_secs_f64((seconds / 5.0).max(0.3));
    let until = from + Duration::from_secs_f64(seconds);
    let mut tasks = Vec::new();
    for connection in 0..connections {
        let requests = Arc::clone(&requests);
        tasks.push(tokio::spawn(one(address, connection, from, until, requests)));
    }
    let (mut times, mut outcome) = (Vec::new(), Outcome::default());
    for task in tasks {
        let (mine, refused, refusal) = task.await??;
        times.extend(mine);
        outcome.refused += refused;
        if outcome.refusal.is_empty() {
            outcome.refusal = refusal;
        }
    }
    times.sort_unstable();
    outcome.per_second = f64::from(u32::try_from(times.len())?) / seconds;
    outcome.p50 = percentile(&times, 50);
    outcome.p99 = percentile(&times, 99);
    Ok(outcome)
}

fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
}

/// Microseconds of each answer that came between `from` and `until`, and what was refused.
async fn one(
    address: SocketAddr,
    connection: u64,
    from: Instant,
    until: Instant,
    requests: Requests,
) -> Result<(Vec<u32>, usize, String)> {
    let mut link = Connection::open(address).await?;
    let (mut times, mut refused, mut refusal) = (Vec::new(), 0, String::new());
    for number in 0.. {
        let request = requests(connection, number);
        let started = Instant::now();
        let answer = link.exchange(&request).await?;
        let ended = Instant::now();
        if !(200..300).contains(&answer.status) {
            refused += 1;
            if refusal.is_empty() {
                refusal = format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
            }
        } else if ended >= from && ended <= until {
            times.push(u32::try_from((ended - started).as_micros()).unwrap_or(u32::MAX));
        }
        if ended >= until || refused > 1000 {
            break;
        }
    }
    Ok((times, refused, refusal))
}
