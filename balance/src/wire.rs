//! What is said between the pool and its workers, and between a worker and its runner: JSON, each message behind its
//! length in 4 bytes, little end first.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{Line, Returned};
use crate::request::{Moment, Request};

/// The longest message: 64 server objects of the longest (256 KiB), and some more.
pub const MAX_MESSAGE: usize = 24 * 1024 * 1024;
/// The longest message of a runner: ids of the largest array that is read.
pub const MAX_FROM_RUNNER: usize = 8 * 1024 * 1024;

/// To a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Puts server objects at places of its table; `None` empties the place. Not answered.
    Change(Vec<(u32, Option<Value>)>),
    /// Answered with one [`Report`].
    Run(Task),
}

/// One call.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    pub source: String,
    pub request: Request,
    /// Places of the servers that are offered, in their order.
    pub servers: Vec<u32>,
    pub moment: Moment,
    pub deadline_ms: u64,
}

/// From a worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub returned: Returned,
    pub console: Vec<Line>,
    pub took_us: u64,
}

/// From a runner; nothing follows `Done`.
#[derive(Debug, Serialize, Deserialize)]
pub enum Word {
    Said(Line),
    Done(Returned),
}

/// A message with its length before it.
pub fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(|_| too_long())?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// The length of the message behind a head, if it may be so long.
pub fn length(head: [u8; 4], most: usize) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(head)).map_err(|_| too_long())?;
    if length > most { Err(too_long()) } else { Ok(length) }
}

pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    to.write_all(&frame(message)?)
}

/// The next message; none at the end of the stream.
pub fn read<T: DeserializeOwned>(from: &mut impl Read, most: usize) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut body = vec![0; length(head, most)?];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_as_they_went_and_long_ones_not_at_all() {
        let mut bytes = Vec::new();
        write(&mut bytes, &Word::Done(Returned::Text("a".into()))).unwrap();
        write(&mut bytes, &Word::Done(Returned::Nothing)).unwrap();
        let from = &mut bytes.as_slice();
        let word = |from: &mut &[u8]| match read::<Word>(from, 64).unwrap() {
            Some(Word::Done(returned)) => Some(returned),
            _ => None,
        };
        assert_eq!(word(from), Some(Returned::Text("a".into())));
        assert_eq!(word(from), Some(Returned::Nothing));
        assert_eq!(word(from), None);
        assert!(read::<Word>(&mut bytes.as_slice(), 8).is_err());
    }
}
