//! Puts the log together: standard error as the levels say, and the ring.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tracing::Metadata;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use super::levels::Levels;
use super::ring::{Line, Ring};
use super::{Inner, Log};

pub(super) type Gate = reload::Handle<Targets, Registry>;
type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Logs from now on, on standard error and into the ring; a journal adds the time when it reads lines.
pub(crate) fn start() -> Log {
    let (levels, complaint) = Levels::started(|name| std::env::var(name).ok());
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(colours);
    let lines = match std::env::var_os("JOURNAL_STREAM") {
        Some(_) => lines.without_time().boxed(),
        None => lines.boxed(),
    };
    let (log, layers) = build(levels, lines);
    tracing_subscriber::registry().with(layers).init();
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
    }
    log
}

/// The log and its two layers: `lines`, and the ring's.
pub(super) fn build(levels: Levels, lines: Boxed) -> (Log, Vec<Boxed>) {
    let ring = Arc::new(Ring::new());
    let (log_filter, log_gate) = reload::Layer::new(levels.effective());
    let (ring_filter, ring_gate) = reload::Layer::new(levels.effective());
    let captured = tracing_subscriber::fmt::layer()
        .with_writer(Capture { ring: Arc::clone(&ring), log: log_gate.clone() })
        .with_ansi(false)
        .without_time()
        .with_level(false)
        .with_target(false);
    let inner = Inner {
        ring,
        log_gate,
        ring_gate,
        state: Mutex::new((levels, Vec::new())),
        changed: tokio::sync::Notify::new(),
    };
    let layers = vec![lines.with_filter(log_filter).boxed(), captured.with_filter(ring_filter).boxed()];
    (Log(Arc::new(inner)), layers)
}

/// Brings lines into the ring.
struct Capture {
    ring: Arc<Ring>,
    log: Gate,
}

/// One line on its way.
struct Entry<'a> {
    ring: &'a Ring,
    line: Option<Line>,
}

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Entry<'a>;

    fn make_writer(&'a self) -> Entry<'a> {
        Entry { ring: &self.ring, line: None }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Entry<'a> {
        let logged = self.log.with_current(|targets| targets.would_enable(meta.target(), meta.level()));
        let line = Line {
            at: Timestamp::now(),
            level: meta.level().to_string(),
            target: meta.target().to_owned(),
            text: String::new(),
            detail: !logged.unwrap_or(true),
        };
        Entry { ring: &self.ring, line: Some(line) }
    }
}

impl Write for Entry<'_> {
    /// The formatter writes a line at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(mut line) = self.line.take() {
            // A terminal would obey control characters.
            let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
            line.text = String::from_utf8_lossy(bytes).trim_end().chars().filter(kept).collect();
            self.ring.push(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
