//! Every subject that is spoken of on the transporter, built in one place, under the cluster's namespace.
//!
//! ```text
//! NAMESPACE.presence.SERVER       a member says that it is there (or leaves)
//! NAMESPACE.update.SERVER         a member describes itself: the server object
//! NAMESPACE.sessions.SERVER       a member tells its sessions
//! NAMESPACE.ask.SERVER            a member, asked by another to start or end a session
//! NAMESPACE.fleet.requests        the managers, asked about all servers
//! NAMESPACE.roll-call             asks every member to say so now
//! NAMESPACE.store.requests        the store service of the managers
//! NAMESPACE.store.changes         a manager tells every change
//! NAMESPACE.join                  a server asks to be let in
//! NAMESPACE.reply.LOGIN.RANDOM    answers to one process
//! ```
//! A subject that carries a server's id has it as a token of its own, so that a broker's permissions can say who may
//! publish it.

use crate::name::Name;

/// What a message is about. `.` parts the tokens, as in NATS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Subject(String);

impl Subject {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a subscription hears: one subject, or all that differ in their last token.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pattern(String);

impl Pattern {
    /// As NATS and Redis write it: `*` stands for the last token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn matches(&self, subject: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(stem) => {
                subject.strip_prefix(stem).is_some_and(|last| !last.is_empty() && !last.contains('.'))
            }
            None => subject == self.0,
        }
    }
}

impl From<&Subject> for Pattern {
    fn from(subject: &Subject) -> Self {
        Self(subject.0.clone())
    }
}

/// The subjects of one cluster.
#[derive(Clone, Debug)]
pub struct Subjects {
    namespace: String,
}

impl Subjects {
    pub fn new(namespace: &Name) -> Self {
        Self { namespace: token(namespace) }
    }

    pub fn presence(&self, server: &Name) -> Subject {
        Subject(format!("{}.presence.{}", self.namespace, token(server)))
    }

    /// The presence of every member.
    pub fn presences(&self) -> Pattern {
        Pattern(format!("{}.presence.*", self.namespace))
    }

    pub fn update(&self, server: &Name) -> Subject {
        Subject(format!("{}.update.{}", self.namespace, token(server)))
    }

    /// The updates of every member.
    pub fn updates(&self) -> Pattern {
        Pattern(format!("{}.update.*", self.namespace))
    }

    pub fn sessions(&self, server: &Name) -> Subject {
        Subject(format!("{}.sessions.{}", self.namespace, token(server)))
    }

    /// The sessions of every member.
    pub fn every_sessions(&self) -> Pattern {
        Pattern(format!("{}.sessions.*", self.namespace))
    }

    /// Asks that server to start a session, or to end one.
    pub fn ask(&self, server: &Name) -> Subject {
        Subject(format!("{}.ask.{}", self.namespace, token(server)))
    }

    pub fn fleet_requests(&self) -> Subject {
        Subject(format!("{}.fleet.requests", self.namespace))
    }

    pub fn roll_call(&self) -> Subject {
        Subject(format!("{}.roll-call", self.namespace))
    }

    pub fn store_requests(&self) -> Subject {
        Subject(format!("{}.store.requests", self.namespace))
    }

    pub fn store_changes(&self) -> Subject {
        Subject(format!("{}.store.changes", self.namespace))
    }

    pub fn join_requests(&self) -> Subject {
        Subject(format!("{}.join", self.namespace))
    }

    /// Where replies arrive: `to` is random, for nobody is to guess it, behind the public key of who comes in with one.
    pub(crate) fn replies(&self, to: &str) -> Subject {
        Subject(format!("{}.reply.{to}", self.namespace))
    }

    /// Whether answers are heard there: who serves answers nowhere else, so that nobody makes it speak on other subjects.
    pub(crate) fn takes_replies(&self, subject: &str) -> bool {
        let replies = subject.strip_prefix(self.namespace.as_str());
        replies.is_some_and(|rest| rest.starts_with(".reply.") && !rest.contains(['*', '>']))
    }

    /// As a broker's permissions name all of them.
    pub(crate) fn all(&self) -> String {
        format!("{}.>", self.namespace)
    }

    /// What a server says, as a broker's permissions name it; without a server, what any of them says.
    pub(crate) fn said_by(&self, server: Option<&Name>) -> Vec<String> {
        let (namespace, own) = (&self.namespace, server.map_or_else(|| "*".to_owned(), token));
        ["presence.{}", "update.{}", "sessions.{}", "ask.*", "roll-call", "store.requests", "fleet.requests"]
            .map(|subject| format!("{namespace}.{}", subject.replace("{}", &own)))
            .to_vec()
    }

    /// What a server hears.
    pub(crate) fn heard_by(&self, server: Option<&Name>) -> Vec<String> {
        let own = server.map_or_else(|| "*".to_owned(), token);
        ["presence.*", "sessions.*", "ask.{}", "roll-call", "store.changes"]
            .map(|subject| format!("{}.{}", self.namespace, subject.replace("{}", &own)))
            .to_vec()
    }
}

/// A name as one token. `%` is in no name, so two names never become one token.
fn token(name: &Name) -> String {
    name.as_str().replace('.', "%2E")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_of_two_namespaces_never_meet() {
        let [lab, other] = ["lab", "lab.two"].map(|name| Subjects::new(&Name::new(name).unwrap()));
        let server = Name::new("node-1.lab.example").unwrap();
        assert_eq!(lab.presence(&server).as_str(), "lab.presence.node-1%2Elab%2Eexample");
        assert!(lab.presences().matches(lab.presence(&server).as_str()));
        assert!(!lab.presences().matches(other.presence(&server).as_str()));
        assert!(!lab.presences().matches("lab.presence.a.b"));
        assert!(!lab.presences().matches("lab.presence."));
        assert!(Pattern::from(&lab.roll_call()).matches("lab.roll-call"));
        assert!(!Pattern::from(&lab.roll_call()).matches("lab.roll-call.x"));
    }

    #[test]
    fn answers_go_where_answers_are_heard() {
        let lab = Subjects::new(&Name::new("lab").unwrap());
        assert!(lab.takes_replies(lab.replies("KEY.1.2").as_str()));
        for other in
            ["lab.store.changes", "lab.reply", "labor.reply.x", "other.reply.x", "lab.reply.*", "lab.reply.>"]
        {
            assert!(!lab.takes_replies(other), "{other}");
        }
    }
}
