//! The copy of the worker that runs one function, and never returns.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use rustix::fd::OwnedFd;

use super::confine::{self, Filters};
use super::image::Image;
use super::{Channel, console};
use crate::engine::{Returned, Stop};
use crate::wire::{self, Task, Word};

/// Writes its words into `pipe`. Whatever goes wrong ends in the process's end.
pub(super) fn run(image: &mut Image, task: &Task, filters: &Filters, size: u64, pipe: OwnedFd) {
    if confine::narrow(filters, size, Duration::from_millis(task.deadline_ms)).is_err() {
        return;
    }
    let pipe = Rc::new(pipe);
    let words = Rc::clone(&pipe);
    console::listen(Box::new(move |line| tell(&words, &Word::Said(line))));
    // A panic of the interpreter says nothing to anybody here; its place and message are not for users.
    std::panic::set_hook(Box::new(|_| {}));
    let returned = catch_unwind(AssertUnwindSafe(|| image.call(task)))
        .unwrap_or_else(|_| Returned::Stopped(Stop::Broke("the interpreter panicked".to_owned())));
    tell(&pipe, &Word::Done(returned));
}

fn tell(pipe: &OwnedFd, word: &Word) {
    // Without a reader nobody waits for the answer either.
    let _unread = wire::frame(word).and_then(|bytes| Channel(pipe).write_all(&bytes));
}
