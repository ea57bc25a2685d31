//! What an administrator wants of a server: a document for each in the collection [`DUTIES`], by its id. Every server
//! follows its own and keeps it, so that it holds also after a start without a manager.

use serde::{Deserialize, Serialize};

use super::Allows;

pub const DUTIES: &str = "duties";

/// Without a document: everything is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Duty {
    pub draining: bool,
    pub allows: Allows,
}

impl Duty {
    /// What it may be asked for, all told.
    pub fn allows(&self) -> Allows {
        Allows { sessions: self.allows.sessions && !self.draining, ..self.allows }
    }
}
