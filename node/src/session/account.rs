//! Accounts of the machine, as its name service has them: /etc/passwd, LDAP, or whatever nsswitch.conf names.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::SessionError;
use super::process::own_uid;

/// A directory server that takes longer is down.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Below are the system's own accounts (`UID_MIN` of login.defs(5) is this nearly everywhere).
const FIRST_PERSON: u32 = 1000;
/// `nobody` (65534) is nobody.
const NOBODY: u32 = 65_534;
/// A directory may have thousands for one person; a kernel that passes them by NFS takes 16.
const MOST_GROUPS: usize = 256;

/// Who the programs of a session run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: PathBuf,
    pub(super) shell: String,
}

impl Account {
    /// The account that this service runs as.
    pub(super) async fn own() -> Self {
        let (uid, gid) = (own_uid(), rustix::process::getgid().as_raw());
        let known = look_up(&uid.to_string()).await.ok().flatten();
        known.unwrap_or_else(|| {
            let home = std::env::var_os("HOME").map_or_else(|| "/".into(), PathBuf::from);
            Self { name: format!("uid {uid}"), uid, gid, home, shell: "/bin/sh".into() }
        })
    }

    /// The account called `name`, if sessions may run as it: a person's, and any person's only if this service is root.
    pub(super) async fn find(name: &str) -> Result<Self, SessionError> {
        let account = Self::known(name).await?;
        may_run(&account, own_uid()).map_err(|why| refused(name, why))?;
        Ok(account)
    }

    async fn known(name: &str) -> Result<Self, SessionError> {
        if !is_login_name(name) {
            return Err(refused(name, "this is no name of an account"));
        }
        let account = look_up(name).await.map_err(|why| refused(name, why))?;
        account.ok_or_else(|| refused(name, "the machine has no such account"))
    }
}

/// The groups of a person's account, at most [`MOST_GROUPS`], each by its name.
pub async fn person_groups(name: &str) -> Result<Vec<String>, SessionError> {
    let account = Account::known(name).await?;
    let refuse = |why: &str| refused(name, why);
    // Whether this service could start their sessions is another matter; and nobody signs in as root, not even at root's.
    if account.uid == 0 || account.uid != own_uid() {
        is_person(&account).map_err(refuse)?;
    }
    let asked = Command::new("id").args(["-Gnz", "--", &account.name]).kill_on_drop(true).output();
    let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await;
    let answer = answer.map_err(|_| refuse("the machine's name service does not answer"))?;
    let answer = answer.map_err(|error| refuse(&format!("id does not run: {error}")))?;
    let names = String::from_utf8_lossy(&answer.stdout);
    Ok(names.split('\0').filter(|name| !name.is_empty()).take(MOST_GROUPS).map(ToOwned::to_owned).collect())
}

fn refused(name: &str, why: impl Into<String>) -> SessionError {
    SessionError::Account { name: name.chars().take(64).collect(), why: why.into() }
}

/// Whether a service of `own` may start sessions as `account`.
fn may_run(account: &Account, own: u32) -> Result<(), &'static str> {
    match account.uid {
        uid if uid == own => Ok(()),
        _ if own != 0 => Err("this service runs as another account; only root can start programs as others"),
        _ => is_person(account),
    }
}

fn is_person(account: &Account) -> Result<(), &'static str> {
    match account.uid {
        0 => Err("root works with the machine, not on it; name a person"),
        ..FIRST_PERSON | NOBODY.. => Err("this is an account of the system; name a person"),
        _ if is_shut(&account.shell) => Err("the account is shut: its shell lets nobody in"),
        _ => Ok(()),
    }
}

fn is_shut(shell: &str) -> bool {
    matches!(shell.rsplit('/').next(), Some("nologin" | "false"))
}

/// What useradd(8) takes, and the `@` and `.` of directories; no number, so that nobody is named by one.
fn is_login_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'\\');
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && name.len() <= 64 && name.bytes().all(allowed)
}

async fn look_up(key: &str) -> Result<Option<Account>, String> {
    let asked = Command::new("getent").args(["passwd", "--", key]).kill_on_drop(true).output();
    let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await;
    let answer = answer.map_err(|_| "the machine's name service does not answer".to_owned())?;
    let answer = answer.map_err(|error| format!("getent does not run: {error}"))?;
    Ok(parse(&String::from_utf8_lossy(&answer.stdout)))
}

/// A line of passwd(5).
fn parse(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.lines().next()?.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
    let shell = if shell.is_empty() { "/bin/sh" } else { shell };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    Some(Account { name: (*name).to_owned(), uid, gid, home: home.into(), shell: shell.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_and_only_if_the_service_is_root() {
        let account = |line: &str| parse(line).unwrap();
        let alice = account("alice:x:1000:100:Alice:/home/alice:/bin/bash\n");
        let cases = [
            (&alice, 0, true),
            (&alice, 1000, true),
            (&alice, 1001, false),
            (&account("root:x:0:0:::"), 0, true),
            (&account("root:x:0:0:::"), 1000, false),
            (&account("daemon:x:1:1:::/bin/sh"), 0, false),
            (&account("nobody:x:65534:1:::/bin/sh"), 0, false),
            (&account("carol:x:1002:1::/home/carol:/usr/sbin/nologin"), 0, false),
        ];
        for (account, own, may) in cases {
            assert_eq!(may_run(account, own).is_ok(), may, "{} by {own}", account.name);
        }
    }

    #[test]
    fn a_name_is_nothing_that_a_program_could_misread() {
        assert!(is_login_name("alice") && is_login_name("LAB\\a.b-c@x") && is_login_name("_x"));
        for bad in ["", "0", "1000", "-s", "a b", "a:b", "a/b", "a\nb", "../x", "$(id)", &"x".repeat(65)] {
            assert!(!is_login_name(bad), "{bad:?}");
        }
        assert_eq!(parse("broken:x:1"), None);
    }

    #[tokio::test]
    async fn the_machine_knows_who_we_are_and_refuses_strangers() {
        assert_eq!(Account::own().await.uid, own_uid());
        assert!(person_groups("root").await.unwrap_err().to_string().contains("name a person"));
        let error = Account::find("nobody-is-called-so").await.unwrap_err().to_string();
        assert!(error.contains("no such account"), "{error}");
    }
}
