//! `/docs`: the API as one page for people, made from the document, without scripts and without the internet.

use std::fmt::Write;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpResponse, get, web};
use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::Paths;
use crate::platform::error::Code;

const STYLE: &str = include_str!("docs.css");

/// The API page
#[utoipa::path(
    tag = "service",
    responses((status = 200, description = "A page for people", body = String, content_type = "text/html")),
    extensions(("x-permission" = json!("public")))
)]
#[get("/docs")]
pub async fn page(paths: web::Data<Paths>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ))
        .insert_header((CACHE_CONTROL, "max-age=60"))
        .body(paths.page.clone())
}

/// The page, from the document.
pub fn render(api: &OpenApi) -> String {
    let document = serde_json::to_value(api).unwrap_or(Value::Null);
    let mut out = String::new();
    let title = "安校 anxiao API";
    // Writing into a String cannot fail.
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1><p>{}</p>\
         <p>The whole contract: <a href=\"/api/v1/openapi.json\">openapi.json</a>. Words, limits and the time: \
         <a href=\"/api/v1/meta\">meta</a>.</p>",
        escape(api.info.description.as_deref().unwrap_or_default())
    );
    for tag in document.get("tags").and_then(Value::as_array).into_iter().flatten() {
        let name = text(tag, "name");
        let _ = write!(out, "<h2>{}</h2><p>{}</p>", escape(&name), escape(&text(tag, "description")));
        operations(&mut out, &document, &name);
    }
    out.push_str("<h2>Schemas</h2>");
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    for (name, schema) in schemas.into_iter().flatten() {
        let shown = serde_json::to_string_pretty(schema).unwrap_or_default();
        let name = escape(name);
        let _ = write!(
            out,
            "<details id=\"schema-{name}\"><summary>{name}</summary><pre>{}</pre></details>",
            escape(&shown)
        );
    }
    out.push_str("<h2>Problems</h2><table><tr><th>code</th><th>status</th><th>zh-CN</th><th>en</th></tr>");
    for code in Code::ALL {
        let (zh, en) = code.title();
        let _ = write!(
            out,
            "<tr id=\"problem-{0}\"><td><code>{0}</code></td><td>{1}</td><td>{zh}</td><td>{en}</td></tr>",
            code.as_str(),
            code.status()
        );
    }
    out.push_str("</table></main></html>");
    out
}

fn operations(out: &mut String, document: &Value, tag: &str) {
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tags = operation.get("tags").and_then(Value::as_array);
            if tags.is_some_and(|tags| tags.iter().any(|one| one == tag)) {
                one(out, path, method, operation);
            }
        }
    }
}

fn one(out: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        out,
        "<details><summary><b class=\"{method}\">{}</b> <code>{}</code> {}</summary><p>{}</p>",
        method.to_uppercase(),
        escape(path),
        escape(&text(operation, "summary")),
        escape(&text(operation, "description")).replace("\n\n", "</p><p>")
    );
    let parameters = operation.get("parameters").and_then(Value::as_array);
    if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
        out.push_str("<table><tr><th>parameter</th><th>in</th><th></th></tr>");
        for parameter in parameters {
            let (name, place) = (text(parameter, "name"), text(parameter, "in"));
            let says = text(parameter, "description");
            let _ = write!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(&name),
                escape(&place),
                escape(&says)
            );
        }
        out.push_str("</table>");
    }
    if let Some(body) = operation.pointer("/requestBody/content") {
        let _ = write!(out, "<p>Body: {}</p>", schema_link(body));
    }
    out.push_str("<table><tr><th>status</th><th></th><th>body</th></tr>");
    for (status, response) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let link = response.get("content").map(schema_link).unwrap_or_default();
        let _ =
            write!(out, "<tr><td>{status}</td><td>{}</td><td>{link}</td></tr>", escape(&text(response, "description")));
    }
    out.push_str("</table></details>");
}

/// A link to the schema of the first media type.
fn schema_link(content: &Value) -> String {
    let schema = content.as_object().and_then(|media| media.values().next()).and_then(|media| media.get("schema"));
    let reference = schema.and_then(|schema| schema.get("$ref")).and_then(Value::as_str);
    match reference.and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => format!("<a href=\"#schema-{0}\">{0}</a>", escape(name)),
        None => String::new(),
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
