//! `fastx manager init`: writes manager.json, or all that a cluster starts from.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use config::{Dirs, Document, Secrecy};
use manager::founding::{self, Package, Plan};
use serde_json::json;

use crate::cli::{ManagerInitOptions, StoreKind};

/// A connection string with the names of some servers has 200 bytes.
const LONGEST_URL: u64 = 16 * 1024;
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
