//! `fastx-gateway reload`: takes the changed configuration, or says why not.

use config::Dirs;

use crate::admin;

pub(crate) fn reload(dirs: &Dirs) -> anyhow::Result<()> {
    println!("{}", admin::post(dirs, "/reload")?);
    Ok(())
}
