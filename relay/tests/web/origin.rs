//! The HTTP server on a stand-in node. It notes what it is asked and echoes, by path.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, SET_COOKIE, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tunnel::{Answer, Status, Tunnel};

pub(crate) type Seen = Arc<Mutex<Vec<String>>>;
type Body = BoxBody<Bytes, hyper::Error>;

#[derive(Clone)]
pub(crate) struct Origin {
    pub name: String,
    pub seen: Seen,
    pub manner: Manner,
}

/// What a node does with a stream, once the first payload is there.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// Says yes at once, and does not wait for payload.
    Answers,
    /// Says yes after the payload has come.
    Waits,
    Refuses,
    /// Resets the stream without a word.
    Breaks,
}

fn text(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

impl Origin {
    pub(crate) async fn serve(self, tunnel: Tunnel) {
        while let Ok(incoming) = tunnel.accept().await {
            let origin = self.clone();
            tokio::spawn(async move {
                let Ok(Some((preamble, mut stream))) = incoming.preamble().await else { return };
                if preamble.destination.as_str() != origin.name {
                    let _gone = stream.answer(&Answer::refused(Status::NoSuchServer, "not me")).await;
                    return;
                }
                if origin.manner != Manner::Answers {
                    let first = stream.recv.read().await.expect("payload").expect("before an answer");
                    let line = String::from_utf8_lossy(&first).lines().next().unwrap_or_default().to_owned();
                    origin.seen.lock().expect("no panic").push(format!("{} first {line}", origin.name));
                    stream.recv.put_back(first);
                }
                match origin.manner {
                    Manner::Answers | Manner::Waits => stream.answer(&Answer::ok()).await.expect("answers"),
                    Manner::Refuses => {
                        let _gone = stream.answer(&Answer::refused(Status::Busy, "not now")).await;
                        return;
                    }
                    Manner::Breaks => return stream.reset(1),
                }
                let service = service_fn(move |request| origin.clone().answer(request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                let _broke_off = connection.await;
            });
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let line = format!("{} {} {}", self.name, request.method(), request.uri());
        self.seen.lock().expect("no panic").push(line);
        let path = request.uri().path().to_owned();
        Ok(match path.as_str() {
            "/echo" => Response::new(request.into_body().boxed()),
            "/headers" => Response::new(text(listed(request.headers()))),
            "/ws" => upgrade(request),
            "/stubborn" => Response::new(text("no upgrade here")),
            "/trailers" => trailers(request).await,
            "/empty" => status(StatusCode::NO_CONTENT),
            "/refuse-body" => status(StatusCode::PAYLOAD_TOO_LARGE),
            "/hop" => hop(),
            "/forever" => forever(),
            "/switch" => status(StatusCode::SWITCHING_PROTOCOLS),
            "/sleep" => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Response::new(text("slept"))
            }
            _ => Response::new(text(self.name)),
        })
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}

/// One `name: value` to a line.
fn listed(headers: &HeaderMap) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().expect("text"))).collect()
}

/// Agrees, says hello, and echoes until the end.
fn upgrade(mut request: Request<Incoming>) -> Response<Body> {
    let accept = request
        .headers()
        .get("sec-websocket-key")
        .map(|key| tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes()));
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.expect("upgrades"));
        io.write_all(b"hello").await.expect("writes");
        let mut chunk = [0; 4096];
        loop {
            match io.read(&mut chunk).await {
                Ok(0) => break,
                Ok(count) => io.write_all(&chunk[..count]).await.expect("writes"),
                Err(_) => return,
            }
        }
        io.write_all(b"bye").await.expect("writes after the other side's end");
        io.shutdown().await.expect("ends");
    });
    let mut response = status(StatusCode::SWITCHING_PROTOCOLS);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, request.headers()[UPGRADE].clone());
    if let Some(accept) = accept {
        response.headers_mut().insert("sec-websocket-accept", accept.parse().expect("base64"));
    }
    response
}

/// The request's trailers, sent back as trailers.
async fn trailers(request: Request<Incoming>) -> Response<Body> {
    let collected = request.into_body().collect().await.expect("a body");
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let frames = [Ok(Frame::data(collected.to_bytes())), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed());
    response.headers_mut().insert(TRAILER, HeaderValue::from_static("x-sum"));
    response
}

fn hop() -> Response<Body> {
    let mut response = Response::new(text("hop"));
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("x-mine"));
    headers.insert("x-mine", HeaderValue::from_static("1"));
    headers.insert("keep-alive", HeaderValue::from_static("timeout=5"));
    headers.insert("x-stays", HeaderValue::from_static("1"));
    headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
    headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
    response
}

/// As many zeros as somebody reads.
fn forever() -> Response<Body> {
    let frames = futures_util::stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[0; 65536]))));
    Response::new(BodyExt::boxed(StreamBody::new(frames)))
}
