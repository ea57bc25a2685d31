//! The first bytes of every stream, and the first bytes of the answer.
//!
//! The preamble and the client's first bytes leave in one flight, so opening a stream costs no round trip:
//!
//! ```text
//! preamble  version u8 | length u16 (of what follows)
//!           hops u8 | deadline u32 ms | trace [u8; 16]
//!           life: kind u8 (0 once, 1 surviving, 2 resumed) [+ stream id u64 [+ bytes read u64]]
//!           client: kind u8 (0 none, 4, 6) + address + port u16
//!           destination: length u8 + bytes | service: length u8 + bytes
//! answer    status u8 | length u8 | reason (UTF-8)
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::identity::ServerId;

/// Version of the preamble that this build writes and reads.
pub const VERSION: u8 = 1;

/// A preamble never exceeds this: 3 header bytes, 21 fixed, 17 of life, 19 for an IPv6 client, two names of 255.
pub const MAX_PREAMBLE: usize = 3 + 21 + 17 + 19 + 2 * 256;

/// How often a stream may be handed on between nodes before it is taken for a loop.
pub const MAX_HOPS: u8 = 4;

/// Names the stream: where it goes, for whom, and for how long the opener waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preamble {
    /// The server that owns the service.
    pub destination: ServerId,
    /// A name in that server's service table, such as `portal` or `ssh`.
    pub service: String,
    /// The client's address as the gateway saw it.
    pub client: Option<SocketAddr>,
    /// How long the opener still waits for the answer; relative, because clocks differ.
    pub deadline: Duration,
    /// Follows the request through every log on its way.
    pub trace: TraceId,
    /// How many nodes have handed the stream on already.
    pub hops: u8,
    /// Whether the stream ends with its tunnel.
    pub life: Life,
}

/// Whether a stream ends with its tunnel; see [`crate::lifeline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It ends with its tunnel.
    Once,
    /// It goes on over another tunnel, under this id.
    Surviving(StreamId),
    /// This is such a stream, coming back; the opener has read so many bytes of it.
    Resumed { id: StreamId, received: u64 },
}

/// Names a surviving stream; random, so that nobody guesses another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub u64);

impl StreamId {
    pub fn random() -> Self {
        Self(rand::random())
    }
}

/// 128 random bits that name one request in every log it touches.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub [u8; 16]);

impl TraceId {
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// Why bytes from a peer are not a preamble or an answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WireError {
    #[error("version {0} is not spoken here (this build speaks {VERSION}); upgrade the older side")]
    Version(u8),
    #[error("length {0} is over the limit of {MAX_PREAMBLE} bytes")]
    TooLong(usize),
    #[error("the message ends before its {0}")]
    Truncated(&'static str),
    #[error("the {0} is not valid")]
    Malformed(&'static str),
}

impl Preamble {
    pub fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u8(VERSION);
        out.put_u16(0);
        out.put_u8(self.hops);
        out.put_u32(u32::try_from(self.deadline.as_millis()).unwrap_or(u32::MAX));
        out.put_slice(&self.trace.0);
        put_life(out, self.life);
        put_address(out, self.client);
        put_name(out, self.destination.as_str());
        put_name(out, &self.service);
        let length = u16::try_from(out.len() - start - 3).expect("bounded by MAX_PREAMBLE");
        out[start + 1..start + 3].copy_from_slice(&length.to_be_bytes());
    }

    /// How many bytes the whole preamble has, once its first three are here.
    pub fn expected_len(head: &[u8]) -> Result<Option<usize>, WireError> {
        let [version, hi, lo, ..] = *head else { return Ok(None) };
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        let total = 3 + usize::from(u16::from_be_bytes([hi, lo]));
        if total > MAX_PREAMBLE {
            return Err(WireError::TooLong(total));
        }
        Ok(Some(total))
    }

    /// Decodes one whole preamble, as long as [`Self::expected_len`] says.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, WireError> {
        let expected = Self::expected_len(bytes)?.ok_or(WireError::Truncated("header"))?;
        if bytes.len() != expected {
            return Err(WireError::Truncated("end"));
        }
        bytes.advance(3);
        let fixed = 1 + 4 + 16;
        if bytes.len() < fixed {
            return Err(WireError::Truncated("fixed part"));
        }
        let hops = bytes.get_u8();
        let deadline = Duration::from_millis(u64::from(bytes.get_u32()));
        let mut trace = [0; 16];
        bytes.copy_to_slice(&mut trace);
        let life = take_life(&mut bytes)?;
        let client = take_address(&mut bytes)?;
        let destination = take_name(&mut bytes, "destination")?;
        let service = take_name(&mut bytes, "service")?.to_owned();
        if !bytes.is_empty() {
            return Err(WireError::Malformed("end of the preamble"));
        }
        let destination = ServerId::new(destination).map_err(|_| WireError::Malformed("destination"))?;
        Ok(Self { destination, service, client, deadline, trace: TraceId(trace), hops, life })
    }
}

fn put_life(out: &mut BytesMut, life: Life) {
    match life {
        Life::Once => out.put_u8(0),
        Life::Surviving(id) => {
            out.put_u8(1);
            out.put_u64(id.0);
        }
        Life::Resumed { id, received } => {
            out.put_u8(2);
            out.put_u64(id.0);
            out.put_u64(received);
        }
    }
}

fn take_life(bytes: &mut &[u8]) -> Result<Life, WireError> {
    let short = |_| WireError::Truncated("life");
    match bytes.try_get_u8().map_err(short)? {
        0 => Ok(Life::Once),
        1 => Ok(Life::Surviving(StreamId(bytes.try_get_u64().map_err(short)?))),
        2 => {
            let id = StreamId(bytes.try_get_u64().map_err(short)?);
            Ok(Life::Resumed { id, received: bytes.try_get_u64().map_err(short)? })
        }
        _ => Err(WireError::Malformed("life")),
    }
}

fn put_address(out: &mut BytesMut, address: Option<SocketAddr>) {
    match address {
        None => return out.put_u8(0),
        Some(SocketAddr::V4(v4)) => {
            out.put_u8(4);
            out.put_slice(&v4.ip().octets());
        }
        Some(SocketAddr::V6(v6)) => {
            out.put_u8(6);
            out.put_slice(&v6.ip().octets());
        }
    }
    out.put_u16(address.map_or(0, |address| address.port()));
}

fn take_address(bytes: &mut &[u8]) -> Result<Option<SocketAddr>, WireError> {
    let short = WireError::Truncated("client address");
    let kind = bytes.try_get_u8().map_err(|_| short)?;
    let ip: IpAddr = match kind {
        0 => return Ok(None),
        4 => Ipv4Addr::from(bytes.try_get_u32().map_err(|_| WireError::Truncated("client address"))?).into(),
        6 => Ipv6Addr::from(bytes.try_get_u128().map_err(|_| WireError::Truncated("client address"))?).into(),
        _ => return Err(WireError::Malformed("client address")),
    };
    let port = bytes.try_get_u16().map_err(|_| WireError::Truncated("client port"))?;
    Ok(Some(SocketAddr::new(ip, port)))
}

fn put_name(out: &mut BytesMut, name: &str) {
    let bytes = &name.as_bytes()[..name.len().min(255)];
    out.put_u8(u8::try_from(bytes.len()).expect("cut to 255"));
    out.put_slice(bytes);
}

fn take_name<'a>(bytes: &mut &'a [u8], what: &'static str) -> Result<&'a str, WireError> {
    let length = usize::from(bytes.try_get_u8().map_err(|_| WireError::Truncated(what))?);
    let (name, rest) = bytes.split_at_checked(length).ok_or(WireError::Truncated(what))?;
    *bytes = rest;
    std::str::from_utf8(name).map_err(|_| WireError::Malformed(what))
}

/// The acceptor's word on a stream, sent before any payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// For people; at most 255 bytes of UTF-8.
    pub reason: String,
}

/// What became of an opened stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Ok = 0,
    /// The preamble was not understood.
    BadRequest = 1,
    /// This server has no service of that name.
    NoSuchService = 2,
    /// Not this server, and no way from here to the one named.
    NoSuchServer = 3,
    /// The service exists but did not accept the connection.
    Unreachable = 4,
    /// The service did not accept the connection before the deadline.
    Deadline = 5,
    /// No new streams here: the node is going away.
    Draining = 6,
    /// A limit of the node is reached.
    Busy = 7,
    /// Handed on too often between nodes.
    Loop = 8,
    /// The stream to go on with has ended here.
    NoSuchStream = 9,
}

impl Status {
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::BadRequest,
        Self::NoSuchService,
        Self::NoSuchServer,
        Self::Unreachable,
        Self::Deadline,
        Self::Draining,
        Self::Busy,
        Self::Loop,
        Self::NoSuchStream,
    ];

    fn from_u8(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

impl Answer {
    pub fn ok() -> Self {
        Self { status: Status::Ok, reason: String::new() }
    }

    pub fn refused(status: Status, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    pub fn encode(&self) -> Bytes {
        let mut end = self.reason.len().min(255);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        let mut out = BytesMut::with_capacity(2 + end);
        out.put_u8(self.status as u8);
        put_name(&mut out, &self.reason[..end]);
        out.freeze()
    }

    /// Takes an answer off the front of `bytes`; `None` while it is incomplete.
    pub fn decode(bytes: &mut BytesMut) -> Result<Option<Self>, WireError> {
        let [status, length, ..] = bytes[..] else { return Ok(None) };
        let total = 2 + usize::from(length);
        if bytes.len() < total {
            return Ok(None);
        }
        let status = Status::from_u8(status).ok_or(WireError::Malformed("status"))?;
        let frame = bytes.split_to(total);
        let reason = std::str::from_utf8(&frame[2..]).map_err(|_| WireError::Malformed("reason"))?.to_owned();
        Ok(Some(Self { status, reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(client: Option<SocketAddr>, life: Life) -> Preamble {
        Preamble {
            destination: ServerId::new("node-a").expect("valid"),
            service: "ssh".into(),
            client,
            deadline: Duration::from_millis(4711),
            trace: TraceId([7; 16]),
            hops: 1,
            life,
        }
    }

    #[test]
    fn a_preamble_survives_the_wire() {
        let lives =
            [Life::Once, Life::Surviving(StreamId(9)), Life::Resumed { id: StreamId(9), received: 1 << 40 }];
        let clients = [None, "192.0.2.1:80".parse().ok(), "[2001:db8::1]:65535".parse().ok()];
        for (client, life) in clients.into_iter().zip(lives) {
            let mut wire = BytesMut::new();
            sample(client, life).encode(&mut wire);
            assert_eq!(Preamble::expected_len(&wire), Ok(Some(wire.len())));
            assert_eq!(Preamble::decode(&wire), Ok(sample(client, life)));
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let mut wire = BytesMut::new();
        sample("192.0.2.1:80".parse().ok(), Life::Surviving(StreamId(1))).encode(&mut wire);
        for end in 0..wire.len() {
            assert!(Preamble::decode(&wire[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn an_answer_waits_for_its_last_byte() {
        let answer = Answer::refused(Status::Unreachable, "connection refused — is sshd running?");
        let wire = answer.encode();
        for end in 0..wire.len() {
            assert_eq!(Answer::decode(&mut BytesMut::from(&wire[..end])), Ok(None));
        }
        let mut all = BytesMut::from(&wire[..]);
        all.extend_from_slice(b"payload");
        assert_eq!(Answer::decode(&mut all), Ok(Some(answer)));
        assert_eq!(&all[..], b"payload");
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let answer = Answer::refused(Status::Busy, "ü".repeat(200));
        let decoded =
            Answer::decode(&mut BytesMut::from(&answer.encode()[..])).expect("valid").expect("whole");
        assert_eq!(decoded.reason, "ü".repeat(127));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            let _ignored = Preamble::decode(&bytes);
            let _ignored = Answer::decode(&mut BytesMut::from(&bytes[..]));
        }
    }
}
