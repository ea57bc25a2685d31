//! Another configuration, without dropping anything.

use std::sync::Arc;

use super::{Gateway, ReloadError};
use crate::keys::{self, KeysError};
use crate::settings::Settings;

impl Gateway {
    /// Reads the configuration anew. What is open stays open; when anything is wrong with the new one, the old stays.
    pub fn reload(&self) -> Result<(), ReloadError> {
        let reloaded = self.try_reload();
        self.0.metrics.reloaded(reloaded.is_ok());
        match &reloaded {
            Ok(()) => tracing::info!("configuration reloaded"),
            Err(error) => tracing::error!(%error, "configuration not reloaded; the old one stays"),
        }
        reloaded
    }

    fn try_reload(&self) -> Result<(), ReloadError> {
        let inner = &self.0;
        let (old, new) = (inner.settings.load_full(), Settings::read(&inner.dirs)?);
        if old.listen != new.listen {
            return Err(ReloadError::NeedsRestart("listen"));
        }
        if old.metrics != new.metrics {
            return Err(ReloadError::NeedsRestart("metrics"));
        }
        let identity = keys::tunnel_identity(&inner.dirs, &new)?;
        inner.front.reload(&new, &identity)?;
        inner.ports.set(&new)?;
        inner.acceptor.set_identity(&identity).map_err(KeysError::from)?;
        for listener in &inner.quic {
            listener.set_identity(&identity)?;
        }
        inner.guard.set(&new.limits);
        inner.admission.set(&new);
        inner.router.set_open_within(new.limits.open);
        inner.settings.store(Arc::new(new));
        self.look_at_certificates();
        Ok(())
    }
}
