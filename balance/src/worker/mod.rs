//! The worker: a process that keeps the servers as JavaScript objects, and forks a *runner* for each call.
//!
//! The worker itself never runs a script, so its objects stay as they were made. A runner is a copy of it (the kernel
//! copies a page when it is written to), runs one function, says what it returned, and is killed: what a call did to any
//! object, prototype or global is gone with it, and so is whatever it allocated. That is how a thousand servers are there
//! at once without being made anew for each call ([decision 13](../../docs/decisions)).

mod confine;
mod console;
mod garbage;
mod image;
mod result;
mod runner;
mod servers;
mod supervise;

use std::io;
use std::process::ExitCode;

use image::Image;

use crate::wire::{self, MAX_MESSAGE, Order};

pub use console::{MAX_LINES, MAX_TEXT};

/// For the interpreter: 512 calls deep, and a source 200 brackets deep, need 3 MiB.
const STACK: usize = 64 * 1024 * 1024;

/// What the process that is a worker does. Ends with its standard input.
pub fn run() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("balance worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> io::Result<()> {
    confine::drop_rights()?;
    let size = confine::Size::open()?;
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        confine::end_with_parent()?;
        let image = Image::new().map_err(io::Error::other)?;
        let filters = confine::Filters::make()?;
        filters.apply_to_worker()?;
        serve(image, &filters, &size)
    })?;
    thread.join().map_err(|_| io::Error::other("the interpreter panicked"))?
}

fn serve(mut image: Image, filters: &confine::Filters, size: &confine::Size) -> io::Result<()> {
    // Not Rust's own standard input: its lock and buffer are shared with every copy of the process.
    let (mut orders, mut reports) = (Channel(rustix::stdio::stdin()), Channel(rustix::stdio::stdout()));
    while let Some(order) = wire::read(&mut orders, MAX_MESSAGE)? {
        match order {
            Order::Change(changes) => image.change(changes).map_err(io::Error::other)?,
            Order::Run(task) => {
                let (report, ended) = supervise::run(&mut image, &task, filters, size)?;
                wire::write(&mut reports, &report)?;
                ended.reap();
            }
        }
    }
    Ok(())
}

/// A pipe end, without a buffer.
struct Channel<T>(T);

impl<T: rustix::fd::AsFd> io::Read for Channel<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut *buffer))?)
    }
}

impl<T: rustix::fd::AsFd> io::Write for Channel<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::write(&self.0, buffer))?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
