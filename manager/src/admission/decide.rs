//! Whether a server may come in.

use cluster::admission::JoinRequest;
use jiff::Timestamp;

use super::record::{Admitted, Spent, TokenRecord};

/// For the person at the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: &'static str,
    pub(super) next: &'static str,
}

const NEW_TOKEN: &str = "make a new one on a manager: fastx manager token create --out FILE";

/// `Ok` says whether the token has to be spent: who asks again with the same key has spent it already.
pub(super) fn decide(
    request: &JoinRequest,
    token: Option<&TokenRecord>,
    admitted: Option<&Admitted>,
    shut_out: bool,
    now: Timestamp,
) -> Result<bool, Refusal> {
    let refuse = |why, next| Err(Refusal { why, next });
    if !request.is_signed() {
        return refuse(
            "the request was not made by `fastx node join`",
            "use the same version of fastx on both",
        );
    }
    let Some(token) = token else {
        return refuse("there is no such token: it was revoked, or is of another cluster", NEW_TOKEN);
    };
    if token.expires <= now {
        return refuse("the token is expired", NEW_TOKEN);
    }
    if token.server.as_ref().is_some_and(|server| *server != request.server_id) {
        return refuse(
            "the token is for another server",
            "write that server's id into server-id first, or make another token",
        );
    }
    let again = match &token.spent {
        None => false,
        Some(Spent { server_id, key, .. }) if *server_id == request.server_id && *key == request.key => true,
        Some(_) => return refuse("the token was used already", NEW_TOKEN),
    };
    if shut_out {
        return refuse(
            "an administrator revoked this server",
            "let its id in again on a manager: fastx manager readmit SERVERID",
        );
    }
    match admitted {
        Some(there) if there.key != request.key => refuse(
            "a server with this id is in the cluster, with another key",
            "if this is the same machine, set up anew, say so on a manager: fastx manager readmit SERVERID; if not, give it another id (server-id in its local folder)",
        ),
        _ => Ok(!again),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::Name;
    use cluster::admission::{JoinToken, MemberKey};
    use std::time::Duration;

    fn name(id: &str) -> Name {
        Name::new(id).unwrap()
    }

    #[test]
    fn a_token_is_good_for_one_server_once_until_it_expires() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let (key, other) = (MemberKey::generate(), MemberKey::generate());
        let bearer = JoinToken {
            servers: Vec::new(),
            ca: None,
            namespace: name("lab"),
            expires: now,
            key: MemberKey::generate(),
            jwt: String::new(),
        };
        let request = bearer.request(&name("one"), &key);
        let fresh = TokenRecord { expires: now + Duration::from_secs(60), server: None, spent: None };
        let spent = |id: &str, key: &MemberKey| TokenRecord {
            spent: Some(Spent { server_id: name(id), key: key.public(), at: now }),
            ..fresh.clone()
        };
        let member = |key: &MemberKey| Admitted { key: key.public(), token: String::new(), at: now };
        let why = |token: Option<&TokenRecord>, admitted: Option<&Admitted>, shut_out| {
            decide(&request, token, admitted, shut_out, now).map_err(|refusal| refusal.why)
        };
        assert_eq!(why(Some(&fresh), None, false), Ok(true));
        assert_eq!(why(Some(&spent("one", &key)), None, false), Ok(false), "the answer was lost");
        assert_eq!(why(Some(&spent("one", &key)), Some(&member(&key)), false), Ok(false));
        let bound = TokenRecord { server: Some(name("two")), ..fresh.clone() };
        let old = TokenRecord { expires: now, ..fresh.clone() };
        for (token, admitted, shut_out, says) in [
            (None, None, false, "no such token"),
            (Some(&old), None, false, "expired"),
            (Some(&bound), None, false, "another server"),
            (Some(&spent("one", &other)), None, false, "used already"),
            (Some(&spent("two", &key)), None, false, "used already"),
            (Some(&fresh), Some(&member(&other)), false, "with another key"),
            (Some(&fresh), None, true, "revoked"),
        ] {
            let why = why(token, admitted, shut_out).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        let forged = JoinRequest { key: other.public(), ..request.clone() };
        assert!(decide(&forged, Some(&fresh), None, false, now).is_err());
    }
}
