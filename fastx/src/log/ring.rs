//! The last lines of the log, in memory, for who looks while the process runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::level_filters::LevelFilter;

/// An hour of a busy node at `info`.
const MOST_LINES: usize = 4096;
/// With room for the frames around lines less than 2 MiB.
const MOST_BYTES: usize = 1024 * 1024;
/// A longer line is cut.
const LONGEST: usize = 16 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    /// `ERROR` … `TRACE`.
    pub(crate) level: String,
    /// Which part of the program says it.
    pub(crate) target: String,
    pub(crate) text: String,
    /// Below what is logged: told only because somebody follows in more detail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) detail: bool,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Read {
    Line(Line),
    /// So many lines were gone before this reader came to them.
    Missed {
        missed: u64,
    },
}

/// Takes lines without waiting for anybody: who reads too slowly loses the oldest.
#[derive(Debug)]
pub(super) struct Ring {
    kept: Mutex<Kept>,
    /// How many lines ever came.
    came: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
    came: u64,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self { kept: Mutex::default(), came: watch::Sender::new(0) }
    }

    pub(super) fn push(&self, mut line: Line) {
        if line.text.len() > LONGEST {
            line.text.truncate(line.text.floor_char_boundary(LONGEST));
            line.text.push('…');
        }
        let mut kept = self.kept();
        kept.bytes += line.text.len();
        kept.lines.push_back(line);
        while kept.lines.len() > MOST_LINES || kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= oldest.text.len();
        }
        kept.came += 1;
        let came = kept.came;
        drop(kept);
        self.came.send_replace(came);
    }

    /// Reads from `last` lines ago, those that `level` lets through; without a level, what the log has.
    pub(super) fn reader(self: &Arc<Self>, last: usize, level: Option<LevelFilter>) -> Reader {
        let kept = self.kept();
        let shown = kept.lines.iter().enumerate().rev().filter(|(_, line)| shows(level, line));
        let first = match last {
            0 => kept.lines.len(),
            last => shown.take(last).last().map_or(kept.lines.len(), |(index, _)| index),
        };
        let next = kept.came - (kept.lines.len() - first) as u64;
        Reader { came: self.came.subscribe(), ring: Arc::clone(self), next, level }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shows(level: Option<LevelFilter>, line: &Line) -> bool {
    match level {
        None => !line.detail,
        Some(level) => line.level.parse::<LevelFilter>().is_ok_and(|of_line| of_line <= level),
    }
}

/// One who reads.
#[derive(Debug)]
pub(super) struct Reader {
    ring: Arc<Ring>,
    came: watch::Receiver<u64>,
    /// The number of the line to read next.
    next: u64,
    level: Option<LevelFilter>,
}

impl Reader {
    /// What there is now; `None` at the end.
    pub(super) fn read(&mut self) -> Option<Read> {
        let kept = self.ring.kept();
        let oldest = kept.came - kept.lines.len() as u64;
        if self.next < oldest {
            let missed = oldest - self.next;
            self.next = oldest;
            return Some(Read::Missed { missed });
        }
        while let Some(line) = kept.lines.get(usize::try_from(self.next - oldest).ok()?) {
            self.next += 1;
            if shows(self.level, line) {
                return Some(Read::Line(line.clone()));
            }
        }
        None
    }

    /// Waits for more than was read. Cancel-safe.
    pub(super) async fn more(&mut self) {
        let next = self.next;
        // The ring is held by this reader, so its sender lives.
        let _alive = self.came.wait_for(|came| *came > next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: &str, text: &str) -> Line {
        let (level, target) = (level.to_owned(), "node".to_owned());
        Line { at: Timestamp::UNIX_EPOCH, level, target, text: text.to_owned(), detail: false }
    }

    fn texts(reader: &mut Reader) -> Vec<String> {
        let read = |_| match reader.read()? {
            Read::Line(line) => Some(line.text.clone()),
            Read::Missed { missed } => Some(format!("-{missed}")),
        };
        (0..).map_while(read).collect()
    }

    #[tokio::test]
    async fn a_reader_gets_the_last_lines_and_then_each_new_one() {
        let ring = Arc::new(Ring::new());
        for text in ["a", "b", "c"] {
            ring.push(line("INFO", text));
        }
        let mut reader = ring.reader(2, None);
        assert_eq!(texts(&mut reader), ["b", "c"]);
        assert_eq!(texts(&mut ring.reader(0, None)), [] as [&str; 0]);
        assert_eq!(texts(&mut ring.reader(usize::MAX, None)).len(), 3);
        let waits = tokio::spawn(async move {
            reader.more().await;
            texts(&mut reader)
        });
        ring.push(line("INFO", "d"));
        assert_eq!(waits.await.unwrap(), ["d"]);
    }

    #[test]
    fn a_slow_reader_is_told_how_much_it_lost() {
        let ring = Arc::new(Ring::new());
        ring.push(line("INFO", "first"));
        let mut slow = ring.reader(1, None);
        for count in 0..MOST_LINES + 7 {
            ring.push(line("INFO", &count.to_string()));
        }
        let read = texts(&mut slow);
        assert_eq!((read[0].as_str(), read[1].as_str(), read.len()), ("-8", "7", 1 + MOST_LINES));
    }

    #[test]
    fn memory_is_bounded_by_bytes_too() {
        let ring = Arc::new(Ring::new());
        for _ in 0..200 {
            ring.push(line("INFO", &"ä".repeat(LONGEST)));
        }
        let kept = ring.kept();
        assert!(kept.bytes <= MOST_BYTES && kept.lines.len() == MOST_BYTES / (LONGEST + "…".len()));
        assert_eq!(kept.bytes, kept.lines.iter().map(|line| line.text.len()).sum::<usize>());
    }

    #[test]
    fn a_level_chooses_and_details_are_for_who_asked() {
        let ring = Arc::new(Ring::new());
        ring.push(line("WARN", "w"));
        ring.push(line("INFO", "i"));
        ring.push(Line { detail: true, ..line("DEBUG", "d") });
        let read = |level| texts(&mut ring.reader(9, level));
        assert_eq!(read(None), ["w", "i"]);
        assert_eq!(read(Some(LevelFilter::WARN)), ["w"]);
        assert_eq!(read(Some(LevelFilter::DEBUG)), ["w", "i", "d"]);
        // The count is of lines that are shown.
        assert_eq!(texts(&mut ring.reader(1, Some(LevelFilter::WARN))), ["w"]);
    }
}
