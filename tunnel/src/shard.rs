//! Threads that each run one single-threaded runtime.
//!
//! A tunnel and the streams in it live on one shard, so that a datagram, the stream it belongs to and the socket the
//! bytes go to share a thread: no lock is contended and no wake-up crosses a core. Work scales by the number of
//! shards: a busy node keeps several tunnels, on different ones.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::network::{Kernel, Network};

/// One thread with a runtime; cheap to clone.
#[derive(Clone, Debug)]
pub struct Shard {
    index: usize,
    handle: Handle,
    network: Arc<dyn Network>,
}

impl Shard {
    pub fn index(&self) -> usize {
        self.index
    }

    /// Runs `task` on this shard's thread.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(task)
    }

    /// What its tasks reach others through.
    pub fn network(&self) -> &Arc<dyn Network> {
        &self.network
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// All shards of a process. The threads end when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Shards {
    shards: Arc<[Shard]>,
    next: Arc<AtomicUsize>,
    _stop: Arc<Stop>,
}

#[derive(Debug)]
struct Stop(CancellationToken);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Shards {
    /// As many shards as the machine has cores, at most 8.
    pub fn default_count() -> usize {
        std::thread::available_parallelism().map_or(2, usize::from).min(8)
    }

    /// Starts `count` threads (at least one), named `NAME-shard-0` and so on.
    pub fn start(name: &str, count: usize) -> std::io::Result<Self> {
        keep_large_blocks();
        let stop = CancellationToken::new();
        let shards =
            (0..count.max(1)).map(|index| start_one(name, index, stop.clone())).collect::<Result<_, _>>()?;
        Ok(Self { shards, next: Arc::default(), _stop: Arc::new(Stop(stop)) })
    }

    /// One shard without a thread of its own: its tasks run on the current runtime and see `network`.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn here(network: Arc<dyn Network>) -> Self {
        let shard = Shard { index: 0, handle: Handle::current(), network };
        Self { shards: [shard].into(), next: Arc::default(), _stop: Arc::new(Stop(CancellationToken::new())) }
    }

    pub fn len(&self) -> usize {
        self.shards.len()
    }

    pub fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    /// The shard of this number, counted round.
    pub fn get(&self, index: usize) -> &Shard {
        &self.shards[index % self.shards.len()]
    }

    /// Each shard in turn.
    pub fn next(&self) -> &Shard {
        self.get(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Shard> {
        self.shards.iter()
    }

    /// The shard whose thread runs the caller, if any.
    pub fn current(&self) -> Option<&Shard> {
        let id = Handle::try_current().ok()?.id();
        self.shards.iter().find(|shard| shard.handle.id() == id)
    }
}

/// Largest block that malloc is to take from what it has, rather than from the kernel page by page: four of the slabs
/// that sockets are read into.
const LARGE: usize = 2 * 1024 * 1024;

/// glibc gives every block above a threshold back to the kernel at once, and the next one is made of fresh pages: a tenth
/// of a receiver's time. Freeing one block raises the threshold to its size (mallopt(3), `M_MMAP_THRESHOLD`).
fn keep_large_blocks() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE)));
}

fn start_one(name: &str, index: usize, stop: CancellationToken) -> std::io::Result<Shard> {
    // 31 instead of 61: sockets are polled twice as often between tasks, which shortens the tail under load.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().event_interval(31).build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name(format!("{name}-shard-{index}"))
        .spawn(move || runtime.block_on(stop.cancelled()))?;
    Ok(Shard { index, handle, network: Arc::new(Kernel) })
}
