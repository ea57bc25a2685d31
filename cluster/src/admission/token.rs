//! A join token: the file that lets one server in, once and for a while.
//!
//! It is a login of its own, which may ask to be let in and nothing else. The broker ends it when it expires, and the
//! managers take it once.

use config::{ConfigError, Document, HostPort};
use jiff::Timestamp;
use nkeys::KeyPair;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::member_key::MemberKey;
use crate::broker::{Broker, Kind, Login, Trust};
use crate::name::Name;
use crate::secret::Secret;

/// What the file holds.
#[derive(Clone, Debug)]
pub struct JoinToken {
    pub servers: Vec<HostPort>,
    /// PEM; without it the broker's certificate is one that this machine trusts anyway.
    pub ca: Option<String>,
    pub namespace: Name,
    pub expires: Timestamp,
    pub key: MemberKey,
    /// What the authority signed for `key`.
    pub jwt: String,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    servers: Vec<HostPort>,
    ca: Option<String>,
    namespace: Name,
    expires: Timestamp,
    join_token: Secret,
    join_token_key: Secret,
}

/// What a server asks the managers with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinRequest {
    /// The token's public key.
    pub token: String,
    pub server_id: Name,
    /// The server's own public key.
    pub key: String,
    /// Hexadecimal; by the token's key, over the three above.
    pub signature: String,
}

/// What they answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JoinAnswer {
    /// What the authority signed for the server's key.
    Admitted {
        jwt: String,
    },
    Refused {
        why: String,
        next: String,
    },
    /// Not now; the token is as it was, or waits for the same server.
    Later {
        why: String,
    },
}

impl JoinToken {
    /// # Errors
    /// What is not a join token, with the place in it.
    pub fn from_document(document: &Document) -> Result<Self, ConfigError> {
        let file: File = document.parse()?;
        let fault = |key: &'static str| {
            document.fault(
                &[key],
                "this is not what a manager wrote",
                "make a new one: fastx manager token create --out FILE",
            )
        };
        if file.servers.is_empty() {
            return Err(fault("servers"));
        }
        let key = MemberKey::from_seed(&file.join_token_key).ok_or_else(|| fault("joinTokenKey"))?;
        let File { servers, ca, namespace, expires, join_token, .. } = file;
        Ok(Self { servers, ca, namespace, expires, key, jwt: join_token.expose().to_owned() })
    }

    /// The file's content.
    pub fn to_json(&self) -> Value {
        let mut file = json!({ "servers": self.servers, "namespace": self.namespace, "expires": self.expires,
            "joinToken": self.jwt, "joinTokenKey": self.key.seed().expose() });
        if let Some(ca) = &self.ca {
            file["ca"] = ca.as_str().into();
        }
        file
    }

    /// How its bearer reaches the broker.
    pub fn broker(&self) -> Broker {
        self.broker_with(Login::Credentials(self.key.credentials(&self.jwt)))
    }

    fn broker_with(&self, login: Login) -> Broker {
        let trust = self.ca.clone().map_or(Trust::System, Trust::Ca);
        Broker {
            kind: Kind::Nats,
            servers: self.servers.clone(),
            login,
            trust,
            namespace: self.namespace.clone(),
        }
    }

    pub fn request(&self, server_id: &Name, key: &MemberKey) -> JoinRequest {
        let (token, key) = (self.key.public(), key.public());
        let signature = hexadecimal(&self.key.sign(&signed(&token, server_id, &key)));
        JoinRequest { token, server_id: server_id.clone(), key, signature }
    }

    /// The content of the broker.json of who was let in.
    pub fn broker_json(&self, key: &MemberKey, jwt: &str) -> Value {
        broker_json(&self.servers, self.ca.as_deref(), &self.namespace, &key.credentials(jwt))
    }
}

/// The content of a broker.json.
pub fn broker_json(servers: &[HostPort], ca: Option<&str>, namespace: &Name, credentials: &Secret) -> Value {
    let mut file = match servers {
        [one] => json!({ "transporterType": "nats", "host": one.host, "port": one.port }),
        several => json!({ "transporterType": "nats", "servers": several }),
    };
    file["namespace"] = namespace.as_str().into();
    file["credentials"] = credentials.expose().into();
    if let Some(ca) = ca {
        file["ca"] = ca.into();
    }
    file
}

impl JoinRequest {
    /// Whether the bearer of the token said this, and `key` is a key.
    pub fn is_signed(&self) -> bool {
        let is_user = |key: &str| matches!(KeyPair::from_public_key(key), Ok(pair) if matches!(pair.key_pair_type(), nkeys::KeyPairType::User));
        let Some(signature) = bytes(&self.signature) else { return false };
        is_user(&self.token)
            && is_user(&self.key)
            && KeyPair::from_public_key(&self.token).is_ok_and(|pair| {
                pair.verify(&signed(&self.token, &self.server_id, &self.key), &signature).is_ok()
            })
    }
}

/// No name and no key has a line break in it.
fn signed(token: &str, server_id: &Name, key: &str) -> Vec<u8> {
    format!("fastx join\n{token}\n{server_id}\n{key}").into_bytes()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() != 128 || !text.is_ascii() {
        return None;
    }
    (0..64).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}
