//! mongod, alone or as a replica set of one address each.

use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};

use super::servers::{PATIENCE, Process, address, program};

const PORT: u16 = 17017;

#[derive(Debug)]
pub(crate) struct Mongod {
    folder: tempfile::TempDir,
    listens: (Ipv4Addr, u16),
    replica_set: Option<&'static str>,
    process: Option<Process>,
    /// The port where everybody reaches it, the other members too.
    known_by: u16,
    /// Takes only who has a login.
    guarded: bool,
}

impl Mongod {
    pub(crate) fn started(replica_set: Option<&'static str>) -> Self {
        Self::started_at((address(), PORT), replica_set, false)
    }

    /// With `--auth`, and as setup-fastx-cluster starts it: its first user can only be made from 127.0.0.1.
    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) fn guarded() -> Self {
        // Below the ports that the kernel gives to who asks for none.
        let first = 20_000 + (std::process::id() % 10_000) as u16;
        let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let port = (first..first + 2_000).find(is_free).unwrap();
        Self::started_at((Ipv4Addr::LOCALHOST, port), Some("fastx"), true)
    }

    /// Returns when it listens: on a busy machine that is longer than a manager waits for its first answer.
    fn started_at(listens: (Ipv4Addr, u16), replica_set: Option<&'static str>, guarded: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mongod = Self { folder, listens, known_by: listens.1, replica_set, process: None, guarded };
        mongod.start();
        let began = Instant::now();
        while TcpStream::connect(listens).is_err() {
            assert!(began.elapsed() < PATIENCE && mongod.process().is_running(), "mongod: {}", mongod.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        mongod
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn start(&mut self) {
        let (bind, data) = (self.listens.0.to_string(), self.folder.path().display().to_string());
        let port = self.listens.1.to_string();
        let mut arguments = vec!["--bind_ip", &bind, "--port", &port, "--dbpath", &data];
        // Its file would be named by the port alone: of two that start at once, one ends.
        arguments.push("--nounixsocket");
        // A quarter of the memory each would be too much for a machine with several.
        arguments.extend([
            "--wiredTigerCacheSizeGB",
            "0.25",
            "--setParameter",
            "diagnosticDataCollectionEnabled=false",
        ]);
        let key = self.folder.path().join("key");
        let key = key.to_str().unwrap();
        if self.guarded {
            std::fs::write(key, "c2VjcmV0").unwrap();
            std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
            arguments.extend(["--auth", "--keyFile", key, "--noscripting"]);
        }
        if let Some(name) = self.replica_set {
            arguments.extend(["--replSet", name]);
        }
        self.process = Some(Process::start(&program("mongod"), &arguments, &self.folder.path().join("log")));
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    pub(crate) fn host(&self) -> String {
        format!("{}:{}", self.listens.0, self.known_by)
    }

    /// Its address, and the port that it listens on itself.
    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) fn listens(&self) -> (Ipv4Addr, u16) {
        self.listens
    }

    /// From now on it is known by another port, which leads to its own.
    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) fn is_known_by(&mut self, port: u16) {
        self.known_by = port;
    }

    /// For this one, or for the whole replica set it is a member of.
    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) fn url(&self) -> String {
        let options = self.replica_set.map_or(String::new(), |name| format!("?replicaSet={name}"));
        format!("mongodb://{}/{options}", self.host())
    }

    /// Makes a replica set of `members`, of which this is one, and waits for its primary.
    pub(crate) async fn initiate(&self, members: &[&Self]) {
        let name = self.replica_set.expect("it was started as a member");
        let hosts =
            members.iter().enumerate().map(|(id, member)| doc! { "_id": id as i32, "host": member.host() });
        // As docs/redundancy.md has it: with MongoDB's 10 s, writes resumed 12.1 s after a primary's death.
        let settings = doc! { "electionTimeoutMillis": 5000 };
        let configuration = doc! { "_id": name, "members": hosts.collect::<Vec<_>>(), "settings": settings };
        let began = Instant::now();
        while let Err(error) = self.admin(doc! { "replSetInitiate": configuration.clone() }).await {
            assert!(began.elapsed() < PATIENCE, "{error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        while !self.sees_a_primary().await {
            assert!(began.elapsed() < PATIENCE, "no primary");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn sees_a_primary(&self) -> bool {
        self.admin(doc! { "hello": 1 }).await.is_ok_and(|hello| hello.contains_key("primary"))
    }

    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) async fn is_primary(&self) -> bool {
        self.admin(doc! { "hello": 1 })
            .await
            .is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false))
    }

    /// Whether it has caught up with the others.
    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) async fn is_in_its_set(&self) -> bool {
        let is = |hello: &Document, what| hello.get_bool(what).unwrap_or(false);
        let hello = self.admin(doc! { "hello": 1 }).await;
        hello.is_ok_and(|hello| is(&hello, "isWritablePrimary") || is(&hello, "secondary"))
    }

    async fn admin(&self, command: Document) -> mongodb::error::Result<Document> {
        let host = SocketAddr::from(self.listens);
        let url = format!("mongodb://{host}/?directConnection=true&serverSelectionTimeoutMS=5000");
        Client::with_uri_str(url).await?.database("admin").run_command(command).await
    }
}
