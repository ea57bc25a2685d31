use std::io::Write;
use std::time::Duration;

use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

use super::levels::Levels;
use super::ring::Read;
use super::*;

/// What stands for standard error.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> (Log, Written, tracing::subscriber::DefaultGuard) {
    let written = Written::default();
    let to = written.clone();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || to.clone()).boxed();
    let (log, layers) = subscriber::build(Levels::started(|_| None).0, lines);
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layers));
    (log, written, guard)
}

fn read(following: &mut Following) -> Vec<String> {
    let next = || match following.reader.read()? {
        Read::Line(line) => Some(format!("{} {}", line.level, line.text)),
        Read::Missed { missed } => panic!("{missed} missed"),
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn a_follower_in_detail_changes_nothing_for_the_others() {
    let (log, written, _guard) = log();
    let mut plain = log.following(0, None);
    let mut detailed = log.following(0, Some(LevelFilter::DEBUG));
    tracing::info!(target: "node", count = 1, "one\u{1b}[2J");
    tracing::debug!(target: "node", "two");
    drop(log.following(0, Some(LevelFilter::TRACE)));
    tracing::trace!(target: "node", "three");
    assert_eq!(read(&mut detailed).len(), 2);
    drop(detailed);
    tracing::debug!(target: "node", "four");
    let lines = read(&mut plain);
    assert!(
        lines.len() == 1 && lines[0].starts_with("INFO one") && lines[0].ends_with("count=1"),
        "{lines:?}"
    );
    assert!(!lines[0].contains('\u{1b}'), "{lines:?}");
    let text = written.text();
    assert!(text.contains("one") && !text.contains("two") && !text.contains("four"), "{text}");
    assert_eq!(
        read(&mut log.following(100, Some(LevelFilter::TRACE))).len(),
        2,
        "nobody asked for the others"
    );
}

#[tokio::test]
async fn a_change_of_the_level_reverts_by_itself() {
    let (log, written, _guard) = log();
    let mut keeper = tokio::task::JoinSet::new();
    keeper.spawn(log.clone().keep());
    tracing::debug!(target: "tunnel", "before");
    let until = Some(Instant::now() + Duration::from_millis(100));
    log.change(None, Change { level: LevelFilter::DEBUG, until });
    // The keeper shares this thread, and does not run before the first wait.
    tracing::debug!(target: "tunnel", "during");
    let over = || written.text().contains("a change of the log's level is over");
    let began = Instant::now();
    while !over() {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tracing::debug!(target: "tunnel", "after");
    let text = written.text();
    assert!(text.contains("during") && !text.contains("before") && !text.contains("after"), "{text}");
}
