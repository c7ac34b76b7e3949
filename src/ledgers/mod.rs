//! The hazard ledger (隐患台账) and the four lists a bureau keeps beside it (问题, 责任, 整改, 成果清单): five readings of
//! the same hazards, as pages of JSON and as files for WPS and Excel.
//!
//! * [`kind`]: the five, which hazards each keeps, its columns. [`facts`]: what a page needs beside the rows, in a fixed
//!   number of queries. [`row`]: one hazard with all of it; [`lists`]: the four readings of that.
//! * [`columns`], [`wording`]: the text of the files. [`export`]: the files, page by page. `routes`: HTTP.
//!
//! Who sees what is settled where hazards are read: same sight, same filters as their list. A file holds besides only
//! what the right to export reaches.

pub mod columns;
pub mod export;
pub mod facts;
pub mod kind;
pub mod lists;
mod routes;
pub mod row;
pub mod wording;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(routes::hazards)
        .service(routes::problems)
        .service(routes::responsibilities)
        .service(routes::rectifications)
        .service(routes::results)
        .service(routes::file);
}
