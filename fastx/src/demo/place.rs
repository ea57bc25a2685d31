//! A folder and a port for the demo.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The demo's folder.
#[derive(Debug)]
pub(super) enum Place {
    /// Removed when dropped.
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Place {
    /// `kept`, or a temporary folder. Either way nobody else may look inside.
    pub(super) fn choose(kept: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(folder) = kept else {
            let made = tempfile::Builder::new().prefix("fastx-demo-").tempdir();
            return Ok(Self::Temporary(made.context("cannot make a temporary folder")?));
        };
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self::Kept(folder.canonicalize().with_context(|| format!("cannot find {}", folder.display()))?))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

/// `wanted`, or another one when it is in use; nodes need the same number over UDP.
pub(super) fn free_port(wanted: u16) -> anyhow::Result<u16> {
    let is_free =
        |port| TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok();
    if is_free(wanted) {
        return Ok(wanted);
    }
    for _ in 0..20 {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?.port();
        if is_free(port) {
            println!("Port {wanted} is in use; taking {port}.");
            return Ok(port);
        }
    }
    anyhow::bail!("no free port on 127.0.0.1; try again with --port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_taken() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(free_port(taken).unwrap(), taken, "free again");
        let _udp = UdpSocket::bind(("127.0.0.1", taken)).unwrap();
        assert_ne!(free_port(taken).unwrap(), taken);
    }

    #[test]
    fn a_temporary_folder_goes_and_a_chosen_one_stays() {
        let outer = tempfile::tempdir().unwrap();
        let kept = outer.path().join("a/b");
        drop(Place::choose(Some(kept.clone())).unwrap());
        assert!(kept.is_dir());
        let place = Place::choose(None).unwrap();
        let path = place.path().to_owned();
        assert!(path.is_dir());
        drop(place);
        assert!(!path.exists());
    }
}
