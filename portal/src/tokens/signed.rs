//! A token: claims and their signature, as a JSON Web Token (RFC 7519) with Ed25519 (RFC 8037). There is one header, which is
//! compared as it stands: no algorithm, key or kind is ever chosen by who shows a token.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tunnel::identity::Secret;

const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;
/// Bytes of one; ours have some 350.
const LONGEST: usize = 2048;

/// What a token says. It is signed, not hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    /// Whose it is.
    pub(crate) sub: String,
    /// The server that gave it, and the only one that takes it.
    pub(crate) iss: String,
    pub(crate) aud: Audience,
    /// Seconds since 1970.
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    /// Whether it is a link daemon's.
    #[serde(rename = "fastx/daemon")]
    pub(crate) daemon: bool,
}

/// What it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Audience {
    Api,
}

/// Signs, and knows its signatures again.
pub(super) struct Signer(Ed25519KeyPair);

impl Signer {
    /// `seed` is 32 bytes in hexadecimal; `None` if it is not.
    pub(super) fn new(seed: &Secret) -> Option<Self> {
        let digits = seed.expose().as_bytes().chunks(2).map(|pair| {
            let pair = str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Option<Vec<u8>> = digits.collect();
        Ed25519KeyPair::from_seed_unchecked(&bytes?).ok().map(Self)
    }

    pub(super) fn sign(&self, claims: &Claims) -> Secret {
        let claims = serde_json::to_vec(claims).expect("texts and numbers only");
        let said = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(said.as_bytes());
        Secret::new(format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims, if they were signed here. Whether they count is another matter.
    pub(super) fn open(&self, token: &str) -> Option<Claims> {
        let (said, signature) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
        let (header, claims) = said.split_once('.')?;
        if header != URL_SAFE_NO_PAD.encode(HEADER) {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = UnparsedPublicKey::new(&ED25519, self.0.public_key());
        key.verify(said.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_here_with_our_header_is_taken() {
        let (ours, other) = (Secret::random(), Secret::random());
        let (signer, other) = (Signer::new(&ours).unwrap(), Signer::new(&other).unwrap());
        let claims = Claims {
            sub: "alice".into(),
            iss: "n1".into(),
            aud: Audience::Api,
            iat: 1,
            exp: 2,
            jti: "j".into(),
            daemon: false,
        };
        let token = signer.sign(&claims);
        let token = token.expose();
        assert_eq!(signer.open(token).as_ref(), Some(&claims));
        assert_eq!(other.open(token), None, "another server's");

        let parts: Vec<&str> = token.split('.').collect();
        let said = |header: &str, claims: &str, signature: &str| {
            format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header))
        };
        let hers =
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&Claims { sub: "root".into(), ..claims }).unwrap());
        let public = URL_SAFE_NO_PAD.encode(signer.0.public_key());
        let forged = [
            said(r#"{"alg":"none","typ":"JWT"}"#, parts[1], ""),
            said(r#"{"alg":"none"}"#, &hers, parts[2]),
            said(r#"{"alg":"HS256","typ":"JWT"}"#, parts[1], &public),
            said(r#"{"alg":"EdDSA","typ":"JWT","kid":"/dev/null"}"#, parts[1], parts[2]),
            said(HEADER, &hers, parts[2]),
            said(HEADER, parts[1], ""),
            format!("{token}A"),
            format!("{token}."),
            parts[..2].join("."),
            "..".to_owned(),
            String::new(),
            "a.".repeat(LONGEST),
        ];
        for token in forged {
            assert_eq!(signer.open(&token), None, "{token}");
        }
        assert!(
            Signer::new(&Secret::new("short")).is_none()
                && Signer::new(&Secret::new("é".repeat(32))).is_none()
        );
    }
}
