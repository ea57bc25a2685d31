//! The fixed words of our own answers. Codes are stable: people search for them, programs match on them.

use http::StatusCode;

use super::answer::Problem;

/// The fixed part of a problem: stable code, status, title, and the next step.
pub(super) struct Text(pub &'static str, pub StatusCode, pub &'static str, pub &'static str);

impl Problem {
    pub fn code(&self) -> &'static str {
        self.text().0
    }

    pub fn status(&self) -> StatusCode {
        self.text().1
    }

    pub(super) fn text(&self) -> Text {
        use StatusCode as S;
        match self {
            Self::BadRequest(_) => Text(
                "FX-1201",
                S::BAD_REQUEST,
                "Bad request",
                "If you wrote the client, compare its request with RFC 9112; otherwise try another browser.",
            ),
            Self::BadServerId(_) => Text(
                "FX-1202",
                S::NOT_FOUND,
                "No such server",
                "Check the address: /@ is followed by a server's id, as the list of servers shows it.",
            ),
            Self::NoSuchServer(_) => Text(
                "FX-1203",
                S::NOT_FOUND,
                "No such server",
                "Check the id in the address. A new server appears here once its gateway.json names this gateway.",
            ),
            Self::Unreachable { .. } => Text(
                "FX-1204",
                S::SERVICE_UNAVAILABLE,
                "Server unreachable",
                "Sessions on it may still run. Try again in a minute; an administrator finds the reason with `fastx status` on that server.",
            ),
            Self::Draining { .. } => {
                Text("FX-1205", S::SERVICE_UNAVAILABLE, "Going away", "Try again in a few seconds.")
            }
            Self::Busy { .. } => {
                Text("FX-1206", S::SERVICE_UNAVAILABLE, "Too busy", "Try again in a few seconds.")
            }
            Self::NoServers => Text(
                "FX-1207",
                S::SERVICE_UNAVAILABLE,
                "No server",
                "An administrator copies gateway.json to a server and starts it; `fastx-gateway nodes` lists who is connected.",
            ),
            Self::Refused { .. } => Text(
                "FX-1208",
                S::BAD_GATEWAY,
                "Server refused",
                "An administrator finds the reason in that server's log, under the request's id.",
            ),
            Self::BrokeOff { .. } => Text(
                "FX-1209",
                S::BAD_GATEWAY,
                "Server broke off",
                "Try again. If it happens every time, an administrator looks for the request's id in that server's log.",
            ),
            Self::TooLate { .. } => Text(
                "FX-1210",
                S::GATEWAY_TIMEOUT,
                "Server too slow",
                "Try again. The server may be overloaded; `fastx status` on it tells.",
            ),
            Self::SlowRequest(_) => {
                Text("FX-1211", S::REQUEST_TIMEOUT, "Request too slow", "Try again on a better connection.")
            }
            Self::TooMany => Text(
                "FX-1212",
                S::TOO_MANY_REQUESTS,
                "Too many requests",
                "Wait a moment. Many people behind one address need higher `limits` in gateway-server.json.",
            ),
            Self::Method(_) => Text(
                "FX-1213",
                S::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "CONNECT and TRACE are not forwarded.",
            ),
        }
    }

    /// Seconds after which trying again makes sense.
    pub(super) fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Draining { .. } | Self::Busy { .. } | Self::TooMany => Some(5),
            Self::Unreachable { .. } | Self::NoServers => Some(30),
            _ => None,
        }
    }
}
