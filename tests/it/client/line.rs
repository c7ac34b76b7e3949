//! A line between phones and the server that loses, cuts, delays, repeats and reorders, by dice or by script.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::{TestApp, dice::Dice};

/// What happens to one request.
#[derive(Clone)]
pub enum Fault {
    /// Nothing.
    None,
    /// So many thousandths of it arrive, then the line is dead.
    CutRequest(usize),
    /// It arrives; of the answer so many thousandths come back.
    CutAnswer(usize),
    /// The phone hears nothing; it arrives after so many other requests have.
    Delay(usize),
    /// It arrives twice, and the second answer comes back.
    Repeat,
    /// It arrives, the answer comes back, and it arrives once more after so many other requests.
    Echo(usize),
    /// It comes late.
    Slow(u64),
    /// A proxy answers instead.
    Busy,
    /// A hotel's sign-in page comes instead, with status 200.
    Portal,
    /// Somebody answers this instead: status, headers, body.
    Says(u16, &'static str, String),
    /// It arrives; the JSON that comes back was changed on the way.
    Forged(Arc<dyn Fn(&mut Value) + Send + Sync>),
}

/// The page of a captive portal.
pub const PAGE: &str = "<!doctype html><html><body>请登录酒店网络</body></html>";

struct Inner {
    upstream: String,
    dice: Option<Dice>,
    script: VecDeque<(&'static str, Fault)>,
    delayed: Vec<(usize, Vec<u8>)>,
    arrived: usize,
    /// What happened how often.
    told: BTreeMap<&'static str, usize>,
    /// Method, path and length of the body of all requests, as the phones sent them.
    seen: Vec<(String, String, usize)>,
}

/// The line.
pub struct Line {
    /// Where phones call.
    pub base: String,
    inner: Arc<Mutex<Inner>>,
}

impl Line {
    /// A good line, until dice or a script say otherwise.
    pub fn new(app: &TestApp) -> Self {
        let upstream = app.base.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner {
            upstream,
            dice: None,
            script: VecDeque::new(),
            delayed: Vec::new(),
            arrived: 0,
            told: BTreeMap::new(),
            seen: Vec::new(),
        }));
        let served = Arc::downgrade(&inner);
        std::thread::spawn(move || {
            for phone in listener.incoming() {
                let (Ok(phone), Some(inner)) = (phone, served.upgrade()) else { return };
                let request = read_request(&phone);
                if let Some(request) = request {
                    inner.lock().unwrap().carry(phone, request);
                }
            }
        });
        Self { base, inner }
    }

    /// From now on by dice, or a good line.
    pub fn dice(&self, dice: Option<Dice>) {
        self.inner.lock().unwrap().dice = dice;
    }

    /// The next requests whose path holds the word meet these, in order; all others nothing.
    pub fn script(&self, faults: impl IntoIterator<Item = (&'static str, Fault)>) {
        self.inner.lock().unwrap().script.extend(faults);
    }

    /// Everything that is under way arrives.
    pub fn settle(&self) {
        let mut inner = self.inner.lock().unwrap();
        for (_, request) in std::mem::take(&mut inner.delayed) {
            inner.deliver(&request);
        }
    }

    /// What happened how often.
    pub fn told(&self) -> BTreeMap<&'static str, usize> {
        self.inner.lock().unwrap().told.clone()
    }

    /// Method, path and length of the body of all requests since the last call.
    pub fn seen(&self) -> Vec<(String, String, usize)> {
        std::mem::take(&mut self.inner.lock().unwrap().seen)
    }
}

/// A whole request, with `connection: close` in place of whatever the phone wished.
fn read_request(mut phone: &TcpStream) -> Option<Vec<u8>> {
    phone.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            if bytes.len() >= whole {
                let lines = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
                let head: String = lines.map(|line| format!("{line}\r\n")).collect();
                let mut request = format!("{head}connection: close\r\n\r\n").into_bytes();
                request.extend_from_slice(&bytes[end + 4..whole]);
                return Some(request);
            }
        }
        match phone.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
        }
    }
}

fn part(bytes: &[u8], thousandths: usize) -> &[u8] {
    &bytes[..bytes.len() * thousandths / 1000]
}

impl Inner {
    fn carry(&mut self, mut phone: TcpStream, request: Vec<u8>) {
        let first = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
        let body = request.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| request.len() - at - 4);
        let fault = self.fault(&path);
        self.seen.push((method, path, body));
        let (word, answer) = match fault {
            Fault::None => ("passed", self.deliver(&request)),
            Fault::CutRequest(at) => {
                self.deliver_part(part(&request, at));
                ("request cut", Vec::new())
            }
            Fault::CutAnswer(at) => {
                let answer = self.deliver(&request);
                ("answer cut", part(&answer, at).to_vec())
            }
            Fault::Delay(many) => {
                self.delayed.push((self.arrived + many, request));
                ("delayed past others", Vec::new())
            }
            Fault::Repeat => {
                self.deliver(&request);
                ("repeated", self.deliver(&request))
            }
            Fault::Echo(many) => {
                let answer = self.deliver(&request);
                self.delayed.push((self.arrived + many, request));
                ("repeated later", answer)
            }
            Fault::Slow(millis) => {
                std::thread::sleep(Duration::from_millis(millis));
                ("slow", self.deliver(&request))
            }
            Fault::Busy => ("busy", says(503, "retry-after: 0\r\ncontent-type: text/html", "<h1>503</h1>")),
            Fault::Portal => ("captive portal", says(200, "content-type: text/html", PAGE)),
            Fault::Says(status, headers, body) => ("somebody else", says(status, headers, &body)),
            Fault::Forged(change) => ("forged", forged(&self.deliver(&request), change.as_ref())),
        };
        *self.told.entry(word).or_default() += 1;
        drop(phone.write_all(&answer));
        drop(phone.shutdown(Shutdown::Both));
    }

    fn fault(&mut self, path: &str) -> Fault {
        if self.script.front().is_some_and(|(word, _)| path.contains(word)) {
            return self.script.pop_front().unwrap().1;
        }
        let Some(dice) = &mut self.dice else { return Fault::None };
        let part = dice.below(1000);
        match dice.below(20) {
            0..=1 => Fault::CutRequest(part),
            2..=3 => Fault::CutAnswer(part),
            4..=5 => Fault::Delay(1 + part % 12),
            6 => Fault::Repeat,
            7 => Fault::Echo(1 + part % 12),
            8 => Fault::Slow(u64::try_from(part % 20).unwrap()),
            9 => Fault::Busy,
            10 => Fault::Portal,
            _ => Fault::None,
        }
    }

    /// Brings a request to the server, and what is due by then after it.
    fn deliver(&mut self, request: &[u8]) -> Vec<u8> {
        let answer = exchange(&self.upstream, request);
        self.arrived += 1;
        let arrived = self.arrived;
        let (due, later) = std::mem::take(&mut self.delayed).into_iter().partition(|(at, _)| *at <= arrived);
        self.delayed = later;
        for (_, late) in due {
            let late: Vec<u8> = late;
            exchange(&self.upstream, &late);
        }
        answer
    }

    fn deliver_part(&mut self, part: &[u8]) {
        let mut server = TcpStream::connect(&self.upstream).unwrap();
        drop(server.write_all(part));
        drop(server.shutdown(Shutdown::Both));
    }
}

fn exchange(upstream: &str, request: &[u8]) -> Vec<u8> {
    let mut server = TcpStream::connect(upstream).unwrap();
    drop(server.write_all(request));
    let mut answer = Vec::new();
    drop(server.read_to_end(&mut answer));
    answer
}

fn says(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\n{headers}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// The same answer with its JSON changed.
fn forged(answer: &[u8], change: &(dyn Fn(&mut Value) + Send + Sync)) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    assert!(!chunked, "answers of these calls have a length: {head}");
    let mut value: Value = serde_json::from_slice(&answer[end + 4..]).unwrap();
    change(&mut value);
    says(200, "content-type: application/json", &value.to_string())
}
