//! One connection: a client that sends, a server that reads, both quinn-proto, without sockets or a clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use quinn_proto::{Dir, Event, Side, StreamId};

use super::Maker;
use super::end::{End, pair};

/// A keystroke and its time, 60 times a second.
const KEY_BYTES: usize = 200;
const KEY_EVERY: Duration = Duration::from_micros(16_667);
/// What a bulk stream writes at once.
static CHUNK: [u8; 65_536] = [0; 65_536];

pub(super) struct Flow {
    pub(super) starts: Duration,
    client: End,
    server: End,
    /// Streams that send all they can.
    bulk: usize,
    types: bool,
    /// The first is the typist's.
    streams: Vec<StreamId>,
    next_key: Duration,
    keys_out: BytesMut,
    keys_in: BytesMut,
    /// When each keystroke was typed, and its time to the server.
    ways: BTreeMap<Duration, Duration>,
    pub(super) arrived: u64,
    pub(super) broken: Option<String>,
    timeouts: [Option<Duration>; 2],
}

impl Flow {
    pub(super) fn new(base: Instant, starts: Duration, seed: u8, maker: Maker, window: u32) -> Self {
        let (client, server) = pair(base, seed, maker, window);
        Self {
            starts,
            client,
            server,
            bulk: 1,
            types: false,
            streams: Vec::new(),
            next_key: Duration::ZERO,
            keys_out: BytesMut::new(),
            keys_in: BytesMut::new(),
            ways: BTreeMap::new(),
            arrived: 0,
            broken: None,
            timeouts: [None; 2],
        }
    }

    /// From now on keystrokes, beside so many streams that send all they can.
    pub(super) fn types_and_sends(&mut self, bulk: usize) {
        (self.types, self.bulk) = (true, bulk);
    }

    /// How many keystrokes were typed after `from`, and the 99th percentile of their round-trip times in seconds; the way
    /// back is taken to be empty.
    pub(super) fn round_trips(&self, from: Duration, back: f64) -> (usize, f64) {
        let mut ways: Vec<Duration> = self.ways.range(from..).map(|(_, way)| *way).collect();
        ways.sort_unstable();
        let p99 = ways.get(ways.len() * 99 / 100).copied().unwrap_or(Duration::MAX);
        (ways.len(), p99.as_secs_f64() + back)
    }

    fn write(&mut self, now: Duration) {
        let Some((_, connection)) = &mut self.client.connection else { return };
        if connection.is_handshaking() {
            return;
        }
        while self.streams.len() < 1 + self.bulk {
            let Some(id) = connection.streams().open(Dir::Bi) else { break };
            self.streams.push(id);
        }
        let Some((&typist, bulk)) = self.streams.split_first() else { return };
        for id in bulk.iter().take(self.bulk) {
            // Ends with an error when the stream or the connection takes no more.
            while connection.send_stream(*id).write_chunks(&mut [Bytes::from_static(&CHUNK)]).is_ok() {}
        }
        if !self.types || self.next_key.is_zero() {
            self.next_key = now;
        }
        while self.types && self.next_key <= now {
            let mut key = [0; KEY_BYTES];
            key[..8].copy_from_slice(&(self.next_key.as_nanos() as u64).to_be_bytes());
            self.keys_out.extend_from_slice(&key);
            self.next_key += KEY_EVERY;
        }
        while !self.keys_out.is_empty() {
            let mut stream = connection.send_stream(typist);
            stream.set_priority(1).unwrap();
            let Ok(written) = stream.write(&self.keys_out) else { break };
            self.keys_out.advance(written);
        }
    }

    fn read(&mut self, now: Duration) {
        let Some((_, connection)) = &mut self.server.connection else { return };
        while connection.streams().accept(Dir::Bi).is_some() {}
        for index in 0..self.streams.len() as u64 {
            let mut stream = connection.recv_stream(StreamId::new(Side::Client, Dir::Bi, index));
            let Ok(mut chunks) = stream.read(true) else { continue };
            while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
                self.arrived += chunk.bytes.len() as u64;
                if index == 0 {
                    self.keys_in.extend_from_slice(&chunk.bytes);
                }
            }
            let _transmit = chunks.finalize();
        }
        while self.keys_in.len() >= KEY_BYTES {
            let key = self.keys_in.split_to(KEY_BYTES);
            let typed = Duration::from_nanos(u64::from_be_bytes(key[..8].try_into().unwrap()));
            self.ways.insert(typed, now - typed);
        }
    }

    /// All that can be done at `now`; `send(to_server, datagram)`.
    pub(super) fn drive(&mut self, base: Instant, now: Duration, send: &mut dyn FnMut(bool, Bytes)) {
        self.write(now);
        for end in [&mut self.client, &mut self.server] {
            end.events(|event| {
                if let Event::ConnectionLost { reason } = event {
                    self.broken = Some(reason.to_string());
                }
            });
        }
        self.read(now);
        let ends = [&mut self.client, &mut self.server];
        for ((end, timeout), to_server) in ends.into_iter().zip(&mut self.timeouts).zip([true, false]) {
            end.transmit(base + now, &mut |datagram| send(to_server, datagram));
            *timeout = end.timeout().map(|at| at.saturating_duration_since(base));
        }
    }

    /// When this flow does something without being sent a packet.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        if self.starts > now {
            return Some(self.starts);
        }
        // Nobody types before the handshake is over.
        let key = (self.types && !self.streams.is_empty()).then_some(self.next_key);
        self.timeouts.iter().flatten().copied().chain(key).min()
    }

    pub(super) fn timers(&mut self, base: Instant, now: Duration) {
        for (end, timeout) in [&mut self.client, &mut self.server].into_iter().zip(&self.timeouts) {
            if timeout.is_some_and(|at| at <= now) {
                end.handle_timeout(base + now);
            }
        }
    }

    pub(super) fn deliver(&mut self, base: Instant, now: Duration, to_server: bool, datagram: &Bytes) {
        let end = if to_server { &mut self.server } else { &mut self.client };
        end.receive(base + now, datagram);
    }
}
