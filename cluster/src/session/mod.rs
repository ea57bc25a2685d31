//! The session object: what is known of one session, everywhere in the cluster.
//!
//! `docs/session-object.schema.json` is made from these types. Names of the original product are kept where they are
//! known (`id`, `serverId`, `hostname`, `login`, `user`, `serverPid`, `appPid`, `geometry`, `windowMode`, `started`,
//! `lastConnect`, `lastDisconnect`, `command`, `clients`, `params`, `display`, `videoRam`); the rest is ours.

mod clipboard;
mod geometry;
mod id;
mod policy;
mod state;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use clipboard::Clipboard;
pub use geometry::{BadGeometry, Geometry};
pub use id::{BadSessionId, SessionId};
pub use policy::{Due, Policy};
pub use state::{Event, State};

/// The longest `name` and `profile`, in characters.
pub const MAX_NAME: usize = 100;
/// The longest `command`, in bytes.
pub const MAX_COMMAND: usize = 4096;
/// The longest `params`, as compact JSON in bytes.
pub const MAX_PARAMS: usize = 8 * 1024;

/// A session, as its server describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Session {
    /// Names it in its cluster, for ever.
    pub id: SessionId,
    /// The server that it lives on, for ever.
    pub server_id: String,
    /// That machine's own name.
    pub hostname: String,
    /// What its owner calls it.
    pub name: String,
    /// Who it belongs to: a login of this software.
    pub login: String,
    /// The account of the machine that its programs run as.
    pub user: String,
    /// That account's number.
    pub uid: u32,
    /// What runs in it, as a shell takes it; empty: the desktop that the server offers.
    pub command: String,
    /// Name of the profile that it was started with.
    pub profile: Option<String>,
    /// What shows it.
    pub kind: Kind,
    /// The size of its screen, `1280x800`.
    #[schemars(with = "String")]
    pub geometry: Geometry,
    pub window_mode: WindowMode,
    /// Whatever its owner or a start form wrote about it: up to 8 KiB. Its programs find each as `FX_PARAM_NAME`.
    pub params: Map<String, Value>,
    pub state: State,
    /// Why it ended.
    pub ended: Option<Ended>,
    /// People who look at it now.
    pub clients: u32,
    /// The X display, `:5`.
    pub display: Option<String>,
    /// The process that shows it.
    pub server_pid: Option<i32>,
    /// The process of `command`.
    pub app_pid: Option<i32>,
    /// Bytes that its pictures take: one for the screen, one spare, and one for each who looks.
    pub video_ram: u64,
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// When somebody began to look at it last.
    #[schemars(with = "Option<String>")]
    pub last_connect: Option<Timestamp>,
    /// When somebody ceased to look at it last.
    #[schemars(with = "Option<String>")]
    pub last_disconnect: Option<Timestamp>,
    /// The last key, click or paste, to some seconds.
    #[schemars(with = "Option<String>")]
    pub last_input: Option<Timestamp>,
    /// When `state` changed last.
    #[schemars(with = "String")]
    pub changed: Timestamp,
    pub policy: Policy,
    /// Which way text goes between its clipboard and those of its people.
    pub clipboard: Clipboard,
    /// The job that it is started by, if a batch system starts it.
    pub job: Option<Job>,
    /// What its people were told to expect.
    pub warning: Option<Warning>,
}

/// What shows a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// An X server of TigerVNC, in which the command runs.
    #[default]
    Xvnc,
    /// The command itself: it serves RFB on the unix socket that `FX_RFB_SOCKET` names.
    Plain,
}

/// How the windows of a session are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WindowMode {
    /// All on one screen.
    #[default]
    Desktop,
}

/// What is known of the job that a session is started by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Job {
    /// What the batch system calls it; none if its script did not say, and then nobody asks for its state.
    pub id: Option<String>,
    /// Which batch system that is, such as `slurm`.
    pub scheduler: String,
    /// In the batch system's words, such as `PENDING`.
    pub state: String,
    /// What its people are told of it.
    pub message: String,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    pub reason: EndReason,
    /// For a person to read.
    pub detail: String,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndReason {
    /// Somebody ended it.
    Terminated,
    /// Its program was done.
    Finished,
    /// Its display died.
    DisplayDied,
    /// It never came up.
    Failed,
    /// Nobody looked at it for too long.
    Disconnected,
    /// Nobody did anything in it for too long.
    Idle,
    /// Its time was over.
    Deadline,
    /// The machine was started anew.
    Reboot,
}

/// What is said on the screen before a session ends by a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    pub text: String,
    /// When it ends.
    #[schemars(with = "String")]
    pub ends: Timestamp,
}

impl Session {
    /// Takes the event, if it can happen to it; says whether it did.
    pub fn apply(&mut self, event: Event, now: Timestamp) -> bool {
        let Some(state) = self.state.after(event) else { return false };
        self.state = state;
        self.changed = now;
        true
    }

    /// Bytes of the pictures for a screen of this size and so many viewers (four bytes for a pixel).
    pub fn video_ram(geometry: Geometry, clients: u32) -> u64 {
        geometry.pixels() * 4 * (2 + u64::from(clients))
    }
}

/// What a server publishes: all of its sessions, or a part of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    pub server_id: String,
    /// Grows with each telling of this server's process.
    pub generation: i64,
    /// Which part this is, from 0, and how many there are.
    pub part: u32,
    pub parts: u32,
    pub sessions: Vec<Session>,
}

/// The JSON Schema of [`Session`].
pub fn schema() -> Value {
    schemars::schema_for!(Session).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE=1 cargo test -p cluster --lib schema` writes it.
    #[test]
    fn the_shipped_schema_of_sessions_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/session-object.schema.json");
        let made = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap_or_default() == made, "{path} is old");
    }

    #[test]
    fn a_session_of_another_version_is_still_read() {
        let session: Session = serde_json::from_str(
            r#"{ "id": "a1", "state": "connected", "geometry": "640x480", "newer": 1 }"#,
        )
        .unwrap();
        assert_eq!((session.id.as_str(), session.state), ("a1", State::Connected));
        assert_eq!(Session::video_ram(session.geometry, 1), 640 * 480 * 12);
    }
}
