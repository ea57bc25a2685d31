//! The fleet: all servers of the cluster, asked of its managers.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::server::Listed;
use crate::subject::Subjects;
use crate::transporter::{Link, MAX_PAYLOAD, RequestError, Transporter};

/// A manager has the fleet in memory.
const PATIENCE: Duration = Duration::from_secs(5);
/// The servers of one page, as compact JSON: with one more of the longest it still fits into a message.
const MAX_PAGE: usize = MAX_PAYLOAD - crate::store::MAX_BODY - 16 * 1024;

/// What a manager is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Question {
    /// How are you?
    Greet,
    Page {
        after: Option<Name>,
    },
    Show(Name),
    /// Forgets a server that is lost or has left.
    Forget(Name),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    Greeting {
        manager: Name,
        /// Whether its store is reached.
        store: Link,
    },
    Page(Page),
    Server(Option<Box<Listed>>),
    Forgotten,
    Refused(String),
}

/// Part of the fleet, in the order of ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub servers: Vec<Listed>,
    pub more: bool,
}

impl Page {
    /// Takes servers until the page is full.
    pub fn fill(rest: impl Iterator<Item = Listed>) -> Self {
        let (mut page, mut bytes) = (Self::default(), 0);
        for listed in rest {
            if bytes >= MAX_PAGE {
                page.more = true;
                break;
            }
            bytes += serde_json::to_vec(&listed).map_or(0, |json| json.len());
            page.servers.push(listed);
        }
        page
    }
}

/// Why the fleet is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    #[error("no cluster manager is running")]
    NoManager,
    #[error("the cluster's managers are not reached: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Refused(String),
}

impl From<RequestError> for FleetError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NoResponders => Self::NoManager,
            error => Self::Unreachable(error.to_string()),
        }
    }
}

/// Asks any of the managers.
#[derive(Clone, Debug)]
pub struct Fleet {
    transporter: Arc<dyn Transporter>,
    subjects: Subjects,
}

impl Fleet {
    pub fn new(transporter: Arc<dyn Transporter>, subjects: Subjects) -> Self {
        Self { transporter, subjects }
    }

    /// Everybody, in the order of ids.
    pub async fn list(&self) -> Result<Vec<Listed>, FleetError> {
        let mut all: Vec<Listed> = Vec::new();
        loop {
            let after = all.last().and_then(|listed| Name::new(listed.server.server_id.as_str()).ok());
            let Answer::Page(page) = self.ask(&Question::Page { after }).await? else { return Err(odd()) };
            let more = page.more && !page.servers.is_empty();
            all.extend(page.servers);
            if !more {
                return Ok(all);
            }
        }
    }

    pub async fn show(&self, server: &Name) -> Result<Option<Listed>, FleetError> {
        match self.ask(&Question::Show(server.clone())).await? {
            Answer::Server(listed) => Ok(listed.map(|listed| *listed)),
            _ => Err(odd()),
        }
    }

    pub async fn forget(&self, server: &Name) -> Result<(), FleetError> {
        match self.ask(&Question::Forget(server.clone())).await? {
            Answer::Forgotten => Ok(()),
            _ => Err(odd()),
        }
    }

    /// Some manager's id, and whether its store is reached.
    pub async fn greet(&self) -> Result<(Name, Link), FleetError> {
        match self.ask(&Question::Greet).await? {
            Answer::Greeting { manager, store } => Ok((manager, store)),
            _ => Err(odd()),
        }
    }

    async fn ask(&self, question: &Question) -> Result<Answer, FleetError> {
        let payload = serde_json::to_vec(question).map_err(|error| FleetError::Refused(error.to_string()))?;
        let asked = self.transporter.request(&self.subjects.fleet_requests(), payload.into(), PATIENCE);
        match serde_json::from_slice(&asked.await?) {
            Ok(Answer::Refused(why)) => Err(FleetError::Refused(why)),
            Ok(answer) => Ok(answer),
            Err(error) => {
                Err(FleetError::Unreachable(format!("a manager of another version answered: {error}")))
            }
        }
    }
}

fn odd() -> FleetError {
    FleetError::Unreachable("the manager answered another question".into())
}
