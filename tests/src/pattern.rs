//! An endless pseudo-random byte sequence: the same seed gives the same bytes, at memory speed.

/// Gives the bytes of one sequence, in order, in pieces of any length.
#[derive(Clone, Debug)]
pub struct Pattern {
    state: u64,
    word: [u8; 8],
    used: usize,
    /// Bytes given so far.
    pub position: u64,
}

impl Pattern {
    pub fn new(seed: u64) -> Self {
        // xorshift stays at zero when it starts there.
        Self { state: seed | 1 << 63, word: [0; 8], used: 8, position: 0 }
    }

    fn next_word(&mut self) -> [u8; 8] {
        // xorshift64* (Vigna 2016).
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()
    }

    /// Writes the next bytes of the sequence.
    pub fn fill(&mut self, mut out: &mut [u8]) {
        self.position += out.len() as u64;
        while !out.is_empty() {
            if self.used == 8 {
                if out.len() >= 8 {
                    out[..8].copy_from_slice(&self.next_word());
                    out = &mut out[8..];
                    continue;
                }
                self.word = self.next_word();
                self.used = 0;
            }
            out[0] = self.word[self.used];
            self.used += 1;
            out = &mut out[1..];
        }
    }

    /// Compares bytes with the next ones of the sequence; says where the first wrong one is.
    pub fn check(&mut self, bytes: &[u8]) -> Result<(), String> {
        let begin = self.position;
        let mut expected = vec![0; bytes.len()];
        self.fill(&mut expected);
        match bytes.iter().zip(&expected).position(|(is, should)| is != should) {
            None => Ok(()),
            Some(at) => {
                Err(format!("byte {} is {:#04x}, not {:#04x}", begin + at as u64, bytes[at], expected[at]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_make_the_same_sequence() {
        let mut whole = vec![0; 1000];
        Pattern::new(7).fill(&mut whole);
        let mut pieces = Pattern::new(7);
        for piece in whole.chunks(13) {
            pieces.check(piece).expect("the same");
        }
        whole[500] ^= 1;
        assert!(Pattern::new(7).check(&whole).expect_err("one bit differs").starts_with("byte 500 is"));
    }
}
