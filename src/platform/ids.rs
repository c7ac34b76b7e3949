//! Ids and randomness are parameters: [`Ids`] makes both, from the operating system or from a seed.

use std::sync::Mutex;

use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::platform::db::types::{Id, Timestamp};

/// Makes ids and random bytes.
pub trait Ids: Send + Sync + 'static {
    /// Fills `bytes` with randomness fit for secrets.
    fn fill(&self, bytes: &mut [u8]);

    /// A UUIDv7 whose time part is `at`: ids sort by creation.
    fn next(&self, at: Timestamp) -> Id {
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        let millis = u64::try_from(at.micros() / 1000).unwrap_or(0);
        Id(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// A UUIDv4: tells nothing of when it was made. For what is hidden.
    fn hidden(&self) -> Id {
        let mut random = [0_u8; 16];
        self.fill(&mut random);
        Id(uuid::Builder::from_random_bytes(random).into_uuid())
    }
}

/// Randomness of the operating system.
#[derive(Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// The same ids for the same seed: for the demo district and for tests.
#[derive(Debug)]
pub struct SeededIds(Mutex<StdRng>);

impl SeededIds {
    /// Ids that follow from `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// A stable id for a thing built into the program: the same in every installation.
#[must_use]
pub fn built_in(name: &str) -> Id {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(name.as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(hash.get(..16).unwrap_or(&[0; 16]));
    Id(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

impl From<Uuid> for Id {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}
