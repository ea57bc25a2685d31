//! An OpenID provider, as `logins.json` names it, and the rule from its people to accounts of the machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Provider {
    /// What addresses call it.
    pub(crate) name: Name,
    pub(super) label: Option<String>,
    pub(crate) issuer: Address,
    pub(crate) client_id: String,
    /// A file with the client's secret; none for a client without one.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Certificates (PEM) that the provider is checked with; else those of this machine.
    pub(crate) ca: Option<PathBuf>,
    /// Where browsers find this server's pages: the provider sends them back there, and nobody can say otherwise.
    pub(crate) url: Address,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Which claim of theirs names people.
    #[serde(default = "preferred_username")]
    claim: String,
    /// Accounts, by that claim.
    #[serde(default)]
    accounts: BTreeMap<String, String>,
    /// The account of anybody else is the claim without this end; without it, nobody else comes in.
    without_suffix: Option<String>,
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

/// A part of an address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=32).contains(&name.len()) && name.bytes().all(allowed);
        if is_name { Ok(Self(name)) } else { Err("a name has small letters, digits and -") }
    }
}

/// An https address; or http, of this machine itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address(String);

impl Address {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is said there may be said in the clear.
    pub(crate) fn is_private(uri: &http::Uri) -> bool {
        let is_here = uri.host().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
        uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && is_here)
    }
}

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_private = text.parse().is_ok_and(|uri| Self::is_private(&uri));
        if is_private && !text.contains('#') {
            Ok(Self(text))
        } else {
            Err("write an address: https://HOST/…")
        }
    }
}

impl Provider {
    /// Where the provider sends browsers back to.
    pub(crate) fn callback(&self) -> String {
        format!("{}/api/login/oidc/{}/callback", self.url.0.trim_end_matches('/'), self.name.0)
    }

    /// The account of whom the provider says this of, by the administrator's rule. A mail address counts only if the
    /// provider has checked it.
    pub(crate) fn account(&self, claims: &Map<String, Value>) -> Option<String> {
        let said = claims.get(&self.claim)?.as_str().filter(|said| !said.is_empty())?;
        if self.claim == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
            return None;
        }
        let by_rule = || self.without_suffix.as_ref().and_then(|suffix| said.strip_suffix(suffix.as_str()));
        self.accounts.get(said).map(String::as_str).or_else(by_rule).map(ToOwned::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn provider(more: Value) -> Result<Provider, serde_json::Error> {
        let mut all = json!({ "name": "corp", "issuer": "https://id.example.org", "clientId": "fastx", "url": "https://gw/@n1/" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all)
    }

    #[test]
    fn only_the_administrators_rule_makes_an_account_of_a_claim() {
        let claims = |text: Value| text.as_object().unwrap().clone();
        let said = |name: &str| claims(json!({ "preferred_username": name, "sub": "7" }));
        assert_eq!(provider(json!({})).unwrap().account(&said("alice")), None, "there is no rule");
        let rule =
            provider(json!({ "accounts": { "alice@x.org": "al" }, "withoutSuffix": "@x.org" })).unwrap();
        assert_eq!(rule.account(&said("alice@x.org")).as_deref(), Some("al"));
        assert_eq!(rule.account(&said("bob@x.org")).as_deref(), Some("bob"));
        assert_eq!(rule.account(&said("bob@evil.org")), None);
        assert_eq!(rule.account(&claims(json!({ "sub": "7" }))), None);
        let mail = provider(json!({ "claim": "email", "withoutSuffix": "@x.org" })).unwrap();
        assert_eq!(mail.account(&claims(json!({ "email": "a@x.org" }))), None);
        assert_eq!(mail.account(&claims(json!({ "email": "a@x.org", "email_verified": "true" }))), None);
        let checked = claims(json!({ "email": "a@x.org", "email_verified": true }));
        assert_eq!(mail.account(&checked).as_deref(), Some("a"));
        assert_eq!(mail.callback(), "https://gw/@n1/api/login/oidc/corp/callback");
    }

    #[test]
    fn addresses_are_private() {
        assert!(provider(json!({ "issuer": "http://127.0.0.1:9/x" })).is_ok());
        for bad in ["http://id.example.org", "id.example.org", "https://x/#y", "ftp://127.0.0.1/", ""] {
            assert!(provider(json!({ "issuer": bad })).is_err(), "{bad}");
            assert!(provider(json!({ "url": bad })).is_err(), "{bad}");
        }
        assert!(provider(json!({ "name": "a/b" })).is_err());
    }
}
