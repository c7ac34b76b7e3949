//! A phone: everything it knows in one folder, and one call that hands in and fetches as far as the network lets it.
//!
//! | in the folder | |
//! |---|---|
//! | `outbox` | what was done, until a receipt covers it and [`KEEP_DAYS`](crate::outbox::KEEP_DAYS) longer |
//! | `rows` | what the server told, page by page, with the cursor |
//! | `uploads`, `photos/` | files to hand in, copied: the gallery may be cleared |
//! | `session.json` | tokens and the server's keys |
//! | `lock` | one program at a time |

use std::fs::{File, OpenOptions};
use std::io::Result as Stored;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::http::{Transport, Trouble};
use crate::local::Local;
use crate::operation::{Draft, Operation, Outcome};
use crate::outbox::{MOST_OPS, Outbox};
use crate::pull::{Pulled, pull_all};
use crate::push::{Credential, Limits, hand_over, push_all_within};
use crate::receipt::Keys;
use crate::session::{self, Session};
use crate::upload::{Step, Uploads, Wanted};

/// Most and least bytes of one piece of an upload.
const PIECE: (usize, usize) = (16 * 1024, 1024 * 1024);

/// A phone.
#[derive(Debug)]
pub struct Phone {
    /// What was done here.
    pub outbox: Outbox,
    /// What the server told.
    pub local: Local,
    /// Files to hand in.
    pub uploads: Uploads,
    folder: PathBuf,
    session: Option<Session>,
    /// Less of everything over a line that breaks, more again over one that holds.
    limits: Limits,
    piece: usize,
    _lock: File,
}

/// What one round brought.
#[derive(Debug, Clone, Default)]
pub struct Synced {
    /// What became of what was handed in.
    pub outcomes: Vec<Outcome>,
    /// What came.
    pub pulled: Pulled,
    /// Files that the server has for good now.
    pub uploaded: Vec<Uuid>,
}

impl Phone {
    /// Opens a folder, or makes it for a device with this name. Waits while another program has it open.
    ///
    /// # Errors
    /// When something cannot be read or written, or is damaged.
    pub fn open(folder: &Path, new_device: &str) -> Stored<Self> {
        std::fs::create_dir_all(folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        lock.lock()?;
        let mut phone = Self {
            outbox: Outbox::open(folder, new_device)?,
            local: Local::open(folder)?,
            uploads: Uploads::open(folder)?,
            session: Session::open(folder)?,
            folder: folder.to_owned(),
            limits: Limits::default(),
            piece: PIECE.1 / 4,
            _lock: lock,
        };
        phone.recover_photos()?;
        Ok(phone)
    }

    /// The sign-in, if there is one.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    fn signed_in(&self) -> Result<&Session, Trouble> {
        self.session.as_ref().ok_or(Trouble::SignInAgain)
    }

    fn keep(&mut self, session: Session) -> Result<(), Trouble> {
        session.store(&self.folder)?;
        self.session = Some(session);
        Ok(())
    }

    /// Signs in. The same person again gets new tokens; another person is refused.
    ///
    /// # Errors
    /// Whatever stood in the way.
    pub fn sign_in(
        &mut self,
        transport: &mut dyn Transport,
        server: &str,
        username: &str,
        password: &str,
    ) -> Result<(), Trouble> {
        let mut session = Session::sign_in(transport, server, username, password, self.outbox.device_id())?;
        session.device_credential = self.session.as_ref().and_then(|old| old.device_credential.clone());
        self.keep(session)
    }

    /// Notes what the user did; durable when this returns. Works without a network, always.
    ///
    /// # Errors
    /// When the phone cannot store it.
    pub fn note(&mut self, draft: Draft, op_id: Uuid, now: DateTime<Utc>) -> Stored<i64> {
        self.outbox.add(draft, op_id, now)
    }

    /// Copies a file, declares it as evidence for a target (`{inspection_id, item_code}` or `{hazard_id, round, role}`)
    /// and puts it on the list of uploads; durable when this returns.
    ///
    /// # Errors
    /// When the file cannot be read or the phone cannot store it.
    pub fn photo(
        &mut self,
        file: &Path,
        media_type: &str,
        target: &Value,
        (evidence_id, op_id): (Uuid, Uuid),
        now: DateTime<Utc>,
    ) -> Stored<()> {
        let copy = self.photos().join(evidence_id.to_string());
        std::fs::create_dir_all(self.photos())?;
        let mut to = File::create(&copy)?;
        std::io::copy(&mut File::open(file)?, &mut to)?;
        to.sync_all()?;
        File::open(self.photos())?.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        let wanted = Wanted::of(evidence_id, &copy)?;
        let set = json!({
            "sha256": wanted.sha256, "bytes": wanted.bytes, "media_type": media_type, "captured_at": now,
            "target": target,
        });
        let set: Map<String, Value> = set.as_object().cloned().unwrap_or_default();
        let kind = "evidence.declare".to_owned();
        let draft = Draft { kind, id: evidence_id, base_version: None, set, needs: vec![], group: None };
        // With the declaration it is kept: what the phone had no time for after it is done when it is opened again.
        self.outbox.add(draft, op_id, now)?;
        self.uploads.add(wanted)
    }

    fn photos(&self) -> PathBuf {
        self.folder.join("photos")
    }

    fn recover_photos(&mut self) -> Stored<()> {
        let declared: Vec<Uuid> = self.outbox.declared().collect();
        for id in declared {
            let copy = self.photos().join(id.to_string());
            if !self.uploads.knows(id) && copy.exists() {
                self.uploads.add(Wanted::of(id, &copy)?)?;
            }
        }
        Ok(())
    }

    /// Hands in, fetches, uploads: as far as it comes. What was settled before trouble came stays settled; run it again.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn sync(&mut self, transport: &mut dyn Transport, now: DateTime<Utc>) -> Result<Synced, Trouble> {
        let mut synced = Synced { outcomes: self.push(transport, now)?, ..Synced::default() };
        synced.pulled = self.pull(transport)?;
        // The pull may have brought another epoch: what the old one had acknowledged is offered again.
        if self.outbox.waiting().next().is_some() {
            synced.outcomes.extend(self.push(transport, now)?);
        }
        synced.uploaded = self.upload(transport)?;
        self.outbox.tidy(now)?;
        Ok(synced)
    }

    /// Hands in everything that waits, and asks what became of what the server held back.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn push(&mut self, transport: &mut dyn Transport, now: DateTime<Utc>) -> Result<Vec<Outcome>, Trouble> {
        self.signed(transport, |phone, transport, token| {
            phone.push_with(transport, &Credential::Token(token.to_owned()), now)
        })
    }

    /// Hands in some of what is in the outbox, in any order, whether or not it was sent before.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn push_some(
        &mut self,
        transport: &mut dyn Transport,
        some: &[Operation],
        now: DateTime<Utc>,
    ) -> Result<Vec<Outcome>, Trouble> {
        let keys = Keys::from_jwks(&self.signed_in()?.jwks);
        self.signed(transport, |phone, transport, token| {
            let credential = Credential::Token(token.to_owned());
            hand_over(&mut phone.outbox, transport, &keys, &credential, some, now)
        })
        .map(|pushed| pushed.outcomes)
    }

    /// Hands in without a sign-in, by the device's own credential, what nobody can hand in otherwise: everything goes to
    /// quarantine, for people to look at. Only when the user cannot sign in any more, never because a token ran out.
    ///
    /// # Errors
    /// What stood in the way; [`Trouble::SignInAgain`] where this device never got a credential.
    pub fn hand_in(&mut self, transport: &mut dyn Transport, now: DateTime<Utc>) -> Result<Vec<Outcome>, Trouble> {
        let credential = self.signed_in()?.device_credential.clone().ok_or(Trouble::SignInAgain)?;
        self.push_with(transport, &Credential::Device(credential), now)
    }

    fn push_with(
        &mut self,
        transport: &mut dyn Transport,
        credential: &Credential,
        now: DateTime<Utc>,
    ) -> Result<Vec<Outcome>, Trouble> {
        let keys = Keys::from_jwks(&self.signed_in()?.jwks);
        let mut all = Vec::new();
        let mut ended =
            push_all_within(&mut self.outbox, transport, &keys, credential, &mut self.limits, now, &mut all);
        if ended == Err(Trouble::UnknownKey) {
            let mut session = self.signed_in()?.clone();
            session.jwks = session::jwks(transport)?;
            let keys = Keys::from_jwks(&session.jwks);
            self.keep(session)?;
            ended = push_all_within(&mut self.outbox, transport, &keys, credential, &mut self.limits, now, &mut all);
        }
        let new = all.iter().rev().find_map(|one| one.device_credential.clone());
        self.remember(new)?;
        ended?;
        let held = self.outbox.held(MOST_OPS.min(self.limits.ops));
        if !held.is_empty() && matches!(credential, Credential::Token(_)) {
            let keys = Keys::from_jwks(&self.signed_in()?.jwks);
            all.push(hand_over(&mut self.outbox, transport, &keys, credential, &held, now)?);
        }
        Ok(all.into_iter().flat_map(|one| one.outcomes).collect())
    }

    fn remember(&mut self, credential: Option<String>) -> Result<(), Trouble> {
        let Some(mut session) = self.session.clone() else { return Ok(()) };
        if credential.is_some() && session.device_credential != credential {
            session.device_credential = credential;
            self.keep(session)?;
        }
        Ok(())
    }

    /// Fetches until there is no more.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn pull(&mut self, transport: &mut dyn Transport) -> Result<Pulled, Trouble> {
        let pulled = self.signed(transport, |phone, transport, token| {
            pull_all(&mut phone.local, &mut phone.outbox, transport, token)
        })?;
        self.remember(pulled.device_credential.clone())?;
        Ok(pulled)
    }

    /// Uploads what waits. One file that the server refuses, or does not know yet, does not keep others back.
    ///
    /// # Errors
    /// What stood in the way of all.
    pub fn upload(&mut self, transport: &mut dyn Transport) -> Result<Vec<Uuid>, Trouble> {
        let waiting: Vec<Uuid> = self.uploads.waiting().map(|wanted| wanted.evidence_id).collect();
        let mut uploaded = Vec::new();
        for id in waiting {
            loop {
                let piece = self.piece;
                let step =
                    self.signed(transport, |phone, transport, token| phone.uploads.step(id, transport, token, piece));
                match step {
                    Ok(Step::At(_)) => self.piece = (piece * 2).min(PIECE.1),
                    Ok(Step::Done) => {
                        uploaded.push(id);
                        // Kept until now: the server has it for good.
                        drop(std::fs::remove_file(self.photos().join(id.to_string())));
                        break;
                    }
                    Ok(Step::Refused) | Err(Trouble::Refused { .. }) => break,
                    Err(trouble) => {
                        self.piece = (piece / 2).max(PIECE.0.min(piece));
                        return Err(trouble);
                    }
                }
            }
        }
        Ok(uploaded)
    }

    /// Does something with the access token, once more with a new one where it has run out.
    fn signed<T>(
        &mut self,
        transport: &mut dyn Transport,
        mut work: impl FnMut(&mut Self, &mut dyn Transport, &str) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let token = self.signed_in()?.access_token.clone();
        match work(self, transport, &token) {
            Err(Trouble::SignInAgain) => {
                let mut session = self.signed_in()?.clone();
                session.renew(transport, self.outbox.device_id())?;
                let token = session.access_token.clone();
                self.keep(session)?;
                work(self, transport, &token)
            }
            other => other,
        }
    }

    /// Sets how much goes in one push and one piece of a file, for a line that is known to be poor.
    pub const fn send_at_most(&mut self, ops: usize, piece: usize) {
        self.limits.ops = ops;
        self.piece = piece;
    }
}
