//! HTTP of the catalogue.

mod categories;
mod checklists;
mod files;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(categories::list)
        .service(categories::one)
        .service(categories::change)
        .service(categories::domains)
        .service(checklists::list)
        .service(checklists::create)
        .service(files::import)
        .service(files::export)
        .service(checklists::one)
        .service(checklists::change)
        .service(checklists::add)
        .service(checklists::publish)
        .service(checklists::revise)
        .service(checklists::retire);
}
