//! How far a transfer is, on standard error: a line that is written over on a terminal, else one every some seconds.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use cluster::store::Key;

const ON_A_TERMINAL: Duration = Duration::from_millis(100);
const IN_A_LOG: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Bar {
    is_terminal: bool,
    shown: Instant,
    is_dirty: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), shown: Instant::now(), is_dirty: false }
    }

    /// Short work shows nothing.
    pub(super) fn show(&mut self, done: usize, all: usize, key: &Key) {
        let pause = if self.is_terminal { ON_A_TERMINAL } else { IN_A_LOG };
        if self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        let line = format!("{done} of {all}: {key}");
        if self.is_terminal {
            self.is_dirty = true;
            eprint!("\r\u{1b}[K{line}");
            let _nobody_looks = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.is_dirty {
            eprint!("\r\u{1b}[K");
        }
    }
}
