//! Who asks, on each request: the visit that the cookie names, and what its visitor may do now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use node::session::{Wanted, Who};
use tunnel::identity::Secret;

use crate::api::Result;
use crate::error::ApiError;
use crate::people::Role;
use crate::visits::Visitor;
use crate::{Shared, cookie};

/// How long an open connection may go on after its visit ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One visitor, for the time of a request.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) visit: Secret,
    pub(crate) who: Who,
    person: Option<Name>,
}

#[derive(Clone, Debug)]
struct Name {
    name: String,
    account: String,
}

impl Guest {
    /// The visitor whose cookie this is; refused if there is none, or it does not count any more.
    pub(crate) fn of(shared: &Shared, headers: &HeaderMap) -> Result<Self> {
        let visit = cookie::get(&shared.server, headers).ok_or(ApiError::SignInWanted)?;
        Self::of_visit(shared, visit).ok_or(ApiError::SignInWanted)
    }

    fn of_visit(shared: &Shared, visit: Secret) -> Option<Self> {
        let proof = match shared.visits.find(&visit, SystemTime::now())? {
            Visitor::KeyHolder => return Some(Self { visit, who: Who::Administrator, person: None }),
            Visitor::Person(proof) => proof,
        };
        let person = shared.people.who(&proof)?;
        let who = match person.role {
            Role::Disabled => return None,
            Role::User => Who::Login(proof.name.clone()),
            Role::Admin => Who::Administrator,
        };
        Some(Self { visit, who, person: Some(Name { name: proof.name, account: person.account }) })
    }

    /// The name that a person signed in with.
    pub(crate) fn name(&self) -> Option<&str> {
        self.person.as_ref().map(|person| person.name.as_str())
    }

    /// What they want to start, as themselves. The key opens this server's portal, and not the accounts of everybody on it.
    pub(crate) fn starts(&self, wanted: Wanted) -> Wanted {
        let Some(person) = &self.person else { return wanted };
        let is_confined = self.who != Who::Administrator;
        Wanted { user: Some(person.account.clone()), login: Some(person.name.clone()), is_confined, ..wanted }
    }

    /// Returns when the visit does not count any more: what is open in its name ends then.
    pub(crate) async fn left(self, shared: Arc<Shared>) {
        while Self::of_visit(&shared, self.visit.clone()).is_some_and(|now| now.who == self.who) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
