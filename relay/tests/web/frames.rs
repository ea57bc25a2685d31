//! HTTP/2 frames that no client would send, byte by byte: floods end with a GOAWAY, and others are served.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::raw::{ask, statuses};
use crate::stage::Stage;

pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const DATA: u8 = 0;
const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// `GET https://gw/`, as indices of the static table and one literal.
const GET: &[u8] = b"\x82\x87\x84\x41\x02gw";
/// One header of 200 bytes that is not indexed.
const FAT: &[u8] = b"\x00\x01x\x7f\x49";

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut out = length[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

pub(crate) async fn begin(stage: &Stage) -> TlsStream<TcpStream> {
    let mut stream = stage.connect(&["h2"]).await;
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&preface).await.unwrap();
    stream
}

/// The kind and the payload of the next frame; `None` at the end.
pub(crate) async fn next(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

/// Reads frames until a GOAWAY; its error code. `None`: closed without one.
async fn goaway(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<u32> {
    loop {
        let (kind, payload) = next(stream).await?;
        if kind == GOAWAY {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
}

/// Floods a connection with `flood` and says how it ended, while another client is served.
async fn flooded(flood: Vec<u8>) -> Option<u32> {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let (mut reader, mut writer) = tokio::io::split(begin(&stage).await);
    let flooding = tokio::spawn(async move {
        // The gateway closes before it has read all.
        let _refused = writer.write_all(&flood).await;
        let _refused = writer.flush().await;
        writer
    });
    let ended =
        tokio::time::timeout(std::time::Duration::from_secs(10), goaway(&mut reader)).await.expect("ended");
    let other = ask(&stage, b"GET / HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n").await;
    assert_eq!(statuses(&other), ["200"]);
    flooding.abort();
    ended
}

const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test]
async fn rapid_reset() {
    let flood = (0..10_000).flat_map(|n| {
        let stream = 2 * n + 1;
        let request = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
        [request, frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())].concat()
    });
    assert_eq!(flooded(flood.collect()).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn headers_without_an_end() {
    let fat = [FAT, &[b'a'; 200]].concat();
    let mut flood = frame(HEADERS, END_STREAM, 1, GET);
    (0..20_000).for_each(|_| flood.extend(frame(CONTINUATION, 0, 1, &fat)));
    let ended = flooded(flood).await;
    assert!(matches!(ended, Some(ENHANCE_YOUR_CALM) | None), "{ended:?}");
}

#[tokio::test]
async fn data_without_bytes() {
    // CVE-2019-9518.
    let mut flood = frame(HEADERS, END_HEADERS, 1, GET);
    (0..100_000).for_each(|_| flood.extend(frame(DATA, 0, 1, &[])));
    assert_eq!(flooded(flood).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn frames_that_break_the_protocol() {
    for flood in [
        frame(PING, 0, 0, &[0; 7]),
        frame(HEADERS, END_STREAM | END_HEADERS, 2, GET),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\xff\xff\xff\xff\xff"),
        frame(CONTINUATION, END_HEADERS, 1, GET),
        vec![0xff; 9],
    ] {
        let ended = flooded(flood).await;
        assert!(!matches!(ended, Some(0)), "{ended:?}");
    }
}
