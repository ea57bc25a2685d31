//! `console`: what a function writes is sent on at once, so that it is there also when the function is killed.

use std::cell::{Cell, RefCell};

use boa_engine::object::ObjectInitializer;
use boa_engine::property::Attribute;
use boa_engine::{Context, JsObject, JsResult, JsValue, NativeFunction, js_string};

use super::result;
use crate::engine::Line;
use crate::text::cut;

/// Lines of one call that are kept.
pub const MAX_LINES: usize = 100;
/// Characters of one line.
pub const MAX_TEXT: usize = 2000;

type Tell = Box<dyn Fn(Line)>;

thread_local! {
    /// Where lines go, in a runner.
    static TELL: RefCell<Option<Tell>> = const { RefCell::new(None) };
    static LINES: Cell<usize> = const { Cell::new(0) };
}

/// In the runner: from now on lines are told.
pub(super) fn listen(tell: Tell) {
    TELL.set(Some(tell));
    LINES.set(0);
}

/// Makes the global.
pub(super) fn install(context: &mut Context) -> JsResult<()> {
    let mut console = ObjectInitializer::new(context);
    for (name, function) in [
        ("log", NativeFunction::from_fn_ptr(|_, args, context| say("log", args, context))),
        ("info", NativeFunction::from_fn_ptr(|_, args, context| say("info", args, context))),
        ("warn", NativeFunction::from_fn_ptr(|_, args, context| say("warn", args, context))),
        ("error", NativeFunction::from_fn_ptr(|_, args, context| say("error", args, context))),
        ("debug", NativeFunction::from_fn_ptr(|_, args, context| say("debug", args, context))),
    ] {
        console.function(function, js_string!(name), 0);
    }
    let console: JsObject = console.build();
    context.register_global_property(js_string!("console"), console, Attribute::all())
}

fn say(level: &str, values: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let number = LINES.get();
    LINES.set(number.saturating_add(1));
    if number > MAX_LINES {
        return Ok(JsValue::undefined());
    }
    let text = if number == MAX_LINES {
        "… and more, which is not kept".to_owned()
    } else {
        join(values, context)?
    };
    TELL.with_borrow(|tell| {
        if let Some(tell) = tell {
            tell(Line { level: level.to_owned(), text });
        }
    });
    Ok(JsValue::undefined())
}

/// As browsers do: with spaces between; objects as JSON.
fn join(values: &[JsValue], context: &mut Context) -> JsResult<String> {
    let mut text = String::new();
    for value in values.iter().take(MAX_LINES) {
        if !text.is_empty() {
            text.push(' ');
        }
        text += &result::words(value, MAX_TEXT, context)?;
    }
    Ok(cut(&text, MAX_TEXT))
}
