//! The server itself: version and limits, health, figures, the API page, the public keys.

mod docs;
mod paths;

use actix_web::{HttpResponse, get, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::Public;
use crate::app::App;
use crate::platform::db::word;
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Reply, body, list};

pub use paths::Paths;

/// Routes under `/api/v1`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(meta).service(openapi_json);
}

/// Routes outside it.
pub fn outside(config: &mut ServiceConfig<'_>) {
    config.service(docs::page).service(live).service(ready).service(jwks);
}

/// Version, words and limits
#[utoipa::path(
    tag = "service",
    responses((status = 200, description = "What this server understands", body = serde_json::Value)),
    extensions(("x-permission" = json!("public")))
)]
#[get("/meta")]
async fn meta(public: Public) -> Result<Reply, Problem> {
    Reply::value(&json!({
        "name": "anxiao",
        "version": env!("CARGO_PKG_VERSION"),
        "server_time": public.app().clock.now(),
        "limits": {
            "body_bytes": body::JSON_LIMIT,
            "page_default": list::DEFAULT_LIMIT,
            "page_max": list::MAX_LIMIT,
            "count_exact_to": list::COUNT_LIMIT,
        },
        "enums": crate::words::all(),
    }))
}

/// This document
#[utoipa::path(
    tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
    extensions(("x-permission" = json!("public")))
)]
#[get("/openapi.json")]
async fn openapi_json(paths: web::Data<Paths>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(paths.json.clone())
}

/// The process lives
#[utoipa::path(
    tag = "service",
    responses((status = 200, description = "It lives", body = serde_json::Value)),
    extensions(("x-permission" = json!("public")))
)]
#[get("/health/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

/// The server takes work
#[utoipa::path(
    tag = "service",
    responses((status = 200, description = "It takes work", body = serde_json::Value),
        (status = 503, description = "It does not: stopping, or the database is away", body = crate::openapi::Problem, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("public")))
)]
#[get("/health/ready")]
async fn ready(public: Public) -> Result<Reply, Problem> {
    if public.app().is_leaving() {
        return Err(Problem::new(Code::Unavailable).detail("正在停止", "stopping"));
    }
    public.read(|conn| Ok(word(conn, "SELECT 'ok' AS word")?)).await?;
    Reply::value(&json!({"status": "ready"}))
}

/// The public keys of access tokens
#[utoipa::path(
    tag = "service",
    responses((status = 200, description = "A JSON Web Key Set", body = serde_json::Value)),
    extensions(("x-permission" = json!("public")))
)]
#[get("/.well-known/jwks.json")]
async fn jwks(public: Public) -> Result<Reply, Problem> {
    Reply::value(&public.app().tokens.jwks())
}

/// The figures, on the second listener only.
#[get("/metrics")]
pub async fn metrics(app: web::Data<App>) -> HttpResponse {
    let waiting = app.waiting();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.text(waiting))
}
