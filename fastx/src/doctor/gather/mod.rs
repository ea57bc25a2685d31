//! Looks at everything. Every look has an end of its own, so that the doctor comes back also when nothing else does.

mod cluster;
mod files;
mod gateway;
mod machine;
mod nearby;
mod service;

use std::io;

use config::Dirs;
use jiff::Timestamp;

use super::facts::Facts;

pub(super) fn gather(dirs: &Dirs) -> io::Result<Facts> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The service is asked first: what it can do counts for more than what this program can.
    let service = service::ask(dirs);
    let files = files::read(dirs);
    let runs = matches!(service, super::facts::Service::Runs { .. });
    let (cluster, gateways, nearby) = runtime.block_on(async {
        tokio::join!(
            cluster::look(dirs, files.broker.as_ref(), runs),
            gateway::look(&files.gateways),
            nearby::look(&files.nearby, runs),
        )
    });
    let store = match files.broker {
        _ if runs => Some(service::try_store(dirs)),
        Some(_) => cluster.store,
        None => Some(files::try_folder(dirs)),
    };
    Ok(Facts {
        now: Timestamp::now(),
        config_dir: dirs.config_dir.clone(),
        local_dir: dirs.local_dir.clone(),
        bad_files: files.bad,
        good_files: files.good,
        secrets: files::secrets(dirs),
        members: runs.then(|| service::members(dirs)).flatten(),
        broker: cluster.broker,
        store,
        damaged: files::damaged(dirs),
        gateways,
        nearby,
        files: machine::open_files(&service),
        disk: machine::disk(&dirs.local_dir),
        unit: service::unit(dirs),
        service,
    })
}
