//! The server objects, laid out so that reading them copies few pages.
//!
//! Reading an object writes to it: it is marked as borrowed, and counted. In a runner the kernel then copies the page it is
//! on. So the objects of many servers are allocated next to each other, and after them one key after the other; a server that
//! changes keeps its object, and only the values that changed are made anew.
//!
//! All of them are made by a function of the realm: objects of a script share one table of their keys, and the interpreter finds a
//! key at the place where it was in the object before; objects that boa's own functions for Rust make have a table each.

use boa_engine::object::builtins::JsArray;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsNativeError, JsObject, JsResult, JsValue, Source, js_string};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(super) struct Servers {
    by_place: Vec<Option<Server>>,
    /// Makes an empty object.
    maker: JsObject,
}

#[derive(Debug)]
struct Server {
    object: JsObject,
    /// What the object was made from.
    body: Map<String, Value>,
}

impl Servers {
    pub(super) fn new(context: &mut Context) -> JsResult<Self> {
        let maker = context.eval(Source::from_bytes("() => ({})"))?;
        let maker = maker.as_callable().ok_or_else(|| JsNativeError::typ().with_message("no function"))?;
        Ok(Self { by_place: Vec::new(), maker })
    }

    fn object(&self, context: &mut Context) -> JsResult<JsObject> {
        self.maker.call(&JsValue::undefined(), &[], context)?.to_object(context)
    }

    fn value(&self, json: &Value, context: &mut Context) -> JsResult<JsValue> {
        match json {
            Value::Array(values) => {
                let values = values.iter().map(|value| self.value(value, context));
                let values = values.collect::<JsResult<Vec<_>>>()?;
                Ok(JsArray::from_iter(values, context).into())
            }
            Value::Object(map) => {
                let object = self.object(context)?;
                for (key, value) in map {
                    let value = self.value(value, context)?;
                    object.create_data_property_or_throw(js_string!(key.as_str()), value, context)?;
                }
                Ok(object.into())
            }
            plain => JsValue::from_json(plain, context),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.by_place.len()
    }

    pub(super) fn at(&self, place: u32) -> JsValue {
        let server = self.by_place.get(place as usize).and_then(Option::as_ref);
        server.map_or_else(JsValue::undefined, |server| server.object.clone().into())
    }

    /// What is no JSON object empties its place.
    pub(super) fn change(
        &mut self,
        changes: Vec<(u32, Option<Value>)>,
        context: &mut Context,
    ) -> JsResult<()> {
        let mut keys: Vec<String> = Vec::new();
        let mut news: Vec<(usize, Map<String, Value>)> = Vec::new();
        for (place, body) in changes {
            let place = place as usize;
            if self.by_place.len() <= place {
                self.by_place.resize_with(place + 1, || None);
            }
            let Some(Value::Object(body)) = body else {
                self.by_place[place] = None;
                continue;
            };
            if self.by_place[place].is_none() {
                let object = self.object(context)?;
                self.by_place[place] = Some(Server { object, body: Map::new() });
            }
            keys.extend(body.keys().filter(|key| !keys.contains(key)).cloned().collect::<Vec<_>>());
            news.push((place, body));
        }
        for key in keys {
            let name = PropertyKey::from(js_string!(key.as_str()));
            for (place, body) in &news {
                let server = self.by_place[*place].as_ref().expect("it was filled above");
                if let Some(value) = body.get(&key).filter(|value| server.body.get(&key) != Some(*value)) {
                    let value = self.value(value, context)?;
                    server.object.create_data_property_or_throw(name.clone(), value, context)?;
                }
            }
        }
        for (place, body) in news {
            self.by_place[place].as_mut().expect("it was filled above").replace(body, context)?;
        }
        Ok(())
    }
}

impl Server {
    /// Takes away what is not there any more.
    fn replace(&mut self, body: Map<String, Value>, context: &mut Context) -> JsResult<()> {
        for gone in self.body.keys().filter(|key| !body.contains_key(*key)) {
            self.object.delete_property_or_throw(js_string!(gone.as_str()), context)?;
        }
        self.body = body;
        Ok(())
    }
}
