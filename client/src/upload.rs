//! Files to hand in, by tus 1.0: after any break the server is asked how much it has, and the rest is sent.
//!
//! A file is on its way as soon as its evidence was declared (`evidence.declare`), and forgotten only when the server
//! has confirmed its last byte, having compared the hash. Each piece carries its own checksum and counts whole or not at
//! all. A server without tus takes the file as a form, in one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::http::{Request, Response, Transport, Trouble};
use crate::lines::Lines;

/// A file to hand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The evidence it is the content of.
    pub evidence_id: Uuid,
    /// Where it lies; it must not change.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal, as declared.
    pub sha256: String,
}

impl Wanted {
    /// Measures a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(evidence_id: Uuid, path: &Path) -> Result<Self> {
        let mut file = File::open(path)?;
        let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0_u64, vec![0; 256 * 1024]);
        loop {
            let n = file.read(&mut piece)?;
            if n == 0 {
                break;
            }
            hash.update(piece.get(..n).unwrap_or_default());
            bytes += u64::try_from(n).unwrap_or_default();
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { evidence_id, path: path.to_owned(), bytes, sha256 })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Line {
    Wanted { wanted: Wanted },
    At { evidence_id: Uuid, address: Option<String> },
    Done { evidence_id: Uuid },
    Refused { evidence_id: Uuid, problem: Value },
}

/// A file on its way.
#[derive(Debug, Clone)]
struct Open {
    wanted: Wanted,
    address: Option<String>,
    /// How much is there, where it is known without asking.
    at: Option<u64>,
}

/// The files that are not handed in yet, in one file.
#[derive(Debug)]
pub struct Uploads {
    lines: Lines,
    open: BTreeMap<Uuid, Open>,
    refused: BTreeMap<Uuid, (Wanted, Value)>,
    known: BTreeSet<Uuid>,
}

/// How far one step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Some bytes went; so many are there.
    At(u64),
    /// The server has all of it and found its hash right.
    Done,
    /// The server looked at it and does not want it: it is not what was declared, or of no kind that it takes. The file
    /// stays here; sending it again is of no use.
    Refused,
}

type Tried<T> = std::result::Result<T, Trouble>;

impl Uploads {
    /// Opens the list of a folder.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        let (lines, found) = Lines::open::<Line>(&folder.join("uploads"))?;
        let mut uploads = Self { lines, open: BTreeMap::new(), refused: BTreeMap::new(), known: BTreeSet::new() };
        found.into_iter().for_each(|line| uploads.take(line));
        Ok(uploads)
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Wanted { wanted } => {
                self.known.insert(wanted.evidence_id);
                self.open.insert(wanted.evidence_id, Open { wanted, address: None, at: None });
            }
            Line::At { evidence_id, address } => {
                if let Some(open) = self.open.get_mut(&evidence_id) {
                    open.address = address;
                    open.at = None;
                }
            }
            Line::Done { evidence_id } => {
                self.open.remove(&evidence_id);
            }
            Line::Refused { evidence_id, problem } => {
                if let Some(open) = self.open.remove(&evidence_id) {
                    self.refused.insert(evidence_id, (open.wanted, problem));
                }
            }
        }
    }

    fn note(&mut self, line: Line) -> Result<()> {
        self.lines.append(std::slice::from_ref(&line))?;
        self.take(line);
        Ok(())
    }

    /// Puts a file on the list; durable when this returns.
    ///
    /// # Errors
    /// When the phone cannot store it.
    pub fn add(&mut self, wanted: Wanted) -> Result<()> {
        self.note(Line::Wanted { wanted })
    }

    /// Whether a file was ever on the list.
    #[must_use]
    pub fn knows(&self, evidence_id: Uuid) -> bool {
        self.known.contains(&evidence_id)
    }

    /// What is not handed in yet.
    pub fn waiting(&self) -> impl Iterator<Item = &Wanted> {
        self.open.values().map(|open| &open.wanted)
    }

    /// What the server did not want, with its problem.
    pub fn refused(&self) -> impl Iterator<Item = &(Wanted, Value)> {
        self.refused.values()
    }

    /// One step of one file: begins it, or asks where it broke, and sends the next piece of so many bytes.
    ///
    /// # Errors
    /// Whatever stood in the way; the next step resumes. [`Trouble::Refused`] where the evidence is not this user's to
    /// send, or not declared yet: it stays on the list.
    pub fn step(&mut self, evidence_id: Uuid, transport: &mut dyn Transport, token: &str, piece: usize) -> Tried<Step> {
        let Some(open) = self.open.get(&evidence_id).cloned() else { return Ok(Step::Done) };
        let wanted = open.wanted;
        let Some(address) = open.address else { return self.begin(&wanted, transport, token) };
        let at = match open.at {
            Some(at) => at,
            None => match self.ask(evidence_id, &address, transport, token)? {
                Some(at) => at,
                None => return Ok(Step::At(0)),
            },
        };
        // The whole length is told only of what was received for good.
        if at >= wanted.bytes {
            self.note(Line::Done { evidence_id })?;
            return Ok(Step::Done);
        }
        let answer = self.send(&wanted, &address, at, transport, token, piece)?;
        match answer.status {
            204 => {}
            404 | 410 => {
                self.note(Line::At { evidence_id, address: None })?;
                return Err(Trouble::Later(None));
            }
            // Elsewhere than thought, or damaged on the way: ask, and send again.
            409 | 460 => return Err(Trouble::Later(None)),
            _ => return self.judged(&wanted, &answer),
        }
        let at = offset(&answer).ok_or_else(|| Trouble::Stranger("no Upload-Offset".into()))?;
        if at >= wanted.bytes {
            self.note(Line::Done { evidence_id })?;
            return Ok(Step::Done);
        }
        if let Some(open) = self.open.get_mut(&evidence_id) {
            open.at = Some(at);
        }
        Ok(Step::At(at))
    }

    /// How much is there. None where the upload is gone and another has to be begun.
    fn ask(
        &mut self,
        evidence_id: Uuid,
        address: &str,
        transport: &mut dyn Transport,
        token: &str,
    ) -> Tried<Option<u64>> {
        let answer = transport.send(&tus("HEAD", address, token))?;
        match (answer.status, offset(&answer)) {
            (200 | 204, Some(at)) => Ok(Some(at)),
            (200 | 204, None) => Err(Trouble::Stranger("no Upload-Offset".into())),
            // It ran out, or was ended. Beginning anew tells more than an answer without a body can.
            (404 | 410 | 413 | 415 | 422, _) => {
                self.note(Line::At { evidence_id, address: None })?;
                Ok(None)
            }
            (401, _) => Err(Trouble::SignInAgain),
            _ => Err(answer.trouble()),
        }
    }

    fn send(
        &mut self,
        wanted: &Wanted,
        address: &str,
        at: u64,
        transport: &mut dyn Transport,
        token: &str,
        most: usize,
    ) -> Tried<Response> {
        if let Some(open) = self.open.get_mut(&wanted.evidence_id) {
            open.at = None;
        }
        let piece = piece(&wanted.path, at, most)?;
        if piece.is_empty() {
            return Err(Trouble::Disk(format!("{} is shorter than it was", wanted.path.display())));
        }
        let mut request = tus("PATCH", address, token);
        let sum = STANDARD.encode(Sha256::digest(&piece));
        request.headers.push(("upload-offset", at.to_string()));
        request.headers.push(("upload-checksum", format!("sha256 {sum}")));
        request.headers.push(("content-type", "application/offset+octet-stream".to_owned()));
        request.body = piece;
        transport.send(&request)
    }

    /// Begins an upload and notes its address.
    fn begin(&mut self, wanted: &Wanted, transport: &mut dyn Transport, token: &str) -> Tried<Step> {
        let mut request = tus("POST", "/api/v1/uploads", token);
        let id = STANDARD.encode(wanted.evidence_id.to_string());
        request.headers.push(("upload-length", wanted.bytes.to_string()));
        request.headers.push(("upload-metadata", format!("evidence_id {id}")));
        let answer = transport.send(&request)?;
        match (answer.status, answer.header("location")) {
            (201, Some(location)) => {
                let address = path_of(location);
                self.note(Line::At { evidence_id: wanted.evidence_id, address: Some(address) })?;
                if let Some(open) = self.open.get_mut(&wanted.evidence_id) {
                    open.at = offset(&answer).or(Some(0));
                }
                Ok(Step::At(0))
            }
            (201, None) => Err(Trouble::Stranger("no Location".into())),
            (404 | 405 | 501, _) => self.as_a_form(wanted, transport, token),
            _ => self.judged(wanted, &answer),
        }
    }

    fn as_a_form(&mut self, wanted: &Wanted, transport: &mut dyn Transport, token: &str) -> Tried<Step> {
        let boundary = format!("anxiao-{}", wanted.sha256);
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend(std::fs::read(&wanted.path)?);
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        let request = Request {
            method: "POST",
            path: format!("/api/v1/evidence/{}/content", wanted.evidence_id),
            headers: vec![
                ("authorization", format!("Bearer {token}")),
                ("content-type", format!("multipart/form-data; boundary={boundary}")),
            ],
            body,
        };
        let answer = transport.send(&request)?;
        if !matches!(answer.status, 200 | 201) {
            return self.judged(wanted, &answer);
        }
        let view: Value = answer.parse()?;
        if view.get("received_at").is_none_or(Value::is_null) {
            return Err(Trouble::Stranger("nothing is said to be received".into()));
        }
        self.note(Line::Done { evidence_id: wanted.evidence_id })?;
        Ok(Step::Done)
    }

    /// A refusal of the file itself is final; every other leaves it on the list.
    fn judged(&mut self, wanted: &Wanted, answer: &Response) -> Tried<Step> {
        let problem: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let problem = problem.filter(|problem| problem.get("code").is_some_and(Value::is_string));
        match problem {
            Some(problem) if matches!(answer.status, 413 | 415 | 422) => {
                self.note(Line::Refused { evidence_id: wanted.evidence_id, problem })?;
                Ok(Step::Refused)
            }
            _ => Err(answer.trouble()),
        }
    }
}

fn tus(method: &'static str, path: &str, token: &str) -> Request {
    let headers = vec![("authorization", format!("Bearer {token}")), ("tus-resumable", "1.0.0".to_owned())];
    Request { method, path: path.to_owned(), headers, body: Vec::new() }
}

fn offset(answer: &Response) -> Option<u64> {
    answer.header("upload-offset")?.trim().parse().ok()
}

/// The path of an absolute or relative address.
fn path_of(location: &str) -> String {
    let rest = location.split_once("://").map(|(_, rest)| rest);
    match rest.and_then(|rest| rest.find('/').and_then(|at| rest.get(at..))) {
        Some(path) => path.to_owned(),
        None => location.to_owned(),
    }
}

fn piece(path: &Path, offset: u64, most: usize) -> Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut piece = Vec::new();
    file.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut piece)?;
    Ok(piece)
}
