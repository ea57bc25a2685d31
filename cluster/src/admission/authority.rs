//! `authority.json`, on the managers only: the keys whose signatures the cluster's brokers believe.
//!
//! The brokers know the public halves. Whoever is to come in has a key pair of its own, and shows the broker a token that
//! this authority signed: who it is, and what it may publish and hear. So a broker needs no list of members, and learns only
//! whom not to let in any more.

use std::path::Path;

use config::{ConfigError, Document, Secrecy};
use jiff::Timestamp;
use nkeys::{KeyPair, KeyPairType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::jwt::{self, Claims};
use super::member_key::MemberKey;
use super::permissions::Permissions;
use super::revoked::RevokedKeys;
use crate::broker::Login;
use crate::subject::Subjects;

/// No bounds by the account: each user has its own.
const UNLIMITED: i64 = -1;

/// The keys of one cluster.
pub struct Authority {
    /// Signs for accounts.
    operator: KeyPair,
    /// Signs for the cluster's members.
    account: KeyPair,
    /// Signs for who tells the brokers what changed.
    system: KeyPair,
    /// The logins in the broker.json files that were made to be copied: public keys.
    pub shared: Vec<String>,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    operator_secret: String,
    account_secret: String,
    system_secret: String,
    shared_logins: Vec<String>,
}

impl Authority {
    /// The keys of a new cluster.
    pub fn generate() -> Self {
        Self {
            operator: KeyPair::new_operator(),
            account: KeyPair::new_account(),
            system: KeyPair::new_account(),
            shared: Vec::new(),
        }
    }

    /// Reads authority.json; `None` when there is none.
    ///
    /// # Errors
    /// A file that others can read, or one that holds other keys.
    pub fn read(path: &Path) -> Result<Option<Self>, ConfigError> {
        match Document::read(path, Secrecy::OwnerOnly) {
            Ok(document) => Self::from_document(&document).map(Some),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn from_document(document: &Document) -> Result<Self, ConfigError> {
        let file: File = document.parse()?;
        let key = |name: &'static str, seed: &str, kind: &KeyPairType| match KeyPair::from_seed(seed) {
            Ok(pair) if pair.key_pair_type() == *kind => Ok(pair),
            _ => Err(document.fault(&[name], "this is not the key it should be", "restore it from a backup")),
        };
        Ok(Self {
            operator: key("operatorSecret", &file.operator_secret, &KeyPairType::Operator)?,
            account: key("accountSecret", &file.account_secret, &KeyPairType::Account)?,
            system: key("systemSecret", &file.system_secret, &KeyPairType::Account)?,
            shared: file.shared_logins,
        })
    }

    /// The content of authority.json.
    pub fn to_json(&self) -> Value {
        let seed = |pair: &KeyPair| pair.seed().expect("it was made from its private half");
        json!({ "operatorSecret": seed(&self.operator), "accountSecret": seed(&self.account),
            "systemSecret": seed(&self.system), "sharedLogins": self.shared })
    }

    /// The lines of nats-server's configuration that say who may come in. It keeps what it is told of accounts in `folder`,
    /// and asks the other servers every 10 s whether they know better.
    pub fn nats_settings(&self, folder: &str) -> String {
        let ((system, system_jwt), (members, members_jwt)) =
            (self.system_account(), self.members_account(&RevokedKeys::default()));
        format!(
            "operator: {}\nsystem_account: {system}\n\
             resolver {{ type: full, dir: {folder}, allow_delete: false, interval: \"10s\" }}\n\
             resolver_preload {{\n  {system}: {system_jwt}\n  {members}: {members_jwt}\n}}\n",
            self.operator_jwt()
        )
    }

    fn operator_jwt(&self) -> String {
        let id = self.operator.public_key();
        let nats = json!({ "type": "operator", "version": 2, "system_account": self.system.public_key() });
        jwt::sign(
            &self.operator,
            &Claims { subject: &id, name: "fastx", id: "0", issued: 1, expires: None, nats },
        )
    }

    fn system_account(&self) -> (String, String) {
        (self.system.public_key(), self.account_jwt(&self.system, "system", &RevokedKeys::default()))
    }

    /// The account of the cluster's members: its id, and what the operator says of it; the newest `revoked` is believed.
    pub(super) fn members_account(&self, revoked: &RevokedKeys) -> (String, String) {
        (self.account.public_key(), self.account_jwt(&self.account, "members", revoked))
    }

    fn account_jwt(&self, account: &KeyPair, name: &str, revoked: &RevokedKeys) -> String {
        let limits = json!({ "subs": UNLIMITED, "data": UNLIMITED, "payload": UNLIMITED, "imports": UNLIMITED,
            "exports": UNLIMITED, "wildcards": true, "conn": UNLIMITED, "leaf": 0 });
        let nats = json!({ "type": "account", "version": 2, "limits": limits, "revocations": revoked.keys });
        let (subject, id) = (account.public_key(), revoked.revision.0.to_string());
        // The initial one is older than every later one.
        let issued = (revoked.revision.0 / 1_000_000).max(1);
        jwt::sign(&self.operator, &Claims { subject: &subject, name, id: &id, issued, expires: None, nats })
    }

    /// Signs that who has the private half of `key` may come in as `name`; NATS ends it when it expires.
    pub fn admit(
        &self,
        key: &str,
        name: &str,
        permissions: &Permissions,
        now: Timestamp,
        expires: Option<Timestamp>,
    ) -> String {
        self.user_jwt(&self.account, key, name, permissions, (now, expires))
    }

    fn user_jwt(
        &self,
        account: &KeyPair,
        key: &str,
        name: &str,
        permissions: &Permissions,
        (now, expires): (Timestamp, Option<Timestamp>),
    ) -> String {
        let mut nats = permissions.claims();
        for (field, value) in [("type", json!("user")), ("version", json!(2))] {
            nats[field] = value;
        }
        for unlimited in ["subs", "data", "payload"] {
            nats[unlimited] = UNLIMITED.into();
        }
        let (issued, id) = (now.as_second(), format!("{:032x}", rand::random::<u128>()));
        let expires = expires.map(Timestamp::as_second);
        jwt::sign(account, &Claims { subject: key, name, id: &id, issued, expires, nats })
    }

    /// A manager's own login: a key that only this process has.
    pub fn manager_login(&self, subjects: &Subjects) -> Login {
        self.own_login(&self.account, "manager", &Permissions::manager(subjects))
    }

    /// For one message to the brokers themselves.
    pub(crate) fn system_login(&self) -> Login {
        self.own_login(&self.system, "manager", &Permissions::everything())
    }

    fn own_login(&self, account: &KeyPair, name: &str, permissions: &Permissions) -> Login {
        let key = MemberKey::generate();
        let jwt = self.user_jwt(account, &key.public(), name, permissions, (Timestamp::now(), None));
        Login::Credentials(key.credentials(&jwt))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.account.public_key())
    }
}
