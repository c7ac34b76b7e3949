//! HTTP of inspections.

mod amendments;
mod answers;
mod close;
mod delegations;
mod findings;
mod open_hazards;
mod perform;
mod plan;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(plan::list)
        .service(plan::create)
        .service(plan::one)
        .service(plan::edit)
        .service(plan::history)
        .service(perform::check_in)
        .service(perform::submit)
        .service(answers::of_inspection)
        .service(answers::put_many)
        .service(answers::put_one)
        .service(answers::across)
        .service(close::acknowledge)
        .service(close::confirm)
        .service(close::reply_objection)
        .service(close::void)
        .service(amendments::list)
        .service(amendments::create)
        .service(amendments::version)
        .service(findings::list)
        .service(findings::decide)
        .service(open_hazards::list)
        .service(open_hazards::put)
        .service(delegations::list)
        .service(delegations::create)
        .service(delegations::revoke);
}
