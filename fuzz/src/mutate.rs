//! Changes that leave a message nearly valid: those that decoders get wrong.

use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use crate::Target;

/// Inputs are cut here: twice what the longest decoder takes.
pub const LONGEST: usize = 128 * 1024;

/// Lengths and counts that stand at an edge of something.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
];

/// Changes `input` in one to eight places; every other time its outer lengths are made true again.
pub fn mutate(target: &Target, seeds: &[Vec<u8>], input: &mut Vec<u8>, rng: &mut StdRng) {
    for _ in 0..1 << rng.random_range(0..4) {
        change(target, seeds, input, rng);
    }
    input.truncate(LONGEST);
    if rng.random() {
        (target.mend)(input);
    }
}

fn change(target: &Target, seeds: &[Vec<u8>], input: &mut Vec<u8>, rng: &mut StdRng) {
    match rng.random_range(0..9) {
        0 => flip(input, rng),
        1 => length_field(input, rng),
        2 => input.truncate(rng.random_range(0..=input.len())),
        3 => drop(input.drain(range(input, rng))),
        4 => repeat(input, rng),
        5 => splice(input, seeds, rng),
        6 if !target.words.is_empty() => {
            let word = target.words[rng.random_range(0..target.words.len())];
            insert(input, word.as_bytes(), rng);
        }
        7 => {
            let mut bytes = vec![0; rng.random_range(1..16)];
            rng.fill_bytes(&mut bytes);
            insert(input, &bytes, rng);
        }
        _ => {
            if !input.is_empty() {
                let at = rng.random_range(0..input.len());
                input[at] = rng.random();
            }
        }
    }
}

fn range(input: &[u8], rng: &mut StdRng) -> std::ops::Range<usize> {
    let start = rng.random_range(0..=input.len());
    start..start + rng.random_range(0..=(input.len() - start).min(64))
}

fn flip(input: &mut [u8], rng: &mut StdRng) {
    if !input.is_empty() {
        let at = rng.random_range(0..input.len());
        input[at] ^= 1 << rng.random_range(0..8);
    }
}

/// Writes an edge, or a number near the length of the input, over one, two, four or eight bytes.
fn length_field(input: &mut [u8], rng: &mut StdRng) {
    let width = 1 << rng.random_range(0..4);
    if input.len() < width {
        return;
    }
    let at = rng.random_range(0..=input.len() - width);
    let number = if rng.random() {
        EDGES[rng.random_range(0..EDGES.len())]
    } else {
        (input.len() as u64).wrapping_add_signed(rng.random_range(-40..=40))
    };
    input[at..at + width].copy_from_slice(&number.to_be_bytes()[8 - width..]);
}

fn insert(input: &mut Vec<u8>, bytes: &[u8], rng: &mut StdRng) {
    let at = rng.random_range(0..=input.len());
    input.splice(at..at, bytes.iter().copied());
}

/// A part of the input, again and again: nesting, and lists without end.
fn repeat(input: &mut Vec<u8>, rng: &mut StdRng) {
    let part = input[range(input, rng)].to_vec();
    let times = 1 << rng.random_range(0..10);
    insert(input, &part.repeat(times), rng);
}

/// The end of another message behind the beginning of this one.
fn splice(input: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut StdRng) {
    let other = &seeds[rng.random_range(0..seeds.len())];
    input.truncate(rng.random_range(0..=input.len()));
    input.extend_from_slice(&other[rng.random_range(0..=other.len())..]);
}
