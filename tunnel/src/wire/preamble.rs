//! The first bytes of every stream.
//!
//! The preamble and the client's first bytes leave in one flight, so opening a stream costs no round trip:
//!
//! ```text
//! preamble  version u8 | length u16 (of what follows)
//!           hops u8 | deadline u32 ms | trace [u8; 16]
//!           life: kind u8 (0 once, 1 surviving, 2 resumed) [+ stream id u64 [+ bytes read u64]]
//!           client: kind u8 (0 none, 4, 6) + address + port u16
//!           destination: length u8 + bytes | service: length u8 + bytes
//! ```

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};

use super::WireError;
use super::address::{put_address, take_address};
use super::life::{Life, put_life, take_life};
use super::name::{put_name, take_name};
use super::trace::TraceId;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::StreamId;
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

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            let _ignored = Preamble::decode(&bytes);
        }
    }
}
