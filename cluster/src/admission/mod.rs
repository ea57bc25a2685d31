//! Who comes into a cluster whose brokers `fastx manager init` made: each server with a key of its own, admitted by a
//! join token, and shut out by name ([decision 10](../../../docs/decisions/0010-admission-by-signature.md)).

mod authority;
mod join;
pub(crate) mod jwt;
mod member_key;
mod permissions;
mod revoked;
mod tell;
mod token;

pub use authority::Authority;
pub use join::{JoinError, join};
pub use member_key::MemberKey;
pub use permissions::Permissions;
pub use revoked::{MAX_REVOKED, RevokedDocument, RevokedKeys};
pub use tell::{TellError, tell};
pub use token::{JoinAnswer, JoinRequest, JoinToken, broker_json};
