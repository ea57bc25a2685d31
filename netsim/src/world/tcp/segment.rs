//! What one packet of a connection says.

use bytes::Bytes;

/// Payload of a full segment: it fits every path that QUIC works on.
pub(crate) const MSS: usize = 1148;

/// Sequence numbers count payload bytes from 0; the end of a direction counts as one more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segment {
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    /// Number of the first byte of `data`.
    pub(crate) number: u64,
    pub(crate) data: Bytes,
    /// Everything before this has arrived; `None` in the first segment only.
    pub(crate) ack: Option<u64>,
    /// What has arrived behind it: from, to.
    pub(crate) sacks: Vec<(u64, u64)>,
    /// Bytes that the receiver takes behind `ack`.
    pub(crate) window: u64,
}
