//! `gateway.json`: the gateways that this node dials.

use std::path::Path;

use config::{ConfigError, Document, OneOrMany, Secrecy};
use serde::Deserialize;
use tunnel::{NodeKey, Secret, Trust};

/// One gateway; a file holds one or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// Name or IP address, without a port.
    #[serde(deserialize_with = "host")]
    pub host: String,
    pub port: u16,
    /// PEM: the certificate that the gateway's own must be, or be signed by.
    pub ca: Option<String>,
    /// Admits a server id that the gateway has not seen before.
    pub token: Secret,
    pub namespace: String,
    #[serde(default)]
    pub transport: Choice,
    /// `false` believes anybody who answers; only for debugging.
    #[serde(default = "yes")]
    pub reject_unauthorized: bool,
}

/// What may carry the tunnels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// QUIC where UDP passes, else TLS over TCP.
    #[default]
    Auto,
    Quic,
    Tls,
}

fn yes() -> bool {
    true
}

fn host<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let host = String::deserialize(deserializer)?;
    config::check_host(&host).map_err(serde::de::Error::custom)?;
    Ok(host)
}

impl Gateway {
    /// Names the gateway in logs and on status pages, and tells entries apart.
    pub(crate) fn address(&self) -> config::HostPort {
        config::HostPort { host: self.host.clone(), port: self.port }
    }

    /// How the gateway is checked.
    pub fn trust(&self) -> Trust {
        match (&self.ca, self.reject_unauthorized) {
            (_, false) => Trust::Anybody,
            // Without a `ca` nothing is trusted; the check below keeps such an entry out.
            (ca, true) => Trust::Ca(ca.clone().unwrap_or_default()),
        }
    }
}

impl PartialEq for Gateway {
    fn eq(&self, other: &Self) -> bool {
        self.token.matches(&other.token)
            && (&self.host, self.port, &self.ca, &self.namespace)
                == (&other.host, other.port, &other.ca, &other.namespace)
            && (self.transport, self.reject_unauthorized) == (other.transport, other.reject_unauthorized)
    }
}

/// Reads `path`; no file is no gateway. `key` is the node's, with which each `ca` is tried.
pub(crate) fn read(path: &Path, key: &NodeKey) -> Result<Vec<Gateway>, ConfigError> {
    match Document::read(path, Secrecy::OwnerOnly) {
        Ok(document) => from_document(&document, key),
        Err(error) if error.is_missing() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// All entries of a document, each checked as far as it can be without dialling. `key` is the node's.
///
/// # Errors
/// What is wrong, with its place in the file.
pub fn from_document(document: &Document, key: &NodeKey) -> Result<Vec<Gateway>, ConfigError> {
    let OneOrMany(gateways) = document.parse()?;
    for (index, gateway) in gateways.iter().enumerate() {
        check(document, index, gateway, key)?;
        if gateways[..index].iter().any(|other| other.address() == gateway.address()) {
            let what = format!("{} stands here twice", gateway.address());
            return Err(document.fault(&[&index.to_string(), "host"], what, "remove one of the entries"));
        }
    }
    Ok(gateways)
}

fn check(document: &Document, index: usize, gateway: &Gateway, key: &NodeKey) -> Result<(), ConfigError> {
    let fault = |name: &str, what: String, hint: &str| {
        // In a file with one object there is no list to step into.
        let place =
            if document.is_list() { vec![index.to_string(), name.to_owned()] } else { vec![name.to_owned()] };
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        Err(document.fault(&place, what, hint))
    };
    if gateway.port == 0 {
        return fault("port", "0 is no port".into(), "use the number that `fastx-gateway init` was given");
    }
    if gateway.ca.is_none() && gateway.reject_unauthorized {
        let hint = "copy gateway.json from the gateway again; it holds the gateway's certificate";
        return fault("", "the key `ca` is missing, so the gateway could not be checked".into(), hint);
    }
    if let Err(error) = tunnel::identity::client_config(key, &gateway.trust(), tunnel::identity::ALPN_TUNNEL)
    {
        return fault("ca", error.to_string(), "copy gateway.json from the gateway again");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ca() -> String {
        tunnel::ServerIdentity::self_signed(vec!["gw".into()]).unwrap().0
    }

    fn parse(json: &serde_json::Value) -> Result<Vec<Gateway>, ConfigError> {
        let text = serde_json::to_string_pretty(json).unwrap();
        let document =
            Document::from_bytes(Path::new("gateway.json"), text.into()).map_err(ConfigError::from)?;
        from_document(&document, &NodeKey::generate().unwrap())
    }

    fn entry() -> serde_json::Value {
        serde_json::json!({ "host": "gw.example.org", "port": 443, "ca": ca(), "token": "t0ken", "namespace": "lab" })
    }

    #[test]
    fn one_gateway_or_several() {
        let one = parse(&entry()).unwrap();
        assert_eq!((one.len(), one[0].transport, one[0].reject_unauthorized), (1, Choice::Auto, true));
        let mut second = entry();
        second["host"] = "192.0.2.7".into();
        second["transport"] = "tls".into();
        let two = parse(&serde_json::json!([entry(), second])).unwrap();
        assert_eq!((two.len(), two[1].transport), (2, Choice::Tls));
    }

    #[test]
    fn what_cannot_work_is_refused_at_its_place() {
        let with = |key: &str, value: serde_json::Value| {
            let mut entry = entry();
            entry[key] = value;
            entry
        };
        let cases = [
            (with("port", 0.into()), "0 is no port"),
            (with("host", "https://gw".into()), "is a URL"),
            (with("host", "gw:443".into()), "no host name"),
            (with("ca", serde_json::Value::Null), "the key `ca` is missing"),
            (with("ca", "no pem".into()), "holds no usable certificate"),
            (with("transport", "udp".into()), "known here: auto, quic, tls"),
            (with("tokn", "x".into()), "did you mean `token`?"),
            (serde_json::json!([entry(), entry()]), "gw.example.org:443 stands here twice"),
        ];
        for (json, says) in cases {
            let error = parse(&json).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("t0ken"), "{error}");
        }
    }

    #[test]
    fn an_unchecked_gateway_needs_no_certificate() {
        let mut entry = entry();
        entry["rejectUnauthorized"] = false.into();
        entry["ca"] = serde_json::Value::Null;
        assert!(matches!(parse(&entry).unwrap()[0].trust(), Trust::Anybody));
    }
}
