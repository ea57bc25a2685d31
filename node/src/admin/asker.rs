//! Who asks: the kernel knows the user at the other end of a unix socket.

/// A login name, or `uid NUMBER`. Every question has it as an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker(pub String);

/// The process at the other end. Every question has it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    /// None where it is in no view of ours, such as a container's.
    pub pid: Option<u32>,
}

/// Who signed in at the portal as an admin: in their name, and in nobody else's, a question is asked that comes from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person(pub String);

impl Asker {
    pub(super) fn of(uid: u32) -> Self {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self(login(&passwd, uid).unwrap_or_else(|| format!("uid {uid}")))
    }
}

fn login(passwd: &str, uid: u32) -> Option<String> {
    let user = passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid.to_string()))?;
    user.split(':').next().map(|login| login.chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_or_a_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:0::/:\n";
        assert_eq!(login(passwd, 1000).as_deref(), Some("alice"));
        assert_eq!(login(passwd, 7), None);
    }
}
