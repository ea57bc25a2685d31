//! A server comes into the cluster with a token.

use std::time::Duration;

use tokio::time::timeout;

use super::member_key::MemberKey;
use super::token::{JoinAnswer, JoinToken};
use crate::name::Name;
use crate::subject::Subjects;
use crate::transporter::{self, ConnectError, Link, RequestError};

/// Three brokers, each given the time it takes to find out that one is dead.
const REACH: Duration = Duration::from_secs(20);
/// A manager gives its database 8 s for each of its steps.
const ANSWER: Duration = Duration::from_secs(30);

/// Why it is not let in.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the broker is not reached: {why}\n  next: {next}")]
    Unreachable { why: String, next: &'static str },
    #[error("{why}\n  next: {next}")]
    Refused { why: String, next: String },
    #[error("{0}\n  next: try again; the token is still good for this server")]
    Later(String),
}

/// Returns what the authority signed for `key`. It may be tried again with the same key.
pub async fn join(token: &JoinToken, server_id: &Name, key: &MemberKey) -> Result<String, JoinError> {
    let transporter = transporter::connect(&token.broker()).await?;
    let mut link = transporter.link();
    let reached = timeout(REACH, link.wait_for(Link::is_up)).await;
    if !matches!(reached, Ok(Ok(_))) {
        return Err(unreachable(&transporter.link().borrow()));
    }
    let request = serde_json::to_vec(&token.request(server_id, key)).expect("a request is names and keys");
    let subject = Subjects::new(&token.namespace).join_requests();
    let answer = transporter.request(&subject, request.into(), ANSWER).await.map_err(|error| {
        JoinError::Later(match error {
            RequestError::NoResponders => "no cluster manager is running".into(),
            RequestError::Deadline => "the cluster manager does not answer".into(),
            other => other.to_string(),
        })
    })?;
    match serde_json::from_slice(&answer) {
        Ok(JoinAnswer::Admitted { jwt }) => Ok(jwt),
        Ok(JoinAnswer::Refused { why, next }) => Err(JoinError::Refused { why, next }),
        Ok(JoinAnswer::Later { why }) => Err(JoinError::Later(why)),
        Err(error) => Err(JoinError::Later(format!("a manager of another version answered: {error}"))),
    }
}

fn unreachable(link: &Link) -> JoinError {
    let Link::Down { why, .. } = link else {
        return JoinError::Later("the broker was lost".into());
    };
    let next = if why.to_lowercase().contains("authorization") {
        "the token is expired or of another cluster: make a new one on a manager: fastx manager token create --out FILE"
    } else {
        "see that this machine reaches the broker's port (docs/cluster-setup.md), then try again"
    };
    JoinError::Unreachable { why: why.clone(), next }
}
