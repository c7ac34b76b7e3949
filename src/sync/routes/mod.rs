//! Offline work over HTTP.

mod decisions;
mod devices;
mod hand_in;
mod kept;
mod pull;
mod push;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(push::take_in)
        .service(hand_in::hand_in)
        .service(pull::pull)
        .service(devices::devices)
        .service(kept::quarantine)
        .service(decisions::accept)
        .service(decisions::dismiss)
        .service(kept::conflicts)
        .service(decisions::resolve);
}
