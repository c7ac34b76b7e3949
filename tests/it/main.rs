//! The product through its own front door: the real server over HTTP, on SQLite and on PostgreSQL.

#[macro_use]
mod support;

mod accounts;
mod catalogue;
mod contract;
mod demo;
mod foreign;
mod hazards;
mod inspections;
mod journal;
mod kill;
mod lanes;
mod matrix;
mod org_import;
mod orgs;
mod people;
mod plans;
mod platform;
mod reports;
mod review;
mod schema;
