//! redis-server, with TLS and a password.

use std::net::Ipv4Addr;

use cluster::broker::{Broker, Kind, Login, Trust};
use cluster::{Name, Secret};
use config::HostPort;

use super::certificates::Certificates;
use super::{Process, address, program};

const PORT: u16 = 16379;

#[derive(Debug)]
pub struct RedisServer {
    folder: tempfile::TempDir,
    address: Ipv4Addr,
    pub certificates: Certificates,
    process: Option<Process>,
}

impl RedisServer {
    /// Not started yet.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = address();
        let certificates = Certificates::make(folder.path(), address);
        let text = format!(
            "bind {address}\nport 0\ntls-port {PORT}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n\
             tls-auth-clients no\nrequirepass tok\nsave \"\"\nappendonly no\ndir {}\n",
            certificates.certificate.display(),
            certificates.key.display(),
            certificates.ca_file.display(),
            folder.path().display(),
        );
        std::fs::write(folder.path().join("redis.conf"), text).unwrap();
        Self { folder, address, certificates, process: None }
    }

    pub fn started() -> Self {
        let mut server = Self::new();
        server.start();
        server
    }

    pub fn start(&mut self) {
        let configuration = self.folder.path().join("redis.conf").display().to_string();
        let log = self.folder.path().join("log");
        self.process = Some(Process::start(&program("redis-server"), &[&configuration], &log));
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    pub fn broker(&self, password: &str) -> Broker {
        Broker {
            kind: Kind::Redis,
            servers: vec![HostPort { host: self.address.to_string(), port: PORT }],
            login: Login::Password { user: None, password: Secret::new(password) },
            trust: Trust::Ca(self.certificates.ca.clone()),
            namespace: Name::new("test.cluster").unwrap(),
        }
    }
}
