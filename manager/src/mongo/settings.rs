//! Where MongoDB is: `{ "url": "mongodb://…", "database": "fastx" }`.

use cluster::{Name, Secret};
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
