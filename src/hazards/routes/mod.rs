//! Hazards, deadline policies and the calendar over HTTP.

mod bulk;
mod calendar;
mod comments;
mod hazards;
mod policies;
mod record;
mod transitions;

use utoipa_actix_web::service_config::ServiceConfig;

pub use comments::NewComment;
pub use hazards::NewReport;
pub use record::{Hazard, view, views};
pub(in crate::hazards) use transitions::{opened, with_actions};

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(hazards::list)
        .service(hazards::create)
        .service(bulk::apply)
        .service(hazards::one)
        .service(hazards::change)
        .service(hazards::history)
        .service(transitions::apply)
        .service(comments::list)
        .service(comments::create)
        .service(policies::list)
        .service(policies::create)
        .service(policies::change)
        .service(calendar::one)
        .service(calendar::put)
        .configure(super::measures::routes);
}
