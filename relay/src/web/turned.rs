//! One address has too many connections: whoever comes on top is told so, and nothing else.

use std::future::ready;

use http::{Method, Request};
use hyper::body::Incoming;
use tokio::time::Instant;
use tunnel::TraceId;

use super::answer::{Problem, wants_html};
use super::listen::Socket;
use super::patient::WRITE;
use super::reply::refusal;
use super::serve::{Serving, serve};

/// Answers 429 until `deadline`, which also bounds how long such a connection lives.
pub(super) async fn turn_away(socket: Socket, serving: Serving, deadline: Instant) {
    let answer = |request: Request<Incoming>| {
        let (html, head) = (wants_html(request.headers()), *request.method() == Method::HEAD);
        ready(refusal(&Problem::TooMany, html, head, TraceId::random()))
    };
    // Past its deadline the connection is simply dropped.
    let _elapsed = tokio::time::timeout_at(deadline, serve(socket, serving, WRITE, answer)).await;
}
