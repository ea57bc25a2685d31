//! Records of a data connection. The input is a script, because random bytes do not decrypt.
//!
//! ```text
//! cut u16 | flip u16 | what, for each record: kind u8, length u16 | the rest stands on the wire as it is
//! ```

use bytes::{Buf, BytesMut};
use tunnel::tls::record::{Kind, OVERHEAD, Opener, PAYLOAD_MAX, Sealer};

use crate::{Target, as_it_is};

pub(super) const TARGET: Target = Target {
    name: "record",
    seeds,
    words: &["\u{17}\u{3}\u{3}"],
    mend: as_it_is,
    check,
    memory: 4 * 1024 * 1024,
};

const KINDS: [Kind; 5] = [Kind::Ready, Kind::Data, Kind::Fin, Kind::Reset, Kind::Stop];
/// Records of one script.
const MOST: usize = 8;

fn seeds() -> Vec<Vec<u8>> {
    let script = |cut: u16, flip: u16, records: &[(u8, u16)], rest: &[u8]| {
        let mut out = [cut.to_be_bytes(), flip.to_be_bytes()].concat();
        for (kind, length) in records {
            out.push(*kind);
            out.extend_from_slice(&length.to_be_bytes());
        }
        out.push(0xff);
        out.extend_from_slice(rest);
        out
    };
    vec![
        script(1, u16::MAX, &[(0, 0), (1, 100), (2, 0), (1, 16384), (3, 4), (4, 8)], &[]),
        script(700, 3, &[(1, 5), (1, 6), (1, 7)], &[]),
        script(
            9,
            u16::MAX,
            &[],
            &[23, 3, 3, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
        ),
        script(9, u16::MAX, &[(1, 3)], &[23, 3, 3, 0x40, 0x11]),
    ]
}

fn check(mut script: &[u8]) {
    let cut = usize::from(script.try_get_u16().unwrap_or(1)).max(1);
    let flip = usize::from(script.try_get_u16().unwrap_or(u16::MAX));
    let mut sealer = Sealer::new(&[7; 32]);
    let (mut wire, mut sent) = (Vec::new(), Vec::new());
    while let Ok(kind) = script.try_get_u8()
        && let Some(kind) = KINDS.get(usize::from(kind))
        && let Ok(length) = script.try_get_u16()
        && sent.len() < MOST
    {
        let payload = vec![length as u8; usize::from(length).min(PAYLOAD_MAX)];
        let start = wire.len();
        wire.resize(start + payload.len() + 2 * OVERHEAD, 0);
        let sealed = sealer.seal(*kind, &payload, &mut wire[start..]);
        wire.truncate(start + sealed);
        sent.push((*kind, payload, wire.len()));
    }
    let sealed = wire.len();
    wire.extend_from_slice(script);
    if let Some(byte) = wire.get_mut(flip) {
        *byte ^= 0x10;
    }
    // Nothing at or behind a changed byte comes out, and nothing that was not sealed.
    let whole = sent.iter().take_while(|(_, _, end)| *end <= flip).count();
    let came = open_in_pieces(&wire, cut);
    assert!(came.len() >= whole && came.len() <= sent.len(), "{} of {} records", came.len(), sent.len());
    assert!(flip >= sealed || came.len() == whole, "a changed record was taken");
    assert!(came.iter().zip(&sent).all(|(came, (kind, payload, _))| *came == (*kind, payload.clone())));
}

/// What an opener makes of `wire` if it comes in pieces of `cut` bytes; it stops at the first error.
fn open_in_pieces(wire: &[u8], cut: usize) -> Vec<(Kind, Vec<u8>)> {
    let mut opener = Opener::new(&[7; 32]);
    let (mut here, mut came) = (BytesMut::new(), Vec::new());
    for piece in wire.chunks(cut) {
        here.extend_from_slice(piece);
        loop {
            match opener.open(&mut here) {
                Ok(Some((kind, payload))) => came.push((kind, payload.to_vec())),
                Ok(None) => break,
                Err(_) => return came,
            }
        }
    }
    came
}
