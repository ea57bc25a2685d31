//! Records of a data connection: what TLS 1.3 puts on the wire, under keys exported from the handshake.
//!
//! rustls makes the handshake; then both sides leave it and seal the records themselves, as a kernel with kTLS would.
//! So a chunk is encrypted from where it lies into the buffer that is written, decrypted in place where it was read,
//! and an idle connection is two keys and a socket. The layout is that of RFC 8446 §5.2; the inner type names our frame:
//!
//! ```text
//! 23 | 3 3 | length u16 | AES-128-GCM( payload, at most 16 KiB | kind u8 ) | tag 16
//! ```
//!
//! The nonce is the IV xor the number of the record (§5.3), the header is authenticated with it.

use aws_lc_rs::aead::Aad;
use bytes::{Buf, BytesMut};

use super::keys::Keys;
pub use super::keys::Secret;

/// What a record says; on the wire its inner type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Dialler, once: it left the handshake too; the connection may be used.
    Ready = 1,
    Data = 2,
    /// The direction ends in order.
    Fin = 3,
    /// The direction ends at once; code u32.
    Reset = 4,
    /// The other direction is not read any more; number of the stream u32, code u32.
    Stop = 5,
    /// The following records of this direction are under the next key.
    Rekey = 6,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Ready, Self::Data, Self::Fin, Self::Reset, Self::Stop, Self::Rekey]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Payload of the largest record (RFC 8446 §5.1).
pub const PAYLOAD_MAX: usize = 16 * 1024;
const HEADER: usize = 5;
const TAG: usize = 16;
/// What a record adds to its payload: header, inner type, tag.
pub const OVERHEAD: usize = HEADER + 1 + TAG;

/// AES-GCM keeps its margin for 2^24.5 full records under one key (RFC 8446 §5.5).
const RECORDS_PER_KEY: u64 = 1 << 23;

/// Why bytes from a peer are no records of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RecordError {
    #[error("a data connection carries something else than records")]
    Header,
    #[error("a record does not decrypt")]
    Forged,
    #[error("a record of an unknown kind")]
    Kind,
    #[error("a record comes out of turn: {0:?}")]
    Turn(Kind),
}

fn header(payload: usize) -> [u8; HEADER] {
    let length = u16::try_from(payload + 1 + TAG).expect("at most 16 KiB and a few bytes");
    let [high, low] = length.to_be_bytes();
    [23, 3, 3, high, low]
}

/// Seals one direction.
pub struct Sealer {
    keys: Keys,
    records_per_key: u64,
}

impl Sealer {
    pub fn new(secret: &Secret) -> Self {
        Self { keys: Keys::from_secret(secret), records_per_key: RECORDS_PER_KEY }
    }

    /// Writes one record to the front of `out`, after a rekeying one when it is time; tells how many bytes. `payload`
    /// has at most [`PAYLOAD_MAX`] bytes and `out` room for them and twice [`OVERHEAD`].
    pub fn seal(&mut self, kind: Kind, payload: &[u8], out: &mut [u8]) -> usize {
        if self.keys.next >= self.records_per_key {
            let rekey = self.seal_one(Kind::Rekey, &[], out);
            self.keys.renew();
            return rekey + self.seal_one(kind, payload, &mut out[rekey..]);
        }
        self.seal_one(kind, payload, out)
    }

    fn seal_one(&mut self, kind: Kind, payload: &[u8], out: &mut [u8]) -> usize {
        let header = header(payload.len());
        let (head, body) = out[..payload.len() + OVERHEAD].split_at_mut(HEADER);
        head.copy_from_slice(&header);
        let (sealed, tail) = body.split_at_mut(payload.len());
        let nonce = self.keys.nonce();
        self.keys
            .key
            .seal_out_of_place_scatter(nonce, Aad::from(header), payload, sealed, &[kind as u8], tail)
            .expect("the lengths fit");
        payload.len() + OVERHEAD
    }
}

/// Opens one direction.
pub struct Opener(Keys);

impl Opener {
    pub fn new(secret: &Secret) -> Self {
        Self(Keys::from_secret(secret))
    }

    /// Takes one whole record off the front of `bytes`, decrypted where it lies; `None` until there is one.
    pub fn open(&mut self, bytes: &mut BytesMut) -> Result<Option<(Kind, BytesMut)>, RecordError> {
        loop {
            let Some((kind, payload)) = self.open_one(bytes)? else { return Ok(None) };
            if kind != Kind::Rekey {
                return Ok(Some((kind, payload)));
            }
            self.0.renew();
        }
    }

    fn open_one(&mut self, bytes: &mut BytesMut) -> Result<Option<(Kind, BytesMut)>, RecordError> {
        let Some(&header) = bytes.first_chunk::<HEADER>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if header[..3] != [23, 3, 3] || !(1 + TAG..=PAYLOAD_MAX + 1 + TAG).contains(&length) {
            return Err(RecordError::Header);
        }
        if bytes.len() < HEADER + length {
            return Ok(None);
        }
        let mut record = bytes.split_to(HEADER + length);
        record.advance(HEADER);
        let nonce = self.0.nonce();
        let plain = self
            .0
            .key
            .open_in_place(nonce, Aad::from(header), &mut record)
            .map_err(|_| RecordError::Forged)?
            .len();
        let kind = Kind::from_byte(record[plain - 1]).ok_or(RecordError::Kind)?;
        record.truncate(plain - 1);
        Ok(Some((kind, record)))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer(record {})", self.keys.next)
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opener(record {})", self.0.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(sealer: &mut Sealer, kind: Kind, payload: &[u8]) -> BytesMut {
        let mut out = vec![0; payload.len() + 2 * OVERHEAD];
        let length = sealer.seal(kind, payload, &mut out);
        BytesMut::from(&out[..length])
    }

    #[test]
    fn records_come_out_as_they_went_in_across_new_keys() {
        let (mut sealer, mut opener) = (Sealer::new(&[7; 32]), Opener::new(&[7; 32]));
        sealer.records_per_key = 3;
        for size in [0, 1, 100, PAYLOAD_MAX, 5, 6, 7, 8] {
            let payload = vec![9; size];
            let mut wire = sealed(&mut sealer, Kind::Data, &payload);
            let (kind, opened) = opener.open(&mut wire).expect("ours").expect("whole");
            assert_eq!((kind, &opened[..], wire.len()), (Kind::Data, &payload[..], 0));
        }
        assert!(sealer.keys.next < 3 && opener.0.next < 3, "the keys changed");
    }

    #[test]
    fn nothing_is_taken_until_a_record_is_whole() {
        let (mut sealer, mut opener) = (Sealer::new(&[7; 32]), Opener::new(&[7; 32]));
        let wire = sealed(&mut sealer, Kind::Fin, b"abc");
        for length in 0..wire.len() {
            let mut part = BytesMut::from(&wire[..length]);
            assert_eq!(opener.open(&mut part), Ok(None));
            assert_eq!(part.len(), length);
        }
        assert!(opener.open(&mut wire.clone()).expect("ours").is_some());
    }

    #[test]
    fn a_changed_bit_anywhere_is_noticed() {
        let wire = sealed(&mut Sealer::new(&[7; 32]), Kind::Data, b"abc");
        for at in 0..wire.len() {
            let mut changed = wire.clone();
            changed[at] ^= 1;
            let opened = Opener::new(&[7; 32]).open(&mut changed);
            assert!(!matches!(opened, Ok(Some(_))), "byte {at}: {opened:?}");
        }
    }

    #[test]
    fn a_record_is_not_taken_twice() {
        let mut opener = Opener::new(&[7; 32]);
        let wire = sealed(&mut Sealer::new(&[7; 32]), Kind::Data, b"abc");
        assert!(opener.open(&mut wire.clone()).is_ok());
        assert_eq!(opener.open(&mut wire.clone()), Err(RecordError::Forged));
    }
}
