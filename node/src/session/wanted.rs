//! What somebody wants to start.

use cluster::session::{Geometry, Kind, MAX_COMMAND, MAX_NAME, MAX_PARAMS, Policy};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SessionError;

/// A start, as the command line and the pages send it. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Wanted {
    /// What its owner calls it; else the first words of the command.
    pub name: String,
    /// What runs in it, as a shell takes it; empty: the desktop of the server.
    pub command: String,
    pub geometry: Geometry,
    pub kind: Kind,
    pub profile: Option<String>,
    pub params: Map<String, Value>,
    pub policy: Policy,
    /// Where; else the balancer chooses.
    #[serde(alias = "server")]
    pub server_id: Option<String>,
    /// The account that its programs run as; else the service's own.
    pub user: Option<String>,
    /// Who it belongs to; else the account.
    pub login: Option<String>,
    /// Not as the service's own account: its programs could read the server's keys. Said by who lets people in, never by them.
    #[serde(skip)]
    pub is_confined: bool,
    /// They are a manager, or more: for those who choose a server. Said by who lets people in.
    #[serde(skip)]
    pub is_manager: bool,
}

impl Wanted {
    /// The desktop of the server.
    pub fn desktop(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// One program.
    pub fn program(name: impl Into<String>, command: impl Into<String>) -> Self {
        Self { name: name.into(), command: command.into(), ..Self::default() }
    }

    /// A terminal in a window, with room beside it.
    pub fn terminal(name: impl Into<String>) -> Self {
        let xterm =
            "exec xterm -T Terminal -geometry 96x28+48+48 -fa Monospace -fs 11 -bg '#10161c' -fg '#e6eaee'";
        Self::program(name, xterm)
    }

    /// Refuses what cannot be meant so.
    pub(super) fn check(&self) -> Result<(), SessionError> {
        let refuse = |what: String| Err(SessionError::Malformed(what));
        for (what, text) in [("name", Some(&self.name)), ("profile", self.profile.as_ref())] {
            check_name(what, text.map_or("", |text| text))?;
        }
        if self.command.len() > MAX_COMMAND || self.command.contains('\0') {
            return refuse(format!("a command has at most {MAX_COMMAND} bytes, and no NUL among them"));
        }
        if self.kind == Kind::Plain && self.command.trim().is_empty() {
            return refuse("a plain display needs a command that serves RFB on $FX_RFB_SOCKET".into());
        }
        check_params(&self.params)
    }
}

/// Refuses what no line of a list could show.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), SessionError> {
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let why = format!("a {what} has at most {MAX_NAME} characters, all of them printable");
        return Err(SessionError::Malformed(why));
    }
    Ok(())
}

pub(super) fn check_params(params: &Map<String, Value>) -> Result<(), SessionError> {
    let length = serde_json::to_vec(params).map_or(usize::MAX, |json| json.len());
    if length > MAX_PARAMS {
        return Err(SessionError::Malformed(format!(
            "params have {length} bytes; at most {MAX_PARAMS} are taken"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        let check = |json: &str| -> Result<(), String> {
            let wanted: Wanted = serde_json::from_str(json).map_err(|error| error.to_string())?;
            wanted.check().map_err(|error| error.to_string())
        };
        assert_eq!(check("{}"), Ok(()));
        assert_eq!(check(r#"{ "name": "a <b>", "command": "xterm", "serverId": "n1" }"#), Ok(()));
        let long = format!(r#"{{ "name": "{}" }}"#, "x".repeat(101));
        let large = format!(r#"{{ "params": {{ "a": "{}" }} }}"#, "x".repeat(MAX_PARAMS));
        let cases = [
            (r#"{ "comand": "xterm" }"#, "unknown field"),
            (r#"{ "geometry": "rootless" }"#, "WIDTHxHEIGHT"),
            (r#"{ "name": "a\u001b[2Jb" }"#, "printable"),
            (r#"{ "command": "a\u0000b" }"#, "NUL"),
            (r#"{ "kind": "plain" }"#, "FX_RFB_SOCKET"),
            (r#"{ "policy": { "longest": 3 } }"#, "time with its unit"),
            (&long, "at most 100"),
            (&large, "at most 8192"),
        ];
        for (json, says) in cases {
            let error = check(json).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
