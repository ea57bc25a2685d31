//! What another host starts from, as one file to be carried there.

use config::{ConfigError, Dirs, Document};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Written, write};

/// The files of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub host: String,
    pub files: Vec<Written>,
}

#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error(transparent)]
    File(#[from] ConfigError),
    #[error("this package was not made by `fastx manager init`: it would write {0}")]
    Strange(String),
}

/// The file as it is written. Each file's text is secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    host: String,
    secrets: Vec<SecretFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecretFile {
    path: String,
    secret: String,
}

/// Nothing else is ever written from a package.
const KNOWN: [&str; 7] = [
    "authority.json",
    "broker.json",
    "manager.json",
    "broker/nats.conf",
    "broker/ca.pem",
    "broker/server.pem",
    "broker/server.key",
];

impl Package {
    /// # Errors
    /// What is no package, with the place in it.
    pub fn from_document(document: &Document) -> Result<Self, PackageError> {
        let file: File = document.parse()?;
        let files = file.secrets.into_iter().map(|file| Written { path: file.path, text: file.secret });
        let package = Self { host: file.host, files: files.collect() };
        match package.files.iter().find(|file| !KNOWN.contains(&file.path.as_str())) {
            Some(strange) => Err(PackageError::Strange(strange.path.clone())),
            None => Ok(package),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let file = |file: &Written| SecretFile { path: file.path.clone(), secret: file.text.clone() };
        let secrets: Vec<SecretFile> = self.files.iter().map(file).collect();
        json!({ "host": self.host, "secrets": secrets })
    }

    /// Writes this host's files; says which.
    pub fn unpack(&self, dirs: &Dirs) -> Result<Vec<String>, ConfigError> {
        write(&self.files, dirs)?;
        Ok(self.files.iter().map(|file| file.path.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_package_comes_back_and_writes_nothing_else() {
        let file = |path: &str| Written { path: path.into(), text: "x".into() };
        let good = Package { host: "b".into(), files: vec![file("broker.json"), file("broker/ca.pem")] };
        let parse = |package: &Package| {
            let text = package.to_json().to_string();
            Package::from_document(&Document::from_bytes(Path::new("b.json"), text.into_bytes()).unwrap())
        };
        assert_eq!(parse(&good).unwrap(), good);
        let bad = Package { files: vec![file("../../root/.ssh/authorized_keys")], ..good };
        assert!(matches!(parse(&bad), Err(PackageError::Strange(_))));
    }
}
