//! The OpenAPI document, generated from the handlers. `openapi.yaml` is this document, compared by a test.

use serde::Serialize;
use utoipa::openapi::OpenApi;
use utoipa::{OpenApi as _, ToSchema};

use crate::platform::http::{list::PageInfo, openapi as finishing};

/// A refusal (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Where the code is explained.
    #[schema(example = "/docs#problem-validation_failed")]
    r#type: String,
    /// The code in words, in the language of `Accept-Language` (zh-CN or en).
    title: String,
    /// The HTTP status again.
    status: u16,
    /// Stable and language-free.
    #[schema(example = "validation_failed")]
    code: String,
    /// What exactly.
    detail: String,
    /// This occurrence, for the log; absent from 404.
    instance: Option<String>,
    /// Every field or rule that stood in the way.
    errors: Option<Vec<ProblemField>>,
    /// The record as it is now, where that helps.
    current: Option<serde_json::Value>,
    /// What would be allowed instead.
    allowed_actions: Option<serde_json::Value>,
    /// What would be refused as well, and why.
    refused_actions: Option<serde_json::Value>,
}

/// One field or rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField {
    /// JSON pointer into the body, or the parameter's name; empty for a rule about the record.
    #[schema(example = "/title")]
    pointer: String,
    /// Stable and language-free.
    #[schema(example = "required")]
    code: String,
    /// In words.
    detail: String,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListOf<T> {
    /// The rows.
    data: Vec<T>,
    /// Where the list goes on.
    page: PageInfo,
}

/// What every list takes beside its filter.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its parameters are used; they are read in platform/http/list.rs")]
pub struct PageQuery {
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// From `page.next_cursor` of the same list.
    cursor: Option<String>,
    /// `-created_at`, the default, or `created_at`.
    sort: Option<String>,
    /// Whether to count.
    count: Option<bool>,
}

/// What the document says of itself.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "安校 anxiao",
        description = "Campus safety for an education bureau and its schools: inspections, hazards from finding to \
                       closing, and who may see and do what.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem, ProblemField)),
    tags(
        (name = "accounts", description = "Signing in, sessions, the own account"),
        (name = "people", description = "Users and memberships"),
        (name = "organisations", description = "Bureaus, clusters, schools, agencies, sites"),
        (name = "catalogue", description = "Categories, domains, checklists"),
        (name = "policy", description = "Deadlines and the calendar"),
        (name = "inspections", description = "From plan to confirmation, and the answers"),
        (name = "recusals", description = "Who must not inspect which school"),
        (name = "draws", description = "Double-random draws and their proof"),
        (name = "look_backs", description = "Look-backs: closed hazards visited again"),
        (name = "hazards", description = "From finding to closing"),
        (name = "documents", description = "Records, notices and opinions as issued, and their print"),
        (name = "reports", description = "What is pointed out before it is a hazard; figures"),
        (name = "ledgers", description = "The hazard ledger and the four lists, as pages and files"),
        (name = "months", description = "Monthly reports of schools, zero reports among them"),
        (name = "sync", description = "Handing in and fetching what was done offline"),
        (name = "service", description = "The server itself")
    )
)]
pub struct Document;

/// The whole document.
#[must_use]
pub fn document() -> OpenApi {
    use utoipa_actix_web::AppExt;
    let (_, api) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Document::openapi())
        .configure(crate::server::routes)
        .split_for_parts();
    finished(api)
}

/// The document as collected by an application, with what all operations share.
#[must_use]
pub fn finished(mut api: OpenApi) -> OpenApi {
    finishing::finish(&mut api);
    api
}
