//! What the house stands on and what knows nothing of schools: database, HTTP, journal, timers, errors, time and ids.

#[macro_use]
mod text_enum;

pub mod clock;
pub mod db;
pub mod durable;
pub mod error;
pub mod export;
pub mod files;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod journal;
pub mod key_file;
pub mod telemetry;
pub mod uploads;
