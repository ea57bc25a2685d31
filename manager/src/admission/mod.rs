//! Lets servers in with join tokens, and shuts them out: of managers that have the cluster's authority. All of it is in the
//! store, so that any manager can answer for any other.
//!
//! ```text
//! join-tokens/KEY           a token: until when, for whom, who came in with it
//! admitted/SERVER           the key that a server has
//! revocations/SERVER        who is shut out
//! admission/revoked-keys    what the brokers are told
//! ```

use std::sync::Arc;

use cluster::admission::{Authority, JoinAnswer, Permissions};
use cluster::broker::Broker;
use cluster::store::{Store, StoreError};
use cluster::transporter::{Requests, Transporter};
use cluster::{Name, Subjects, heard};
use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

mod decide;
mod record;
mod revoke;
mod tell;
mod tokens;

pub use record::TokenRecord;
pub(crate) use record::is_own;
pub use revoke::{RevokeError, Revoked};
pub use tokens::TokenError;

use decide::{Refusal, decide};
use record::Admitted;

/// Answers who asks to be let in, until it is dropped. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    desk: Desk,
    _serving: AbortOnDropHandle<()>,
    _telling: AbortOnDropHandle<()>,
}

/// What is needed to decide, and to act upon it.
#[derive(Clone, Debug)]
struct Desk {
    store: Arc<dyn Store>,
    authority: Arc<Authority>,
    broker: Broker,
    subjects: Subjects,
    /// Who writes into the store.
    me: Name,
}

impl Admission {
    /// `broker` says where the brokers are; the login in it does not matter.
    pub async fn start(
        authority: Authority,
        broker: Broker,
        me: Name,
        store: Arc<dyn Store>,
        transporter: Arc<dyn Transporter>,
    ) -> Self {
        let subjects = Subjects::new(&broker.namespace);
        let requests = transporter.serve(&subjects.join_requests()).await;
        let desk = Desk { store, authority: Arc::new(authority), broker, subjects, me };
        let _serving = AbortOnDropHandle::new(tokio::spawn(serve(desk.clone(), requests)));
        let _telling =
            AbortOnDropHandle::new(tokio::spawn(tell::keep_told(desk.clone(), transporter.link())));
        Self(Arc::new(Inner { desk, _serving, _telling }))
    }
}

/// One after the other: joins are rare, and what waits too long is told so by the transporter.
async fn serve(desk: Desk, mut requests: Requests) {
    loop {
        let request = requests.next().await;
        let answer = match heard::read(&request.payload) {
            Ok(asked) => desk.join(&asked).await,
            Err(error) => JoinAnswer::Refused {
                why: format!("this manager does not know that question: {error}"),
                next: "use the same version of fastx on both".into(),
            },
        };
        let bytes = serde_json::to_vec(&answer).expect("an answer is text");
        // Who did not hear it asks again with the same key.
        let _unheard = request.answer(bytes.into()).await;
    }
}

impl Desk {
    async fn join(&self, request: &cluster::admission::JoinRequest) -> JoinAnswer {
        match self.try_join(request).await {
            Ok(Ok(jwt)) => JoinAnswer::Admitted { jwt },
            Ok(Err(refusal)) => {
                tracing::warn!(server = %request.server_id, why = refusal.why, "a server is not let in");
                JoinAnswer::Refused { why: refusal.why.into(), next: refusal.next.into() }
            }
            Err(StoreError::Conflict { .. }) => {
                JoinAnswer::Later { why: "somebody else used the token at the same moment".into() }
            }
            Err(error) => JoinAnswer::Later { why: error.to_string() },
        }
    }

    /// First the token is spent, then the server is written down: what breaks off between can only be gone on with by the
    /// same server with the same key.
    async fn try_join(
        &self,
        request: &cluster::admission::JoinRequest,
    ) -> Result<Result<String, Refusal>, StoreError> {
        let now = Timestamp::now();
        let token = match Name::new(&request.token) {
            Ok(id) => self.token(&id).await?,
            Err(_) => None,
        };
        let admitted = self.admitted(&request.server_id).await?;
        let shut_out = self.is_shut_out(request).await?;
        let spend = match decide(request, token.as_ref(), admitted.as_ref(), shut_out, now) {
            Ok(spend) => spend,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if spend {
            self.spend(request, now).await?;
        }
        if admitted.is_none() {
            let record = Admitted { key: request.key.clone(), token: request.token.clone(), at: now };
            self.write_admitted(&request.server_id, &record).await?;
        }
        tracing::info!(server = %request.server_id, "a server came into the cluster");
        let permissions = Permissions::member(&self.subjects, &request.server_id, &request.key);
        Ok(Ok(self.authority.admit(&request.key, request.server_id.as_str(), &permissions, now, None)))
    }
}
