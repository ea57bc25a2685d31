//! Answers of the gateway's own: what is wrong, why, and what to do next, with a stable code and the request's id.

use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response};
use jiff::Timestamp;
use serde::Serialize;
use tunnel::{ServerId, Status, TraceId};

use super::page;
use super::serve::{HEAD_BYTES, HEADERS};
use super::wording::Text;
use crate::error::RouteError;

/// What the gateway has to say instead of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("The request cannot be understood: {0}.")]
    BadRequest(&'static str),
    #[error("`{0}` is not a server id.")]
    BadServerId(String),
    #[error("There is no server `{0}` here.")]
    NoSuchServer(ServerId),
    #[error("The server `{server}` is known, but has not been reachable{}.", ago(*since))]
    Unreachable { server: ServerId, since: Option<Timestamp> },
    #[error("{what} is about to stop and takes nothing new.")]
    Draining { what: String },
    #[error("{what} is too busy: {reason}.")]
    Busy { what: String, reason: String },
    #[error("No server that could answer is connected to this gateway.")]
    NoServers,
    #[error("The server `{server}` refused: {reason}.")]
    Refused { server: ServerId, reason: String },
    #[error("The server `{server}` broke off before it answered: {reason}.")]
    BrokeOff { server: ServerId, reason: String },
    #[error("The server `{server}` did not answer in time.")]
    TooLate { server: ServerId },
    #[error("The request came too slowly: less than {0} bytes a second.")]
    SlowRequest(u64),
    #[error("The address of the request has more than {HEAD_BYTES} bytes.")]
    LongTarget,
    #[error("The head of the request has more than {HEAD_BYTES} bytes or {HEADERS} headers.")]
    LargeHead,
    #[error("Too many connections come from your address.")]
    TooMany,
    /// The next one is welcome after this time.
    #[error("Requests come from your address faster than this gateway allows.")]
    TooOften(Duration),
    #[error("The method `{0}` is not allowed here.")]
    Method(String),
}

fn ago(since: Option<Timestamp>) -> String {
    since.map(|since| format!(" since {}", since.strftime("%F %T UTC"))).unwrap_or_default()
}

impl From<RouteError> for Problem {
    fn from(error: RouteError) -> Self {
        let on = |server: &ServerId| format!("The server `{server}`");
        match error {
            RouteError::NoSuchServer { server } => Self::NoSuchServer(server),
            RouteError::Unreachable { server, since } => {
                Self::Unreachable { server, since: Timestamp::try_from(since).ok() }
            }
            RouteError::NobodyOffers { .. } => Self::NoServers,
            RouteError::Draining { server } => Self::Draining { what: on(&server) },
            // Nobody reads this answer.
            RouteError::ClientGone => Self::BadRequest("the client went away"),
            RouteError::GatewayDraining => Self::Draining { what: "This gateway".into() },
            RouteError::Refused { server, status: Status::Busy, reason } => {
                Self::Busy { what: on(&server), reason }
            }
            RouteError::Refused { server, status: Status::Draining, .. } => {
                Self::Draining { what: on(&server) }
            }
            RouteError::Refused { server, status: Status::Deadline, .. } => Self::TooLate { server },
            RouteError::Refused { server, reason, .. } => Self::Refused { server, reason },
            RouteError::Deadline { server, .. } => Self::TooLate { server },
            RouteError::Lost { server, reason } => Self::BrokeOff { server, reason },
        }
    }
}

impl Problem {
    /// The answer, as a page for a browser and as `application/problem+json` (RFC 9457) for anything else. Logged.
    pub fn answer(&self, html: bool, trace: TraceId) -> Response<String> {
        let Text(code, status, title, next) = self.text();
        let detail = self.to_string();
        tracing::info!(%trace, code, status = status.as_u16(), detail, "answered instead of a server");
        let (kind, body) = if html {
            (
                "text/html; charset=utf-8",
                page::html(&page::Words { status, title, detail: &detail, next, code, trace }),
            )
        } else {
            let problem = Rfc9457 {
                r#type: "about:blank",
                status: status.as_u16(),
                title,
                detail: &detail,
                code,
                next,
                request: trace.to_string(),
            };
            (
                "application/problem+json",
                serde_json::to_string(&problem).expect("strings and numbers serialize"),
            )
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-request-id", HeaderValue::try_from(trace.to_string()).expect("hexadecimal"));
        page::protect(headers);
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.ends_connection() {
            headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl Problem {
    /// Whether what follows on the connection may not be what it seems. hyper leaves the header out of HTTP/2.
    fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::BadRequest(_)
                | Self::SlowRequest(_)
                | Self::TooMany
                | Self::Method(_)
                | Self::LongTarget
                | Self::LargeHead
        )
    }
}

#[derive(Serialize)]
struct Rfc9457<'a> {
    r#type: &'a str,
    status: u16,
    title: &'a str,
    detail: &'a str,
    code: &'a str,
    next: &'a str,
    request: String,
}

/// Whether a person is likely to read the answer.
pub fn wants_html(asked: &HeaderMap) -> bool {
    asked
        .get_all(ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}
