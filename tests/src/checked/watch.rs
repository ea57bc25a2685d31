//! A good client that comes again and again while somebody else misbehaves, and notes how long it waited.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Load, transfer_within};
use crate::host::Host;

/// What the good client saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub count: usize,
    pub worst: Duration,
    pub failures: Vec<String>,
}

impl Seen {
    /// Panics unless every transfer was whole, and the slowest was faster than `limit`.
    pub fn is_good(&self, what: &str, limit: Duration) {
        let Self { count, worst, failures } = self;
        println!("{what}: {count} transfers, the slowest {worst:?}");
        assert!(
            *count > 0 && failures.is_empty(),
            "{what}: {} of {count} failed: {:?}",
            failures.len(),
            failures.first()
        );
        assert!(*worst < limit, "{what}: the slowest of {count} transfers took {worst:?}");
    }
}

/// Opens a stream, carries 50 kB both ways, and closes it, twenty times a second.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
}

impl Watch {
    pub fn start(host: &Host, to: SocketAddr) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let thread = host.namespace().spawn(async move {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let result = transfer_within(to, Load::both_ways(50_000), Duration::from_secs(10)).await;
                seen.count += 1;
                seen.worst = seen.worst.max(begin.elapsed());
                seen.failures.extend(result.err());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            seen
        });
        Self { stop, thread: Some(thread) }
    }

    pub fn finish(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("taken once");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _its_findings_are_not_wanted = self.thread.take().map(JoinHandle::join);
    }
}
