//! The first bytes of a unidirectional stream: `kind u8 | stream u64 | value u64`.

use quinn::{RecvStream, StreamId, VarInt};

use super::LANES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// From this byte of the stream on, send over lanes.
    Ask { stream: StreamId, from: u64 },
    /// What follows is a lane of the stream: 1 to 7.
    Lane { stream: StreamId, index: usize },
    /// There will be no lanes: the stream has ended before.
    None { stream: StreamId },
}

const BYTES: usize = 17;
const ASK: u8 = 1;
const LANE: u8 = 2;
const NONE: u8 = 3;

impl Word {
    pub(super) fn encode(self) -> [u8; BYTES] {
        let (kind, stream, value) = match self {
            Self::Ask { stream, from } => (ASK, stream, from),
            Self::Lane { stream, index } => (LANE, stream, index as u64),
            Self::None { stream } => (NONE, stream, 0),
        };
        let mut bytes = [kind; BYTES];
        bytes[1..9].copy_from_slice(&VarInt::from(stream).into_inner().to_be_bytes());
        bytes[9..].copy_from_slice(&value.to_be_bytes());
        bytes
    }

    /// `None` for what nobody of ours says.
    fn decode(bytes: [u8; BYTES]) -> Option<Self> {
        let number = |from: usize| u64::from_be_bytes(bytes[from..from + 8].try_into().expect("8 bytes"));
        let (stream, value) = (StreamId::from(VarInt::from_u64(number(1)).ok()?), number(9));
        let index = || usize::try_from(value).ok().filter(|index| (1..LANES).contains(index));
        match bytes[0] {
            ASK => Some(Self::Ask { stream, from: value }),
            LANE => Some(Self::Lane { stream, index: index()? }),
            NONE if value == 0 => Some(Self::None { stream }),
            _ => None,
        }
    }

    pub(super) async fn read(stream: &mut RecvStream) -> Option<Self> {
        let mut bytes = [0; BYTES];
        stream.read_exact(&mut bytes).await.ok()?;
        Self::decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_understood_as_they_were_said() {
        let stream = StreamId::from(VarInt::from_u32(12));
        for word in
            [Word::Ask { stream, from: u64::MAX }, Word::Lane { stream, index: 7 }, Word::None { stream }]
        {
            assert_eq!(Word::decode(word.encode()), Some(word));
        }
        let outside = Word::Lane { stream, index: LANES };
        assert_eq!(Word::decode(outside.encode()), None);
    }

    proptest! {
        #[test]
        fn whatever_a_peer_says_is_a_word_or_nothing(bytes: [u8; BYTES]) {
            if let Some(word) = Word::decode(bytes) {
                prop_assert_eq!(word.encode(), bytes);
            }
        }
    }
}
