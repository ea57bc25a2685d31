//! A checked stream that runs while the test does something to the world.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::{Load, Totals, exchange};
use crate::host::Host;

/// A stream that runs beside the test.
#[derive(Debug)]
pub struct Running {
    stop: Arc<AtomicBool>,
    abandon: Arc<Notify>,
    down: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<Totals, String>>>,
}

impl Running {
    /// Connects from `host` and begins; the first bytes are back when this returns.
    pub fn start(host: &Host, to: SocketAddr, load: Load) -> Self {
        let (stop, abandon, down) =
            (Arc::<AtomicBool>::default(), Arc::new(Notify::new()), Arc::<AtomicU64>::default());
        let (stopped, abandoned, count) = (stop.clone(), abandon.clone(), down.clone());
        let thread = host.namespace().spawn(async move {
            let work = async {
                let socket = TcpStream::connect(to).await.map_err(|e| format!("connecting to {to}: {e}"))?;
                exchange(socket, load, &count, || stopped.load(Ordering::Relaxed)).await
            };
            tokio::select! {
                biased;
                () = abandoned.notified() => Err("abandoned".to_owned()),
                result = work => result,
            }
        });
        let mut running = Self { stop, abandon, down, thread: Some(thread) };
        crate::wait_for("the first bytes of a checked stream", Duration::from_secs(30), || {
            if running.is_over() {
                panic!("{:?}", running.outcome())
            }
            if running.down() > 0 { Ok(()) } else { Err("none".to_owned()) }
        });
        running
    }

    /// Bytes that came down and were right, so far.
    pub fn down(&self) -> u64 {
        self.down.load(Ordering::Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until bytes come down again, counted from now; gives how long it took.
    pub fn moves_within(&self, within: Duration) -> Duration {
        let (begin, before) = (Instant::now(), self.down());
        crate::wait::wait_until("bytes on a checked stream", within, || self.down() > before);
        begin.elapsed()
    }

    /// Ends the upload, reads the rest, and gives both counts when every byte was right.
    pub fn finish(mut self) -> Result<Totals, String> {
        self.stop.store(true, Ordering::Relaxed);
        crate::wait::wait_until("a checked stream to end", Duration::from_secs(120), || self.is_over());
        self.outcome()
    }

    /// Waits until it ends by itself.
    pub fn ends(mut self, within: Duration) -> Result<Totals, String> {
        crate::wait::wait_until("a checked stream to end by itself", within, || self.is_over());
        self.outcome()
    }

    fn outcome(&mut self) -> Result<Totals, String> {
        self.thread
            .take()
            .expect("taken once")
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.abandon.notify_one();
        let _its_result_is_not_wanted = self.thread.take().map(JoinHandle::join);
    }
}
