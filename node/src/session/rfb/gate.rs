//! What a viewer who may only look sends, let through as far as it asks for pictures. Everything else stays here, whatever the
//! viewer's own program lets people do.

use super::input::{LONGEST_HEAD, Message, read};

/// Version 3.8, no authentication, shared with others. With an older version the messages would begin elsewhere than they are
/// read here.
const GREETING: &[u8; 14] = b"RFB 003.008\n\x01\x01";
/// SetPixelFormat, SetEncodings, FramebufferUpdateRequest, EnableContinuousUpdates, ClientFence.
const LOOKING: [u8; 5] = [0, 2, 3, 150, 248];
/// What a fence may carry, in bytes: no display takes more.
const LONGEST_FENCE: u64 = 9 + 64;

/// Keeps at most [`LONGEST_HEAD`] bytes.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    greeted: usize,
    head: Vec<u8>,
    /// Bytes still to come of what was begun, and whether they go on.
    rest: u64,
    lets: bool,
}

impl Gate {
    /// What of the next bytes goes on to the display; none for ever if they are no message that is known.
    pub(crate) fn pass(&mut self, mut bytes: &[u8]) -> Option<Vec<u8>> {
        let mut through = Vec::with_capacity(bytes.len());
        while let Some(&byte) = bytes.first() {
            if self.rest > 0 {
                let length = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
                let (now, later) = bytes.split_at(length);
                if self.lets {
                    through.extend_from_slice(now);
                }
                self.rest -= length as u64;
                bytes = later;
                continue;
            }
            bytes = &bytes[1..];
            match GREETING.get(self.greeted) {
                Some(&wanted) => through.push(self.greet(byte, wanted)?),
                None => self.begin(byte, &mut through)?,
            }
        }
        Some(through)
    }

    /// The last byte is whether others may stay: they do.
    fn greet(&mut self, byte: u8, wanted: u8) -> Option<u8> {
        self.greeted += 1;
        (byte == wanted || self.greeted == GREETING.len()).then_some(wanted)
    }

    fn begin(&mut self, byte: u8, through: &mut Vec<u8>) -> Option<()> {
        self.head.push(byte);
        match read(&self.head) {
            Message::Whole(length, _) if self.head[0] != 248 || length <= LONGEST_FENCE => {
                self.lets = LOOKING.contains(&self.head[0]);
                if self.lets {
                    through.extend_from_slice(&self.head);
                }
                self.rest = length.saturating_sub(self.head.len() as u64);
                self.head.clear();
                Some(())
            }
            Message::More if self.head.len() < LONGEST_HEAD => Some(()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXELS: &[u8] = &[0; 20];
    const ENCODINGS: &[u8] = &[2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5];
    const UPDATE: &[u8] = &[3, 1, 0, 0, 0, 0, 4, 4, 4, 4];
    const CONTINUOUS: &[u8] = &[150, 1, 0, 0, 0, 0, 4, 4, 4, 4];
    const FENCE: &[u8] = &[248, 0, 0, 0, 0x80, 0, 0, 0, 2, 4, 4];
    /// Key, pointer, paste, extended clipboard, xvp, another size, QEMU's key.
    const DOING: [&[u8]; 7] = [
        &[4, 1, 0, 0, 0, 0, 0, 65],
        &[5, 1, 0, 1, 0, 1],
        &[6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'],
        &[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 0, 0, 0],
        &[250, 0, 1, 2],
        &[251, 0, 4, 0, 4, 0, 1, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4],
        &[255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30],
    ];

    #[test]
    fn only_what_asks_for_pictures_goes_on_however_it_is_cut() {
        let looking = [PIXELS, ENCODINGS, UPDATE, CONTINUOUS, FENCE];
        let mut sent = b"RFB 003.008\n\x01\x00".to_vec();
        let mut wanted = GREETING.to_vec();
        for look in looking {
            for done in DOING {
                sent.extend([look, done].concat());
                wanted.extend(look);
            }
        }
        assert_eq!(Gate::default().pass(&sent).unwrap(), wanted);
        for size in 1..13 {
            let mut gate = Gate::default();
            let through: Vec<u8> = sent.chunks(size).flat_map(|piece| gate.pass(piece).unwrap()).collect();
            assert!(through == wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_not_known_ends_it() {
        for greeting in [b"RFB 003.003\n\x01\x01", b"RFB 003.007\n\x01\x01", b"RFB 003.008\n\x02\x01"] {
            assert_eq!(Gate::default().pass(greeting), None, "{greeting:?}");
        }
        let fence = [248, 0, 0, 0, 0, 0, 0, 0, 65];
        for odd in [&[99][..], &[255, 1], &[253], &fence] {
            assert_eq!(Gate::default().pass(&[GREETING, odd].concat()), None, "{odd:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_let_a_key_through(pieces: Vec<Vec<u8>>) {
            let mut gate = Gate::default();
            let mut through = gate.pass(GREETING).unwrap();
            for piece in pieces {
                let Some(more) = gate.pass(&piece) else { break };
                through.extend(more);
                proptest::prop_assert!(gate.head.len() <= LONGEST_HEAD);
            }
            let mut input = super::super::Input::default();
            proptest::prop_assert!(!input.has_input(&through));
        }
    }
}
