//! The server objects, laid out so that reading them copies few pages.
//!
//! Reading an object writes to it: it is marked as borrowed, and counted. In a runner the kernel then copies the page it is
//! on. So the objects of many servers are allocated next to each other, and after them one key after the other; a server that
//! changes keeps its object, and only the values that changed are made anew.

use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsObject, JsResult, JsValue, js_string};
use serde_json::{Map, Value};

/// By place.
#[derive(Debug, Default)]
pub(super) struct Servers(Vec<Option<Server>>);

#[derive(Debug)]
struct Server {
    object: JsObject,
    /// What the object was made from.
    body: Map<String, Value>,
}

impl Servers {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn at(&self, place: u32) -> JsValue {
        let server = self.0.get(place as usize).and_then(Option::as_ref);
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
            if self.0.len() <= place {
                self.0.resize_with(place + 1, || None);
            }
            let Some(Value::Object(body)) = body else {
                self.0[place] = None;
                continue;
            };
            if self.0[place].is_none() {
                let object = JsObject::with_object_proto(context.intrinsics());
                self.0[place] = Some(Server { object, body: Map::new() });
            }
            keys.extend(body.keys().filter(|key| !keys.contains(key)).cloned().collect::<Vec<_>>());
            news.push((place, body));
        }
        for key in keys {
            let name = PropertyKey::from(js_string!(key.as_str()));
            for (place, body) in &news {
                let server = self.0[*place].as_ref().expect("it was filled above");
                if let Some(value) = body.get(&key).filter(|value| server.body.get(&key) != Some(*value)) {
                    let value = JsValue::from_json(value, context)?;
                    server.object.create_data_property_or_throw(name.clone(), value, context)?;
                }
            }
        }
        for (place, body) in news {
            self.0[place].as_mut().expect("it was filled above").replace(body, context)?;
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
