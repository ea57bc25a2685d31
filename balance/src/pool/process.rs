//! One worker, from outside.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Options;
use super::table::Table;
use crate::engine::{Call, Ran};
use crate::offer::Server;
use crate::wire::{self, MAX_FROM_RUNNER, Order, Report, Task};

/// What a worker may take beyond a function's deadline: it kills the runner, which the kernel may take its time for. Also what
/// it may take for 64 server objects.
const GRACE: Duration = Duration::from_secs(10);
/// Server objects in one message.
const AT_ONCE: usize = 64;

/// Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    _child: Child,
    orders: ChildStdin,
    reports: ChildStdout,
    table: Table,
}

impl Process {
    pub(super) fn start(options: &Options) -> io::Result<Self> {
        let mut child = Command::new(&options.program)
            .args(&options.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let orders = child.stdin.take().ok_or_else(missing)?;
        let reports = child.stdout.take().ok_or_else(missing)?;
        Ok(Self { _child: child, orders, reports, table: Table::default() })
    }

    /// Tells it about servers; returns their places.
    pub(super) async fn know(&mut self, servers: &[Arc<Server>]) -> io::Result<Vec<u32>> {
        let (places, changes) = self.table.learn(servers);
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            let some = changes.by_ref().take(AT_ONCE).collect();
            let bytes = wire::frame(&Order::Change(some))?;
            within(GRACE, self.orders.write_all(&bytes)).await?;
        }
        Ok(places)
    }

    /// Runs a function. After an error it is of no use any more.
    pub(super) async fn run(&mut self, call: &Call<'_>, deadline: Duration) -> io::Result<Ran> {
        let servers = self.know(call.servers).await?;
        let task = Task {
            source: call.function.source.clone(),
            request: call.request.clone(),
            servers,
            moment: call.moment,
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        };
        let Report { returned, console, took_us } =
            within(deadline + GRACE, self.exchange(&Order::Run(task))).await?;
        Ok(Ran { returned, console, took: Duration::from_micros(took_us) })
    }

    async fn exchange(&mut self, order: &impl Serialize) -> io::Result<Report> {
        self.orders.write_all(&wire::frame(order)?).await?;
        let mut head = [0; 4];
        self.reports.read_exact(&mut head).await?;
        let mut body = vec![0; wire::length(head, 2 * MAX_FROM_RUNNER)?];
        self.reports.read_exact(&mut body).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

async fn within<T>(time: Duration, done: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(time, done).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
