//! What a function gave back, as far as it matters. All of this runs the script's own code: getters, proxies, `toString`.

use boa_engine::object::JsObject;
use boa_engine::{Context, JsError, JsResult, JsValue, JsVariant, js_string};

use crate::engine::{Returned, Stop};
use crate::text::cut;

/// The longest array that is read.
const MAX_ELEMENTS: u64 = 100_000;
/// Characters of a string that is returned or thrown; ids have at most 64, messages are shown up to 500.
const MAX_STRING: usize = 1000;

pub(super) fn read(value: &JsValue, context: &mut Context) -> JsResult<Returned> {
    if !value.to_boolean() {
        return Ok(Returned::Nothing);
    }
    let odd = |what: String| Ok(Returned::Odd(what));
    match value.variant() {
        JsVariant::String(text) => Ok(Returned::Text(cut(&text.to_std_string_lossy(), MAX_STRING))),
        JsVariant::Object(object) if is_array(&object, context)? => list(&object, context),
        JsVariant::Object(object) if object.is_callable() => odd("a function".to_owned()),
        JsVariant::Object(_) => odd("an object that is no array".to_owned()),
        JsVariant::Boolean(_) => odd("true".to_owned()),
        JsVariant::Symbol(_) => odd("a symbol".to_owned()),
        JsVariant::BigInt(_) => odd("a BigInt".to_owned()),
        _ => odd(format!("the number {}", words(value, 40, context)?)),
    }
}

/// Also of a proxy for one.
fn is_array(object: &JsObject, context: &mut Context) -> JsResult<bool> {
    if object.is_array() {
        return Ok(true);
    }
    let array = context.intrinsics().constructors().array().constructor();
    let is_array = array.get(js_string!("isArray"), context)?;
    match is_array.as_callable() {
        Some(is_array) => {
            Ok(is_array.call(&JsValue::undefined(), &[object.clone().into()], context)?.to_boolean())
        }
        None => Ok(false),
    }
}

fn list(array: &JsObject, context: &mut Context) -> JsResult<Returned> {
    let length = array.get(js_string!("length"), context)?.to_length(context)?;
    if length > MAX_ELEMENTS {
        return Ok(Returned::Odd(format!("an array of {length} elements")));
    }
    let mut ids = Vec::new();
    for index in 0..length {
        let element = array.get(index, context)?;
        let id = match element.as_object() {
            Some(object) => object.get(js_string!("serverId"), context)?,
            None => JsValue::undefined(),
        };
        ids.push(id.as_string().map(|id| cut(&id.to_std_string_lossy(), MAX_STRING)));
    }
    Ok(Returned::List(ids))
}

/// Of what was thrown, the message for the person.
pub(super) fn threw(error: JsError, context: &mut Context) -> Returned {
    let value = match error.into_opaque(context) {
        Ok(value) => value,
        // A limit of the interpreter, which no script can catch.
        Err(limit) => {
            tracing::trace!(%limit, "stopped by the interpreter");
            return Returned::Stopped(Stop::Broke(cut(&limit.to_string(), MAX_STRING)));
        }
    };
    Returned::Threw(message(&value, context).unwrap_or_else(|_| "an error that cannot be shown".to_owned()))
}

fn message(value: &JsValue, context: &mut Context) -> JsResult<String> {
    let Some(object) = value.as_object() else { return words(value, MAX_STRING, context) };
    let text = object.get(js_string!("message"), context)?;
    let Some(text) = text.as_string() else { return words(value, MAX_STRING, context) };
    let text = cut(&text.to_std_string_lossy(), MAX_STRING);
    let name = object.get(js_string!("name"), context)?;
    match name.as_string().map(|name| cut(&name.to_std_string_lossy(), 40)) {
        Some(name) if name != "Error" && !name.is_empty() => Ok(format!("{name}: {text}")),
        _ => Ok(text),
    }
}

/// Any value as text: objects as JSON.
pub(super) fn words(value: &JsValue, most: usize, context: &mut Context) -> JsResult<String> {
    let text = match value.variant() {
        JsVariant::Symbol(_) => return Ok("a symbol".to_owned()),
        JsVariant::Object(object) if object.is_callable() => return Ok("a function".to_owned()),
        JsVariant::Object(object) => {
            let stringify = context.intrinsics().objects().json().get(js_string!("stringify"), context)?;
            let json = match stringify.as_callable() {
                Some(stringify) => stringify.call(&JsValue::undefined(), &[object.into()], context)?,
                None => JsValue::undefined(),
            };
            json.to_string(context)?
        }
        _ => value.to_string(context)?,
    };
    Ok(cut(&text.to_std_string_lossy(), most))
}
