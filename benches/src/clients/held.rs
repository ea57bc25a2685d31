//! Memory: the tunnel's processes idle, and with 1000 connections that are open and silent.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Client, Load, Sample, Service};
use crate::proc::rss_kb;

const CONNECTIONS: u32 = 1000;
/// After the last change, before memory is read: allocators and idle timers come to rest.
const SETTLE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Held;

impl Client for Held {
    fn name(&self) -> &'static str {
        "held"
    }

    fn serve(&self, load: &Load<'_>) -> Result<Box<dyn Service>> {
        Ok(Box::new(Holder::start(load.service)?))
    }

    fn probe(&self, load: &Load<'_>) -> Result<()> {
        greet(load.entry).map(drop)
    }

    #[expect(clippy::cast_precision_loss, reason = "kB of memory stay far below 2^52")]
    fn measure(&self, load: &Load<'_>) -> Result<Vec<Sample>> {
        if load.tunnel.is_empty() {
            return Ok(Vec::new());
        }
        thread::sleep(SETTLE);
        let idle = rss_kb(&load.tunnel) as f64;
        let open = (0..CONNECTIONS)
            .map(|at| greet(load.entry).with_context(|| format!("connection {at} of {CONNECTIONS}")))
            .collect::<Result<Vec<_>>>()?;
        thread::sleep(SETTLE);
        let held = rss_kb(&load.tunnel) as f64;
        drop(open);
        Ok(vec![("idle_mb", idle / 1000.0), ("held_kb", (held - idle) / f64::from(CONNECTIONS))])
    }
}

/// Opens a connection and sends one byte there and back, so that it is open all the way.
fn greet(entry: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&entry, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"?")?;
    stream.read_exact(&mut [0])?;
    Ok(stream)
}

/// Accepts, returns the first byte, and keeps the connection until dropped.
#[derive(Debug)]
struct Holder {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Service for Holder {}

impl Holder {
    fn start(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                held.extend(answer(stream));
            }
        });
        Ok(Self { address, stop, thread: Some(thread) })
    }
}

fn answer(mut stream: TcpStream) -> Option<TcpStream> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    stream.write_all(&byte).ok()?;
    Some(stream)
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // One last connection wakes the accept loop; when it cannot be made, the thread ends with the process.
        let woken = TcpStream::connect_timeout(&self.address, PATIENCE).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            thread.join().ok();
        }
    }
}
