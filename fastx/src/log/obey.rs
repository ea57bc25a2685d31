//! The setting `logLevel`.

use std::sync::Arc;

use cluster::settings::{LogLevel, Snapshot};
use tokio::sync::watch;
use tracing::level_filters::LevelFilter;

use super::Log;

impl Log {
    /// Logs what the setting says, until nobody follows the settings any more. `LOGLEVEL`, `FX_LOG` and
    /// `fastx log level` count more.
    pub(crate) async fn obey(self, mut settings: watch::Receiver<Arc<Snapshot>>) {
        let mut obeyed = None;
        loop {
            let level = settings.borrow_and_update().values.log_level;
            if obeyed != Some(level) {
                self.update(|levels| levels.settle(filter(level)));
                obeyed = Some(level);
            }
            if settings.changed().await.is_err() {
                return;
            }
        }
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
