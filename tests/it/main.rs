//! The product through its own front door: the real server over HTTP, on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::allow_attributes,
    clippy::clone_on_ref_ptr,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::type_complexity,
    clippy::manual_is_multiple_of,
    clippy::nonminimal_bool,
    dead_code,
    reason = "a test that meets what it did not expect has failed"
)]

#[macro_use]
mod support;

mod accounts;
mod amendments;
mod bulk;
mod calendar;
mod campaign_cadence;
mod campaigns;
mod catalogue;
mod checklists;
mod client;
mod commands;
mod contract;
mod demo;
mod documents;
mod draws;
mod evidence;
mod files;
mod foreign;
mod hazard_loop;
mod hazard_story;
mod hazards;
mod inspections;
mod intake;
mod journal;
mod kill;
mod lanes;
mod ledgers;
mod ledgers_slow;
mod look_backs;
mod matrix;
mod measures;
mod media;
mod month_summary;
mod months;
mod notices;
mod org_import;
mod orgs;
mod patrols;
mod people;
mod plans;
mod platform;
mod power;
mod recurrence;
mod recusals;
mod restore;
mod review;
mod schema;
mod shortcuts;
mod simulator;
mod statistics;
mod surprise;
mod sync;
mod timer;
mod turnstile;
mod two_worlds;
mod uploads;
