//! Workers that are ready: an [`Engine`] over processes.

mod breaker;
mod process;
mod table;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use breaker::{Alarm, Breaker};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use process::Process;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::engine::{Call, Engine, Ran, Returned, Stop};
use crate::function::Function;
use crate::offer::Offered;

/// Calls that wait for a worker; more are refused. At 200 starts a second, of three functions each, that is less than a
/// second's.
const MAX_WAITING: usize = 512;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// How workers are started, and what they are held to.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program, and what makes it a worker.
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Of one function, from the fork to its result.
    pub deadline: Duration,
    /// Processes that are kept ready.
    pub workers: usize,
}

impl Options {
    /// This program, with its verb for it.
    pub fn this_program() -> Self {
        Self {
            program: "/proc/self/exe".into(),
            arguments: vec!["balance-worker".into()],
            deadline: DEADLINE,
            workers: 2,
        }
    }
}

/// Unless an administrator says otherwise.
pub const DEADLINE: Duration = Duration::from_millis(500);

/// Cheap to clone. Dropping the last one ends the processes.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    /// The one that waits longest is first: the last one may still be at clearing away its runner.
    idle: Mutex<VecDeque<Process>>,
    free: Semaphore,
    waiting: Semaphore,
    breaker: Mutex<Breaker>,
}

impl Workers {
    /// Starts the processes; those that do not start are tried again when they are needed.
    pub fn start(options: Options) -> Self {
        let count = options.workers.max(1);
        let inner = Inner {
            options,
            idle: Mutex::default(),
            free: Semaphore::new(count),
            waiting: Semaphore::new(MAX_WAITING),
            breaker: Mutex::default(),
        };
        let started = (0..count).filter_map(|_| match Process::start(&inner.options) {
            Ok(process) => Some(process),
            Err(error) => {
                tracing::warn!(%error, "a balancing worker does not start");
                None
            }
        });
        let started = started.collect();
        *inner.idle.lock().unwrap_or_else(PoisonError::into_inner) = started;
        Self(Arc::new(inner))
    }

    /// Tells idle workers about servers before they are needed; returns when they know.
    pub async fn warm(&self, servers: &Offered) {
        let count = self.0.options.workers.max(1);
        for _ in 0..count {
            let Ok(mut lease) = self.0.lease().await else { return };
            if lease.process().is_ok() && lease.worker().know(servers).await.is_ok() {
                lease.keep();
            }
        }
    }

    /// Functions that may not run at the moment.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner).alarms(Instant::now())
    }

    async fn call(&self, call: Call<'_>) -> Ran {
        let began = Instant::now();
        let ended = |returned| Ran { returned, console: Vec::new(), took: began.elapsed() };
        let failed = |stop| ended(Returned::Stopped(stop));
        if let Some(why) = call.function.unreadable() {
            return ended(Returned::Threw(why));
        }
        let mut lease = match self.0.lease().await {
            Ok(lease) => lease,
            Err(why) => return failed(Stop::NoWorker(why.to_owned())),
        };
        if let Err(error) = lease.process() {
            return failed(Stop::NoWorker(error.to_string()));
        }
        match lease.worker().run(&call, self.0.options.deadline).await {
            Ok(ran) => {
                lease.keep();
                self.judge(call.function, &ran);
                ran
            }
            Err(error) => failed(Stop::NoWorker(error.to_string())),
        }
    }

    fn judge(&self, function: &Function, ran: &Ran) {
        let fault = matches!(&ran.returned, Returned::Stopped(stop) if stop.is_its_fault());
        let mut breaker = self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if breaker.heard(function, fault, Instant::now()) {
            tracing::warn!(
                function = function.name,
                pause = ?breaker::PAUSE,
                "a balancing function was killed again and again: the server with the fewest sessions is chosen meanwhile"
            );
        }
    }
}

impl Engine for Workers {
    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Ran> {
        self.call(call).boxed()
    }

    fn trusts(&self, function: &Function) -> bool {
        self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner).trusts(function, Instant::now())
    }
}

impl Inner {
    async fn lease(&self) -> Result<Lease<'_>, &'static str> {
        let _waits = self.waiting.try_acquire().map_err(|_| "too many wait for one already")?;
        let waited = tokio::time::timeout(PATIENCE, self.free.acquire()).await;
        let permit = waited.map_err(|_| "none was free in time")?.map_err(|_| "they were ended")?;
        let process = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Ok(Lease { pool: self, process, _permit: permit })
    }
}

/// A worker in use. One that is not given back is killed: nobody knows what it is at.
struct Lease<'a> {
    pool: &'a Inner,
    process: Option<Process>,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    /// Makes sure that there is one.
    fn process(&mut self) -> std::io::Result<()> {
        if self.process.is_none() {
            self.process = Some(Process::start(&self.pool.options)?);
        }
        Ok(())
    }

    fn worker(&mut self) -> &mut Process {
        self.process.as_mut().expect("process() was asked before")
    }

    fn keep(mut self) {
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
