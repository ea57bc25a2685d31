//! What a runner is a copy of: a realm that no script has touched, with the server objects in it.

use std::cell::Cell;
use std::rc::Rc;

use boa_engine::builtins::promise::PromiseState;
use boa_engine::context::time::{Clock, JsInstant};
use boa_engine::context::{ContextBuilder, HostHooks};
use boa_engine::object::builtins::{JsArray, JsPromise};
use boa_engine::property::Attribute;
use boa_engine::realm::Realm;
use boa_engine::{
    Context, JsError, JsNativeError, JsResult, JsString, JsValue, NativeFunction, Source, js_string,
};
use serde_json::Value;

use super::garbage::Garbage;
use super::servers::Servers;
use super::{console, garbage, result};
use crate::engine::Returned;
use crate::request::Moment;
use crate::wire::Task;

/// Of one loop, in one call of one function; the deadline comes first, unless each round is nearly free.
const MAX_ROUNDS: u64 = 50_000_000;
/// Calls within calls: boa's own default, as a number that stays.
const MAX_CALLS: usize = 512;
/// Values on the interpreter's stack, also boa's default.
const MAX_VALUES: usize = 10_240;
/// Of one ArrayBuffer, in bytes.
const MAX_BUFFER: u64 = 32 << 20;

thread_local! {
    /// The state of `Math.random`.
    static CHANCE: Cell<u64> = const { Cell::new(0) };
}

pub(super) struct Image {
    context: Context,
    given: Rc<Given>,
    servers: Servers,
    garbage: Garbage,
}

impl Image {
    pub(super) fn new() -> Result<Self, String> {
        garbage::make_room();
        let given = Rc::new(Given::default());
        Self::build(Rc::clone(&given)).map_err(|error| error.to_string())
    }

    fn build(given: Rc<Given>) -> JsResult<Self> {
        let builder = ContextBuilder::new().clock(Rc::clone(&given)).host_hooks(Rc::clone(&given));
        let mut context = builder.can_block(false).build()?;
        let limits = context.runtime_limits_mut();
        limits.set_loop_iteration_limit(MAX_ROUNDS);
        limits.set_recursion_limit(MAX_CALLS);
        limits.set_stack_size_limit(MAX_VALUES);
        console::install(&mut context)?;
        let math = context.global_object().get(js_string!("Math"), &mut context)?;
        let random = NativeFunction::from_fn_ptr(|_, _, _| Ok(JsValue::from(draw())));
        let random = random.to_js_function(context.realm());
        if let Some(math) = math.as_object() {
            math.set(js_string!("random"), random, true, &mut context)?;
        }
        context.register_global_property(
            js_string!("globalThis"),
            context.global_object(),
            Attribute::all(),
        )?;
        let servers = Servers::new(&mut context)?;
        Ok(Self { context, given, servers, garbage: Garbage::default() })
    }

    pub(super) fn change(&mut self, changes: Vec<(u32, Option<Value>)>) -> Result<(), String> {
        let count = changes.len();
        self.servers.change(changes, &mut self.context).map_err(|error| error.to_string())?;
        self.garbage.made(count, self.servers.count());
        Ok(())
    }

    /// In a runner, once: what comes after it sees what the script did.
    pub(super) fn call(&mut self, task: &Task) -> Returned {
        self.given.moment.set(task.moment);
        CHANCE.set(task.moment.seed);
        match self.settle(task) {
            Ok(returned) => returned,
            Err(error) => result::threw(error, &mut self.context),
        }
    }

    fn settle(&mut self, task: &Task) -> JsResult<Returned> {
        let function = self.compile(&task.source)?;
        let input = self.input(task)?;
        let context = &mut self.context;
        let value = function.call(&JsValue::undefined(), &[input], context)?;
        let Some(object) = value.as_object() else { return result::read(&value, context) };
        if object.is_array() {
            return result::read(&value, context);
        }
        // Of a promise, or anything with a `then`, what it becomes.
        let promise = JsPromise::resolve(value, context)?;
        context.run_jobs()?;
        match promise.state() {
            PromiseState::Fulfilled(value) => result::read(&value, context),
            PromiseState::Rejected(why) => Err(JsError::from_opaque(why)),
            PromiseState::Pending => Ok(Returned::Odd("a promise that never settles".to_owned())),
        }
    }

    /// The guide's functions have no name, so they are an expression and no statement.
    fn compile(&mut self, source: &str) -> JsResult<boa_engine::object::JsObject> {
        let expression = source.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
        let value = self.context.eval(Source::from_bytes(&format!("({expression}\n)")))?;
        value
            .as_callable()
            .ok_or_else(|| JsNativeError::typ().with_message("the script is not a function").into())
    }

    fn input(&mut self, task: &Task) -> JsResult<JsValue> {
        let given = serde_json::to_value(&task.request).map_err(JsError::from_rust)?;
        let input = JsValue::from_json(&given, &mut self.context)?;
        let servers = task.servers.iter().map(|place| self.servers.at(*place));
        let servers = JsArray::from_iter(servers, &mut self.context);
        if let Some(input) = input.as_object() {
            input.set(js_string!("servers"), servers, true, &mut self.context)?;
        }
        Ok(input)
    }
}

/// From 0 up to 1: SplitMix64 (Steele, Lea and Flood, 2014), of which the upper 53 bits fit a float.
fn draw() -> f64 {
    let state = CHANCE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    CHANCE.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The time that a call is given, and what it may not do.
struct Given {
    moment: Cell<Moment>,
}

impl Default for Given {
    fn default() -> Self {
        Self { moment: Cell::new(Moment { now: 0, utc_offset: 0, seed: 0 }) }
    }
}

impl Clock for Given {
    fn now(&self) -> JsInstant {
        JsInstant::new(0, 0)
    }

    fn system_time_millis(&self) -> i64 {
        self.moment.get().now
    }
}

impl HostHooks for Given {
    fn utc_now(&self) -> i64 {
        self.moment.get().now
    }

    fn local_timezone_offset_seconds(&self, _unix_time_seconds: i64) -> i32 {
        self.moment.get().utc_offset
    }

    fn max_buffer_size(&self, _context: &mut Context) -> u64 {
        MAX_BUFFER
    }

    /// What was tested is what runs.
    fn ensure_can_compile_strings(
        &self,
        _realm: Realm,
        _parameters: &[JsString],
        _body: &JsString,
        _direct: bool,
        _context: &mut Context,
    ) -> JsResult<()> {
        Err(JsNativeError::eval().with_message("code cannot be made from texts here").into())
    }
}
