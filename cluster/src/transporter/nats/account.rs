//! One message to the NATS servers themselves: an account's new token. Every server of the cluster takes it, keeps it, and
//! cuts off whom it revokes.

use std::time::Duration;

use async_nats::Event;
use serde_json::Value;
use tokio::time::timeout;

use super::connect;
use crate::admission::TellError;
use crate::broker::Broker;
use crate::transporter::link::LinkWriter;

const UPDATE: &str = "$SYS.REQ.CLAIMS.UPDATE";
/// Three servers, each given the time it takes to find out that one is dead.
const REACH: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(5);

/// `broker` has a login of the system account.
pub(crate) async fn update_account(broker: &Broker, jwt: String) -> Result<(), TellError> {
    let link = LinkWriter::new();
    let (client, mut events) = connect::client(broker, &link).await?;
    let connected = async {
        while let Some(event) = events.recv().await {
            if matches!(event, Event::Connected) {
                return;
            }
        }
    };
    if timeout(REACH, connected).await.is_err() {
        let why = match &*link.watch().borrow() {
            crate::transporter::Link::Down { why, .. } => why.clone(),
            crate::transporter::Link::Up { .. } => String::new(),
        };
        return Err(TellError::Unreachable(why));
    }
    let request = async_nats::Request::new().payload(jwt.into()).timeout(Some(ANSWER));
    let answer = client.send_request(UPDATE, request).await;
    let answer = answer.map_err(|error| TellError::Unreachable(error.to_string()))?;
    let answer: Value = serde_json::from_slice(&answer.payload)
        .map_err(|error| TellError::Refused(format!("its answer is no JSON: {error}")))?;
    if answer["data"]["code"] == 200 { Ok(()) } else { Err(TellError::Refused(answer["error"].to_string())) }
}
