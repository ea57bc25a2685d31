//! A small RFB 3.8 client (RFC 6143): looks at a display once, or gives it another size; and what a viewer sends, read on
//! its way.

mod gate;
mod input;
mod picture;
mod resize;

use std::io;
use std::time::Duration;

use cluster::session::Geometry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub(super) use gate::Gate;
pub(super) use input::Input;

/// For everything that is asked of a display at a time. A large one sends 256 MB, on this machine.
const WITHIN: Duration = Duration::from_secs(20);
/// The name of a display, in bytes; a longer one is none that we started.
const LONGEST_NAME: u32 = 64 * 1024;

/// The screen as a PNG, at most `width` pixels wide.
pub(super) async fn thumbnail(socket: UnixStream, width: u16) -> io::Result<Vec<u8>> {
    in_time(async {
        let screen = Screen::open(socket).await?;
        picture::thumbnail(screen, width.clamp(16, 1024)).await
    })
    .await
}

/// Gives the screen another size; returns when it has it.
pub(super) async fn resize(socket: UnixStream, geometry: Geometry) -> io::Result<()> {
    in_time(async { resize::resize(Screen::open(socket).await?, geometry).await }).await
}

async fn in_time<T>(act: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let done = tokio::time::timeout(WITHIN, act).await;
    done.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it takes too long"))?
}

/// A display that has said how large it is.
struct Screen {
    socket: tokio::io::BufReader<UnixStream>,
    width: u16,
    height: u16,
}

impl Screen {
    /// The handshake, with security type None, beside all others who look.
    async fn open(socket: UnixStream) -> io::Result<Self> {
        let mut socket = tokio::io::BufReader::with_capacity(64 * 1024, socket);
        let mut version = [0; 12];
        socket.read_exact(&mut version).await?;
        if &version[..4] != b"RFB " {
            return Err(odd("it does not speak RFB"));
        }
        socket.write_all(b"RFB 003.008\n").await?;
        let count = socket.read_u8().await?;
        let mut types = vec![0; usize::from(count)];
        socket.read_exact(&mut types).await?;
        if !types.contains(&1) {
            return Err(odd("it wants a password"));
        }
        socket.write_all(&[1]).await?;
        if socket.read_u32().await? != 0 {
            return Err(odd("it lets nobody in"));
        }
        socket.write_all(&[1]).await?;
        let (width, height) = (socket.read_u16().await?, socket.read_u16().await?);
        // Its own pixel format: we ask for another.
        socket.read_exact(&mut [0; 16]).await?;
        let name = socket.read_u32().await?;
        if name > LONGEST_NAME {
            return Err(odd("its name is too long"));
        }
        let mut ignored = vec![0; usize::try_from(name).expect("at most 64 KiB")];
        socket.read_exact(&mut ignored).await?;
        Ok(Self { socket, width, height })
    }

    async fn set_encodings(&mut self, encodings: &[i32]) -> io::Result<()> {
        let count = u8::try_from(encodings.len()).expect("we know a few");
        let mut message = vec![2, 0, 0, count];
        message.extend(encodings.iter().flat_map(|encoding| encoding.to_be_bytes()));
        self.socket.write_all(&message).await
    }

    /// Asks for the upper left part of the screen.
    async fn request(&mut self, incremental: bool, width: u16, height: u16) -> io::Result<()> {
        let mut message = vec![3, u8::from(incremental), 0, 0, 0, 0];
        message.extend(width.to_be_bytes());
        message.extend(height.to_be_bytes());
        self.socket.write_all(&message).await
    }

    /// Reads up to the next update of the picture; returns how many rectangles it has.
    async fn next_update(&mut self) -> io::Result<u16> {
        loop {
            match self.socket.read_u8().await? {
                0 => {
                    self.socket.read_u8().await?;
                    return self.socket.read_u16().await;
                }
                // A bell.
                2 => {}
                // Somebody copied something.
                3 => {
                    self.socket.read_exact(&mut [0; 3]).await?;
                    let length = self.socket.read_i32().await?;
                    self.skip(u64::from(length.unsigned_abs())).await?;
                }
                other => {
                    return Err(odd(&format!("it sends a message of type {other} that nobody asked for")));
                }
            }
        }
    }

    async fn rectangle(&mut self) -> io::Result<Rectangle> {
        let socket = &mut self.socket;
        let (x, y) = (socket.read_u16().await?, socket.read_u16().await?);
        let (width, height) = (socket.read_u16().await?, socket.read_u16().await?);
        Ok(Rectangle { x, y, width, height, encoding: socket.read_i32().await? })
    }

    async fn skip(&mut self, length: u64) -> io::Result<()> {
        let skipped = tokio::io::copy(&mut (&mut self.socket).take(length), &mut tokio::io::sink()).await?;
        if skipped < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Rectangle {
    x: u16,
    y: u16,
    width: u16,
    height: u16,
    encoding: i32,
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
