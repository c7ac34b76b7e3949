//! [`App`]: what a request may reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::access::allowed::DoorKey;
use crate::access::gate::Remembered;
use crate::access::turnstile::Turnstile;
use crate::accounts::passwords::Passwords;
use crate::accounts::tokens::Tokens;
use crate::evidence::{self, Studio};
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::platform::export::Exports;
use crate::platform::files::Files;
use crate::platform::ids::Ids;
use crate::platform::telemetry::Metrics;
use crate::platform::uploads;
use crate::reports::Compartment;
use crate::sync::held::Ripening;

/// One running application. Two may run in one process; nothing is global.
pub struct App {
    db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and randomness.
    pub ids: Arc<dyn Ids>,
    /// Access tokens and what is derived from the signing key.
    pub tokens: Tokens,
    /// Password hashing, at most two at once.
    pub passwords: Passwords,
    /// Verified tokens and callers.
    pub remembered: Remembered,
    /// How often strangers may call.
    pub turnstile: Turnstile,
    /// What reporters leave of themselves, under a key of its own.
    pub compartment: Arc<Compartment>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Photos and files.
    pub files: Files,
    /// How much may be arriving in pieces.
    pub uploads: uploads::Limits,
    /// Where pictures are decoded, and how long files may be.
    pub studio: Studio,
    /// Places for exports, and where their files lie.
    pub exports: Exports,
    /// What phones handed in and what waits for something.
    pub ripening: Ripening,
    leaving: AtomicBool,
}

impl App {
    /// Puts an application together.
    #[must_use]
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        (tokens, compartment): (Tokens, Arc<Compartment>),
        turnstile: Turnstile,
        metrics: Arc<Metrics>,
        files: Files,
    ) -> Self {
        Self {
            files,
            uploads: uploads::Limits::default(),
            studio: Studio::default(),
            turnstile,
            compartment,
            ripening: Ripening::new(db.clone(), Arc::clone(&clock)),
            db,
            clock,
            ids,
            tokens,
            passwords: Passwords::default(),
            remembered: Remembered::default(),
            metrics,
            exports: Exports::default(),
            leaving: AtomicBool::new(false),
        }
    }

    /// With limits of an operator's own for evidence.
    #[must_use]
    pub fn taking(self, limits: evidence::Limits) -> Self {
        Self { studio: Studio::new(limits), ..self }
    }

    /// With limits of an operator's own for uploads in pieces.
    #[must_use]
    pub fn uploading(self, uploads: uploads::Limits) -> Self {
        Self { uploads, ..self }
    }

    /// Makes the files of exports in this folder rather than in that of the system.
    #[must_use]
    pub fn exporting_in(self, folder: std::path::PathBuf) -> Self {
        Self { exports: Exports::in_folder(folder), ..self }
    }

    /// The database, for whoever holds the key: `access` alone makes one.
    #[must_use]
    pub const fn db(&self, _: &DoorKey) -> &Db {
        &self.db
    }

    /// Says that no new work should be sent here.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// Whether new work may be sent here, this process's own will apart from the database's.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }
}

impl App {
    /// Jobs that wait before the two doors of the database.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        self.db.waiting()
    }
}
