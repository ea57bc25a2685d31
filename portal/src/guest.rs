//! Who asks, on each request: the visit that the cookie names, or whose token it is, and what they may do now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, header};
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
    pub(crate) entry: Entry,
    pub(crate) who: Who,
    pub(crate) role: Role,
    person: Option<Person>,
}

/// What they came in with.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// The id of their visit.
    Cookie(Secret),
    /// The `jti` of their token.
    Token(String),
}

impl Entry {
    /// Whether it is the same visit, or the same token.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cookie(one), Self::Cookie(other)) => one.matches(other),
            (Self::Token(one), Self::Token(other)) => one == other,
            _ => false,
        }
    }
}

/// Whoever has a name.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    name: String,
    account: String,
    pub(crate) role: Role,
}

impl Person {
    /// Who this visitor is now, and what they may do; nobody if what they signed in with does not count any more.
    pub(crate) fn of(shared: &Shared, visitor: &Visitor) -> Option<Self> {
        let rules = shared.logins.now();
        let (way, name, account, groups) = match visitor {
            Visitor::KeyHolder => return None,
            Visitor::Person(proof) => {
                let account = shared.people.who(proof)?.account;
                ("password", &proof.name, account, &[][..])
            }
            Visitor::Known(known) => (&known.way[..], &known.name, known.account.clone(), &known.groups[..]),
        };
        rules.way(way)?;
        let role = rules.roles.of(name, groups, shared.people.role(name));
        (role != Role::Disabled).then(|| Self { name: name.clone(), account, role })
    }
}

impl Guest {
    /// The visitor whose token or, if there is none, whose cookie this is; refused if it does not count any more.
    pub(crate) fn of(shared: &Shared, headers: &HeaderMap) -> Result<Self> {
        let entry = match headers.get(header::AUTHORIZATION) {
            Some(shown) => shared.tokens.read(bearer(shown).unwrap_or_default()).map(Entry::Token),
            None => cookie::get(&shared.server, headers).map(Entry::Cookie),
        };
        entry.and_then(|entry| Self::of_entry(shared, entry)).ok_or(ApiError::SignInWanted)
    }

    fn of_entry(shared: &Shared, entry: Entry) -> Option<Self> {
        let now = SystemTime::now();
        let visitor = match &entry {
            Entry::Cookie(visit) => shared.visits.find(visit, now)?,
            Entry::Token(jti) => shared.tokens.find(jti, now)?,
        };
        if visitor == Visitor::KeyHolder {
            return Some(Self { entry, who: Who::Administrator, role: Role::Admin, person: None });
        }
        let person = Person::of(shared, &visitor)?;
        let who = match person.role {
            Role::Disabled => return None,
            Role::User => Who::Login(person.name.clone()),
            Role::Manager => Who::Manager(person.name.clone()),
            Role::Admin => Who::Administrator,
        };
        Some(Self { entry, who, role: person.role, person: Some(person) })
    }

    /// The name that a person signed in with.
    pub(crate) fn name(&self) -> Option<&str> {
        self.person.as_ref().map(|person| person.name.as_str())
    }

    /// What they want to start, as themselves. The key opens this server's portal, and not the accounts of everybody on it.
    pub(crate) fn starts(&self, wanted: Wanted) -> Wanted {
        let Some(person) = &self.person else { return wanted };
        let is_confined = self.who != Who::Administrator;
        let is_manager = matches!(self.role, Role::Manager | Role::Admin);
        let (user, login) = (Some(person.account.clone()), Some(person.name.clone()));
        Wanted { user, login, is_confined, is_manager, ..wanted }
    }

    /// Returns when the visit does not count any more: what is open in its name ends then.
    pub(crate) async fn left(self, shared: Arc<Shared>) {
        while self.counts(&shared) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether they are signed in still, and may do the same.
    pub(crate) fn counts(&self, shared: &Shared) -> bool {
        Self::of_entry(shared, self.entry.clone()).is_some_and(|now| now.who == self.who)
    }
}

/// What stands behind `Bearer` (RFC 6750).
fn bearer(shown: &HeaderValue) -> Option<&str> {
    let (scheme, token) = shown.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
