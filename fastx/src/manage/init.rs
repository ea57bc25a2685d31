//! `fastx manager init`: writes manager.json.

use std::io::Read;

use anyhow::{Context, bail};
use config::Secrecy;
use serde_json::json;

use crate::cli::{ManagerInitOptions, StoreKind};

/// A connection string with the names of some servers has 200 bytes.
const LONGEST_URL: u64 = 16 * 1024;

pub(crate) fn init(options: &ManagerInitOptions) -> anyhow::Result<()> {
    let dirs = options.folders.dirs();
    let path = dirs.config("manager.json");
    if path.exists() && !options.force {
        bail!("{} is there already\n  next: keep it, or write it anew with --force", path.display());
    }
    let settings = match options.store {
        StoreKind::Folder => json!({ "store": "folder" }),
        StoreKind::Mongodb => json!({ "mongodb": { "url": url()?, "database": "fastx" } }),
    };
    config::write_json(&path, &settings, Secrecy::OwnerOnly)?;
    println!("wrote {}", path.display());
    if !dirs.config("broker.json").exists() {
        println!("next: put broker.json beside it, then run `fastx manager run`");
    }
    Ok(())
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
