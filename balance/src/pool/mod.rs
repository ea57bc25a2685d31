//! Workers that are ready: an [`Engine`] over processes.

mod breaker;
mod lease;
mod process;
mod table;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use breaker::{Alarm, Breaker};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use process::Process;
use tokio::sync::Semaphore;

use crate::engine::{Call, Engine, Ran, Returned, Stop};
use crate::function::Function;
use crate::offer::Offered;

/// Calls that wait for a worker; more are refused. At 200 starts a second, of three functions each, that is less than a
/// second's.
const MAX_WAITING: usize = 512;

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
    /// Of one function, in milliseconds.
    deadline: AtomicU64,
}

impl Workers {
    /// Starts the processes; those that do not start are tried again when they are needed.
    pub fn start(options: Options) -> Self {
        let count = options.workers.max(1);
        let inner = Inner {
            deadline: AtomicU64::new(milliseconds(options.deadline)),
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

    /// From now on functions have this long.
    pub fn hold_to(&self, deadline: Duration) {
        self.0.deadline.store(milliseconds(deadline), Ordering::Relaxed);
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
        let deadline = Duration::from_millis(self.0.deadline.load(Ordering::Relaxed));
        match lease.worker().run(&call, deadline).await {
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

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Engine for Workers {
    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Ran> {
        self.call(call).boxed()
    }

    fn trusts(&self, function: &Function) -> bool {
        self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner).trusts(function, Instant::now())
    }
}
