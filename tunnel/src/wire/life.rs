//! Whether a stream outlives its tunnel, as its preamble says it.

use bytes::{Buf, BufMut, BytesMut};

use super::WireError;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub u64);

impl StreamId {
    pub fn random() -> Self {
        Self(crate::chance::random())
    }
}

pub(super) fn put_life(out: &mut BytesMut, life: Life) {
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

pub(super) fn take_life(bytes: &mut &[u8]) -> Result<Life, WireError> {
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
