//! The district of the figures: everything follows from a number, so that the client, the floor and pgbench name the
//! same records without asking for them.

use anxiao::platform::db::types::{Id, Timestamp};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Milliseconds over which the hazards were found: 24 months.
const SPAN_MS: u64 = 730 * 86_400_000;
/// Bureau roles that ask, each with a session of its own.
pub const BUREAU_USERS: u64 = 64;
/// The domains of the section officer.
pub const SECTION_DOMAINS: [&str; 2] = ["fire", "gas"];

/// What an id is of; stands in the id.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Hazard,
    School,
    User,
    Session,
    Membership,
    Inspection,
}

/// Size and beginning of the district.
#[derive(Debug, Clone)]
pub struct District {
    /// The one bureau.
    pub bureau: Id,
    /// When the first hazard was found, in milliseconds since 1970.
    pub base_ms: u64,
    /// Milliseconds from one hazard to the next.
    pub step_ms: u64,
    pub hazards: u64,
    pub schools: u64,
}

impl District {
    /// A district that ends with yesterday.
    pub fn ending(today: DateTime<Utc>, bureau: Id, hazards: u64, schools: u64) -> Self {
        let end = u64::try_from(today.timestamp_millis()).unwrap_or(0) / 86_400_000 * 86_400_000;
        Self { bureau, base_ms: end.saturating_sub(SPAN_MS), step_ms: SPAN_MS / hazards, hazards, schools }
    }

    /// When hazard `n` was registered.
    pub fn found(&self, n: u64) -> Timestamp {
        Timestamp::from_micros(i64::try_from((self.base_ms + n * self.step_ms) * 1000).unwrap_or(0))
    }

    /// When organisations and people were made.
    pub fn founded(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.base_ms * 1000).unwrap_or(0))
    }

    /// The id of hazard `n`: UUIDv7 of its time.
    pub fn hazard(&self, n: u64) -> Id {
        id(self.base_ms + n * self.step_ms, Kind::Hazard, n)
    }

    /// Anything else of the district.
    pub fn id(&self, kind: Kind, n: u64) -> Id {
        id(self.base_ms, kind, n)
    }

    /// The school of hazard `n`.
    pub fn school_of(&self, n: u64) -> u64 {
        mix(n ^ 0x5eed) % self.schools
    }

    /// The bureau user `n`; safety officers of schools come before.
    pub fn bureau_user(&self, n: u64) -> u64 {
        self.schools + n % BUREAU_USERS
    }

    /// The officer whose membership is narrowed to [`SECTION_DOMAINS`].
    pub fn section_user(&self) -> u64 {
        self.schools + BUREAU_USERS
    }
}

fn id(ms: u64, kind: Kind, n: u64) -> Id {
    let [_, _, a, b, c, d, e, f] = ms.to_be_bytes();
    let [_, _, g, h, i, j, k, l] = n.to_be_bytes();
    let kind = match kind {
        Kind::Hazard => 0,
        Kind::School => 1,
        Kind::User => 2,
        Kind::Session => 3,
        Kind::Membership => 4,
        Kind::Inspection => 5,
    };
    Id(Uuid::from_bytes([a, b, c, d, e, f, 0x70, kind, 0x80, 0, g, h, i, j, k, l]))
}

/// Spreads numbers evenly (splitmix64).
pub fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
