//! `logins.json` in the config folder: in which ways people sign in, and what they may do then.

use std::collections::BTreeMap;

use launcher::names::ServiceName;
use serde::Deserialize;

use super::provider::Provider;
use super::sshd::Sshd;
use crate::people::Role;

/// The file. What it leaves out is as without the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct File {
    pub(super) ways: Option<Vec<Way>>,
    #[serde(default)]
    pub(super) roles: Roles,
}

/// A way to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Way {
    /// `people.json` in the local folder.
    Password { label: Option<String> },
    /// Accounts of this machine, by its PAM.
    Pam {
        label: Option<String>,
        /// The file in `/etc/pam.d`.
        #[serde(default)]
        service: ServiceName,
    },
    /// Accounts of this machine, by its sshd.
    Ssh(Sshd),
    /// People of an OpenID provider, in a browser.
    Oidc(Provider),
}

impl Way {
    /// With the rules that packages bring.
    pub(super) fn pam() -> Self {
        Self::Pam { label: None, service: ServiceName::default() }
    }

    /// What requests and visits name it by.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Password { .. } => "password".to_owned(),
            Self::Pam { .. } => "pam".to_owned(),
            Self::Ssh(_) => "ssh".to_owned(),
            Self::Oidc(provider) => format!("oidc:{}", provider.name.as_str()),
        }
    }

    /// Whether a form is enough; else the browser is sent elsewhere.
    pub(crate) fn is_form(&self) -> bool {
        !matches!(self, Self::Oidc(_))
    }

    /// What people read.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Password { label } => label.as_deref().unwrap_or("Password of this server"),
            Self::Pam { label, .. } | Self::Ssh(Sshd { label, .. }) => {
                label.as_deref().unwrap_or("Account of this machine")
            }
            Self::Oidc(provider) => provider.label.as_deref().unwrap_or(provider.name.as_str()),
        }
    }
}

/// Who may do what. A name counts more than what `fastx person` says, that more than groups, and groups more than the default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Roles {
    default: Role,
    users: BTreeMap<String, Role>,
    /// Groups of the machine.
    groups: BTreeMap<String, Role>,
}

impl Default for Roles {
    fn default() -> Self {
        Self { default: Role::User, users: BTreeMap::new(), groups: BTreeMap::new() }
    }
}

impl Roles {
    /// `person`: what `people.json` has for this name. Of several groups, `disabled` counts most, then the one that may most.
    pub(crate) fn of(&self, name: &str, groups: &[String], person: Option<Role>) -> Role {
        let by_name = self.users.get(name).copied().or(person);
        let by_group = || {
            let roles = groups.iter().filter_map(|group| self.groups.get(group)).copied();
            roles.reduce(|a, b| if a.min(b) == Role::Disabled { Role::Disabled } else { a.max(b) })
        };
        by_name.or_else(by_group).unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn parse(text: &str) -> Result<File, String> {
        config::parse(Path::new("logins.json"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_counts_more_than_groups_and_disabled_more_than_other_groups() {
        let text = r#"{ "roles": {
            "default": "disabled",
            "users": { "alice": "manager", "mallory": "disabled" },
            "groups": { "staff": "user", "wheel": "admin", "gone": "disabled" } } }"#;
        let roles = parse(text).unwrap().roles;
        let groups = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let cases = [
            ("alice", vec!["wheel"], None, Role::Manager),
            ("alice", vec!["gone"], Some(Role::User), Role::Manager),
            ("mallory", vec!["wheel"], Some(Role::Admin), Role::Disabled),
            ("bob", vec!["staff", "wheel"], None, Role::Admin),
            ("bob", vec!["wheel", "staff"], None, Role::Admin),
            ("bob", vec!["wheel", "gone", "staff"], None, Role::Disabled),
            ("bob", vec!["gone"], Some(Role::User), Role::User),
            ("bob", vec!["others"], None, Role::Disabled),
        ];
        for (name, of, person, role) in cases {
            assert_eq!(roles.of(name, &groups(&of), person), role, "{name} {of:?} {person:?}");
        }
        assert_eq!(Roles::default().of("bob", &[], None), Role::User);
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let file =
            parse(r#"{ "ways": [{ "type": "pam", "service": "fastx-2fa" }, { "type": "password" }] }"#);
        let ids: Vec<_> = file.unwrap().ways.unwrap().iter().map(Way::id).collect();
        assert_eq!(ids, ["pam", "password"]);
        let cases = [
            (r#"{ "way": [] }"#, "did you mean `ways`"),
            (r#"{ "ways": [{ "type": "pam", "servise": "x" }] }"#, "servise"),
            (r#"{ "ways": [{ "type": "pam", "service": "su" }] }"#, "a PAM service is named `fastx`"),
            (r#"{ "ways": [{ "type": "pma" }] }"#, "pma"),
            (r#"{ "ways": [{ "type": "ssh", "hostKeys": ["x"] }] }"#, "a key is written as in"),
            (r#"{ "ways": [{ "type": "ssh", "connect": "-oProxyCommand=x:22" }] }"#, "oProxyCommand"),
            (r#"{ "roles": { "groups": { "a": "god" } } }"#, "god"),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected) && error.contains("logins.json:1:"), "{error}");
        }
    }
}
