//! People: each stream of a work is a connection to a gateway, opened again when it is lost.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::tcp::Socket;
use super::watch::Watch;
use super::wire::Wire;
use super::work::{Header, Read, read_pattern, write_pattern};
use crate::outcome::What;
use crate::plan::{Direction, HostId, Kind, Work};

/// Before a person tries again.
const AGAIN: Duration = Duration::from_secs(1);
/// Longer than a stream may wait for another tunnel, and to be noticed: then it must have ended.
const STUCK: Duration = Duration::from_secs(120);

/// One stream of one person.
pub(crate) struct Person {
    pub(crate) wire: Arc<Wire>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) host: HostId,
    pub(crate) name: String,
    /// Number of the work in the plan.
    pub(crate) index: usize,
    pub(crate) work: Work,
    /// The ports that lead to the node, one for each gateway.
    pub(crate) doors: Vec<SocketAddr>,
    /// Since the start of the plan.
    pub(crate) starts: Duration,
    /// When the work ends, since the start of the plan.
    pub(crate) until: Duration,
}

impl Person {
    /// Works until the plan says stop.
    pub(crate) async fn run(self) {
        tokio::time::sleep(self.starts.saturating_sub(self.watch.now())).await;
        let mut tries = 0;
        while self.watch.now() < self.until {
            let began = self.watch.now();
            self.watch.outcome().work[self.index].opened += 1;
            let door = self.doors[tries % self.doors.len()];
            match self.session(door).await {
                Ok(()) => {
                    self.watch.outcome().work[self.index].finished += 1;
                    if self.work.kind != Kind::OpenClose {
                        return;
                    }
                    let pace = Duration::from_secs_f64(1.0 / self.work.per_second());
                    tokio::time::sleep(pace.saturating_sub(self.watch.now() - began)).await;
                }
                Err(error) => {
                    self.watch.outcome().work[self.index].lost += 1;
                    self.watch.event(What::StreamLost, &self.name, format!("{}: {error}", self.work.name));
                    tries += 1;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn session(&self, door: SocketAddr) -> io::Result<()> {
        let mut socket = Socket::connect(&self.wire, self.host, door).await?;
        let header = Header::of(self.index, &self.work);
        socket.write_all(&header.encode()).await?;
        match (self.work.kind, self.work.direction()) {
            (Kind::Keystrokes, _) => self.type_keys(socket, header.size).await,
            (Kind::OpenClose, _) => self.ask(socket, header.size).await,
            (Kind::Idle, _) => self.idle(socket).await,
            (Kind::Bulk, Direction::Down) => self.download(socket, header.size).await,
            (Kind::Bulk, Direction::Up) => self.upload(socket, header.size).await,
        }
    }

    fn left(&self) -> Duration {
        self.until.saturating_sub(self.watch.now())
    }

    /// Reads the transfer; a person who stops early leaves in the middle.
    async fn download(&self, mut socket: Socket, size: u64) -> io::Result<()> {
        let work = u32::try_from(self.index).expect("a plan has few works");
        let reading = read_pattern(&mut socket, |bytes| self.watch.moved(work, bytes));
        match tokio::time::timeout(self.left(), reading).await {
            Err(_) => Ok(()),
            Ok(read) => self.judge(read, size),
        }
    }

    fn judge(&self, read: Read, size: u64) -> io::Result<()> {
        match read {
            Read::Whole(length) if length == size => Ok(()),
            // The gateway turned it away, or the other side was lost before the first byte.
            Read::Whole(0) | Read::Broken(_) => Err(io::ErrorKind::ConnectionReset.into()),
            Read::Whole(length) => self.wrong(&format!("the end after {length} of {size} bytes")),
            Read::Wrong(place) => self.wrong(&format!("down, after {place} bytes")),
        }
    }

    fn wrong(&self, detail: &str) -> io::Result<()> {
        self.watch.violated("bytes arrive once and in order", &format!("{}: {detail}", self.work.name));
        Err(io::ErrorKind::InvalidData.into())
    }

    async fn upload(&self, mut socket: Socket, size: u64) -> io::Result<()> {
        let writing = async {
            write_pattern(&mut socket, size).await?;
            // The node's end says that it has it all.
            match socket.read_u8().await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                Err(error) => Err(error),
                Ok(_) => self.wrong("the node answers an upload"),
            }
        };
        tokio::time::timeout(self.left(), writing).await.unwrap_or(Ok(()))
    }

    async fn ask(&self, mut socket: Socket, size: u64) -> io::Result<()> {
        let asked = Instant::now();
        let mut first = None;
        socket.shutdown().await?;
        let reading = read_pattern(&mut socket, |_| {
            first.get_or_insert_with(|| asked.elapsed());
        });
        let read = tokio::time::timeout(STUCK, reading).await;
        if let Some(first) = first {
            self.watch.outcome().work[self.index].latencies.record(first);
        }
        match read {
            Ok(read) => self.judge(read, size),
            Err(_) => self.stuck(),
        }
    }

    fn stuck(&self) -> io::Result<()> {
        let detail = format!("{}: nothing for {STUCK:?}, and no error", self.work.name);
        self.watch.violated("no stream outlives its tunnel for long", &detail);
        Err(io::ErrorKind::TimedOut.into())
    }

    /// One message at a time on the beat; an answer that is late delays the next.
    async fn type_keys(&self, mut socket: Socket, size: u64) -> io::Result<()> {
        let message = vec![7; usize::try_from(size).expect("a message is small")];
        let mut answer = vec![0; message.len()];
        let mut works = None;
        let mut beat = tokio::time::interval(Duration::from_secs_f64(1.0 / self.work.per_second()));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        while !self.left().is_zero() {
            beat.tick().await;
            let typed = Instant::now();
            socket.write_all(&message).await?;
            match tokio::time::timeout(STUCK, socket.read_exact(&mut answer)).await {
                Err(_) => return self.stuck(),
                Ok(read) => read?,
            };
            if answer != message {
                return self.wrong("another key came back");
            }
            works.get_or_insert_with(|| self.watch.works(self.index));
            let work = u32::try_from(self.index).expect("a plan has few works");
            self.watch.moved(work, size);
            self.watch.outcome().work[self.index].latencies.record(typed.elapsed());
        }
        Ok(())
    }

    async fn idle(&self, mut socket: Socket) -> io::Result<()> {
        let _works = self.watch.works(self.index);
        match tokio::time::timeout(self.left(), socket.read_u8()).await {
            Err(_) => Ok(()),
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) => self.wrong("something came on an idle stream"),
        }
    }
}
