//! A target under many inputs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Target;
use crate::mutate::mutate;

/// How long to go on, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub inputs: u64,
    pub time: Duration,
}

/// Where the inputs that once failed are kept.
pub fn found(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("found").join(target.name)
}

/// Tries the inputs that once failed, then the valid ones, then changed ones; the same `seed` makes the same inputs.
/// Returns how many were tried.
///
/// # Panics
/// If something does not hold; the input is printed, ready to be kept under [`found`].
pub fn run(target: &Target, budget: Budget, seed: u64) -> u64 {
    let until = Instant::now() + budget.time;
    let kept = kept(target);
    let seeds = (target.seeds)();
    let mut tried = 0;
    for input in kept.iter().chain(&seeds) {
        attempt(target, input);
        tried += 1;
    }
    let mut rng = StdRng::seed_from_u64(seed);
    while tried < budget.inputs && Instant::now() < until {
        let mut input = seeds[usize::try_from(tried).unwrap_or(0) % seeds.len()].clone();
        mutate(target, &seeds, &mut input, &mut rng);
        attempt(target, &input);
        tried += 1;
    }
    tried
}

fn kept(target: &Target) -> Vec<Vec<u8>> {
    let Ok(folder) = std::fs::read_dir(found(target)) else { return Vec::new() };
    let files = folder.map(|entry| entry.and_then(|entry| std::fs::read(entry.path())));
    files.collect::<Result<_, _>>().expect("what once failed can be read")
}

fn attempt(target: &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target.try_input(input))) {
        let shown = &input[..input.len().min(2000)];
        eprintln!("{}: an input of {} bytes fails: \"{}\"", target.name, input.len(), shown.escape_ascii());
        resume_unwind(panic);
    }
}
