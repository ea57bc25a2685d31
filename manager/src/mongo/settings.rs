//! `db.json`, on a manager that keeps the store in MongoDB: `{ "url": "mongodb://…", "database": "fastx" }`.

use std::path::Path;

use cluster::{Name, Secret};
use config::{ConfigError, Secrecy};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// A connection string; it may hold a password.
    pub url: Secret,
    #[serde(default = "fastx")]
    pub database: Name,
}

fn fastx() -> Name {
    Name::new("fastx").expect("letters are a name")
}

/// Reads db.json; `None` when there is none: the store is a folder.
pub fn settings(path: &Path) -> Result<Option<Settings>, ConfigError> {
    config::read_optional(path, Secrecy::OwnerOnly)
}
