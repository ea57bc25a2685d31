//! The fixed words of our own answers. Codes are stable: people search for them, programs match on them.

use http::StatusCode;

use super::answer::Problem;

/// The fixed part of a problem: stable code, status, title, and the next step.
pub(super) struct Text(pub &'static str, pub StatusCode, pub &'static str, pub &'static str);

const BAD_REQUEST: Text = Text(
    "FX-1201",
    StatusCode::BAD_REQUEST,
    "Bad request",
    "If you wrote the client, compare its request with RFC 9112; otherwise try another browser.",
);
const BAD_SERVER_ID: Text = Text(
    "FX-1202",
    StatusCode::NOT_FOUND,
    "No such server",
    "Check the address: /@ is followed by a server's id, as the list of servers shows it.",
);
const NO_SUCH_SERVER: Text = Text(
    "FX-1203",
    StatusCode::NOT_FOUND,
    "No such server",
    "Check the id in the address. A new server appears here once its gateway.json names this gateway.",
);
const UNREACHABLE: Text = Text(
    "FX-1204",
    StatusCode::SERVICE_UNAVAILABLE,
    "Server unreachable",
    "Sessions on it may still run. Try again in a minute; an administrator finds the reason with `fastx status` on that server.",
);
const DRAINING: Text =
    Text("FX-1205", StatusCode::SERVICE_UNAVAILABLE, "Going away", "Try again in a few seconds.");
const BUSY: Text =
    Text("FX-1206", StatusCode::SERVICE_UNAVAILABLE, "Too busy", "Try again in a few seconds.");
const NO_SERVERS: Text = Text(
    "FX-1207",
    StatusCode::SERVICE_UNAVAILABLE,
    "No server",
    "An administrator copies gateway.json to a server and starts it; `fastx-gateway nodes` lists who is connected.",
);
const REFUSED: Text = Text(
    "FX-1208",
    StatusCode::BAD_GATEWAY,
    "Server refused",
    "An administrator finds the reason in that server's log, under the request's id.",
);
const BROKE_OFF: Text = Text(
    "FX-1209",
    StatusCode::BAD_GATEWAY,
    "Server broke off",
    "Try again. If it happens every time, an administrator looks for the request's id in that server's log.",
);
const TOO_LATE: Text = Text(
    "FX-1210",
    StatusCode::GATEWAY_TIMEOUT,
    "Server too slow",
    "Try again. The server may be overloaded; `fastx status` on it tells.",
);
const SLOW_REQUEST: Text =
    Text("FX-1211", StatusCode::REQUEST_TIMEOUT, "Request too slow", "Try again on a better connection.");
const TOO_MANY: Text = Text(
    "FX-1212",
    StatusCode::TOO_MANY_REQUESTS,
    "Too many connections",
    "Wait a moment. Many people behind one address need higher `limits` in gateway-server.json.",
);
const TOO_OFTEN: Text = Text(
    "FX-1216",
    StatusCode::TOO_MANY_REQUESTS,
    "Too many requests",
    "Wait a moment. Many people behind one address need a higher `requestsPerSecond` in gateway-server.json.",
);
const METHOD: Text = Text(
    "FX-1213",
    StatusCode::METHOD_NOT_ALLOWED,
    "Method not allowed",
    "CONNECT and TRACE are not forwarded.",
);
const LONG_TARGET: Text = Text(
    "FX-1214",
    StatusCode::URI_TOO_LONG,
    "Address too long",
    "Follow a shorter link, or send a form by POST.",
);
const LARGE_HEAD: Text = Text(
    "FX-1215",
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "Request too large",
    "Delete this site's cookies in your browser and try again.",
);

impl Problem {
    pub fn code(&self) -> &'static str {
        self.text().0
    }

    pub fn status(&self) -> StatusCode {
        self.text().1
    }

    pub(super) fn text(&self) -> Text {
        match self {
            Self::BadRequest(_) => BAD_REQUEST,
            Self::BadServerId(_) => BAD_SERVER_ID,
            Self::NoSuchServer(_) => NO_SUCH_SERVER,
            Self::Unreachable { .. } => UNREACHABLE,
            Self::Draining { .. } => DRAINING,
            Self::Busy { .. } => BUSY,
            Self::NoServers => NO_SERVERS,
            Self::Refused { .. } => REFUSED,
            Self::BrokeOff { .. } => BROKE_OFF,
            Self::TooLate { .. } => TOO_LATE,
            Self::SlowRequest(_) => SLOW_REQUEST,
            Self::TooMany => TOO_MANY,
            Self::TooOften(_) => TOO_OFTEN,
            Self::Method(_) => METHOD,
            Self::LongTarget => LONG_TARGET,
            Self::LargeHead => LARGE_HEAD,
        }
    }

    /// Seconds after which trying again makes sense.
    pub(super) fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Draining { .. } | Self::Busy { .. } | Self::TooMany => Some(5),
            Self::Unreachable { .. } | Self::NoServers => Some(30),
            Self::TooOften(wait) => Some(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)),
            _ => None,
        }
    }
}
