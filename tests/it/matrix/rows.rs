//! Every operation of the document, folder by folder.

pub mod catalogue;
pub mod documents;
pub mod draws;
pub mod evidence;
pub mod hazards;
pub mod inspections;
pub mod ledgers;
pub mod look_backs;
pub mod measures;
pub mod months;
pub mod notices;
pub mod patrols;
pub mod people;
pub mod places;
pub mod plans;
pub mod reports;
pub mod sync;
pub mod uploads;

use super::row::Row;

/// Operations that need no sign-in, with a harmless body.
pub const PUBLIC: &[&str] = &[
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/public/reports",
    "POST /api/v1/public/reports/progress",
    "GET /api/v1/evidence-links",
    "OPTIONS /api/v1/uploads",
    "POST /api/v1/sync/hand-in",
    "GET /api/v1/meta",
    "GET /api/v1/openapi.json",
    "GET /docs",
    "GET /health/live",
    "GET /health/ready",
    "GET /.well-known/jwks.json",
];

/// All rows; the folders together, so that none is left out of the matrix.
pub fn all() -> Vec<Row> {
    let folders = [
        people::rows(),
        places::rows(),
        catalogue::rows(),
        inspections::rows(),
        hazards::rows(),
        hazards::transitions(),
        reports::rows(),
        draws::rows(),
        look_backs::rows(),
        documents::rows(),
        months::rows(),
        patrols::rows(),
        plans::rows(),
        notices::rows(),
        measures::rows(),
        ledgers::rows(),
        evidence::rows(),
        uploads::rows(),
        sync::rows(),
    ];
    folders.into_iter().flatten().collect()
}
