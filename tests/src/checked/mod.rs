//! Streams whose every byte is compared, in both directions, at both ends.
//!
//! ```text
//! client -> server   seed u64 | bytes wanted u64 (MAX: until the client ends) | bytes per second u64 (MAX: all it can)
//!                    then Pattern(seed), then half-close
//! server -> client   Pattern(!seed), then the verdict: bytes received u64 | wrong byte + 1, or 0 when all were right u64
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::pattern::Pattern;

mod running;
mod server;
mod watch;

pub use running::Running;
pub use server::CheckedServer;
pub use watch::{Seen, Watch};

const VERDICT: usize = 16;
const PIECE: usize = 64 * 1024;

/// How much one stream carries.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Bytes each way; `u64::MAX`: until it is stopped.
    pub up: u64,
    pub down: u64,
    /// Bytes per second each way; `u64::MAX`: as fast as it goes.
    pub rate: u64,
}

impl Load {
    pub fn both_ways(bytes: u64) -> Self {
        Self { up: bytes, down: bytes, rate: u64::MAX }
    }

    /// Until it is stopped, at a rate that leaves the machine to others.
    pub fn steady() -> Self {
        Self { up: u64::MAX, down: u64::MAX, rate: 1 << 20 }
    }
}

/// What went over a stream, and was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub up: u64,
    pub down: u64,
}

/// Sends the sequence at its rate until `limit` or until told to stop; gives the count.
async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    mut pattern: Pattern,
    (limit, rate): (u64, u64),
    stopped: impl Fn() -> bool,
) -> io::Result<u64> {
    let begin = Instant::now();
    // Twenty pieces a second and more, so that a slow stream is still a steady one.
    let step = usize::try_from(rate / 20).unwrap_or(PIECE).clamp(1, PIECE);
    let mut piece = vec![0; step];
    while pattern.position < limit && !stopped() {
        let left = usize::try_from(limit - pattern.position).unwrap_or(step).min(step);
        pattern.fill(&mut piece[..left]);
        to.write_all(&piece[..left]).await?;
        if rate != u64::MAX {
            let due = Duration::from_secs_f64(pattern.position as f64 / rate as f64);
            tokio::time::sleep(due.saturating_sub(begin.elapsed())).await;
        }
    }
    Ok(pattern.position)
}

/// Carries one load over an open connection, both ways at once. `down` follows the bytes that arrived and were right.
pub async fn exchange<S>(
    stream: S,
    load: Load,
    down: &AtomicU64,
    stopped: impl Fn() -> bool,
) -> Result<Totals, String>
where
    S: AsyncRead + AsyncWrite,
{
    static SEED: AtomicU64 = AtomicU64::new(1);
    let seed = SEED.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sending = async {
        let header = [seed.to_be_bytes(), load.down.to_be_bytes(), load.rate.to_be_bytes()].concat();
        writer.write_all(&header).await.map_err(|e| format!("sending the header: {e}"))?;
        let sent = send(&mut writer, Pattern::new(seed), (load.up, load.rate), stopped).await;
        let sent = sent.map_err(|e| format!("sending: {e}"))?;
        writer.shutdown().await.map_err(|e| format!("half-closing: {e}"))?;
        Ok::<_, String>(sent)
    };
    let receiving = receive(&mut reader, Pattern::new(!seed), down);
    let (sent, (received, verdict)) = tokio::try_join!(sending, receiving)?;
    let number = |at: usize| u64::from_be_bytes(verdict[at..at + 8].try_into().expect("eight bytes"));
    match (number(0), number(8)) {
        (there, 0) if there == sent && (load.down == u64::MAX || load.down == received) => {
            Ok(Totals { up: sent, down: received })
        }
        (there, wrong) => Err(format!(
            "sent {sent}, {there} arrived, wrong at {wrong}; wanted {}, received {received}",
            load.down
        )),
    }
}

/// Reads to the end and compares all but the last [`VERDICT`] bytes.
async fn receive(
    reader: &mut (impl AsyncRead + Unpin),
    mut pattern: Pattern,
    down: &AtomicU64,
) -> Result<(u64, [u8; VERDICT]), String> {
    let mut buffer = vec![0; PIECE + VERDICT];
    let mut held = 0;
    loop {
        let count = reader.read(&mut buffer[held..]).await;
        let count = count.map_err(|e| format!("receiving after {} bytes: {e}", pattern.position))?;
        held += count;
        if count == 0 {
            let verdict = buffer[..held].try_into();
            let verdict = verdict.map_err(|_| format!("ended after {} bytes", pattern.position))?;
            return Ok((pattern.position, verdict));
        }
        let sure = held.saturating_sub(VERDICT);
        pattern.check(&buffer[..sure])?;
        buffer.copy_within(sure..held, 0);
        held -= sure;
        down.store(pattern.position, Ordering::Relaxed);
    }
}

/// Connects and carries one load.
pub async fn transfer(to: SocketAddr, load: Load) -> Result<Totals, String> {
    let socket = TcpStream::connect(to).await.map_err(|e| format!("connecting to {to}: {e}"))?;
    exchange(socket, load, &AtomicU64::new(0), || false).await
}

/// Like [`transfer`], and gives up after `limit`.
pub async fn transfer_within(to: SocketAddr, load: Load, limit: Duration) -> Result<Totals, String> {
    let transfer = tokio::time::timeout(limit, transfer(to, load));
    transfer.await.unwrap_or_else(|_| Err(format!("not done after {limit:?}")))
}
