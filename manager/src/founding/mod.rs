//! A new cluster: the files that its brokers and managers start from.
//!
//! ```text
//! authority.json        whose signature the brokers believe        (managers only)
//! authority.key         signs the brokers' certificates            (the first host only)
//! broker.json           how a member reaches the brokers           (copied to nodes, or made there by `fastx node join`)
//! manager.json          where the store is                         (managers only)
//! broker/               what nats-server runs from: nats.conf, ca.pem, server.pem, server.key
//! peers/HOST.json       all of these for another host, to be carried there
//! ```
//! Made again over what is there, it keeps the authorities, so that everybody who is in stays in.

use cluster::Name;
use cluster::admission::{Authority, MemberKey, Permissions, broker_json};
use cluster::{Secret, Subjects};
use config::{ConfigError, Dirs, HostPort, Secrecy};
use jiff::Timestamp;
use serde_json::Value;

mod broker;
mod certificates;
mod package;

pub use certificates::CertificateError;
pub use package::{Package, PackageError};

use certificates::Certifier;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How members reach this host: a name, or an address.
    pub host: String,
    /// Hosts with a broker beside it.
    pub peers: Vec<String>,
    /// Where all the brokers listen.
    pub port: u16,
    pub namespace: Name,
    /// The content of manager.json.
    pub manager_json: Value,
    /// Whether managers on several hosts can share the store.
    pub shared_store: bool,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    #[error(transparent)]
    File(#[from] ConfigError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// One file below the configuration folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: String,
    pub text: String,
}

/// Writes this host's files, and one package for each peer; says which.
///
/// # Errors
/// A folder that cannot be written, or an authority there that cannot be read.
pub fn found(plan: &Plan, dirs: &Dirs) -> Result<Vec<String>, FoundError> {
    let (authority, credentials) = authority(plan, dirs)?;
    let certifier = Certifier::load_or_make(dirs)?;
    let hosts: Vec<&str> =
        [plan.host.as_str()].into_iter().chain(plan.peers.iter().map(String::as_str)).collect();
    let servers: Vec<HostPort> =
        hosts.iter().map(|host| HostPort { host: (*host).to_owned(), port: plan.port }).collect();
    let broker_json = broker_json(&servers, Some(certifier.ca()), &plan.namespace, &credentials);
    let files = |host: &str, first: bool| -> Result<Vec<Written>, FoundError> {
        let mut files = broker::files(plan, host, &hosts, &authority, &certifier)?;
        files.push(json("broker.json", &broker_json));
        if first || plan.shared_store {
            files.push(json("manager.json", &plan.manager_json));
            files.push(json("authority.json", &authority.to_json()));
        }
        Ok(files)
    };
    let mut all = files(&plan.host, true)?;
    all.push(Written { path: "authority.key".into(), text: certifier.key_pem() });
    for peer in &plan.peers {
        let package = Package { host: peer.clone(), files: files(peer, false)? };
        all.push(json(&format!("peers/{peer}.json"), &package.to_json()));
    }
    write(&all, dirs)?;
    Ok(all.into_iter().map(|file| file.path).collect())
}

/// Every one is for its owner only: most are secret, and the rest is of no use to others.
pub(crate) fn write(files: &[Written], dirs: &Dirs) -> Result<(), ConfigError> {
    files.iter().try_for_each(|file| {
        config::write_bytes(&dirs.config(&file.path), file.text.as_bytes(), Secrecy::OwnerOnly)
    })
}

fn json(path: &str, value: &Value) -> Written {
    Written { path: path.to_owned(), text: format!("{value:#}\n") }
}

/// The authority that is there, or a new one, and the login for the broker.json that is copied.
fn authority(plan: &Plan, dirs: &Dirs) -> Result<(Authority, Secret), FoundError> {
    let shared = MemberKey::generate();
    let there = Authority::read(&dirs.config("authority.json"))?;
    let mut authority = there.unwrap_or_else(Authority::generate);
    authority.shared.push(shared.public());
    let permissions = Permissions::shared(&Subjects::new(&plan.namespace), &shared.public());
    let jwt = authority.admit(&shared.public(), "shared", &permissions, Timestamp::now(), None);
    Ok((authority, shared.credentials(&jwt)))
}
