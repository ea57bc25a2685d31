//! `fastx-gateway revoke`: cuts off a server, lets it in again, or forgets its key.

use config::Dirs;

use crate::admin;
use crate::arguments::Revoke;

pub(crate) fn revoke(dirs: &Dirs, wanted: &Revoke) -> anyhow::Result<()> {
    let what = match (wanted.undo, wanted.forget) {
        (true, _) => "restore",
        (_, true) => "forget",
        _ => "revoke",
    };
    println!("{}", admin::post(dirs, &format!("/nodes/{}/{what}", wanted.server))?);
    Ok(())
}
