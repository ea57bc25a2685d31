//! nats-server, with TLS and a login.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use cluster::broker::{Broker, Kind, Login, Trust};
use cluster::{Name, Secret};
use config::HostPort;

use super::certificates::Certificates;
use super::{Process, address, program};

const PORT: u16 = 14222;
const ROUTES: u16 = 16222;

#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
    pub folder: tempfile::TempDir,
    pub address: Ipv4Addr,
    pub certificates: Certificates,
    /// `None` while it is dead.
    process: Option<Process>,
}

impl NatsServer {
    /// `settings` are lines of nats-server's configuration: who may come in.
    pub fn new(name: &str, settings: &str) -> Self {
        Self::with_peers(name, settings, address(), &[])
    }

    pub fn with_peers(name: &str, settings: &str, address: Ipv4Addr, peers: &[Ipv4Addr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::make(folder.path(), address);
        let (certificate, key) = (certificates.certificate.display(), certificates.key.display());
        let routes: Vec<String> = peers.iter().map(|peer| format!("\"nats://{peer}:{ROUTES}\"")).collect();
        let cluster = if peers.is_empty() {
            String::new()
        } else {
            format!(
                "cluster {{ name: test, listen: \"{address}:{ROUTES}\", routes: [{}] }}",
                routes.join(", ")
            )
        };
        let text = format!(
            "server_name: \"{address}\"\nlisten: \"{address}:{PORT}\"\n\
             tls {{ cert_file: \"{certificate}\", key_file: \"{key}\", timeout: 30 }}\n{cluster}\n{settings}\n"
        );
        std::fs::write(folder.path().join("nats.conf"), text).unwrap();
        Self { program: program(name), folder, address, certificates, process: None }
    }

    pub fn started(name: &str, settings: &str) -> Self {
        let mut server = Self::new(name, settings);
        server.start();
        server
    }

    pub fn start(&mut self) {
        let configuration = self.folder.path().join("nats.conf").display().to_string();
        let log = self.folder.path().join("log");
        self.process = Some(Process::start(&self.program, &["-c", &configuration], &log));
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn broker(&self, login: Login) -> Broker {
        Broker {
            kind: Kind::Nats,
            servers: vec![HostPort { host: self.address.to_string(), port: PORT }],
            login,
            trust: Trust::Ca(self.certificates.ca.clone()),
            namespace: Name::new("test.cluster").unwrap(),
        }
    }
}

pub const TOKEN: &str = "authorization { token: \"tok\", timeout: 30 }";

pub fn token() -> Login {
    Login::Password { user: None, password: Secret::new("tok") }
}
