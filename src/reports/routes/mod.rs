//! HTTP of reports. The path of the summary of figures, `/reports/summary`, belongs to `statistics`, whose routes come
//! first.

mod public;
mod records;
mod triage;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;

pub use view::ReportView;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(records::list)
        .service(records::send)
        .service(records::one)
        .service(records::history)
        .service(triage::triage)
        .service(triage::contact)
        .service(public::send)
        .service(public::progress);
}
