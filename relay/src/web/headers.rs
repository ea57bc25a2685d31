//! Headers on their way through (RFC 9110 §7.6): those of one hop stay behind, and the server learns who asked.

use std::net::IpAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, HeaderName, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, VIA,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri, Version};
use tunnel::{ServerId, TraceId};

use super::hops::Asker;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Always of one hop, whether `Connection` names them or not.
const ONE_HOP: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What `Connection` must not take away: a request that names them wants to get around a check behind us.
const NEVER_ONE_HOP: [HeaderName; 5] = [HOST, COOKIE, CONTENT_LENGTH, http::header::AUTHORIZATION, TRAILER];

/// Takes out what belongs to this hop only: the fixed names, and those that `Connection` lists.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| !NEVER_ONE_HOP.contains(name))
        .collect();
    for name in named.iter().chain(&ONE_HOP) {
        headers.remove(name);
    }
}

/// Whether a comma-separated header holds `token`, whatever its case.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// What the server is told about a request.
#[derive(Debug)]
pub(super) struct Note<'a> {
    pub asker: Asker,
    pub host: &'a Authority,
    /// The server that the path named.
    pub prefix: Option<&'a ServerId>,
    pub trace: TraceId,
    pub version: Version,
}

/// Makes a client's headers those of our request: strips, sets `Host`, forwarding headers, `Via` and the request id.
pub(super) fn for_server(headers: &mut HeaderMap, note: &Note<'_>) {
    let trailers = lists(headers, &TE, "trailers");
    strip(headers);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    join_cookies(headers);
    forget_claims(headers);
    headers.insert(HOST, value(note.host.as_str()));
    headers.insert(FORWARDED, value(&forwarded(note)));
    headers.insert(FORWARDED_FOR, value(&note.asker.client.ip().to_canonical().to_string()));
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(note.asker.proto));
    headers.insert(FORWARDED_HOST, value(note.host.as_str()));
    if let Some(server) = note.prefix {
        headers.insert(FORWARDED_PREFIX, value(&format!("/@{server}")));
    }
    headers.insert(REQUEST_ID, value(&note.trace.to_string()));
    append(headers, VIA, via(note.version));
}

/// Makes a server's headers those of our response.
pub(super) fn for_client(headers: &mut HeaderMap, trace: TraceId) {
    strip(headers);
    headers.insert(REQUEST_ID, value(&trace.to_string()));
    append(headers, VIA, via(Version::HTTP_11));
}

/// What a client says about where it comes from, and may lie about. What a trusted proxy says is in [`Note`] already.
fn forget_claims(headers: &mut HeaderMap) {
    let claims = |name: &HeaderName| {
        *name == FORWARDED || *name == REAL_IP || name.as_str().starts_with("x-forwarded-")
    };
    let found: Vec<HeaderName> = headers.keys().filter(|name| claims(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// HTTP/2 may send cookies in crumbs; HTTP/1.1 has one line (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1 {
        let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])).expect("parts were header values");
        headers.insert(COOKIE, joined);
    }
}

/// RFC 7239.
fn forwarded(note: &Note<'_>) -> String {
    let Asker { client, proto } = note.asker;
    let node = match client.ip().to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    // A trusted proxy names no port.
    let port = if client.port() == 0 { String::new() } else { format!(":{}", client.port()) };
    format!("for=\"{node}{port}\";host=\"{}\";proto={proto}", note.host)
}

fn append(headers: &mut HeaderMap, name: HeaderName, item: &str) {
    let before: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    let joined = before.into_iter().chain([item.as_bytes()]).collect::<Vec<_>>().join(&b", "[..]);
    headers.insert(name, HeaderValue::from_bytes(&joined).expect("parts were header values"));
}

fn via(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2 fastx-gateway",
        Version::HTTP_10 => "1.0 fastx-gateway",
        _ => "1.1 fastx-gateway",
    }
}

/// For texts that are printable ASCII by construction.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("printable ASCII")
}

/// Whether the client waits for a word before it sends the body.
pub(super) fn expects_continue(headers: &HeaderMap) -> bool {
    lists(headers, &EXPECT, "100-continue")
}

/// The request target as a server reads it: a path, or `*`.
pub(super) fn origin_form(path: http::uri::PathAndQuery) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).expect("a path alone is a target")
}
