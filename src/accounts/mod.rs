//! Accounts: signing in, tokens, sessions, passwords, the own account, and the administration of people.
//!
//! Tokens say who; rights are read from the database. See `docs/accounts.md`.

pub mod login;
pub mod me;
pub mod passwords;
pub mod people;
pub mod refresh;
pub mod sessions;
pub mod tokens;

use utoipa_actix_web::service_config::ServiceConfig;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(login::login)
        .service(refresh::refresh)
        .service(login::logout)
        .service(login::password)
        .service(sessions::list)
        .service(sessions::remove)
        .service(me::me)
        .configure(people::routes);
}
