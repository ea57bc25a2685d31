//! The handle of one tunnel: open and accept streams, watch it, close it; the carrier stays hidden.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::carrier::Carrier;
use crate::error::{Close, CloseCode, OpenError, PreambleError, StreamError};
use crate::lifeline::{self, Lifeline, Ways};
use crate::limits;
use crate::quic;
use crate::shard::Shard;
use crate::stream::{OpenStream, Stream};
use crate::tls;
use crate::wire::control::{self, Control, ControlError};
use crate::wire::preamble::{Life, Preamble, StreamId};

/// What carries a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Quic,
    Tls,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quic => "QUIC",
            Self::Tls => "TLS",
        })
    }
}

/// Whether the other side was heard lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Good,
    /// Nothing heard for seconds: open no new streams here while there is another tunnel. Open ones wait, and go on if
    /// the way comes back within [`limits::DEAD_AFTER`].
    Doubtful,
}

/// What the other side said beside the streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It goes away: open no new streams to it; what is open may finish within `deadline`.
    Drain { deadline: Duration, reason: String },
    /// What it offers, or can reach, changed.
    Update { services: Vec<String>, reach: Vec<crate::identity::ServerId> },
}

/// One open tunnel; cheap to clone. Dropping the last clone does not close it: [`Tunnel::close`] does.
#[derive(Clone)]
pub struct Tunnel(Arc<Shared>);

struct Shared {
    id: String,
    home: Shard,
    remote: SocketAddr,
    since: Instant,
    carrier: Carrier,
    streams: Arc<AtomicUsize>,
    control: mpsc::Sender<Control>,
    events: Mutex<Option<mpsc::Receiver<Event>>>,
    closed: CancellationToken,
    close: OnceLock<Close>,
    ping: Mutex<Option<Duration>>,
    way: watch::Sender<Way>,
    /// Streams on this tunnel that outlive it.
    lines: Mutex<HashMap<StreamId, Weak<Lifeline>>>,
}

/// Both directions of a control stream.
pub(crate) struct ControlHalves {
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
}

impl fmt::Debug for ControlHalves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlHalves")
    }
}

/// Who dialled: the dialler pings, the acceptor listens for pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Dialler,
    Acceptor,
}

impl Role {
    /// Whether a silence of this length makes the way doubtful; `pinged` is the age of an unanswered ping.
    fn doubts(self, silent: Duration, pinged: Option<Duration>) -> bool {
        match self {
            Self::Dialler => pinged.is_some_and(|age| age.min(silent) >= limits::PONG_WITHIN),
            Self::Acceptor => silent >= limits::PING_WITHIN,
        }
    }
}

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

/// Figures of one tunnel at one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub transport: Transport,
    /// Smoothed round trip; `None` before the first measurement.
    pub rtt: Option<Duration>,
    /// UDP payload that the path carries, bytes; `None` over TLS.
    pub mtu: Option<u16>,
    pub lost_packets: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub open_streams: usize,
    pub since: Duration,
}

impl Tunnel {
    /// Starts the control task on `home`; the hello is already exchanged.
    pub(crate) fn start(
        id: String,
        role: Role,
        home: Shard,
        remote: SocketAddr,
        carrier: Carrier,
        control: ControlHalves,
    ) -> Self {
        let (control_tx, control_rx) = mpsc::channel(limits::CONTROL_QUEUE);
        let (events_tx, events_rx) = mpsc::channel(limits::CONTROL_QUEUE);
        let tunnel = Self(Arc::new(Shared {
            id,
            home: home.clone(),
            remote,
            since: Instant::now(),
            carrier,
            streams: Arc::default(),
            control: control_tx,
            events: Mutex::new(Some(events_rx)),
            closed: CancellationToken::new(),
            close: OnceLock::new(),
            ping: Mutex::new(None),
            way: watch::Sender::new(Way::Good),
            lines: Mutex::default(),
        }));
        home.spawn(tunnel.clone().run(role, control, control_rx, events_tx));
        tunnel
    }

    pub fn id(&self) -> &str {
        &self.0.id
    }

    pub fn transport(&self) -> Transport {
        match self.0.carrier {
            Carrier::Quic(_) => Transport::Quic,
            Carrier::Tls(_) => Transport::Tls,
        }
    }

    /// The shard that the tunnel lives on.
    pub fn home(&self) -> &Shard {
        &self.0.home
    }

    pub fn remote(&self) -> SocketAddr {
        match &self.0.carrier {
            // QUIC follows a peer whose address changes.
            Carrier::Quic(quic) => quic.remote(),
            Carrier::Tls(_) => self.0.remote,
        }
    }

    /// Whether the other side was heard lately; the receiver also tells of changes.
    pub fn way(&self) -> watch::Receiver<Way> {
        self.0.way.subscribe()
    }

    pub fn is_doubtful(&self) -> bool {
        *self.0.way.borrow() == Way::Doubtful
    }

    /// What the kernel granted for the UDP socket that this side dialled from.
    pub fn udp_buffers(&self) -> Option<quic::BufferSizes> {
        match &self.0.carrier {
            Carrier::Quic(quic) => quic.buffers(),
            Carrier::Tls(_) => None,
        }
    }

    pub fn open_streams(&self) -> usize {
        self.0.streams.load(Ordering::Relaxed)
    }

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

    /// From here on `line` runs over this tunnel.
    pub(crate) fn adopt(&self, line: &Arc<Lifeline>) {
        self.0.lines().insert(line.id(), Arc::downgrade(line));
        // It may have closed meanwhile; then nobody else tells the stream.
        if let Some(close) = self.0.close.get() {
            self.0.end_lines(close);
        }
    }

    /// Takes the receiver of [`Event`]s; there is one.
    pub fn take_events(&self) -> Option<mpsc::Receiver<Event>> {
        self.0.events.lock().expect("no panic while held").take()
    }

    /// Sends a control message; the tunnel is closed if the other side does not read them.
    pub fn send(&self, message: Control) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.0.control.try_send(message) {
            self.close(CloseCode::Silent, "control messages are not read");
        }
    }

    /// Closes the tunnel and resets its streams; the other side learns the code and the reason.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.shut(Close::local(code, reason));
    }

    /// Waits until the tunnel is closed, by either side.
    pub async fn closed(&self) -> Close {
        self.0.closed.cancelled().await;
        self.0.close.get().cloned().unwrap_or_else(|| Close::local(CloseCode::Done, "closed"))
    }

    pub fn is_closed(&self) -> bool {
        self.0.close.get().is_some()
    }

    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            transport: self.transport(),
            rtt: *self.0.ping.lock().expect("no panic while held"),
            mtu: None,
            lost_packets: 0,
            sent_bytes: 0,
            received_bytes: 0,
            open_streams: self.open_streams(),
            since: self.0.since.elapsed(),
        };
        match &self.0.carrier {
            Carrier::Quic(quic) => quic.fill(&mut stats),
            Carrier::Tls(tls) => tls.fill(&mut stats),
        }
        stats
    }

    async fn run(
        self,
        role: Role,
        control: ControlHalves,
        outgoing: mpsc::Receiver<Control>,
        events: mpsc::Sender<Event>,
    ) {
        let shared = &self.0;
        let ControlHalves { reader, mut writer } = control;
        let (heard_tx, heard_rx) = watch::channel(Heard { at: Instant::now(), pong: 0 });
        let end = tokio::select! {
            biased;
            () = shared.closed.cancelled() => None,
            close = shared.lost() => Some(close),
            close = shared.read(reader, events, heard_tx) => Some(close),
            close = shared.write(role, &mut writer, outgoing, heard_rx) => Some(close),
        };
        if let Some(close) = end {
            shared.shut(close);
        }
        shared.say_close(&mut writer).await;
    }
}

/// What the reader tells the writer.
#[derive(Clone, Copy)]
struct Heard {
    at: Instant,
    pong: u64,
}

fn control_lost(error: &ControlError) -> Close {
    let code = match error {
        ControlError::Closed | ControlError::Io(_) | ControlError::Timeout(_) => CloseCode::Lost,
        ControlError::TooLong(_) | ControlError::Flood(_) | ControlError::Malformed(_) => CloseCode::Protocol,
    };
    Close::local(code, error.to_string())
}

impl Shared {
    fn shut(&self, close: Close) {
        if self.close.set(close).is_ok() {
            let close = self.close.get().expect("just set");
            self.end_lines(close);
            self.carrier.close(close);
            self.closed.cancel();
            tracing::debug!(tunnel = %self.id, remote = %self.remote, %close, "tunnel closed");
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<StreamId, Weak<Lifeline>>> {
        self.lines.lock().expect("no panic while held")
    }

    /// Ends the surviving streams too, if the tunnel was meant to end.
    fn end_lines(&self, close: &Close) {
        if close.code.is_survivable() {
            return;
        }
        let lines = std::mem::take(&mut *self.lines());
        for line in lines.into_values().filter_map(|line| line.upgrade()) {
            line.die(StreamError::Lost(close.clone()));
        }
    }

    /// Tells the other side how much of the surviving streams was read here, so that it can forget it.
    fn report(&self) {
        let mut news = Vec::new();
        self.lines().retain(|id, line| {
            let Some(line) = line.upgrade() else { return false };
            news.extend(line.report().map(|offset| (*id, offset)));
            true
        });
        for streams in news.chunks(limits::REPORTS_PER_MESSAGE) {
            // Told again, with a larger figure, by the next report.
            let _dropped = self.control.try_send(Control::Received { streams: streams.to_vec() });
        }
    }

    fn acknowledge(&self, streams: &[(StreamId, u64)]) {
        let lines = self.lines();
        for (id, offset) in streams {
            if let Some(line) = lines.get(id).and_then(Weak::upgrade) {
                line.acknowledged(*offset);
            }
        }
    }

    fn closed_because(&self, close: Close) -> Close {
        self.shut(close);
        self.close.get().cloned().expect("shut sets it")
    }

    /// Waits until the carrier itself is lost.
    async fn lost(&self) -> Close {
        match &self.carrier {
            Carrier::Quic(quic) => quic.lost().await,
            Carrier::Tls(_) => std::future::pending().await,
        }
    }

    /// QUIC's close carries the code and the reason itself.
    async fn say_close(&self, to: &mut (impl AsyncWrite + Unpin)) {
        let Some(close) = self.close.get().filter(|close| !close.remote) else { return };
        if let Carrier::Tls(_) = self.carrier {
            let farewell = Control::Close { code: close.code as u32, reason: close.reason.clone() };
            // Who does not read it any more sees the connection end.
            let _unheard = tokio::time::timeout(limits::FAREWELL, control::write(to, &farewell)).await;
        }
    }

    async fn read(
        &self,
        mut from: Box<dyn AsyncRead + Send + Unpin>,
        events: mpsc::Sender<Event>,
        heard: watch::Sender<Heard>,
    ) -> Close {
        loop {
            let message = match control::read::<Control>(&mut from).await {
                Ok(message) => message,
                Err(error) => return control_lost(&error),
            };
            heard.send_modify(|heard| heard.at = Instant::now());
            let event = match message {
                Control::Received { streams } => {
                    self.acknowledge(&streams);
                    continue;
                }
                Control::Ping { n } => {
                    self.report();
                    // A full queue already holds pongs that the other side does not read.
                    let _dropped = self.control.try_send(Control::Pong { n });
                    continue;
                }
                Control::Pong { n } => {
                    heard.send_modify(|heard| heard.pong = n);
                    continue;
                }
                Control::More { count } => {
                    if let Carrier::Tls(tls) = &self.carrier {
                        tls.more(count);
                    }
                    continue;
                }
                Control::Close { code, reason } => {
                    return Close::remote(CloseCode::from_u64(code.into()), reason);
                }
                Control::Drain { deadline_ms, reason } => {
                    Event::Drain { deadline: Duration::from_millis(deadline_ms), reason }
                }
                Control::Update { services, reach } => Event::Update { services, reach },
            };
            if let Err(mpsc::error::TrySendError::Full(_)) = events.try_send(event) {
                return control_lost(&ControlError::Flood(limits::CONTROL_QUEUE));
            }
        }
    }

    /// Writes what is queued, pings as a dialler, and watches for silence.
    async fn write(
        &self,
        role: Role,
        to: &mut (impl AsyncWrite + Unpin),
        mut outgoing: mpsc::Receiver<Control>,
        mut heard: watch::Receiver<Heard>,
    ) -> Close {
        let mut pinged: Option<(u64, Instant)> = None;
        let mut n = 0;
        loop {
            let wait = self.next_check(role, pinged, heard.borrow().at.elapsed());
            let message = tokio::select! {
                biased;
                message = outgoing.recv() => message.expect("the tunnel holds a sender"),
                Ok(()) = heard.changed() => {
                    self.see(Way::Good);
                    pinged = self.take_pong(pinged, heard.borrow_and_update().pong);
                    continue;
                }
                () = tokio::time::sleep(wait) => {
                    let silent = heard.borrow().at.elapsed();
                    if silent >= limits::DEAD_AFTER {
                        return Close::local(CloseCode::Silent, format!("nothing heard for {silent:.1?}"));
                    }
                    if role.doubts(silent, pinged.map(|(_, sent)| sent.elapsed())) {
                        self.see(Way::Doubtful);
                    }
                    if role == Role::Acceptor || pinged.is_some() {
                        continue;
                    }
                    n += 1;
                    pinged = Some((n, Instant::now()));
                    self.report();
                    Control::Ping { n }
                }
            };
            if let Err(error) = control::write(to, &message).await {
                return control_lost(&error);
            }
        }
    }

    /// The round trip, if `pong` answers the ping under way; returns the ping that is still to be answered.
    fn take_pong(&self, pinged: Option<(u64, Instant)>, pong: u64) -> Option<(u64, Instant)> {
        let (n, sent) = pinged?;
        if n != pong {
            return pinged;
        }
        *self.ping.lock().expect("no panic while held") = Some(sent.elapsed());
        None
    }

    fn see(&self, way: Way) {
        self.way.send_if_modified(|known| {
            let changed = *known != way;
            *known = way;
            changed
        });
    }

    fn next_check(&self, role: Role, pinged: Option<(u64, Instant)>, silent: Duration) -> Duration {
        let second = Duration::from_secs(1);
        match (role, pinged) {
            (Role::Acceptor, _) => limits::PING_WITHIN.saturating_sub(silent).max(second),
            (Role::Dialler, Some(_)) => second,
            (Role::Dialler, None) if self.streams.load(Ordering::Relaxed) > 0 => limits::PING_BUSY,
            (Role::Dialler, None) => limits::PING_IDLE,
        }
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tunnel({} over {} with {})", self.0.id, self.transport(), self.0.remote)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_makes_a_way_doubtful() {
        let s = Duration::from_secs;
        let table = [
            // role, silent, age of the unanswered ping, doubtful
            (Role::Dialler, s(60), None, false),
            (Role::Dialler, s(5), Some(s(1)), false),
            (Role::Dialler, s(1), Some(s(5)), false),
            (Role::Dialler, s(5), Some(s(4)), true),
            (Role::Acceptor, s(6), None, false),
            (Role::Acceptor, s(8), None, true),
        ];
        for (role, silent, pinged, doubtful) in table {
            assert_eq!(role.doubts(silent, pinged), doubtful, "{role:?} {silent:?} {pinged:?}");
        }
    }
}
