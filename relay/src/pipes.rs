//! Kernel pipes for splice(2), kept empty and ready on each shard's thread.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};

/// Asked for each pipe: at 10 Gbit/s and 64 KiB a pipe would be filled and emptied 19,000 times a second.
const SIZE: usize = 256 * 1024;
/// Empty pipes that a thread keeps. A kept one costs 2 descriptors and, empty, no pages.
const KEPT: usize = 64;
/// Pipes of the process at once. Of the 64 MiB that an ordinary user may have in pipes (`pipe-user-pages-soft`),
/// 256 of them take all; the kernel makes later ones smaller, so more are of little use.
const MOST: usize = 512;
/// A pipe this small (two pages, given beyond the user's share) is slower than copying.
const LEAST: usize = 64 * 1024;

static MADE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static KEEP: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// A pipe that is counted.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) read: OwnedFd,
    pub(crate) write: OwnedFd,
    pub(crate) size: usize,
    _counted: Counted,
}

#[derive(Debug)]
struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        MADE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pipe {
    /// An empty pipe; `None` when there are enough of them, or the kernel gives no more.
    pub(crate) fn take() -> Option<Self> {
        KEEP.with_borrow_mut(Vec::pop).or_else(Self::make)
    }

    fn make() -> Option<Self> {
        let counted = MADE.fetch_add(1, Ordering::Relaxed);
        let guard = Counted;
        if counted >= MOST {
            return None;
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // Refused beyond the user's share; the pipe is smaller then.
        let _refused = fcntl_setpipe_size(&write, SIZE).is_err();
        let size = fcntl_getpipe_size(&write).ok().filter(|size| *size >= LEAST)?;
        Some(Self { read, write, size, _counted: guard })
    }

    /// Gives back a pipe that holds nothing; one that does must be dropped instead.
    pub(crate) fn give_back(self) {
        KEEP.with_borrow_mut(|keep| {
            if keep.len() < KEPT {
                keep.push(self);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_is_given_back_is_taken_again() {
        use std::os::fd::AsRawFd;
        let pipe = Pipe::take().expect("a pipe");
        let fd = pipe.read.as_raw_fd();
        assert!(pipe.size >= LEAST);
        pipe.give_back();
        assert_eq!(Pipe::take().expect("the same").read.as_raw_fd(), fd);
    }
}
