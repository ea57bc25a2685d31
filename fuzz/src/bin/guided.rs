//! libFuzzer on one target, which `FUZZ_TARGET` names; `fuzz/guided` builds and calls this for each.
#![no_main]

use std::sync::LazyLock;

use fuzz::mutate::mutate;
use fuzz::{Target, targets};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

static TARGET: LazyLock<(Target, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let target = targets::named(&name).expect("there is a target of that name");
    let seeds = (target.seeds)();
    (target, seeds)
});

fuzz_target!(|input: &[u8]| TARGET.0.try_input(input));

// Half of the changes are libFuzzer's, which know what comparisons failed; half are ours, which know the messages.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut rng = StdRng::seed_from_u64(seed.into());
    if rng.random() {
        return fuzzer_mutate(data, size, max_size);
    }
    let (target, seeds) = &*TARGET;
    let mut input =
        if size < 4 { seeds[rng.random_range(0..seeds.len())].clone() } else { data[..size].to_vec() };
    mutate(target, seeds, &mut input, &mut rng);
    input.truncate(max_size);
    data[..input.len()].copy_from_slice(&input);
    input.len()
});
