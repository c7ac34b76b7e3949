//! Every operation of the document, folder by folder.

mod catalogue;
mod hazards;
mod inspections;
mod people;
mod places;

use super::row::Row;

/// Operations that need no sign-in, with a harmless body.
pub const PUBLIC: &[&str] = &[
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "GET /api/v1/meta",
    "GET /api/v1/openapi.json",
    "GET /docs",
    "GET /health/live",
    "GET /health/ready",
    "GET /.well-known/jwks.json",
];

/// All rows.
pub fn all() -> Vec<Row> {
    [people::rows(), places::rows(), catalogue::rows(), inspections::rows(), hazards::rows()].into_iter().flatten().collect()
}
