//! The tokens that NATS believes (its ADR-14): claims, signed with an NKEY. Other JWT libraries do not know the algorithm.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// What is said of whom.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    /// A public key.
    pub(super) subject: &'a str,
    pub(super) name: &'a str,
    /// Of two with one subject, a server keeps the one with the later `issued`; with one second, the one with another id.
    pub(super) id: &'a str,
    /// Seconds since 1970.
    pub(super) issued: i64,
    pub(super) expires: Option<i64>,
    pub(super) nats: Value,
}

pub(super) fn sign(signer: &KeyPair, claims: &Claims<'_>) -> String {
    let mut body = json!({ "jti": claims.id, "iat": claims.issued, "iss": signer.public_key(), "name": claims.name,
        "sub": claims.subject, "nats": claims.nats });
    if let Some(expires) = claims.expires {
        body["exp"] = expires.into();
    }
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), encode(&body));
    let signature = signer.sign(signed.as_bytes()).expect("the authority's keys have their private halves");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The public key that a token is about; not checked, for only who issued it could be deceived.
pub(crate) fn subject_of(text: &str) -> Option<String> {
    // A credentials file has frames of dashes around it, which are in no token's alphabet but `-`.
    let token = text.lines().find(|line| line.starts_with("eyJ"))?;
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let subject = claims["sub"].as_str()?;
    let is_key = subject.len() == 56 && subject.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_key.then(|| subject.to_owned())
}
