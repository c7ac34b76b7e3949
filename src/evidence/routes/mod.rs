//! Evidence over HTTP.

mod policy;
mod reading;
mod records;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(records::declare)
        .service(records::of_inspection)
        .service(records::of_hazard)
        .service(records::one)
        .service(records::content)
        .service(reading::content)
        .service(reading::thumbnail)
        .service(reading::original)
        .service(reading::link)
        .service(reading::linked)
        .service(policy::one)
        .service(policy::put);
}
