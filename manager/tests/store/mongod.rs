//! mongod, alone or as a replica set of one address each.

use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};

use super::servers::{PATIENCE, Process, address, program};

const PORT: u16 = 17017;

#[derive(Debug)]
pub(crate) struct Mongod {
    folder: tempfile::TempDir,
    address: Ipv4Addr,
    replica_set: Option<&'static str>,
    process: Option<Process>,
    /// Where everybody reaches it, the other members too.
    port: u16,
}

impl Mongod {
    /// Returns when it listens: on a busy machine that is longer than a manager waits for its first answer.
    pub(crate) fn started(replica_set: Option<&'static str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mongod = Self { folder, address: address(), replica_set, process: None, port: PORT };
        mongod.start();
        let began = Instant::now();
        while TcpStream::connect((mongod.address, PORT)).is_err() {
            assert!(began.elapsed() < PATIENCE && mongod.process().is_running(), "mongod: {}", mongod.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        mongod
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn start(&mut self) {
        let (bind, data) = (self.address.to_string(), self.folder.path().display().to_string());
        let port = PORT.to_string();
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
        if let Some(name) = self.replica_set {
            arguments.extend(["--replSet", name]);
        }
        self.process = Some(Process::start(&program("mongod"), &arguments, &self.folder.path().join("log")));
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    pub(crate) fn host(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    /// Its address, and the port that it listens on itself.
    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) fn listens(&self) -> (Ipv4Addr, u16) {
        (self.address, PORT)
    }

    /// From now on it is known by another port, which leads to its own.
    #[allow(dead_code, reason = "each test program uses its part of it")]
    pub(crate) fn is_known_by(&mut self, port: u16) {
        self.port = port;
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
        let host = format!("{}:{PORT}", self.address);
        let url = format!("mongodb://{host}/?directConnection=true&serverSelectionTimeoutMS=5000");
        Client::with_uri_str(url).await?.database("admin").run_command(command).await
    }
}
