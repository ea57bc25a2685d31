//! Opening a stream, and taking one that the other side opened.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Tunnel;
use crate::carrier::Carrier;
use crate::error::{Close, OpenError, PreambleError};
use crate::lifeline::{self, Lifeline, Ways};
use crate::quic;
use crate::shard::Shard;
use crate::stream::{OpenStream, Stream};
use crate::tls;
use crate::wire::{Life, Preamble, StreamId};

/// A place for one stream, taken on a tunnel; open it on its home shard.
#[derive(Debug)]
pub struct Slot {
    tunnel: Tunnel,
    place: Place,
    home: Shard,
    open: OpenStream,
}

#[derive(Debug)]
enum Place {
    Quic(quic::Carrier),
    Tls(tls::Data),
}

impl Tunnel {
    /// Takes a place for a stream. Over QUIC there always is one; over TLS it is an idle data connection, and the node
    /// is asked for more while there is none, for at most `wait`.
    pub async fn reserve(&self, wait: Duration) -> Result<Slot, OpenError> {
        if let Some(close) = self.0.close.get() {
            return Err(OpenError::Closed(close.clone()));
        }
        let open = OpenStream::count(&self.0.streams);
        let (place, home) = match &self.0.carrier {
            Carrier::Quic(quic) => (Place::Quic(quic.clone()), self.0.home.clone()),
            Carrier::Tls(tls) => {
                let data = tokio::select! {
                    biased;
                    data = tls.take(wait, &self.0.control) => data?,
                    close = self.closed() => return Err(OpenError::Closed(close)),
                };
                let home = data.home().clone();
                (Place::Tls(data), home)
            }
        };
        Ok(Slot { tunnel: self.clone(), place, home, open })
    }

    /// Opens a stream: the preamble and `first` leave in one flight.
    pub async fn open(&self, preamble: &Preamble, first: Bytes) -> Result<Stream, OpenError> {
        self.reserve(preamble.deadline).await?.open(preamble, first).await
    }

    /// The next stream that the other side opens.
    pub async fn accept(&self) -> Result<Incoming, Close> {
        let accepted = match &self.0.carrier {
            Carrier::Quic(quic) => quic.accept(self.open_streams()).await,
            Carrier::Tls(tls) => tokio::select! {
                biased;
                halves = tls.accept() => Ok(halves),
                close = self.closed() => Err(close),
            },
        };
        match accepted {
            Ok((send, recv)) => {
                let stream = Stream::new(send, recv, OpenStream::count(&self.0.streams));
                Ok(Incoming { stream, tunnel: Some(self.clone()) })
            }
            Err(close) => Err(self.0.closed_because(close)),
        }
    }
}

impl Slot {
    /// The shard on which to open and use the stream.
    pub fn home(&self) -> &Shard {
        &self.home
    }

    /// Opens the stream: the preamble and `first` leave in one flight.
    pub async fn open(self, preamble: &Preamble, first: Bytes) -> Result<Stream, OpenError> {
        let (send, recv) = match self.place {
            Place::Quic(quic) => quic.open(preamble.deadline).await?,
            Place::Tls(data) => data.open(),
        };
        begin(Stream::new(send, recv, self.open), preamble, first).await
    }

    /// Opens a stream that goes on over another tunnel, found by `ways`, when this one is lost.
    pub async fn open_surviving(
        self,
        preamble: &Preamble,
        first: Bytes,
        ways: Ways,
    ) -> Result<Stream, OpenError> {
        let id = StreamId::random();
        let preamble = Preamble { life: Life::Surviving(id), ..preamble.clone() };
        let tunnel = self.tunnel.clone();
        let mut stream = self.open(&preamble, first.clone()).await?;
        let line = Lifeline::opener(id, preamble, ways, first);
        tunnel.adopt(&line);
        stream.survive(&line);
        Ok(stream)
    }
}

/// Sends the preamble and `first`, in one write if `first` is small.
pub(crate) async fn begin(
    mut stream: Stream,
    preamble: &Preamble,
    first: Bytes,
) -> Result<Stream, OpenError> {
    let mut head = BytesMut::with_capacity(128 + first.len().min(1024));
    preamble.encode(&mut head);
    let rest = if first.len() <= 1024 {
        head.extend_from_slice(&first);
        Bytes::new()
    } else {
        first
    };
    stream.send.write(head.freeze()).await?;
    if !rest.is_empty() {
        stream.send.write(rest).await?;
    }
    Ok(stream)
}

/// A stream that the other side opened; its preamble is still to be read.
#[derive(Debug)]
pub struct Incoming {
    stream: Stream,
    /// `None` on the LAN, where streams end with their connection.
    tunnel: Option<Tunnel>,
}

impl Incoming {
    /// A stream of a connection on the LAN.
    pub(crate) fn on_lan(stream: Stream) -> Self {
        Self { stream, tunnel: None }
    }

    /// Reads the preamble, within [`limits::PREAMBLE`]; call it off the accept loop. `None` if this is no new stream but
    /// an older one that comes back over this tunnel: it goes on where it was.
    pub async fn preamble(mut self) -> Result<Option<(Preamble, Stream)>, PreambleError> {
        let mut preamble = self.stream.take_preamble().await?;
        match (preamble.life, &self.tunnel) {
            (Life::Resumed { id, received }, Some(tunnel)) => {
                lifeline::accept_resumed(id, received, self.stream, tunnel).await;
                return Ok(None);
            }
            (Life::Surviving(id), Some(tunnel)) => {
                let unread = self.stream.unread() as u64;
                let line = Lifeline::acceptor(id, unread).ok_or(PreambleError::Repeated)?;
                tunnel.adopt(&line);
                self.stream.survive(&line);
            }
            _ => {}
        }
        // Whoever hands the stream on makes a life of its own.
        preamble.life = Life::Once;
        Ok(Some((preamble, self.stream)))
    }
}
