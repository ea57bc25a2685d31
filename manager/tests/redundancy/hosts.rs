//! Three hosts, each on a loopback address of its own: broker and mongod on each, managers on two.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cluster::admission::Authority;
use cluster::broker::Broker;
use cluster::{ControlPlane, Name, Role, Subjects};
use config::{Dirs, Document, Secrecy};
use manager::founding::{Package, Plan, found};
use manager::{Admission, Mongo, Settings};
use serde_json::json;

use super::mongod::Mongod;
use super::servers::{PATIENCE, Process, address, program};

pub(crate) const PORT: u16 = 14222;

pub(crate) struct Hosts {
    folder: tempfile::TempDir,
    pub(crate) addresses: [Ipv4Addr; 3],
    url: String,
    pub(crate) brokers: Vec<Process>,
    pub(crate) managers: Vec<Process>,
    pub(crate) mongods: [Mongod; 3],
}

impl Hosts {
    pub(crate) async fn started() -> Self {
        let mongods = [0, 1, 2].map(|_| Mongod::started(Some("rs")));
        let [one, two, three] = &mongods;
        one.initiate(&[one, two, three]).await;
        let url = format!("mongodb://{},{},{}/?replicaSet=rs", one.host(), two.host(), three.host());
        let folder = tempfile::tempdir().unwrap();
        let addresses = [0, 1, 2].map(|_| address());
        let mut hosts = Self { folder, addresses, url, brokers: Vec::new(), managers: Vec::new(), mongods };
        hosts.found();
        for at in 0..3 {
            let broker = hosts.run_broker(at);
            hosts.brokers.push(broker);
        }
        for at in 0..2 {
            let manager = hosts.run_manager(at);
            hosts.managers.push(manager);
        }
        hosts
    }

    fn found(&self) {
        let [host, peers @ ..] = self.addresses.map(|address| address.to_string());
        let plan = Plan {
            host,
            peers: peers.to_vec(),
            port: PORT,
            namespace: Name::new("fastx-cluster").unwrap(),
            manager_json: json!({ "mongodb": { "url": self.url, "database": "fastx" } }),
            shared_store: true,
        };
        found(&plan, &self.dirs(0)).unwrap();
        for at in 1..3 {
            let path = self.dirs(0).config(&format!("peers/{}.json", self.addresses[at]));
            let document = Document::read(&path, Secrecy::OwnerOnly).unwrap();
            Package::from_document(&document).unwrap().unpack(&self.dirs(at)).unwrap();
        }
    }

    pub(crate) fn dirs(&self, at: usize) -> Dirs {
        let host = self.folder.path().join(at.to_string());
        Dirs::choose(Some(host.join("etc")), Some(host.join("local")), |_| None)
    }

    pub(crate) fn start_broker(&mut self, at: usize) {
        self.brokers[at] = self.run_broker(at);
    }

    pub(crate) fn start_manager(&mut self, at: usize) {
        self.managers[at] = self.run_manager(at);
    }

    /// As fastx-broker.service does: in its folder, and what it keeps in `$STATE_DIRECTORY`.
    fn run_broker(&self, at: usize) -> Process {
        let (folder, state) =
            (self.dirs(at).config("broker"), self.folder.path().join(format!("{at}/state")));
        std::fs::create_dir_all(&state).unwrap();
        let line = format!(
            "cd '{}' && STATE_DIRECTORY='{}' exec '{}' -c nats.conf",
            folder.display(),
            state.display(),
            program("nats-server").canonicalize().unwrap().display()
        );
        Process::start(
            "/bin/sh".as_ref(),
            &["-c", &line],
            &self.folder.path().join(format!("broker{at}.log")),
        )
    }

    fn run_manager(&self, at: usize) -> Process {
        let dirs = self.dirs(at);
        let [config, local] = [&dirs.config_dir, &dirs.local_dir].map(|folder| folder.display().to_string());
        let log = self.folder.path().join(format!("manager{at}.log"));
        Process::start(&one_manager(), &[&config, &local], &log)
    }

    /// As a node has it that got a copy of broker.json.
    pub(crate) fn broker(&self) -> Broker {
        cluster::broker::read(&self.dirs(0).config("broker.json")).unwrap().unwrap()
    }

    /// The part of a third manager that lets servers in, to be called at first hand.
    pub(crate) async fn admission(&self) -> Admission {
        let authority = Authority::read(&self.dirs(1).config("authority.json")).unwrap().unwrap();
        let broker = self.broker();
        let broker = Broker { login: authority.manager_login(&Subjects::new(&broker.namespace)), ..broker };
        let plane = ControlPlane::connect(Name::new("third").unwrap(), Role::Manager, &broker).await.unwrap();
        let settings =
            Settings { url: cluster::Secret::new(self.url.as_str()), database: Name::new("fastx").unwrap() };
        let store = std::sync::Arc::new(Mongo::connect(&settings).await.unwrap());
        Admission::start(authority, broker, plane.me.clone(), store, plane.transporter.clone()).await
    }

    /// The next one may only die when two of three are left.
    pub(crate) async fn mongod_is_back(&self, at: usize) {
        let began = Instant::now();
        while !self.mongods[at].is_in_its_set().await {
            assert!(began.elapsed() < PATIENCE, "mongod {at} does not come back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// `manager/examples/one-manager.rs`, which cargo builds with the tests.
fn one_manager() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples/one-manager")
}
