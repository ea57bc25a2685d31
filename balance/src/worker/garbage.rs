//! When garbage is collected: in the worker, between calls; hardly ever in a runner.
//!
//! A collection touches every object, and in a runner the kernel copies each page that is touched: with a thousand servers
//! that alone took 15 ms of a call.

use boa_gc::{Finalize, Gc, Trace, force_collect};

/// What a runner may allocate before its first collection: about this, in bytes of the collector's own count.
const ROOM: usize = 32 << 20;
const PART: usize = 4 << 20;

#[derive(Clone, Copy, Finalize, Trace)]
#[boa_gc(empty_trace)]
struct Part([u8; PART]);

/// Raises the collector's threshold. It cannot be set; but it grows to 10/7 of what is alive, and never shrinks.
pub(super) fn make_room() {
    let parts: Vec<Gc<Part>> = (0..=ROOM / PART).map(|_| Gc::new(Part([0; PART]))).collect();
    // So that they are not optimized away.
    debug_assert!(parts.iter().all(|part| part.0[0] == 0));
    drop(parts);
    force_collect();
}

/// Counts objects that were replaced, and collects them before they are more than those that are in use.
#[derive(Debug, Default)]
pub(super) struct Garbage(usize);

/// Fewer are not worth it.
const FEW: usize = 256;

impl Garbage {
    pub(super) fn made(&mut self, replaced: usize, in_use: usize) {
        self.0 += replaced;
        if self.0 > in_use.max(FEW) {
            force_collect();
            self.0 = 0;
        }
    }
}
