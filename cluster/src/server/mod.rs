//! The server object: what each server says of itself every 10 s, and at once when something changed.
//!
//! It is what balancing scripts and pages are given. `docs/server-object.schema.json` is made from these types. Names of
//! the original product are kept where they are known (`serverId`, `urls`, `hostname`, `sessions`, `uptime`, `cpu`,
//! `freemem`, `totalmem`, `loggedInUsers`, `loadavg`); the rest is ours.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::heard::{self, MAX_PART_DEPTH};
use crate::membership::{Standing, Word};
use crate::name::Name;

mod duty;
mod machine;

pub use duty::{DUTIES, Duty};
pub use machine::{Disk, Gateway, Gpu, Memory, Network, Pressure, Stall};

/// The longest static data, as compact JSON in bytes.
pub const MAX_STATIC_DATA: usize = 64 * 1024;
/// The longest sum of all metrics, as compact JSON in bytes. With the static data and everything else a server object
/// stays below [`crate::store::MAX_BODY`].
pub const MAX_METRICS: usize = 64 * 1024;
/// How deep static data and each metric may be nested.
pub const MAX_STATIC_DEPTH: usize = 32;
/// The longest server object, as compact JSON in bytes; the standing is written beside it.
const MAX_OBJECT: usize = crate::store::MAX_BODY - 1024;
/// Server ids that an administrator shut out, each a document: its body is an object with a `reason`.
pub const REVOCATIONS: &str = "revocations";

/// A server, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Server {
    /// Names the server in its cluster, for ever.
    #[schemars(with = "String")]
    pub server_id: ServerName,
    /// The machine's own name.
    pub hostname: String,
    /// Where its pages are, from outside: one address for each gateway that it is connected to.
    pub urls: Vec<String>,
    /// Of fastx on it.
    pub version: String,
    /// Seconds since the machine started.
    pub uptime: u64,
    /// When fastx on it started.
    #[schemars(with = "Option<String>")]
    pub started: Option<Timestamp>,
    /// When it took these numbers, by its own clock.
    #[schemars(with = "Option<String>")]
    pub updated: Option<Timestamp>,
    /// Sessions that run on it.
    pub sessions: u32,
    /// People with a login on the machine, each once; the first 512 by name.
    pub logged_in_users: Vec<String>,
    /// Processors that it may use.
    pub cpus: u32,
    /// How busy they were since the update before, all together: 0 to 100 percent.
    pub cpu: f64,
    /// Mean number of processes that ran or waited, over 1, 5 and 15 minutes.
    pub loadavg: [f64; 3],
    /// Memory that processes can still get without swapping, in bytes.
    pub freemem: u64,
    /// Memory in bytes.
    pub totalmem: u64,
    pub swap: Memory,
    /// The file systems that matter to it: of `/`, of `/home`, of `/tmp`, and of its own state.
    pub disks: Vec<Disk>,
    /// Graphics processors, as nvidia-smi and the kernel's amdgpu tell.
    pub gpus: Vec<Gpu>,
    /// Its network interfaces, without the loopback.
    pub network: Vec<Network>,
    /// Time lost in waiting (the kernel's PSI); none where the kernel does not tell.
    pub pressure: Option<Pressure>,
    /// The gateways that it dials.
    pub gateways: Vec<Gateway>,
    /// What the administrator wrote about it: any JSON object up to 64 KiB.
    pub static_data: Map<String, Value>,
    /// What its administrator's commands in metrics.d said last, by the command's name.
    pub metrics: BTreeMap<String, Value>,
    /// Commands in metrics.d that failed, and why.
    pub metric_errors: BTreeMap<String, String>,
    /// What it may be asked for.
    pub allows: Allows,
    /// Takes no new sessions, because it is to go out of service; those that run go on.
    pub draining: bool,
}

/// What a server may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Allows {
    /// People may log in to it.
    pub logins: bool,
    /// New sessions may start on it. False also while it drains.
    pub sessions: bool,
}

impl Default for Allows {
    fn default() -> Self {
        Self { logins: true, sessions: true }
    }
}

/// A server's name; empty only in a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerName(String);

impl From<&Name> for ServerName {
    fn from(name: &Name) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl ServerName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A server as its cluster sees it: the server object, and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub standing: Standing,
    /// When the manager heard it last.
    #[schemars(with = "String")]
    pub last_seen: Timestamp,
    /// Its last words, if it is lost. Of a server that only just joined they may still be missing, but for the `serverId`.
    #[serde(flatten)]
    pub server: Server,
}

impl Server {
    /// One that has not said anything yet.
    pub fn named(name: &Name) -> Self {
        Self { server_id: name.into(), ..Self::default() }
    }

    /// Whether it can be shown in a list and kept in the store: nobody else's are to fail for it.
    pub fn fits(&self) -> bool {
        serde_json::to_vec(self)
            .is_ok_and(|json| json.len() < MAX_OBJECT && heard::depth(&json) <= MAX_PART_DEPTH)
    }

    /// What it says of itself in a word.
    pub fn word(&self) -> Word {
        if self.draining { Word::Draining } else { Word::Active }
    }
}

/// The JSON Schema of [`Listed`]: the server object with its standing.
pub fn schema() -> Value {
    schemars::schema_for!(Listed).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MAX_BODY;

    /// `UPDATE=1 cargo test -p cluster --lib schema` writes it.
    #[test]
    fn the_shipped_schema_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server-object.schema.json");
        let made = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap_or_default() == made, "{path} is old");
    }

    #[test]
    fn the_longest_server_object_fits_into_the_store() {
        let name = Name::new(&"x".repeat(64)).unwrap();
        let text = || "\u{1f600}".repeat(64);
        let many = |n: usize| (0..n).map(|n| format!("{n}{}", text())).collect::<Vec<_>>();
        let server = Server {
            urls: many(16),
            logged_in_users: (0..512).map(|n| format!("{n:032}")).collect(),
            static_data: Map::from_iter([("x".to_owned(), "x".repeat(MAX_STATIC_DATA).into())]),
            metrics: BTreeMap::from([("x".to_owned(), "x".repeat(MAX_METRICS).into())]),
            metric_errors: many(32).into_iter().map(|name| (name, "x".repeat(600))).collect(),
            network: many(32).into_iter().map(|name| Network { name, ..Network::default() }).collect(),
            gpus: many(32).into_iter().map(|name| Gpu { name, ..Gpu::default() }).collect(),
            gateways: many(16).into_iter().map(|host| Gateway { host, ..Gateway::default() }).collect(),
            ..Server::named(&name)
        };
        let listed = Listed { standing: Standing::Alive, last_seen: Timestamp::now(), server };
        let bytes = serde_json::to_vec(&listed).unwrap().len();
        assert!(bytes < MAX_BODY, "{bytes}");
    }

    #[test]
    fn a_server_of_another_version_is_still_read() {
        let server: Server =
            serde_json::from_str(r#"{ "serverId": "a", "sessions": 2, "newer": true }"#).unwrap();
        assert_eq!((server.server_id.as_str(), server.sessions, server.allows), ("a", 2, Allows::default()));
    }
}
