//! How much memory a function held at once, on its thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: isize) {
    // A thread that ends frees memory after its counters are gone.
    let _ended = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ended = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).expect("no layout is larger than isize::MAX")
}

#[expect(
    unsafe_code,
    reason = "an allocator can be counted in no other way; each call goes to the system's as it is"
)]
// SAFETY: every method passes its arguments on to `System` and returns what that returned; the counters are plain cells
// of this thread and allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        // SAFETY: `at` came from `System` with this layout, and the caller keeps `realloc`'s contract.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What `act` returns, and the most bytes it held at once beyond what was held before.
pub fn peak<T>(act: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let done = act();
    (done, usize::try_from(PEAK.get() - before).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_at_once_counts_and_what_was_freed_does_not() {
        let ((), twice) = peak(|| {
            drop(std::hint::black_box(vec![1_u8; 1000]));
            drop(std::hint::black_box(vec![1_u8; 3000]));
        });
        assert!((3000..4000).contains(&twice), "{twice}");
        let (_kept, grown) = peak(|| {
            let mut bytes = std::hint::black_box(vec![1_u8; 1000]);
            bytes.resize(std::hint::black_box(100_000), 2);
            bytes
        });
        assert!(grown >= 100_000, "{grown}");
    }
}
