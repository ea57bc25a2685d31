//! `jobs.json`: which script starts which sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// Without the file, and for sessions that it names no script for: they start at once, here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::session) struct Jobs {
    /// For all sessions, but for those of the profiles below.
    #[serde(default)]
    script: Option<PathBuf>,
    /// By the profile of a session; null: at once.
    #[serde(default)]
    profiles: BTreeMap<String, Option<PathBuf>>,
    /// Of one call of a script.
    #[serde(default = "half_a_minute", with = "config::duration")]
    pub(super) time_limit: Duration,
    /// A session that is pending for longer is given up.
    #[serde(default = "a_week", with = "config::duration")]
    pub(super) pending_at_most: Duration,
}

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn a_week() -> Duration {
    Duration::from_secs(7 * 24 * 3600)
}

impl Jobs {
    /// None without a file.
    pub(in crate::session) fn read(path: &Path) -> Result<Option<Self>, config::ConfigError> {
        config::read_optional(path, config::Secrecy::Public)
    }

    /// What is asked for sessions of this profile.
    pub(in crate::session) fn script(&self, profile: Option<&str>) -> Option<&Path> {
        let own = profile.and_then(|profile| self.profiles.get(profile));
        own.unwrap_or(&self.script).as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_its_own_script_or_none() {
        let text = r#"{ "script": "/a", "profiles": { "now": null, "big": "/b" }, "timeLimit": "5s" }"#;
        let jobs: Jobs = config::parse("jobs.json".as_ref(), text).unwrap();
        let of = |profile| jobs.script(profile).map(|path| path.to_str().unwrap().to_owned());
        assert_eq!((of(None), of(Some("other"))), (Some("/a".into()), Some("/a".into())));
        assert_eq!((of(Some("now")), of(Some("big"))), (None, Some("/b".into())));
        assert_eq!(jobs.time_limit, Duration::from_secs(5));
        assert!(config::parse::<Jobs>("jobs.json".as_ref(), r#"{ "scrip": "/a" }"#).is_err());
    }
}
