//! What a viewer sends, read on its way, to know whether a person is there: requests for pictures come by themselves, keys
//! and clicks do not.

/// Reads the viewer's side of RFB 3.8 without keeping any of it.
#[derive(Debug)]
pub(crate) struct Input {
    /// Bytes still to come of what was begun.
    skip: u64,
    /// The beginning of a message whose length is not known yet; at most [`LONGEST_HEAD`].
    head: Vec<u8>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Version, security type, whether the screen is shared: 14 bytes.
    Greeting,
    Messages,
    /// Something that this does not know was sent: from now on everything counts as input.
    Lost,
}

/// Of the longest, ClientFence.
pub(super) const LONGEST_HEAD: usize = 9;
const GREETING: u64 = 12 + 1 + 1;

impl Default for Input {
    fn default() -> Self {
        Self { skip: GREETING, head: Vec::new(), stage: Stage::Greeting }
    }
}

/// A message, as far as it is here.
pub(super) enum Message {
    /// So many bytes all told, and whether a person did it.
    Whole(u64, bool),
    /// The head needs more bytes.
    More,
    Unknown,
}

impl Input {
    /// Takes the next bytes; says whether there is a key, a click or a paste in them.
    pub(crate) fn has_input(&mut self, mut bytes: &[u8]) -> bool {
        let mut found = false;
        while !bytes.is_empty() {
            if self.stage == Stage::Lost {
                return true;
            }
            if self.skip > 0 {
                let length = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[length..];
                self.skip -= length as u64;
                continue;
            }
            self.stage = Stage::Messages;
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            match read(&self.head) {
                Message::Whole(length, input) => {
                    found |= input;
                    self.skip = length.saturating_sub(self.head.len() as u64);
                    self.head.clear();
                }
                Message::More if self.head.len() < LONGEST_HEAD => {}
                Message::More | Message::Unknown => self.stage = Stage::Lost,
            }
        }
        found || self.stage == Stage::Lost
    }
}

/// RFC 6143 7.5, and the extensions that noVNC and TigerVNC use.
pub(super) fn read(head: &[u8]) -> Message {
    let u16_at = |at: usize| head.get(at..at + 2).map(|two| u64::from(u16::from_be_bytes([two[0], two[1]])));
    let variable =
        |length: Option<u64>, input| length.map_or(Message::More, |length| Message::Whole(length, input));
    match head[0] {
        // SetPixelFormat
        0 => Message::Whole(20, false),
        // SetEncodings
        2 => variable(u16_at(2).map(|count| 4 + 4 * count), false),
        // FramebufferUpdateRequest
        3 => Message::Whole(10, false),
        // KeyEvent
        4 => Message::Whole(8, true),
        // PointerEvent
        5 => Message::Whole(6, true),
        // ClientCutText: a negative length is that of the extended clipboard, which speaks by itself.
        6 => match head.get(4..8) {
            Some(length) => {
                let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
                Message::Whole(8 + u64::from(length.unsigned_abs()), length > 0)
            }
            None => Message::More,
        },
        // EnableContinuousUpdates
        150 => Message::Whole(10, false),
        // ClientFence
        248 => variable(head.get(8).map(|length| 9 + u64::from(*length)), false),
        // xvp: shut down, start anew
        250 => Message::Whole(4, true),
        // SetDesktopSize
        251 => variable(head.get(6).map(|screens| 8 + 16 * u64::from(*screens)), false),
        // QEMU: a key with its scan code
        255 => match head.get(1) {
            None => Message::More,
            Some(0) => Message::Whole(12, true),
            Some(_) => Message::Unknown,
        },
        _ => Message::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted() -> Input {
        let mut input = Input::default();
        assert!(!input.has_input(b"RFB 003.008\n\x01\x01"));
        input
    }

    #[test]
    fn keys_clicks_and_pastes_are_input_and_nothing_else_is() {
        let cases: [(&[u8], bool); 11] = [
            (&[0; 20], false),
            (&[2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5], false),
            (&[3, 1, 0, 0, 0, 0, 4, 4, 4, 4], false),
            (&[4, 1, 0, 0, 0, 0, 0, 65], true),
            (&[5, 0, 0, 1, 0, 1], true),
            (&[6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'], true),
            (&[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 0, 0, 0], false),
            (&[150, 1, 0, 0, 0, 0, 4, 4, 4, 4], false),
            (&[248, 0, 0, 0, 0x80, 0, 0, 0, 2, 4, 4], false),
            (&[251, 0, 4, 0, 4, 0, 1, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4], false),
            (&[255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30], true),
        ];
        for (number, (message, is_input)) in cases.into_iter().enumerate() {
            assert_eq!(greeted().has_input(message), is_input, "case {number}");
            // In single bytes too, and what comes behind it is read from its beginning.
            let mut input = greeted();
            let found = message.iter().filter(|byte| input.has_input(&[**byte])).count();
            assert_eq!(found > 0, is_input, "case {number}");
            assert!(!input.has_input(&[3, 1, 0, 0, 0, 0, 4, 4, 4, 4]), "case {number}");
            assert!(input.has_input(&[4, 1, 0, 0, 0, 0, 0, 65]), "case {number}");
        }
    }

    #[test]
    fn what_is_not_known_counts_as_input_from_then_on() {
        let mut input = greeted();
        assert!(input.has_input(&[99]));
        assert!(input.has_input(&[3]));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_keep_much(pieces: Vec<Vec<u8>>) {
            let mut input = Input::default();
            for piece in pieces {
                input.has_input(&piece);
                proptest::prop_assert!(input.head.len() <= LONGEST_HEAD);
            }
        }
    }
}
