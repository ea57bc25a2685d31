//! Tells the brokers whom not to let in any more.

use crate::broker::Broker;
use crate::transporter::{NatsError, update_account};

use super::authority::Authority;
use super::revoked::RevokedKeys;

/// Why they do not know it yet.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    #[error(transparent)]
    Client(#[from] NatsError),
    #[error("no broker is reached: {0}")]
    Unreachable(String),
    #[error("the broker refuses it: {0}")]
    Refused(String),
}

/// Returns once one broker has it on its disk and has cut off who is revoked; it tells the others. One that is down now
/// learns it from them when it is back. What is older than what a broker knows changes nothing.
pub async fn tell(broker: &Broker, authority: &Authority, revoked: &RevokedKeys) -> Result<(), TellError> {
    let (_, jwt) = authority.members_account(revoked);
    update_account(&Broker { login: authority.system_login(), ..broker.clone() }, jwt).await
}
