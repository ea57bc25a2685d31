//! Everything that decodes bytes from a peer, tried with bytes that no peer of ours would send.
//!
//! ```text
//! targets     one for each decoder: valid messages, and what must hold for any bytes
//! mutate      changes messages so that they stay nearly valid
//! allocation  how much memory a decoder asked for
//! run         a target under many inputs; what once failed comes first
//! ```
//!
//! `cargo test -p fuzz` takes seconds; `fuzz/guided SECONDS` lets libFuzzer choose the inputs by the code they reach,
//! and `make nightly` calls it. What fails is a file in `found/TARGET/`, and stays there as a test.

pub mod allocation;
pub mod mutate;
pub mod run;
pub mod targets;

/// A decoder, and what must hold for it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    /// Valid inputs, from which others are made.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What stands in such inputs between other things.
    pub words: &'static [&'static str],
    /// Makes outer lengths true again, so that what lies behind them is reached.
    pub mend: fn(&mut [u8]),
    /// Panics if something does not hold.
    pub check: fn(&[u8]),
    /// Bytes that the check may hold at once.
    pub memory: usize,
}

impl Target {
    /// Checks one input, and that the memory it takes is bounded.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn try_input(&self, input: &[u8]) {
        let ((), peak) = allocation::peak(|| (self.check)(input));
        assert!(peak <= self.memory, "{peak} bytes were held for an input of {}", input.len());
    }
}

/// For a target without outer lengths.
pub(crate) fn as_it_is(_: &mut [u8]) {}
