//! The API's own description, OpenAPI 3.1. The session object in it is the one of `docs/session-object.schema.json`.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::{Map, Value};

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut document = parse(include_str!("../openapi.json"));
    let session = parse(include_str!("../../docs/session-object.schema.json"));
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        add(schemas, "Session", session);
    }
    Bytes::from(document.to_string())
});

pub(crate) async fn get() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone()).into_response()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON, as the tests read it too")
}

/// A schema as a component, and its definitions beside it.
fn add(schemas: &mut Map<String, Value>, name: &str, mut schema: Value) {
    refer_to_components(&mut schema);
    let Value::Object(fields) = &mut schema else { return };
    fields.remove("$schema");
    if let Some(Value::Object(definitions)) = fields.remove("$defs") {
        schemas.extend(definitions);
    }
    schemas.insert(name.to_owned(), schema);
}

fn refer_to_components(schema: &mut Value) {
    match schema {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("#/$defs/") {
                *text = format!("#/components/schemas/{name}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(refer_to_components),
        Value::Object(fields) => fields.values_mut().for_each(refer_to_components),
        _ => {}
    }
}
