//! `fastx manager init`: writes manager.json, or all that a cluster starts from.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::Path;

use anyhow::{Context, bail};
use cluster::Secret;
use config::{Dirs, Document, Secrecy};
use manager::founding::{self, Package, Plan};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::{ManagerInitOptions, StoreKind};

/// A connection string with the names of some servers has 200 bytes.
const LONGEST_URL: u64 = 16 * 1024;
/// Where fastx-mongod.service listens; MongoDB's own port may be taken by a mongod of the site.
const OWN_MONGOD: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 27117));
/// Keys and certificates of one host have 10 KB.
const LARGEST_PACKAGE: u64 = 1024 * 1024;

pub(crate) fn init(options: &ManagerInitOptions) -> anyhow::Result<()> {
    let dirs = options.folders.dirs();
    let file =
        if options.host.is_some() || options.join.is_some() { "broker/nats.conf" } else { "manager.json" };
    let path = dirs.config(file);
    if path.exists() && !options.force {
        bail!("{} is there already\n  next: keep it, or write it anew with --force", path.display());
    }
    if let Some(package) = &options.join {
        return told(&dirs, &unpack(package, &dirs)?);
    }
    let manager_json = match options.store {
        StoreKind::Folder => json!({ "store": "folder" }),
        StoreKind::Mongodb => json!({ "mongodb": { "url": url()?, "database": "fastx" } }),
        StoreKind::Mongod => json!({ "mongodb": { "url": own_mongod(&dirs)?, "database": "fastx" } }),
    };
    if let Some(host) = &options.host {
        let plan = Plan {
            host: host.clone(),
            peers: options.peers.clone(),
            port: options.port,
            namespace: options.namespace.clone(),
            manager_json,
            shared_store: options.store == StoreKind::Mongodb,
        };
        told(&dirs, &founding::found(&plan, &dirs)?)?;
        let broker = dirs.config("broker");
        println!(
            "next: run the broker (cd {} && STATE_DIRECTORY={} nats-server -c nats.conf), then `fastx manager run`; \
             setup-fastx-cluster does both as services",
            broker.display(),
            dirs.local_dir.display()
        );
        return Ok(());
    }
    config::write_json(&path, &manager_json, Secrecy::OwnerOnly)?;
    told(&dirs, &["manager.json".to_owned()])?;
    if !dirs.config("broker.json").exists() {
        println!(
            "next: put broker.json beside it, for a broker of yours, then run `fastx manager run`; \
             to found a cluster with its own broker: fastx manager init --force --host NAME"
        );
    }
    Ok(())
}

fn told(dirs: &Dirs, written: &[String]) -> anyhow::Result<()> {
    for file in written {
        println!("wrote {}", dirs.config(file).display());
    }
    Ok(())
}

fn unpack(package: &Path, dirs: &Dirs) -> anyhow::Result<Vec<String>> {
    let document = if package == Path::new("-") {
        let mut text = Vec::new();
        let read = std::io::stdin().take(LARGEST_PACKAGE).read_to_end(&mut text);
        read.context("cannot read the package from standard input")?;
        Document::from_bytes(Path::new("standard input"), text)?
    } else {
        Document::read(package, Secrecy::OwnerOnly)?
    };
    Ok(Package::from_document(&document)?.unpack(dirs)?)
}

/// The password is written down before it is set, so that what breaks off between can be gone on with.
fn own_mongod(dirs: &Dirs) -> anyhow::Result<String> {
    let path = dirs.config("mongod.json");
    let login = match Document::read(&path, Secrecy::OwnerOnly) {
        Ok(document) => document.parse()?,
        Err(error) if error.is_missing() => {
            let login = MongodLogin { password: format!("{:032x}", rand::random::<u128>()) };
            config::write_json(&path, &login, Secrecy::OwnerOnly)?;
            login
        }
        Err(error) => return Err(error.into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let url = runtime.block_on(manager::prepare(OWN_MONGOD, &Secret::new(login.password)))?;
    Ok(url.expose().to_owned())
}

/// mongod.json.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MongodLogin {
    password: String,
}

fn url() -> anyhow::Result<String> {
    let mut url = String::new();
    let read = std::io::stdin().take(LONGEST_URL).read_to_string(&mut url);
    read.context("cannot read the connection string from standard input")?;
    let url = url.trim();
    if !url.starts_with("mongodb://") && !url.starts_with("mongodb+srv://") {
        // What it is instead may hold a password.
        bail!("standard input is no connection string of MongoDB: it begins with mongodb://");
    }
    Ok(url.to_owned())
}
