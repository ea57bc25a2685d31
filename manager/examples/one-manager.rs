//! One manager, put together as `fastx manager run` does, for the test that kills it.
//! usage: one-manager CONFIG-FOLDER LOCAL-FOLDER

use std::error::Error;
use std::path::PathBuf;

use cluster::admission::Authority;
use cluster::{Broker, ControlPlane, Name, Role, Subjects};
use config::Dirs;
use manager::{Admission, Manager};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut folders = std::env::args_os().skip(1).map(PathBuf::from);
    let dirs = Dirs::choose(folders.next(), folders.next(), |_| None);
    let broker = cluster::broker::read(&dirs.config("broker.json"))?.ok_or("no broker.json")?;
    let authority = Authority::read(&dirs.config("authority.json"))?.ok_or("no authority.json")?;
    let keep = manager::settings::read(&dirs.config("manager.json"))?.ok_or("no manager.json")?;
    let broker = Broker { login: authority.manager_login(&Subjects::new(&broker.namespace)), ..broker };
    let plane = ControlPlane::connect(Name::new("manager")?, Role::Manager, &broker).await?;
    let manager = Manager::start(&keep, &dirs.local("store"), &plane).await?;
    let _admission =
        Admission::start(authority, broker, plane.me.clone(), manager.store(), plane.transporter.clone())
            .await;
    std::future::pending().await
}
