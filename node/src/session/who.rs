//! Who asks, and what is theirs.

use cluster::session::Session;

/// Every verb takes one. Whoever lets people in says who they are; here it is decided what they reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everything: root on this machine, or who holds the portal's key.
    Administrator,
    /// Their own sessions; and they see everybody's, and end them.
    Manager(String),
    /// Their own sessions.
    Login(String),
}

impl Who {
    /// The name they signed in with.
    pub(super) fn login(&self) -> Option<&str> {
        match self {
            Self::Administrator => None,
            Self::Manager(login) | Self::Login(login) => Some(login),
        }
    }

    /// Whether they may do anything with the session: look at its screen, read its log, change it.
    pub fn owns(&self, session: &Session) -> bool {
        match self {
            Self::Administrator => true,
            Self::Manager(login) | Self::Login(login) => !login.is_empty() && *login == session.login,
        }
    }

    /// Whether they may know of the session, and end it.
    pub fn sees(&self, session: &Session) -> bool {
        matches!(self, Self::Manager(_)) || self.owns(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_its_own_sessions_and_no_others() {
        let of = |login: &str| Session { login: login.into(), user: "alice".into(), ..Session::default() };
        let alice = Who::Login("alice".into());
        assert!(alice.owns(&of("alice")));
        for other in ["bob", "Alice", "alice ", "", "alice\0"] {
            assert!(!alice.owns(&of(other)), "{other:?}");
        }
        assert!(!Who::Login(String::new()).owns(&of("")));
        assert!(Who::Administrator.owns(&of("bob")) && !alice.sees(&of("bob")) && alice.sees(&of("alice")));
        let boss = Who::Manager("boss".into());
        assert!(boss.sees(&of("bob")) && !boss.owns(&of("bob")) && boss.owns(&of("boss")));
    }
}
