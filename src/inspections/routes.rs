//! HTTP of inspections.

mod answers;
mod close;
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
        .service(close::void);
}
