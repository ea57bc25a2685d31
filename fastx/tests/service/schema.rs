//! Whether JSON is as a JSON Schema says: the words of it that schemars writes for the server object, and no others.

use serde_json::Value;

/// Everything that is wrong, with its place.
pub(crate) fn faults(schema: &Value, json: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, json, "", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, json: &Value, at: &str, faults: &mut Vec<String>) {
    let Some(words) = schema.as_object() else { return };
    for (word, value) in words {
        let said = match word.as_str() {
            "$ref" => {
                let path = value.as_str().unwrap().strip_prefix('#').unwrap();
                check(root, root.pointer(path).unwrap(), json, at, faults);
                true
            }
            "type" => types(value).any(|kind| is(json, kind)),
            "anyOf" | "oneOf" => value.as_array().unwrap().iter().any(|one| {
                let mut wrong = Vec::new();
                check(root, one, json, at, &mut wrong);
                wrong.is_empty()
            }),
            "enum" => value.as_array().unwrap().contains(json),
            "const" => value == json,
            "minimum" => json.as_f64().unwrap() >= value.as_f64().unwrap(),
            "maximum" => json.as_f64().unwrap() <= value.as_f64().unwrap(),
            "minItems" => json.as_array().unwrap().len() >= value.as_u64().unwrap() as usize,
            "maxItems" => json.as_array().unwrap().len() <= value.as_u64().unwrap() as usize,
            "required" => {
                value.as_array().unwrap().iter().all(|key| json.get(key.as_str().unwrap()).is_some())
            }
            "properties" => {
                properties(root, value, words, json, at, faults);
                true
            }
            "additionalProperties" if value.is_object() && !words.contains_key("properties") => {
                for (key, inner) in json.as_object().unwrap() {
                    check(root, value, inner, &format!("{at}/{key}"), faults);
                }
                true
            }
            "items" => {
                for (index, inner) in json.as_array().unwrap().iter().enumerate() {
                    check(root, value, inner, &format!("{at}/{index}"), faults);
                }
                true
            }
            "additionalProperties" | "$schema" | "$defs" | "title" | "description" | "default" | "format" => {
                true
            }
            other => panic!("a word that this test does not know: {other}"),
        };
        if !said {
            faults.push(format!("{at}: {word} {value}: {json}"));
        }
    }
}

/// An object with known properties has no others: what a server says is documented.
fn properties(
    root: &Value,
    known: &Value,
    words: &serde_json::Map<String, Value>,
    json: &Value,
    at: &str,
    faults: &mut Vec<String>,
) {
    // What is no object at all is a fault of its type.
    for (key, inner) in json.as_object().into_iter().flatten() {
        match known.get(key) {
            Some(schema) => check(root, schema, inner, &format!("{at}/{key}"), faults),
            None if words.contains_key("additionalProperties") => {}
            None => faults.push(format!("{at}/{key} is not documented")),
        }
    }
}

fn types(value: &Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    value.as_str().into_iter().chain(many)
}

fn is(json: &Value, kind: &str) -> bool {
    match kind {
        "object" => json.is_object(),
        "array" => json.is_array(),
        "string" => json.is_string(),
        "integer" => json.is_u64() || json.is_i64(),
        "number" => json.is_number(),
        "boolean" => json.is_boolean(),
        "null" => json.is_null(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_wrong_object_is_not_taken() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "properties": { "a": { "$ref": "#/$defs/number" } },
        "$defs": { "number": { "type": ["integer", "null"], "minimum": 0 } },
    });
    let faults = |json: Value| faults(&schema, &json).len();
    assert_eq!(faults(serde_json::json!({ "a": 1 })), 0);
    assert_eq!(faults(serde_json::json!({ "a": 1, "b": 1 })), 1);
    assert_eq!(faults(serde_json::json!({ "a": -1 })), 1);
    assert_eq!(faults(serde_json::json!({})), 1);
}
