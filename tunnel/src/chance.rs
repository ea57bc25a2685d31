//! Random numbers: the operating system's, or a simulation's that come again with the same seed.
//!
//! Keys do not come from here, but from the TLS provider.

use std::cell::RefCell;

use rand::SeedableRng;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::StdRng;

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// Unpredictable, unless this thread is [`seed`]ed.
pub fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    SEEDED.with_borrow_mut(|seeded| match seeded {
        Some(seeded) => rand::RngExt::random(seeded),
        None => rand::random(),
    })
}

/// While this lives, what this thread draws follows from the seed.
#[derive(Debug)]
pub struct Seeded(());

/// For simulations only: everybody who knows the seed knows all numbers.
pub fn seed(seed: u64) -> Seeded {
    SEEDED.set(Some(StdRng::seed_from_u64(seed)));
    Seeded(())
}

impl Drop for Seeded {
    fn drop(&mut self) {
        SEEDED.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_its_end_is_random_again() {
        let draw = || (0..4).map(|_| random::<u64>()).collect::<Vec<_>>();
        let guard = seed(7);
        let first = draw();
        drop(guard);
        let wild = draw();
        let guard = seed(7);
        assert_eq!(draw(), first);
        drop(guard);
        assert_ne!(wild, first);
        assert_ne!(draw(), wild);
    }
}
