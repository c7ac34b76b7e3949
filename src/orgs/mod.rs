//! Organisations: the bureau at the root, its clusters, schools and partner agencies, and the places inside a school.
//!
//! * `rules` — pure: the words, which kind sits under which, what a field may hold.
//! * `bodies` — what requests carry and answers show. `routes` — HTTP. `store` — queries, and the closure table.
//! * `sites` — places in a school.
//! * `import` — a spreadsheet of schools becomes rows, or a list of faults by row and column; all or nothing.
//!
//! The tree is answered by a closure table (`org_closure`), written in `store` alone and read by every scope.

pub mod bodies;
pub mod import;
pub mod routes;
pub mod rules;
pub mod sites;
pub mod store;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(import::routes::import)
        .service(routes::list)
        .service(routes::create)
        .service(routes::read)
        .service(routes::change)
        .service(sites::routes::list)
        .service(sites::routes::create)
        .service(sites::routes::read)
        .service(sites::routes::change);
}
