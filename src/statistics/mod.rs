//! Reports: counters kept in the write transaction, and the summary read from them.
//!
//! Whole months are read from the counters, other dates from an indexed scan of the hazards; both give the same
//! figures, by the formulas in `rules`.

pub mod counters;
mod query;
mod routes;
pub mod rules;
mod store;
pub mod visits;

pub use store::names;
use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(routes::summary)
        .service(visits::routes::coverage)
        .service(visits::routes::items)
        .service(visits::routes::inspectors);
}
