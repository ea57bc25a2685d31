//! Bytes as they are, over TLS.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::stage::Stage;

/// Sends `request` over HTTP/1.1 and reads until the gateway closes, or says nothing for three seconds.
pub(crate) async fn ask(stage: &Stage, request: &[u8]) -> String {
    let mut stream = stage.connect(&["http/1.1"]).await;
    // The gateway may have had enough before all of it is written.
    let _closed = stream.write_all(request).await;
    rest(&mut stream).await
}

pub(crate) async fn rest<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> String {
    let mut all = Vec::new();
    let mut chunk = [0; 16_384];
    let quiet = Duration::from_secs(3);
    while let Ok(Ok(count)) = tokio::time::timeout(quiet, stream.read(&mut chunk)).await {
        if count == 0 {
            break;
        }
        all.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads until `end` has come.
pub(crate) async fn until<S: AsyncRead + Unpin>(stream: &mut S, end: &str) -> String {
    let mut all = String::new();
    while !all.ends_with(end) {
        all.push(char::from(stream.read_u8().await.unwrap_or_else(|error| panic!("{error} after {all:?}"))));
    }
    all
}

/// The status codes of the responses in `text`.
pub(crate) fn statuses(text: &str) -> Vec<&str> {
    text.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect()
}
