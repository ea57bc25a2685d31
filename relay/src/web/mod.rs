//! Clients over HTTPS: from a TCP connection to a request on a server, and back.
//!
//! The modules stand in the order in which bytes meet them:
//!
//! ```text
//! front         the whole: opened, reloaded, drained
//! listen        accepts, counts, hands to a shard      certificates  what clients are shown, and until when
//! greet         PROXY header, ClientHello, ALPN        challenge     what an ACME authority is shown
//! strict        HTTP/1.1 that has one reading           acme          gets and renews them, on a schedule
//! serve         HTTP/1.1 or HTTP/2, with limits
//! forward       one request, one response              route         which server
//! hops          who asks, through trusted proxies       turned        429 for too many connections
//! host, headers what stays behind, what is added       upload, pace  the request's body, watched
//! reply         the response's body
//! exchange      HTTP/1.1 inside a stream               late          whose first bytes open it
//! switch        from a request to opaque bytes         upgrade       WebSocket: bytes after the 101
//! answer        what we say instead of a server        wording, page its words, its looks
//! patient       a socket that gives up on a stalled reader
//! stall         the same for one stream of HTTP/2
//! ```

pub mod acme;
pub mod answer;
pub mod certificates;
pub mod challenge;
mod exchange;
pub mod forward;
pub mod front;
mod greet;
mod headers;
mod hops;
mod host;
mod late;
pub mod listen;
mod pace;
mod page;
mod patient;
mod reply;
pub mod route;
mod schedule;
pub mod serve;
mod stall;
mod strict;
mod switch;
mod turned;
mod upgrade;
mod upload;
mod wording;
