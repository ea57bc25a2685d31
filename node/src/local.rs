//! What makes this node itself, kept in its local folder: `server-id`, `node.key`, `generation`.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use config::{ConfigError, Dirs, Secrecy};
use tunnel::identity::IdentityError;
use tunnel::{NodeKey, ServerId};

/// Why the node does not know who it is.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error(transparent)]
    File(#[from] ConfigError),
    #[error("{}: {source}\n  next: write a valid name into it, or remove it to have one made", path.display())]
    ServerId { path: PathBuf, source: tunnel::identity::BadServerId },
    #[error(
        "{}: {source}\n  next: restore it from a backup; or remove it, and have the gateways forget this node \
         (fastx-gateway revoke), because its key will be another", path.display()
    )]
    Key { path: PathBuf, source: IdentityError },
    #[error("{}: it must hold one number\n  next: restore it from a backup, or write a higher number than before", path.display())]
    Generation { path: PathBuf },
    #[error("another node runs with {}\n  next: stop it, or give this one its own --local-dir", path.display())]
    Taken { path: PathBuf },
    #[error("cannot lock {}: {source}", path.display())]
    Lock { path: PathBuf, source: std::io::Error },
}

/// Name and key of this node.
#[derive(Debug)]
pub struct Identity {
    pub server_id: ServerId,
    pub key: NodeKey,
}

impl Identity {
    /// Reads both, and makes what is not there: the name from the host's, the key at random.
    pub fn load_or_make(dirs: &Dirs) -> Result<Self, LocalError> {
        Ok(Self { server_id: server_id(&dirs.local("server-id"))?, key: key(&dirs.local("node.key"))? })
    }
}

/// One start of the node: nobody else runs in the same folder while this is held.
#[derive(Debug)]
pub(crate) struct Start {
    pub identity: Identity,
    /// Counts the starts; persisted before any gateway hears of it.
    pub generation: u64,
    lock: File,
}

impl Start {
    pub(crate) fn begin(dirs: &Dirs) -> Result<Self, LocalError> {
        let identity = Identity::load_or_make(dirs)?;
        let lock = lock(&dirs.local("node.lock"))?;
        let generation = next_generation(&dirs.local("generation"))?;
        Ok(Self { identity, generation, lock })
    }
}

impl Drop for Start {
    /// Unlocked by name: a child between its fork and its exec still has the file open, and would keep the lock.
    fn drop(&mut self) {
        let _unlocked = self.lock.unlock();
    }
}

/// The file's content; `None` when there is none.
fn text(path: &Path, secrecy: Secrecy) -> Result<Option<String>, ConfigError> {
    match config::read_bytes(path, secrecy) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned())),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn server_id(path: &Path) -> Result<ServerId, LocalError> {
    if let Some(written) = text(path, Secrecy::Public)? {
        return ServerId::new(&written)
            .map_err(|source| LocalError::ServerId { path: path.to_owned(), source });
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let id = made_from(&host, rand::random());
    config::write_bytes(path, format!("{id}\n").as_bytes(), Secrecy::Public)?;
    Ok(id)
}

/// The host's short name and four digits: two machines of the same image get different ones.
fn made_from(host: &str, random: u16) -> ServerId {
    let short = host.trim().split('.').next().unwrap_or_default();
    let kept: String = short.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(48).collect();
    let kept = kept.trim_matches('-').to_lowercase();
    let name = if kept.is_empty() { "node" } else { &kept };
    ServerId::new(&format!("{name}-{random:04x}"))
        .expect("letters, digits and dashes, beginning with one of the first two")
}

fn key(path: &Path) -> Result<NodeKey, LocalError> {
    let failed = |source| LocalError::Key { path: path.to_owned(), source };
    if let Some(pem) = text(path, Secrecy::OwnerOnly)? {
        return NodeKey::from_pem(&pem).map_err(failed);
    }
    let key = NodeKey::generate().map_err(failed)?;
    config::write_bytes(path, key.to_pem().as_bytes(), Secrecy::OwnerOnly)?;
    Ok(key)
}

fn next_generation(path: &Path) -> Result<u64, LocalError> {
    let bad = || LocalError::Generation { path: path.to_owned() };
    let last: u64 = match text(path, Secrecy::Public)? {
        Some(written) => written.parse().map_err(|_| bad())?,
        None => 0,
    };
    let next = last.checked_add(1).ok_or_else(bad)?;
    config::write_bytes(path, format!("{next}\n").as_bytes(), Secrecy::Public)?;
    Ok(next)
}

fn lock(path: &Path) -> Result<File, LocalError> {
    let failed = |source| LocalError::Lock { path: path.to_owned(), source };
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let path = path.parent().unwrap_or(path).to_owned();
            Err(LocalError::Taken { path })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn dirs() -> (tempfile::TempDir, Dirs) {
        let dir = tempfile::tempdir().unwrap();
        let local = dir.path().join("local");
        let dirs = Dirs::choose(Some(dir.path().into()), Some(local), |_| None);
        (dir, dirs)
    }

    #[test]
    fn a_node_stays_itself_and_counts_its_starts() {
        let (_dir, dirs) = dirs();
        let first = Start::begin(&dirs).unwrap();
        let (id, key) = (first.identity.server_id.clone(), first.identity.key.fingerprint());
        assert_eq!(first.generation, 1);
        let of_a_child = first.lock.try_clone().unwrap();
        drop(first);
        let second = Start::begin(&dirs).unwrap();
        drop(of_a_child);
        assert_eq!((second.identity.server_id.clone(), second.generation), (id, 2));
        assert_eq!(second.identity.key.fingerprint(), key);
        let mode = std::fs::metadata(dirs.local("node.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn two_nodes_do_not_share_a_folder() {
        let (_dir, dirs) = dirs();
        let _first = Start::begin(&dirs).unwrap();
        assert!(matches!(Start::begin(&dirs), Err(LocalError::Taken { .. })));
        assert!(Identity::load_or_make(&dirs).is_ok(), "`fastx node key` works beside a running node");
    }

    #[test]
    fn a_name_may_be_written_beforehand() {
        let (_dir, dirs) = dirs();
        config::write_bytes(&dirs.local("server-id"), b"rack7-n3\n", Secrecy::Public).unwrap();
        assert_eq!(Identity::load_or_make(&dirs).unwrap().server_id.as_str(), "rack7-n3");
        config::write_bytes(&dirs.local("server-id"), b"rack 7", Secrecy::Public).unwrap();
        assert!(matches!(Identity::load_or_make(&dirs), Err(LocalError::ServerId { .. })));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (_dir, dirs) = dirs();
        Identity::load_or_make(&dirs).unwrap();
        std::fs::set_permissions(dirs.local("node.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Identity::load_or_make(&dirs).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn names_are_made_from_any_host_name() {
        let table = [
            ("gpu-1.example.org\n", "gpu-1-00ff"),
            ("", "node-00ff"),
            ("--", "node-00ff"),
            ("Ä_B", "b-00ff"),
        ];
        for (host, id) in table {
            assert_eq!(made_from(host, 0xff).as_str(), id);
        }
        assert!(made_from(&"x".repeat(300), 1).as_str().len() <= 64);
    }
}
