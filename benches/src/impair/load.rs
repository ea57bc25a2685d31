//! What people do: a bulk stream towards the client, and keystrokes, each answered with as many bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::place::Side;

/// A keystroke, and what it changes on the screen.
const KEY: usize = 200;
const KEYS_PER_SECOND: u32 = 60;
/// The first byte of a connection says what it is for.
const KEYS: u8 = b'k';
const BULK: u8 = b'b';
/// Patience with one read or write: longer than any stall that TCP survives here.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service for both kinds; it takes nobody any more once dropped.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Service {
    pub(super) fn start(side: &Side) -> Result<Self> {
        let listener = side.within(|| TcpListener::bind((side.address, 0)))??;
        listener.set_nonblocking(true)?;
        let service = Self { address: listener.local_addr()?, ended: Arc::default() };
        let ended = Arc::clone(&service.ended);
        thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                match listener.accept() {
                    // A connection that breaks ends its thread, and the client counts what is missing.
                    Ok((socket, _)) => drop(thread::spawn(move || attend(socket).ok())),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn attend(mut socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut kind = [0];
    socket.read_exact(&mut kind)?;
    if kind[0] == BULK {
        let zeros = vec![0; 1 << 16];
        loop {
            socket.write_all(&zeros)?;
        }
    }
    let mut key = [0; KEY];
    loop {
        socket.read_exact(&mut key)?;
        socket.write_all(&key)?;
    }
}

fn connect(side: &Side, to: SocketAddr, kind: u8) -> Result<TcpStream> {
    let mut socket = side.within(|| TcpStream::connect_timeout(&to, Duration::from_secs(5)))??;
    socket.set_nodelay(true)?;
    socket.write_all(&[kind])?;
    Ok(socket)
}

/// One keystroke there and back: proves that the way works.
pub(super) fn probe(side: &Side, to: SocketAddr) -> Result<()> {
    let mut socket = connect(side, to, KEYS)?;
    socket.set_read_timeout(Some(Duration::from_secs(3)))?;
    socket.write_all(&[1; KEY])?;
    Ok(socket.read_exact(&mut [0; KEY])?)
}

/// Types for `length` on a new connection, and returns how long each answer took, counted from when its keystroke was
/// due. An answer that is missing at the end counts as long as it was waited for.
pub(super) fn type_keys(side: &Side, to: SocketAddr, length: Duration) -> Result<Vec<Duration>> {
    let mut reader = connect(side, to, KEYS)?;
    reader.set_read_timeout(Some(PATIENCE))?;
    // Opening the connection through the tunnel is not typing.
    reader.write_all(&[1; KEY])?;
    reader.read_exact(&mut [0; KEY])?;
    reader.set_read_timeout(Some(Duration::from_millis(20)))?;
    let mut writer = reader.try_clone()?;
    let (period, began) = (Duration::from_secs(1) / KEYS_PER_SECOND, Instant::now());
    writer.set_write_timeout(Some(PATIENCE))?;
    let count = u32::try_from(length.as_nanos() / period.as_nanos())?;
    thread::spawn(move || {
        for number in 0..count {
            thread::sleep((began + period * number).saturating_duration_since(Instant::now()));
            if writer.write_all(&[1; KEY]).is_err() {
                // The reader sees why.
                break;
            }
        }
    });
    let (mut took, mut here, mut buffer) = (Vec::new(), 0, [0; 64 * KEY]);
    while began.elapsed() < length {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => here += read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error).context("the keystrokes' connection broke"),
        }
        while took.len() < here / KEY {
            took.push((began + period * u32::try_from(took.len())?).elapsed());
        }
    }
    let end = Instant::now();
    for number in u32::try_from(took.len())?..count {
        took.push(end.saturating_duration_since(began + period * number));
    }
    Ok(took)
}

/// A bulk stream; it ends when dropped.
#[derive(Debug)]
pub(super) struct Bulk {
    socket: TcpStream,
    received: Arc<AtomicU64>,
}

impl Bulk {
    pub(super) fn begin(side: &Side, to: SocketAddr) -> Result<Self> {
        let socket = connect(side, to, BULK)?;
        let (mut reader, received) = (socket.try_clone()?, Arc::new(AtomicU64::new(0)));
        let counter = Arc::clone(&received);
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 18];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                counter.fetch_add(read as u64, Ordering::Relaxed);
            }
        });
        Ok(Self { socket, received })
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        // It may have broken already; either way the reading thread ends.
        self.socket.shutdown(std::net::Shutdown::Both).ok();
    }
}
