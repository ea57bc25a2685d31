//! `fastx node key`: who this node is, for another node's lan.json.

use node::Identity;

use crate::cli::KeyOptions;

pub(crate) fn show(options: &KeyOptions) -> anyhow::Result<()> {
    let identity = Identity::load_or_make(&options.folders.dirs())?;
    let (id, key) = (&identity.server_id, identity.key.fingerprint());
    if options.json {
        println!("{:#}", serde_json::json!({ "serverId": id, "key": key }));
    } else {
        println!("server id  {id}\nkey        {key}");
    }
    Ok(())
}
