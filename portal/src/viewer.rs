//! One person who looks at one session: bytes between a WebSocket and the display's RFB socket.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::BytesMut;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use node::session::{Viewing, Watch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

/// Longest message that a viewer may send: a clipboard of 1 MiB, more than X programs take.
const LARGEST_MESSAGE: usize = 1 << 20;
/// What is read from the display at a time, and so the largest message to the viewer.
const CHUNK: usize = 64 * 1024;
/// Keeps proxies on the way from taking a still picture for a dead connection.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Two pings without an answer, and some.
const SILENCE: Duration = Duration::from_secs(50);
/// A side that takes no bytes for this long has gone.
const WRITE_WITHIN: Duration = Duration::from_secs(30);

/// For the last words to a viewer.
const FAREWELL: Duration = Duration::from_secs(1);

/// Close codes 4000 to 4999 are the application's own (RFC 6455 7.4.2).
const DISPLAY_ENDED: u16 = 4410;
const SENT_AWAY: u16 = 4403;
const GOING_AWAY: u16 = 1001;

pub(crate) fn limits(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * CHUNK)
        .protocols(["binary"])
}

/// Ends when either side does, with `ended`, when the viewer is sent away, or with `left`, which
/// says why the viewer may not look any more.
pub(crate) async fn show(
    socket: WebSocket,
    viewing: Viewing,
    ended: &CancellationToken,
    left: impl Future<Output = &'static str>,
) {
    let (mut to_viewer, mut from_viewer) = socket.split();
    let Viewing { socket, mut watch } = viewing;
    let sent_away = watch.ended();
    let (from_display, to_display) = socket.into_split();
    let close = tokio::select! {
        biased;
        why = left => Some((SENT_AWAY, why)),
        () = ended.cancelled() => Some((GOING_AWAY, "the server is closing this connection")),
        () = up(&mut from_viewer, to_display, &mut watch) => None,
        close = down(from_display, &mut to_viewer) => close,
        () = sent_away.cancelled() => Some((SENT_AWAY, "you were disconnected from this session")),
    };
    if let Some((code, reason)) = close {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        // Until the viewer has closed its side too: what it still sends would reset the connection, and the reason be lost.
        let farewell = async {
            let sent = to_viewer.send(Message::Close(Some(frame))).await;
            while let (Ok(()), Some(Ok(_))) = (&sent, from_viewer.next().await) {}
        };
        let _gone_already = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

/// Keys, pointer and clipboard. Ends when the viewer leaves, is silent for too long, or breaks the protocol.
async fn up<S>(from: &mut S, mut to: OwnedWriteHalf, watch: &mut Watch)
where
    S: Stream<Item = Result<Message, axum::Error>> + Unpin,
{
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE, from.next()).await {
        match message {
            Message::Binary(bytes) => {
                let Some(bytes) = watch.sent(&bytes) else { return };
                let written = tokio::time::timeout(WRITE_WITHIN, to.write_all(&bytes)).await;
                if !matches!(written, Ok(Ok(()))) {
                    return;
                }
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Text(_) | Message::Close(_) => return,
        }
    }
}

/// The picture. Ends when the display does, with what to tell the viewer, or when the viewer takes nothing any more.
async fn down<S>(mut from: OwnedReadHalf, to: &mut S) -> Option<(u16, &'static str)>
where
    S: Sink<Message> + Unpin,
{
    let mut ping = tokio::time::interval(PING_EVERY);
    ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK);
        let message = tokio::select! {
            biased;
            _ = ping.tick() => Message::Ping(Bytes::new()),
            read = from.read_buf(&mut buffer) => match read {
                Ok(0) | Err(_) => return Some((DISPLAY_ENDED, "the display has ended")),
                Ok(_) => Message::Binary(buffer.split().freeze()),
            },
        };
        let sent = tokio::time::timeout(WRITE_WITHIN, to.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return None;
        }
    }
}
