//! HTTP of monthly reports.

mod bureau;
mod overview;
mod reports;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`. Words before `{id}`: the first that fits answers.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(overview::missing)
        .service(overview::summary)
        .service(bureau::policy)
        .service(bureau::put_policy)
        .service(bureau::unlock)
        .service(reports::list)
        .service(reports::create)
        .service(reports::one)
        .service(reports::change);
}
