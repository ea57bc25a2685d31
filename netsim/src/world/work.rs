//! What people and nodes say to each other: a header, then bytes whose every place is known.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use node::Handler;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tunnel::{Preamble, RecvHalf, SendHalf, Stream};

use super::watch::Watch;
use crate::plan::{Direction, Kind, Work};

/// A block of the pattern; bytes are written and checked in such pieces.
const BLOCK: usize = 64 * 1024;
/// What is echoed is read in such pieces: each of 100,000 idle streams holds one.
const ECHO: usize = 1024;
/// The pattern repeats after a prime number of bytes, so that a block in the wrong place shows.
const PERIOD: u64 = 65_521;

/// How a stream begins: which of the plan's works it belongs to, and what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) work: u32,
    pub(crate) task: Task,
    /// Bytes; of bulk: `u64::MAX` goes on for ever.
    pub(crate) size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Up,
    Down,
    Echo,
    Answer,
    Idle,
}

const TASKS: [Task; 5] = [Task::Up, Task::Down, Task::Echo, Task::Answer, Task::Idle];

impl Header {
    const BYTES: usize = 13;

    pub(crate) fn of(index: usize, work: &Work) -> Self {
        let task = match (work.kind, work.direction()) {
            (Kind::Bulk, Direction::Up) => Task::Up,
            (Kind::Bulk, Direction::Down) => Task::Down,
            (Kind::Keystrokes, _) => Task::Echo,
            (Kind::OpenClose, _) => Task::Answer,
            (Kind::Idle, _) => Task::Idle,
        };
        let size = match work.kind {
            Kind::Bulk => work.size.map_or(u64::MAX, |size| size.0),
            _ => work.message(),
        };
        Self { work: u32::try_from(index).expect("a plan has few works"), task, size }
    }

    pub(crate) fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.work.to_be_bytes());
        bytes[4] = TASKS.iter().position(|task| *task == self.task).map_or(0, |index| index as u8);
        bytes[5..].copy_from_slice(&self.size.to_be_bytes());
        bytes
    }

    fn decode(bytes: [u8; Self::BYTES]) -> Self {
        let (work, rest) = bytes.split_first_chunk::<4>().expect("13 bytes");
        let size = rest[1..].try_into().expect("8 bytes");
        Self {
            work: u32::from_be_bytes(*work),
            task: TASKS[usize::from(rest[0]) % 5],
            size: u64::from_be_bytes(size),
        }
    }
}

/// The byte at a place of every transfer.
fn pattern(place: u64) -> u8 {
    let place = place % PERIOD;
    (place ^ (place >> 7)) as u8
}

fn block(from: u64, length: usize) -> Bytes {
    (from..from + length as u64).map(pattern).collect()
}

/// How a transfer ended at its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// With all bytes in their places.
    Whole(u64),
    /// A byte stood in the wrong place.
    Wrong(u64),
    /// With an error, after so many right bytes.
    Broken(u64),
}

/// Writes `size` bytes of the pattern and ends the direction.
pub(crate) async fn write_pattern(writer: &mut (impl AsyncWrite + Unpin), size: u64) -> std::io::Result<()> {
    let mut sent = 0;
    while sent < size {
        let length = usize::try_from(size - sent).unwrap_or(BLOCK).min(BLOCK);
        writer.write_all(&block(sent, length)).await?;
        sent += length as u64;
    }
    writer.shutdown().await
}

/// Reads to the end, tells `progress` of each piece.
pub(crate) async fn read_pattern(
    reader: &mut (impl AsyncRead + Unpin),
    mut progress: impl FnMut(u64),
) -> Read {
    let (mut buffer, mut place) = (vec![0; BLOCK], 0);
    loop {
        let read = match reader.read(&mut buffer).await {
            Ok(0) => return Read::Whole(place),
            Ok(read) => read,
            Err(_) => return Read::Broken(place),
        };
        if buffer[..read].iter().zip(place..).any(|(byte, place)| *byte != pattern(place)) {
            return Read::Wrong(place);
        }
        place += read as u64;
        progress(read as u64);
    }
}

/// The node's side.
#[derive(Debug)]
pub(crate) struct Worker(pub(crate) Arc<Watch>);

impl Handler for Worker {
    fn serve(&self, stream: Stream, _preamble: Preamble) -> BoxFuture<'static, ()> {
        let watch = self.0.clone();
        Box::pin(async move {
            let (mut send, mut recv) = (stream.send, stream.recv);
            let mut header = [0; Header::BYTES];
            if recv.read_exact(&mut header).await.is_ok() {
                // The client sees how it ended.
                let _broken = serve(Header::decode(header), &mut send, &mut recv, &watch).await.is_err();
            }
        })
    }
}

async fn serve(
    header: Header,
    send: &mut SendHalf,
    recv: &mut RecvHalf,
    watch: &Watch,
) -> std::io::Result<()> {
    match header.task {
        Task::Down | Task::Answer => {
            write_pattern(send, header.size).await?;
            drained(recv).await
        }
        Task::Up => {
            let read = read_pattern(recv, |bytes| watch.moved(header.work, bytes)).await;
            match read {
                Read::Whole(_) => send.shutdown().await,
                Read::Broken(_) => Err(std::io::ErrorKind::ConnectionReset.into()),
                Read::Wrong(place) => {
                    watch.violated("bytes arrive once and in order", &format!("up, after {place} bytes"));
                    Ok(())
                }
            }
        }
        Task::Echo | Task::Idle => {
            let mut small = BufReader::with_capacity(ECHO, recv);
            tokio::io::copy_buf(&mut small, send).await?;
            send.shutdown().await
        }
    }
}

/// Reads what the client says until it ends.
async fn drained(recv: &mut RecvHalf) -> std::io::Result<()> {
    tokio::io::copy(recv, &mut tokio::io::sink()).await.map(drop)
}

impl Watch {
    /// Bytes of a work have arrived at their reader.
    pub(crate) fn moved(&self, work: u32, bytes: u64) {
        let now = self.now();
        let mut outcome = self.outcome();
        let progress = &mut outcome.work[work as usize].progress;
        let (last, total) = progress.last().copied().expect("it begins with (0, 0)");
        if now.saturating_sub(last) < Duration::from_millis(20) && progress.len() > 1 {
            progress.last_mut().expect("seen a moment ago").1 = total + bytes;
        } else {
            progress.push((now, total + bytes));
        }
    }
}
