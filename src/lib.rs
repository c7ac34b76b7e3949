//! 安校 anxiao: the backend on which an education bureau and its schools keep children safe.
//!
//! The map of the house. Each folder is one thing of the domain with the same few files: `routes` (HTTP), `rules`
//! (pure decisions), `store` (queries).
//!
//! * [`cli`]: the commands; [`config`]: what an operator sets; [`app`]: what a request may reach; [`server`]: the list
//!   of routes, start and stop; [`service`]: health, figures, the API page; [`openapi`]: the document.
//! * [`platform`]: database, HTTP, journal, errors, time and ids; knows nothing of schools.
//! * [`access`]: who may do what, where. [`accounts`]: signing in, sessions, people.
//! * [`orgs`]: bureaus, schools, sites. [`catalogue`]: categories, domains, checklists.
//! * [`inspections`]: from plan to confirmation, and the answers. [`hazards`]: from finding to closing.
//! * [`evidence`]: photos and documents: declared, received, missing, shown.
//! * [`reports`]: hints, suggestions and what the public reports, before it is a hazard.
//! * [`plans`]: campaigns and recurring plans, which make inspections.
//! * [`documents`]: records, notices and opinions as they were issued, numbered without gaps, and as pages to print.
//! * [`ledgers`]: the hazard ledger and the four lists, as pages and files.
//! * [`notices`]: who is told what, the inbox, the warnings of deadlines.
//! * [`recusals`]: who must not inspect which school. [`draws`]: double-random draws and their proof.
//! * [`sync`]: what phones hand in and fetch.
//! * [`statistics`]: counters and the summary. [`demo`]: the fictional district. [`built_in`]: what every installation has.

pub mod access;
pub mod accounts;
pub mod app;
pub mod built_in;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod demo;
pub mod documents;
pub mod draws;
pub mod evidence;
pub mod hazards;
pub mod inspections;
pub mod ledgers;
pub mod look_backs;
pub mod months;
pub mod notices;
pub mod openapi;
pub mod orgs;
pub mod patrols;
pub mod plans;
pub mod platform;
pub mod recusals;
pub mod reports;
pub mod server;
pub mod service;
pub mod statistics;
pub mod sync;
pub mod uploads;
pub mod words;
