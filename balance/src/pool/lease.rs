//! Workers are lent, to one call at a time.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::SemaphorePermit;

use super::Inner;
use super::process::Process;

/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(10);

impl Inner {
    pub(super) async fn lease(&self) -> Result<Lease<'_>, &'static str> {
        let _waits = self.waiting.try_acquire().map_err(|_| "too many wait for one already")?;
        let waited = tokio::time::timeout(PATIENCE, self.free.acquire()).await;
        let permit = waited.map_err(|_| "none was free in time")?.map_err(|_| "they were ended")?;
        let process = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Ok(Lease { pool: self, process, _permit: permit })
    }
}

/// A worker in use. One that is not given back is killed: nobody knows what it is at.
pub(super) struct Lease<'a> {
    pool: &'a Inner,
    process: Option<Process>,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    /// Makes sure that there is one.
    pub(super) fn process(&mut self) -> std::io::Result<()> {
        if self.process.is_none() {
            self.process = Some(Process::start(&self.pool.options)?);
        }
        Ok(())
    }

    pub(super) fn worker(&mut self) -> &mut Process {
        self.process.as_mut().expect("process() was asked before")
    }

    pub(super) fn keep(mut self) {
        let process = self.process.take();
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(process);
    }
}

impl Drop for Lease<'_> {
    /// A call that was given up, or a worker that broke: the next one is started now, and not when it is needed.
    fn drop(&mut self) {
        if self.process.take().is_some() {
            match Process::start(&self.pool.options) {
                Ok(process) => {
                    self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back(process)
                }
                Err(error) => tracing::warn!(%error, "a balancing worker does not start"),
            }
        }
    }
}
