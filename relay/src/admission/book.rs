//! Which key belongs to which server id, and who may register. Pure; what it holds is what `nodes.json` holds.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tunnel::wire::control::{Hello, PROTOCOL, RefusalCode};
use tunnel::{Fingerprint, Refusal, Secret, ServerId};

/// Conflicts that are kept for the administrator; then the oldest makes room.
const CONFLICTS: usize = 256;

/// Bindings and conflicts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Book {
    pub servers: BTreeMap<ServerId, Binding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
}

/// A server id and the key that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binding {
    pub key: Fingerprint,
    pub first_seen: Timestamp,
    /// When it was last connected.
    pub last_seen: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// Somebody with the token claimed a server id that belongs to another key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conflict {
    pub server: ServerId,
    /// The key that was refused.
    pub key: Fingerprint,
    pub from: IpAddr,
    pub last: Timestamp,
    pub count: u64,
}

/// What a gateway demands.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    pub token: &'a Secret,
    pub namespace: &'a str,
    pub max_servers: usize,
}

/// A node that may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// Its key is the one on record.
    Known,
    /// It was bound to its key just now; that must be on disk before it is let in.
    New,
}

fn refusal(code: RefusalCode, reason: impl Into<String>) -> Refusal {
    Refusal { code, reason: reason.into() }
}

impl Book {
    /// Decides on a hello from a node that proved `key`. The token admits a new server id; from then on the key does,
    /// so that the token may be changed while nodes are connected.
    pub fn decide(
        &mut self,
        hello: &Hello,
        key: &Fingerprint,
        from: IpAddr,
        policy: Policy<'_>,
        now: Timestamp,
    ) -> Result<Admitted, Refusal> {
        check_kind(hello, policy)?;
        let id = &hello.server_id;
        let known = self.servers.len();
        let binding = self.servers.get_mut(id);
        let knows_token = hello.token.matches(policy.token);
        match binding {
            Some(binding) if binding.key == *key => {
                if let Some(since) = binding.revoked {
                    let reason =
                        format!("{id} was revoked on {since:.0} by the administrator of this gateway");
                    return Err(refusal(RefusalCode::Revoked, reason));
                }
                binding.last_seen = now;
                Ok(Admitted::Known)
            }
            _ if !knows_token => {
                let reason =
                    "the `token` in gateway.json is not the one of this gateway; copy gateway.json anew";
                Err(refusal(RefusalCode::BadToken, reason))
            }
            Some(_) => {
                self.note_conflict(id, key, from, now);
                let reason = format!(
                    "{id} is bound to another key. If this is the same machine set up anew, \
                     let the gateway forget the old one: fastx-gateway revoke --forget {id}"
                );
                Err(refusal(RefusalCode::KeyMismatch, reason))
            }
            None if known >= policy.max_servers => {
                let reason = format!("this gateway knows {known} servers, its `limits.servers`");
                Err(refusal(RefusalCode::Busy, reason))
            }
            None => {
                let binding = Binding { key: key.clone(), first_seen: now, last_seen: now, revoked: None };
                self.servers.insert(id.clone(), binding);
                Ok(Admitted::New)
            }
        }
    }

    fn note_conflict(&mut self, server: &ServerId, key: &Fingerprint, from: IpAddr, now: Timestamp) {
        let same = self.conflicts.iter_mut().find(|known| known.server == *server && known.key == *key);
        if let Some(known) = same {
            (known.count, known.last, known.from) = (known.count + 1, now, from);
            return;
        }
        if self.conflicts.len() >= CONFLICTS {
            let oldest = self.conflicts.iter().enumerate().min_by_key(|(_, conflict)| conflict.last);
            let oldest = oldest.expect("there are some").0;
            self.conflicts.remove(oldest);
        }
        let (server, key) = (server.clone(), key.clone());
        self.conflicts.push(Conflict { server, key, from, last: now, count: 1 });
    }

    pub fn is_revoked(&self, id: &ServerId) -> bool {
        self.servers.get(id).is_some_and(|binding| binding.revoked.is_some())
    }

    /// Marks as revoked, or no longer; `false`: no such server.
    pub fn set_revoked(&mut self, id: &ServerId, revoked: Option<Timestamp>) -> bool {
        let Some(binding) = self.servers.get_mut(id) else { return false };
        binding.revoked = revoked;
        true
    }

    /// Drops the binding and its conflicts: whoever comes next with the token is bound anew.
    pub fn forget(&mut self, id: &ServerId) -> bool {
        self.conflicts.retain(|conflict| conflict.server != *id);
        self.servers.remove(id).is_some()
    }

    /// The server was connected until now.
    pub fn seen(&mut self, id: &ServerId, now: Timestamp) {
        if let Some(binding) = self.servers.get_mut(id) {
            binding.last_seen = now;
        }
    }
}

fn check_kind(hello: &Hello, policy: Policy<'_>) -> Result<(), Refusal> {
    if hello.protocol != PROTOCOL {
        let theirs = hello.protocol;
        let reason =
            format!("the node speaks protocol {theirs}, this gateway {PROTOCOL}; upgrade the older one");
        return Err(refusal(RefusalCode::Protocol, reason));
    }
    if hello.namespace != policy.namespace {
        let reason =
            format!("namespace `{}` is not served here; see `namespace` in gateway.json", hello.namespace);
        return Err(refusal(RefusalCode::WrongNamespace, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
