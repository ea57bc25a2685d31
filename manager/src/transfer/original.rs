//! Files of the original product: one JSON object in each line, `{"_id": …, "data": …}`. The last line about an id counts;
//! `{"_id": …, "$$deleted": true}` deletes it. Lines about indexes (`$$indexCreated`) are the database's own.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use cluster::Name;
use cluster::store::{Key, Revision};
use jiff::Timestamp;
use serde_json::Value;

use super::known::BOOKMARKS;
use super::origin::Provenance;
use super::source::{Found, Source, check};

/// A thousand applications with an icon each.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Files whose documents are known, and the collection they are.
const KNOWN: [(&str, &str); 1] = [("system-bookmark-store.db", BOOKMARKS)];
/// Where the documents are from.
const BY: &str = "upload";

/// Adds what a file has.
pub(super) fn read(path: &Path, name: &str, source: &mut Source) {
    let (text, changed) = match text(path) {
        Ok(read) => read,
        Err(why) => return source.skip(name, why),
    };
    let collection = KNOWN.iter().find(|(file, _)| *file == name);
    let collection = collection.map(|(_, known)| Name::new(known).expect("letters are a name"));
    // The file's own time is all there is to say how old its documents are.
    let provenance = Provenance { revision: Revision(changed.as_microsecond()), by: BY.into(), at: changed };
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{name}:{}", number + 1);
        match entry(line) {
            Err(why) => source.skip(&place, why),
            Ok(None) => {}
            Ok(Some((id, body))) => match &collection {
                None => source.skip(&format!("{place} ({id})"), "its meaning is not known"),
                Some(collection) => {
                    match found(collection, &id, body) {
                        Ok((key, body)) => {
                            let found = Found { provenance: provenance.clone(), body };
                            source.documents.insert(key, found);
                        }
                        Err(why) => source.skip(&format!("{place} ({id})"), why),
                    };
                }
            },
        }
    }
}

fn text(path: &Path) -> Result<(String, Timestamp), String> {
    let read = || {
        let mut file = File::open(path)?;
        let changed = fs::metadata(path)?.modified()?;
        let mut bytes = Vec::new();
        (&mut file).take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        std::io::Result::Ok((bytes, changed))
    };
    let (bytes, changed) = read().map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("it has more than {MAX_FILE} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
    Ok((text, Timestamp::try_from(changed).unwrap_or(Timestamp::UNIX_EPOCH)))
}

/// Id and data of a line; `None` for a line of the database's own.
fn entry(line: &str) -> Result<Option<(String, Option<Value>)>, String> {
    let Ok(Value::Object(mut object)) = serde_json::from_str(line) else {
        return Err("it is no JSON object".into());
    };
    if object.contains_key("$$indexCreated") || object.contains_key("$$indexRemoved") {
        return Ok(None);
    }
    let Some(Value::String(id)) = object.remove("_id") else { return Err("it has no `_id`".into()) };
    if object.get("$$deleted") == Some(&Value::Bool(true)) {
        return Ok(Some((id, None)));
    }
    match object.remove("data") {
        Some(data) => Ok(Some((id, Some(data)))),
        None => Ok(Some((id, Some(Value::Object(object))))),
    }
}

fn found(collection: &Name, id: &str, body: Option<Value>) -> Result<(Key, Option<Value>), String> {
    let id = Name::new(id).map_err(|error| error.to_string())?;
    if let Some(body) = &body {
        check(collection, &id, body)?;
    }
    Ok((Key { collection: collection.clone(), id }, body))
}
