//! `manager.json`: where a manager keeps the store.
//!
//! ```json
//! { "store": "folder" }
//! { "mongodb": { "url": "mongodb://fastx:…@db1,db2,db3/?replicaSet=rs0&tls=true", "database": "fastx" } }
//! ```

use std::path::Path;

use config::{ConfigError, Document, Secrecy};
use serde::Deserialize;

use crate::mongo;

/// Where the store is.
#[derive(Clone, Debug)]
pub enum Keep {
    /// `$FX_LOCAL_DIR/store`.
    Folder,
    MongoDb(mongo::Settings),
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    store: Option<Named>,
    mongodb: Option<mongo::Settings>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Folder,
}

/// Reads manager.json; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Keep>, ConfigError> {
    match Document::read(path, Secrecy::OwnerOnly) {
        Ok(document) => from_document(&document).map(Some),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn from_document(document: &Document) -> Result<Keep, ConfigError> {
    match document.parse()? {
        File { store: Some(Named::Folder), mongodb: None } => Ok(Keep::Folder),
        File { store: None, mongodb: Some(settings) } => Ok(Keep::MongoDb(settings)),
        File { store: Some(_), .. } => Err(document.fault(
            &["mongodb"],
            "the store is in a folder or in MongoDB, not in both",
            "remove `store`, or this",
        )),
        File { .. } => Err(document.fault(
            &[],
            "it does not say where the store is",
            "put \"store\": \"folder\" inside these brackets, or \"mongodb\": { \"url\": … }",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Keep, String> {
        let document = Document::from_bytes(Path::new("manager.json"), text.into()).unwrap();
        from_document(&document).map_err(|error| error.to_string())
    }

    #[test]
    fn a_store_has_one_place() {
        assert!(matches!(parse(r#"{ "store": "folder" }"#), Ok(Keep::Folder)));
        let mongo = r#"{ "mongodb": { "url": "mongodb://fastx:s3cret@db1/", "database": "lab" } }"#;
        let Ok(Keep::MongoDb(settings)) = parse(mongo) else { panic!("{mongo}") };
        assert_eq!(
            (settings.url.expose(), settings.database.as_str()),
            ("mongodb://fastx:s3cret@db1/", "lab")
        );
        for (text, says) in [
            ("{}", "does not say where"),
            (r#"{ "store": "folder", "mongodb": { "url": "mongodb://fastx:s3cret@db1/" } }"#, "not in both"),
            (r#"{ "store": "mongodb" }"#, "folder"),
            (r#"{ "mongodb": { "uri": "mongodb://fastx:s3cret@db1/" } }"#, "did you mean `url`?"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
