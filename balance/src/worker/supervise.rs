//! Forks a runner, listens to it until it is done or its time is over, and ends it.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

use super::Channel;
use super::confine::{Filters, Size};
use super::image::Image;
use super::runner;
use crate::engine::{Line, Returned, Stop};
use crate::wire::{self, MAX_FROM_RUNNER, Report, Task, Word};

/// A runner that has said what it had to say; it is to be ended and waited for.
#[derive(Debug)]
pub(super) struct Ended(Option<Pid>);

impl Ended {
    pub(super) fn reap(self) {
        if let Some(pid) = self.0 {
            end(pid);
        }
    }
}

/// Kills it, if it still is, and says how it ended.
fn end(pid: Pid) -> Option<WaitStatus> {
    let _gone = kill_process(pid, Signal::KILL);
    let waited = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
    waited.ok().flatten().map(|(_, status)| status)
}

pub(super) fn run(
    image: &mut Image,
    task: &Task,
    filters: &Filters,
    size: &Size,
) -> io::Result<(Report, Ended)> {
    let began = Instant::now();
    let size = size.now()?;
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    let pid = match fork()? {
        None => {
            drop(ours);
            runner::run(image, task, filters, size, theirs);
            leave()
        }
        Some(pid) => pid,
    };
    drop(theirs);
    let mut ears = Ears { pipe: ours, until: began + Duration::from_millis(task.deadline_ms) };
    let (heard, console) = ears.listen();
    let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (returned, ended) = match heard {
        Ok(returned) => (returned, Ended(Some(pid))),
        Err(error) => (Returned::Stopped(why(&error, end(pid), task)), Ended(None)),
    };
    Ok((Report { returned, console, took_us }, ended))
}

/// A runner that did not say what it returned: why.
fn why(error: &io::Error, status: Option<WaitStatus>, task: &Task) -> Stop {
    if error.kind() == ErrorKind::TimedOut {
        return Stop::Deadline(task.deadline_ms);
    }
    match status.and_then(WaitStatus::terminating_signal) {
        // Rust aborts when memory or the stack is used up; nothing else in a runner does.
        Some(libc::SIGABRT | libc::SIGSEGV) => Stop::Memory,
        Some(libc::SIGXCPU) => Stop::Deadline(task.deadline_ms),
        Some(signal) => Stop::Broke(format!("signal {signal}")),
        None => Stop::Broke(error.to_string()),
    }
}

struct Ears {
    pipe: OwnedFd,
    until: Instant,
}

impl Ears {
    /// What it returned, and what it wrote until then.
    fn listen(&mut self) -> (io::Result<Returned>, Vec<Line>) {
        let mut console = Vec::new();
        loop {
            match wire::read(self, MAX_FROM_RUNNER) {
                Ok(Some(Word::Said(line))) if console.len() <= super::MAX_LINES => console.push(line),
                Ok(Some(Word::Said(_))) => {}
                Ok(Some(Word::Done(returned))) => return (Ok(returned), console),
                Ok(None) => return (Err(ErrorKind::UnexpectedEof.into()), console),
                Err(error) => return (Err(error), console),
            }
        }
    }
}

impl Read for Ears {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&left)) {
                Ok(0) => return Err(ErrorKind::TimedOut.into()),
                Ok(_) => return Channel(&self.pipe).read(buffer),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// None in the copy.
fn fork() -> io::Result<Option<Pid>> {
    #[expect(
        unsafe_code,
        reason = "the copy has this thread alone; the other one waits for it in join, and holds no lock"
    )]
    // SAFETY: see the reason; the allocator's locks are taken care of by the C library.
    let forked = unsafe { libc::fork() };
    if forked < 0 { Err(io::Error::last_os_error()) } else { Ok(Pid::from_raw(forked)) }
}

/// Without the destructors and buffers of the process that this is a copy of.
fn leave() -> ! {
    #[expect(unsafe_code, reason = "ends the process, and nothing else")]
    // SAFETY: it has no conditions.
    unsafe {
        libc::_exit(0)
    }
}
