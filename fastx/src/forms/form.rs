//! A start form: which fields people fill in before a session starts. JSON Schema, and of it as much as a page can show; no HTML.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// The most fields, and the most values to choose from.
const MOST: usize = 100;
/// The longest text in it, in characters.
const MAX_TEXT: usize = 1000;

/// The values that people give are in `params` of their start, by the names of the fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Form {
    #[serde(rename = "type")]
    kind: Object,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    properties: BTreeMap<String, Field>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Object {
    Object,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Field {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    one_of: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maximum: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_length: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    String,
    Number,
    Integer,
    Boolean,
}

/// Why values are not those that a form asks for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Objection {
    #[error("{0} is missing")]
    Missing(String),
    #[error("{name}: {value} is no {kind}")]
    Type { name: String, value: Value, kind: &'static str },
    #[error("{name}: {value} is none of the values to choose from")]
    NotOffered { name: String, value: Value },
    #[error("{name}: {value} is less than {least}")]
    Less { name: String, value: Value, least: Number },
    #[error("{name}: {value} is more than {most}")]
    More { name: String, value: Value, most: Number },
    #[error("{name}: at most {most} characters")]
    Longer { name: String, most: u32 },
}

/// Why a form is not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    #[error("{0}")]
    Shape(String),
    #[error("a form has at most {MOST} fields, and a field at most {MOST} values")]
    TooMany,
    #[error(
        "`{0}` is no name of a field: 1 to 64 letters, digits and _, as programs find it as FX_PARAM_NAME"
    )]
    Name(String),
    #[error("a text of the field {0} is longer than {MAX_TEXT} characters")]
    TooLong(String),
    #[error("`{0}` is required, and is no field")]
    NotThere(String),
    #[error("field {name}: {value} is no {kind}")]
    Type { name: String, value: Value, kind: &'static str },
}

impl Form {
    pub(crate) fn read(value: Value) -> Result<Self, FormError> {
        let form: Self =
            serde_json::from_value(value).map_err(|error| FormError::Shape(error.to_string()))?;
        form.check().map(|()| form)
    }

    /// The first of the values that is not as the form has it. Values without a field are nobody's business here. A command line has
    /// texts only: one that reads as a number, `true` or `false` is one.
    pub(crate) fn objection(&self, values: &Map<String, Value>) -> Option<Objection> {
        let missing = self.required.iter().find(|name| values.get(*name).is_none_or(Value::is_null));
        if let Some(name) = missing {
            return Some(Objection::Missing(name.clone()));
        }
        let given = self.properties.iter().filter_map(|(name, field)| Some((name, field, values.get(name)?)));
        given.into_iter().find_map(|(name, field, value)| field.objection(name, value))
    }

    fn check(&self) -> Result<(), FormError> {
        if self.properties.len() > MOST || self.properties.values().any(|field| field.one_of.len() > MOST) {
            return Err(FormError::TooMany);
        }
        let own = [&self.title, &self.description];
        if own.into_iter().flatten().any(|text| is_long(text)) {
            return Err(FormError::TooLong("title".into()));
        }
        for (name, field) in &self.properties {
            let speakable = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || name.len() > 64 || !name.bytes().all(speakable) {
                return Err(FormError::Name(name.chars().take(80).collect()));
            }
            field.check(name)?;
        }
        match self.required.iter().find(|name| !self.properties.contains_key(*name)) {
            Some(name) => Err(FormError::NotThere(name.chars().take(80).collect())),
            None => Ok(()),
        }
    }
}

impl Field {
    fn objection(&self, name: &str, given: &Value) -> Option<Objection> {
        let (name, value) = (name.to_owned(), self.kind.read(given));
        if !self.kind.takes(&value) {
            return Some(Objection::Type { name, value, kind: self.kind.name() });
        }
        if !self.one_of.is_empty() && !self.one_of.contains(&value) {
            return Some(Objection::NotOffered { name, value });
        }
        let beyond = |bound: &Option<Number>, is_beyond: fn(f64, f64) -> bool| {
            let bound = bound.clone()?;
            is_beyond(value.as_f64()?, bound.as_f64()?).then_some(bound)
        };
        if let Some(least) = beyond(&self.minimum, |value, least| value < least) {
            return Some(Objection::Less { name, value, least });
        }
        if let Some(most) = beyond(&self.maximum, |value, most| value > most) {
            return Some(Objection::More { name, value, most });
        }
        let length = value.as_str().map_or(0, |text| text.chars().count());
        let most = self.max_length.filter(|most| usize::try_from(*most).is_ok_and(|most| length > most))?;
        Some(Objection::Longer { name, most })
    }

    fn check(&self, name: &str) -> Result<(), FormError> {
        if [&self.title, &self.description].into_iter().flatten().any(|text| is_long(text)) {
            return Err(FormError::TooLong(name.to_owned()));
        }
        let wrong = self.one_of.iter().chain(&self.default).find(|value| !self.kind.takes(value));
        match wrong {
            Some(value) => {
                let (name, value) = (name.to_owned(), value.clone());
                Err(FormError::Type { name, value, kind: self.kind.name() })
            }
            None => Ok(()),
        }
    }
}

impl Kind {
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::String => value.as_str().is_some_and(|text| !is_long(text)),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
        }
    }

    /// A text may stand for a value of another kind.
    fn read(self, given: &Value) -> Value {
        let text = given.as_str().filter(|_| self != Self::String);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| given.clone())
    }

    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
        }
    }
}

fn is_long(text: &str) -> bool {
    text.chars().count() > MAX_TEXT
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn says(form: Value) -> String {
        Form::read(form).map_or_else(|error| error.to_string(), |_| "fine".to_owned())
    }

    #[test]
    fn values_are_held_to_their_form() {
        let form = Form::read(json!({
            "type": "object", "required": ["cpus"],
            "properties": {
                "cpus": { "type": "integer", "minimum": 1, "maximum": 64 },
                "queue": { "type": "string", "enum": ["short", "long"], "maxLength": 5 },
                "note": { "type": "string", "maxLength": 3 },
                "gpu": { "type": "boolean" },
            },
        }));
        let form = form.unwrap();
        let says = |values: Value| {
            let objection = form.objection(values.as_object().unwrap());
            objection.map_or_else(|| "fine".to_owned(), |objection| objection.to_string())
        };
        for (values, said) in [
            (json!({ "cpus": 4 }), "fine"),
            (json!({ "cpus": "4", "queue": "long", "gpu": "true", "note": "123", "more": [1] }), "fine"),
            (json!({}), "cpus is missing"),
            (json!({ "cpus": null }), "cpus is missing"),
            (json!({ "cpus": "many" }), "cpus: \"many\" is no integer"),
            (json!({ "cpus": 1.5 }), "cpus: 1.5 is no integer"),
            (json!({ "cpus": 0 }), "cpus: 0 is less than 1"),
            (json!({ "cpus": 65 }), "cpus: 65 is more than 64"),
            (json!({ "cpus": 1, "queue": "night" }), "queue: \"night\" is none of the values to choose from"),
            (json!({ "cpus": 1, "note": "long" }), "note: at most 3 characters"),
            (json!({ "cpus": 1, "gpu": 1 }), "gpu: 1 is no boolean"),
        ] {
            assert_eq!(says(values.clone()), said, "{values}");
        }
    }

    #[test]
    fn a_form_is_plain_fields_and_says_what_is_wrong_with_it() {
        let form = json!({
            "type": "object", "title": "Resources", "required": ["cpus"],
            "properties": {
                "cpus": { "type": "integer", "title": "Processors", "minimum": 1, "maximum": 64, "default": 4 },
                "queue": { "type": "string", "enum": ["short", "long"], "default": "short" },
                "gpu": { "type": "boolean" },
            },
        });
        let read = Form::read(form.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), form);
        let field = |field: Value| says(json!({ "type": "object", "properties": { "a": field } }));
        assert!(field(json!({ "type": "string", "html": "<b>" })).contains("unknown field `html`"));
        assert!(field(json!({ "type": "object" })).contains("unknown variant `object`"));
        assert_eq!(field(json!({ "type": "integer", "default": "4" })), "field a: \"4\" is no integer");
        assert_eq!(field(json!({ "type": "boolean", "enum": [1] })), "field a: 1 is no boolean");
        assert!(field(json!({ "type": "string", "title": "x".repeat(1001) })).contains("longer than"));
        assert!(
            says(json!({ "type": "object", "properties": { "a b": { "type": "string" } } }))
                .contains("no name")
        );
        assert!(says(json!({ "type": "object", "properties": {}, "required": ["x"] })).contains("no field"));
        assert!(says(json!({ "type": "array" })).contains("unknown variant"));
    }
}
