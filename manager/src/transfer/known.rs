//! What is configuration: the collections that are moved, and what their documents look like.

use cluster::Name;
use cluster::settings::{GLOBAL, LOCAL, Record};
use serde_json::Value;

use super::origin;

/// Applications that people start with a click; the original product's system bookmarks.
pub(super) const BOOKMARKS: &str = "bookmarks";

/// What chooses servers: a document for each action, and one for its shadow.
const BALANCE: &str = "balance";

/// In the order of their names.
const COLLECTIONS: [&str; 4] = [BALANCE, BOOKMARKS, GLOBAL.0, LOCAL];

/// The collections that are moved.
pub(super) fn collections() -> impl Iterator<Item = Name> {
    COLLECTIONS.into_iter().map(|name| Name::new(name).expect("a constant of letters and dots is a name"))
}

/// Whether a transfer needs the collection. Everything else in the store is none of its business.
pub fn may_be_asked(collection: &Name) -> bool {
    let named = origin::about(collection.as_str()).unwrap_or(collection.as_str());
    COLLECTIONS.contains(&named)
}

/// Whether a document can be what its collection has.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn check(collection: &Name, id: &Name, body: &Value) -> Result<(), String> {
    match collection.as_str() {
        BALANCE => chain(id, body),
        BOOKMARKS => bookmark(body),
        name if name == LOCAL || (name == GLOBAL.0 && id.as_str() == GLOBAL.1) => {
            serde_json::from_value::<Record>(body.clone()).map(drop).map_err(|error| error.to_string())
        }
        name if name == GLOBAL.0 => Err(format!("the one document there is `{}`", GLOBAL.1)),
        name => Err(format!("`{name}` is no configuration that this version knows")),
    }
}

/// Its parts are read by who runs them; what cannot be read there does not count.
fn chain(id: &Name, body: &Value) -> Result<(), String> {
    let key = if id.as_str().ends_with(".shadow") { "functions" } else { "versions" };
    let has = body.get(key).is_some_and(Value::is_array);
    if has { Ok(()) } else { Err(format!("`{id}` has a list of `{key}`")) }
}

fn bookmark(body: &Value) -> Result<(), String> {
    let Some(bookmark) = body.as_object() else { return Err("a bookmark is an object".into()) };
    if !bookmark.get("command").is_some_and(Value::is_string) {
        return Err("a bookmark has a `command`".into());
    }
    let wrong = ["name", "geometry", "icon"]
        .into_iter()
        .find(|key| bookmark.get(*key).is_some_and(|value| !value.is_string()));
    wrong.map_or(Ok(()), |key| Err(format!("`{key}` of a bookmark is a string")))
}
