//! The document equals the code, and says of every operation what a client needs.

use anxiao::platform::http::openapi::PERMISSION;
use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(anxiao::openapi::document()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(|(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
    });
    all.collect()
}

#[test]
fn openapi_yaml_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let generated = anxiao::openapi::document().to_yaml().unwrap();
    assert!(committed.trim() == generated.trim(), "openapi.yaml is out of date: run `make openapi`");
}

#[test]
fn permissions_md_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed.trim() == anxiao::access::matrix::document().trim(),
        "docs/permissions.md is out of date: run `make openapi`"
    );
}

#[test]
fn hazards_md_is_what_the_rules_decide() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hazards.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let drawn = anxiao::hazards::diagram::document();
    assert!(committed.trim() == drawn.trim(), "docs/hazards.md is out of date: run `make openapi`");
}

#[test]
fn every_operation_has_summary_permission_and_answers() {
    for (method, path, operation) in operations(&document()) {
        let here = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{here} has no summary");
        assert!(operation[PERMISSION].is_string(), "{here} has no {PERMISSION}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{here} has no success");
        assert!(answers.contains_key("500"), "{here} has no problems");
        if method == "GET" || method == "DELETE" {
            assert!(operation["requestBody"].is_null(), "{here} has a body");
        }
    }
}
