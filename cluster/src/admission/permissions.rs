//! What a login may publish and hear, in the words of NATS. A subject that is missing here is one that members cannot use.

use serde_json::{Value, json};

use crate::name::Name;
use crate::subject::Subjects;

/// Answers to one request, and how long after it, in nanoseconds: longer than anybody waits for one.
const ANSWERS: (u32, u64) = (1, 60_000_000_000);

/// Subjects; `*` stands for one token, `>` for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    publish: Vec<String>,
    subscribe: Vec<String>,
}

impl Permissions {
    /// One server: it speaks only for itself, hears what all hear, and its answers are only its own.
    pub fn member(subjects: &Subjects, server: &Name, key: &str) -> Self {
        Self::of(subjects, Some(server), key)
    }

    /// Every server that has a copy of the same broker.json.
    pub fn shared(subjects: &Subjects, key: &str) -> Self {
        Self::of(subjects, None, key)
    }

    fn of(subjects: &Subjects, server: Option<&Name>, key: &str) -> Self {
        let replies = format!("{}.>", subjects.replies(key).as_str());
        let mut publish = subjects.said_by(server);
        let mut subscribe = subjects.heard_by(server);
        // Its own replies, for the request to nobody that shows whether the broker has read everything before.
        publish.push(replies.clone());
        subscribe.push(replies);
        Self { publish, subscribe }
    }

    /// A join token: it asks to be let in, and hears the answer.
    pub fn join(subjects: &Subjects, key: &str) -> Self {
        let replies = format!("{}.>", subjects.replies(key).as_str());
        Self {
            publish: vec![subjects.join_requests().as_str().to_owned(), replies.clone()],
            subscribe: vec![replies],
        }
    }

    /// Everything of this cluster.
    pub fn manager(subjects: &Subjects) -> Self {
        let all = vec![subjects.all()];
        Self { publish: all.clone(), subscribe: all }
    }

    pub(super) fn everything() -> Self {
        Self { publish: vec![">".into()], subscribe: vec![">".into()] }
    }

    /// As a user's token says it.
    pub(super) fn claims(&self) -> Value {
        let (max, ttl) = ANSWERS;
        json!({ "pub": { "allow": self.publish }, "sub": { "allow": self.subscribe },
            "resp": { "max": max, "ttl": ttl } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_names_itself_and_hears_its_own_answers_only() {
        let subjects = Subjects::new(&Name::new("lab").unwrap());
        let server = Name::new("node.one").unwrap();
        let claims = Permissions::member(&subjects, &server, "UKEY").claims();
        let publish = claims["pub"]["allow"].to_string();
        // Any server may be asked for a session, and nothing else is said in another's name.
        let own = publish.replace("lab.ask.*", "");
        assert!(own.contains("lab.presence.node%2Eone") && !own.contains('*'), "{publish}");
        let heard = claims["sub"]["allow"].to_string();
        assert!(heard.contains("lab.ask.node%2Eone") && !heard.contains("ask.*"), "{heard}");
        let all = claims.to_string();
        assert!(
            all.contains("lab.reply.UKEY.>") && !all.contains("lab.>") && !all.contains("lab.reply.>"),
            "{all}"
        );
        let shared = Permissions::shared(&subjects, "UKEY").claims()["pub"]["allow"].to_string();
        assert!(shared.contains("lab.presence.*") && !shared.contains("store.changes"), "{shared}");
    }
}
