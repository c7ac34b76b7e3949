//! People as administrators see them: users, their memberships, disabling and one-time passwords.
//!
//! * `rules` — pure: names, phones, who looks after whom.
//! * `bodies` — what requests carry and answers show. `routes` — HTTP.
//! * `store` — making, changing, disabling. `memberships` — giving and taking roles. `sight` — who sees whom.
//!
//! A change of rights bites on the next request of the person concerned: the store raises the person's rights version
//! in the same transaction; disabling and a reset of the password end every session besides.

pub mod bodies;
pub mod memberships;
pub mod routes;
pub mod rules;
mod sight;
pub mod store;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(routes::lookup)
        .service(routes::list)
        .service(routes::create)
        .service(routes::read)
        .service(routes::change)
        .service(routes::disable)
        .service(routes::enable)
        .service(routes::reset_password)
        .service(routes::add_membership)
        .service(routes::end_membership);
}
