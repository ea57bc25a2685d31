//! What an administrator does about a gateway's no.

use tunnel::CloseCode;
use tunnel::wire::control::RefusalCode;

/// The next step after a refused hello.
pub(crate) fn next_step(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::BadToken => "copy gateway.json from the gateway again: its token is another now",
        RefusalCode::KeyMismatch => {
            "if this node was installed anew, run `fastx-gateway revoke --forget` with its id on the gateway; \
             if another machine has this id, write another name into server-id here"
        }
        RefusalCode::Revoked => {
            "ask the gateway's administrator, who has revoked this node, and can undo it: `fastx-gateway revoke --undo`"
        }
        RefusalCode::StaleGeneration => {
            "find the copy of this machine that runs with the same server-id and node.key, and stop it"
        }
        RefusalCode::WrongNamespace => "copy gateway.json from the gateway again: its namespace is another",
        RefusalCode::Protocol => "install the same version on the gateway and on this node",
        RefusalCode::Draining => "none: the gateway restarts, and this node comes back by itself",
        RefusalCode::Busy => "none, if it passes; else raise the limits in gateway-server.json",
    }
}

/// For a close that a new dial would only meet again: the refusal that it stands for.
pub(crate) fn of_close(code: CloseCode) -> Option<RefusalCode> {
    match code {
        CloseCode::Revoked => Some(RefusalCode::Revoked),
        CloseCode::Displaced => Some(RefusalCode::StaleGeneration),
        _ => None,
    }
}
