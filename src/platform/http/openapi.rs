//! Finishes the generated OpenAPI document: what every operation has in common is said once, here.

use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};

use crate::platform::error::Code;

/// Adds sign-in, and to every operation the problems it can answer.
pub fn finish(api: &mut OpenApi) {
    if let Some(components) = &mut api.components {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.security_schemes.insert("bearer".to_owned(), SecurityScheme::Http(bearer).into());
    }
    for (path, item) in &mut api.paths.paths {
        let operations = [
            (HttpMethod::Options, &mut item.options),
            (HttpMethod::Head, &mut item.head),
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                common(path, &method, operation);
            }
        }
    }
}

/// Where an operation says who may use it.
pub const PERMISSION: &str = "x-permission";

fn common(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let permission = permission(operation);
    let mut codes = vec![Code::RequestTimeout, Code::Internal, Code::Unavailable];
    if permission != "public" {
        codes.extend([Code::Unauthenticated, Code::Forbidden]);
        operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("bearer", [])]);
    }
    // Filters name records too, and those out of sight are absent.
    if path.contains('{') || operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        codes.push(Code::NotFound);
    }
    let has_body = operation.request_body.is_some();
    codes.extend([Code::InvalidParameter, Code::UnsupportedMediaType, Code::UriTooLong]);
    if has_body {
        codes.extend([Code::ValidationFailed, Code::BodyTooLarge]);
    }
    if *method == HttpMethod::Post {
        codes.extend([Code::ValidationFailed, Code::StateConflict, Code::NotFound]);
    }
    if *method == HttpMethod::Put || *method == HttpMethod::Delete {
        codes.extend([Code::StateConflict, Code::ValidationFailed]);
    }
    if *method == HttpMethod::Patch {
        codes.extend([Code::PreconditionRequired, Code::VersionConflict, Code::StateConflict, Code::ValidationFailed]);
    }
    if *method != HttpMethod::Get {
        codes.push(Code::NoSpace);
    }
    for code in codes {
        let status = code.status().to_string();
        if operation.responses.responses.contains_key(&status) {
            continue;
        }
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let title = code.title().1;
        let response = ResponseBuilder::new().description(title).content("application/problem+json", content).build();
        operation.responses.responses.insert(status, response.into());
    }
    let description = operation.description.take().unwrap_or_default();
    let line = format!("Permission: {permission}.");
    operation.description = Some(if description.is_empty() { line } else { format!("{description}\n\n{line}") });
}

/// The operation's `x-permission`; empty where it has none.
#[must_use]
pub fn permission(operation: &Operation) -> String {
    operation
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get(PERMISSION))
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}
