//! What the two ends of a tunnel say to each other beside the streams.
//!
//! Control messages are rare, so they are JSON, each behind a `u32` length; unknown fields are allowed here so that
//! an older side can talk to a newer one. `Hello` and its answer come first; everything else follows in any order.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::identity::{Secret, ServerId};
use crate::wire::{Process, StreamId};

/// A control message never exceeds this; a hello with 1,000 reachable servers has about 40 KiB.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Version of the control messages.
pub const PROTOCOL: u32 = 1;

/// A node introduces itself. Who it is, is proven by the key of the TLS handshake and not by this.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    pub protocol: u32,
    pub server_id: ServerId,
    /// Admits a server id that the gateway has not seen before.
    pub token: Secret,
    pub namespace: String,
    /// Counts the starts of this node; the newest registration of a server wins.
    pub generation: u64,
    /// Version of the node's software.
    pub version: String,
    /// Names in the node's service table.
    pub services: Vec<String>,
    /// Servers on the LAN that this node can hand streams on to.
    pub reach: Vec<ServerId>,
}

/// The gateway's answer to a hello.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase")]
pub enum HelloAnswer {
    Welcome(Welcome),
    #[serde(rename_all = "camelCase")]
    Refused {
        code: RefusalCode,
        reason: String,
    },
}

/// What a node learns when it is let in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// Names this tunnel; data connections of the TLS carrier quote it. 128 random bits, hexadecimal.
    pub tunnel_id: String,
    /// The gateway's name, for status pages.
    pub gateway: String,
    pub version: String,
    /// An older gateway does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

/// Why a gateway does not let a node in. Stable: operators and tests match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    BadToken,
    /// Another key is bound to this server id already.
    KeyMismatch,
    Revoked,
    /// A newer start of the same node is registered.
    StaleGeneration,
    WrongNamespace,
    Protocol,
    Draining,
    Busy,
}

impl RefusalCode {
    /// Whether trying again soon can help without somebody changing something.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Draining | Self::Busy)
    }
}

/// Everything after the hello, in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Control {
    /// Asks for a pong with the same number.
    Ping {
        n: u64,
    },
    Pong {
        n: u64,
    },
    /// The sender goes away: open no new streams to it; what is open may finish until the deadline.
    #[serde(rename_all = "camelCase")]
    Drain {
        deadline_ms: u64,
        reason: String,
    },
    /// The sender has read so many bytes of these surviving streams.
    Received {
        streams: Vec<(StreamId, u64)>,
    },
    /// Gateway to node, TLS carrier: this many more data connections are wanted now.
    More {
        count: u16,
    },
    /// TLS carrier: the tunnel is closed, and why; the last message.
    Close {
        code: u32,
        reason: String,
    },
    /// Node to gateway: services or reachable servers changed, or whether it rests.
    Update {
        services: Vec<String>,
        reach: Vec<ServerId>,
        /// It is taken out of service: new streams that may go to any server go to another one. An older node does not
        /// tell it.
        #[serde(default)]
        resting: bool,
    },
}

/// Why a control message could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("the control stream ended")]
    Closed,
    #[error("a control message of {0} bytes is over the limit of {MAX_MESSAGE}")]
    TooLong(usize),
    #[error("a control message is not understood: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("the control stream broke: {0}")]
    Io(#[from] std::io::Error),
    #[error("more control messages than anybody can use; {0} are waiting")]
    Flood(usize),
    #[error("no control message within {0:?}")]
    Timeout(Duration),
}

/// Writes one message behind its length, in one write.
pub async fn write<M: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    message: &M,
) -> Result<(), ControlError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_MESSAGE {
        return Err(ControlError::TooLong(length));
    }
    frame[..4].copy_from_slice(&u32::try_from(length).expect("checked against MAX_MESSAGE").to_be_bytes());
    to.write_all(&frame).await?;
    to.flush().await?;
    Ok(())
}

/// Reads one message. Not cancel safe: a dropped read loses its place in the stream.
pub async fn read<M: for<'de> Deserialize<'de>>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<M, ControlError> {
    let length = match from.read_u32().await {
        Ok(length) => length as usize,
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(ControlError::Closed),
        Err(error) => return Err(error.into()),
    };
    if length > MAX_MESSAGE {
        return Err(ControlError::TooLong(length));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}
