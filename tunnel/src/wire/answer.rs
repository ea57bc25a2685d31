//! The first bytes that come back on a stream:
//!
//! ```text
//! status u8 | length u8 | reason (UTF-8)
//! ```

use bytes::{BufMut, Bytes, BytesMut};

use super::WireError;
use super::name::put_name;

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
            let _ignored = Answer::decode(&mut BytesMut::from(&bytes[..]));
        }
    }
}
