//! The three files of a node, read together, so that they are taken or refused together.

use config::{ConfigError, Dirs};

use crate::gateways::{self, Gateway};
use crate::lan::file::{self as lan, Lan};
use crate::local::Identity;
use crate::services::{self, Services};

/// What the administrator wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub gateways: Vec<Gateway>,
    pub services: Services,
    pub lan: Lan,
}

impl Settings {
    /// Reads `gateway.json`, `services.json` and `lan.json`; each may be missing.
    pub(crate) fn load(dirs: &Dirs, me: &Identity) -> Result<Self, ConfigError> {
        Ok(Self {
            gateways: gateways::read(&dirs.config("gateway.json"), &me.key)?,
            services: services::read(&dirs.config("services.json"))?,
            lan: lan::read(&dirs.config("lan.json"), &me.server_id)?,
        })
    }
}
