//! Connections that stop being HTTP: WebSocket over HTTP/1.1 (`Upgrade`) and over HTTP/2 (RFC 8441).
//!
//! To the server it is an HTTP/1.1 upgrade in either case. Not one byte is forwarded before the server's 101; from
//! then on the bytes are opaque, and each direction ends on its own.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TE, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use hyper::body::{Body, Incoming};
use hyper::ext::Protocol;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tunnel::Stream;
use tunnel::pump::{self, Outcome, Patience};

use super::answer::Problem;
use super::headers;
use super::late::Late;
use super::listen::Socket;
use super::strict::Strict;

/// What a client wants to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// HTTP/1.1: the tokens of `Upgrade`.
    Upgrade(HeaderValue),
    /// HTTP/2: an extended CONNECT for a WebSocket; the key that we show to the server.
    Connect(HeaderValue),
}

/// Whether a request asks for another protocol.
///
/// # Errors
/// For a CONNECT that is not a WebSocket's.
pub(super) fn wanted(request: &Request<Incoming>) -> Result<Option<Wanted>, Problem> {
    if *request.method() == Method::CONNECT {
        let protocol = request.extensions().get::<Protocol>();
        if request.version() != Version::HTTP_2 || protocol.is_none_or(|p| p.as_str() != "websocket") {
            return Err(Problem::Method("CONNECT".into()));
        }
        let key = BASE64.encode(rand::random::<[u8; 16]>());
        return Ok(Some(Wanted::Connect(HeaderValue::try_from(key).expect("base64"))));
    }
    let asks =
        request.version() == Version::HTTP_11 && headers::lists(request.headers(), &CONNECTION, "upgrade");
    let token = request.headers().get(UPGRADE).filter(|token| asks && is_opaque(token));
    // RFC 9110 §7.8: a server may ignore it; with a body it would be unclear where the new protocol begins.
    Ok(token.filter(|_| request.body().is_end_stream()).map(|token| Wanted::Upgrade(token.clone())))
}

/// Another version of HTTP would carry requests that nobody here sees.
fn is_opaque(token: &HeaderValue) -> bool {
    let text = token.as_bytes().to_ascii_lowercase();
    !text.is_empty()
        && !text.contains(&b',')
        && !text.starts_with(b"h2")
        && !text.starts_with(b"http")
        && !text.starts_with(b"tls")
}

/// Asks the server for the same.
pub(super) fn ask(headers: &mut HeaderMap, wanted: &Wanted) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    // There are no trailers after a 101, and `Connection` does not name it any more.
    headers.remove(TE);
    match wanted {
        Wanted::Upgrade(token) => {
            headers.insert(UPGRADE, token.clone());
        }
        Wanted::Connect(key) => {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_KEY, key.clone());
            headers.entry(SEC_WEBSOCKET_VERSION).or_insert(HeaderValue::from_static("13"));
        }
    }
}

/// Tells the client that the server agreed; the status to tell it with. `None` if the server did not understand.
pub(super) fn agree(headers: &mut HeaderMap, wanted: &Wanted) -> Option<StatusCode> {
    match wanted {
        Wanted::Upgrade(token) => {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, token.clone());
            Some(StatusCode::SWITCHING_PROTOCOLS)
        }
        Wanted::Connect(key) => {
            let shown = headers.remove(SEC_WEBSOCKET_ACCEPT)?;
            (shown.as_bytes() == accept(key).as_bytes()).then_some(StatusCode::OK)
        }
    }
}

/// RFC 6455 §4.2.2.
fn accept(key: &HeaderValue) -> String {
    let text = [key.as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
    BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &text))
}

/// Both ends of a connection that is about to change its protocol.
#[derive(Debug)]
pub(super) struct Both {
    pub client: OnUpgrade,
    pub server: OnUpgrade,
}

impl Both {
    /// Moves bytes until both directions have ended.
    pub(super) async fn join(self, patience: Patience) -> Result<Outcome, JoinError> {
        // The server's 101 is there; the client's side is ready once it was told.
        let (server, client) = (self.server.await?, self.client.await?);
        let server = server.downcast::<TokioIo<Late>>().map_err(|_| JoinError::Unknown)?;
        let mut stream = server.io.into_inner().into_stream().ok_or(JoinError::Unknown)?;
        let early = server.read_buf;
        match auto::upgrade::downcast::<TokioIo<Strict<Socket>>>(client) {
            Ok(client) => {
                stream.send.write(client.read_buf).await?;
                pumped(client.io.into_inner(), early, stream, patience).await
            }
            Err(client) => pumped(TokioIo::<Upgraded>::new(client), early, stream, patience).await,
        }
    }
}

async fn pumped<C>(
    mut client: C,
    early: bytes::Bytes,
    stream: Stream,
    patience: Patience,
) -> Result<Outcome, JoinError>
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    client.write_all(&early).await?;
    client.flush().await?;
    Ok(pump::join(client, stream, patience).await)
}

/// Why an agreed change of protocol did not happen.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    #[error("one side went away: {0}")]
    Hyper(#[from] hyper::Error),
    #[error("the client went away: {0}")]
    Client(#[from] std::io::Error),
    #[error("the server went away: {0}")]
    Server(#[from] tunnel::StreamError),
    #[error("the connection under it is not ours")]
    Unknown,
}
