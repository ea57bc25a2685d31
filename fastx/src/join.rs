//! `fastx node join`: this server comes into a cluster with a token, and gets a broker.json of its own.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use cluster::Secret;
use cluster::admission::{JoinToken, MemberKey, join};
use config::{Dirs, Document, Secrecy};
use node::Identity;

use crate::cli::JoinOptions;
use crate::control;

/// With several brokers and a chain of certificates a token has some KB.
const LARGEST: u64 = 256 * 1024;
/// The key it asks with: when the answer is lost, the next try must ask with the same.
const KEY: &str = "join.nkey";

pub(crate) fn run(options: &JoinOptions) -> anyhow::Result<()> {
    let dirs = options.folders.dirs();
    let path = dirs.config("broker.json");
    if path.exists() && !options.force {
        bail!(
            "{} is there already: this server is in a cluster\n  next: keep it, or add --force",
            path.display()
        );
    }
    let token = JoinToken::from_document(&read(options.token.as_deref())?)?;
    let server_id = control::name(&Identity::load_or_make(&dirs)?);
    let key = key(&dirs)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let jwt = runtime.block_on(join(&token, &server_id, &key))?;
    config::write_json(&path, &token.broker_json(&key, &jwt), Secrecy::OwnerOnly)?;
    let _gone_already = std::fs::remove_file(dirs.local(KEY));
    for file in [path.clone(), dirs.local("server-id"), dirs.local("node.key")] {
        belongs_to_its_folders_owner(&file)
            .with_context(|| format!("cannot give {} to its user", file.display()))?;
    }
    println!(
        "{server_id} is in the cluster {}; wrote {}\n  next: systemctl restart fastx-node; then fastx status",
        token.namespace,
        path.display()
    );
    Ok(())
}

fn read(file: Option<&Path>) -> anyhow::Result<Document> {
    if let Some(file) = file.filter(|file| *file != Path::new("-")) {
        return Ok(Document::read(file, Secrecy::OwnerOnly)?);
    }
    let mut text = Vec::new();
    std::io::stdin()
        .take(LARGEST)
        .read_to_end(&mut text)
        .context("cannot read the token from standard input")?;
    if text.iter().all(u8::is_ascii_whitespace) {
        bail!(
            "no token came on standard input\n  next: fastx manager token create --out - on a manager, piped into this; \
             or name its file: fastx node join FILE"
        );
    }
    Ok(Document::from_bytes(Path::new("standard input"), text)?)
}

fn key(dirs: &Dirs) -> anyhow::Result<MemberKey> {
    let path = dirs.local(KEY);
    match config::read_bytes(&path, Secrecy::OwnerOnly) {
        Ok(seed) => MemberKey::from_seed(&Secret::new(String::from_utf8_lossy(&seed).trim()))
            .with_context(|| format!("{} is no key\n  next: remove it", path.display())),
        Err(error) if error.is_missing() => {
            let key = MemberKey::generate();
            config::write_bytes(&path, key.seed().expose().as_bytes(), Secrecy::OwnerOnly)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

/// Root joins, and the node runs as its own user, whom the folder belongs to.
fn belongs_to_its_folders_owner(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let folder = std::fs::metadata(file.parent().unwrap_or(Path::new(".")))?;
    std::os::unix::fs::chown(file, Some(folder.uid()), Some(folder.gid()))
}
