//! Servers that nobody here wrote, for the tunnel to lead to: sshd and nginx.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::host::Host;
use crate::process::Process;
use crate::wait::wait_until;

/// sshd on a host's loopback, with a key that the client may use.
#[derive(Debug)]
pub struct Sshd {
    _process: Process,
    folder: PathBuf,
}

impl Sshd {
    pub fn start(host: &Host, port: u16) -> Self {
        let folder = host.path("sshd");
        std::fs::create_dir_all(&folder).expect("our own folder");
        std::fs::create_dir_all("/run/sshd").expect("sshd separates privileges there");
        for key in ["host", "client"] {
            host.run(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                    .arg(folder.join(key)),
            );
        }
        let shown = folder.display();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {shown}/host\nAuthorizedKeysFile {shown}/client.pub\n\
             StrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\nSubsystem sftp internal-sftp\n"
        );
        std::fs::write(folder.join("sshd_config"), config).expect("our own folder");
        let process = host.start(
            "sshd",
            Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(folder.join("sshd_config")),
        );
        listens(host, port);
        Self { _process: process, folder }
    }

    /// `scp` or `ssh` with the client's key; nobody is asked anything.
    pub fn client(&self, program: &str, port: u16) -> Command {
        let mut command = Command::new(program);
        command.args([if program == "scp" { "-P" } else { "-p" }, &port.to_string(), "-i"]);
        command.arg(self.folder.join("client"));
        for option in
            ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR"]
        {
            command.args(["-o", option]);
        }
        command
    }
}

/// nginx on a host's loopback, serving a folder.
#[derive(Debug)]
pub struct Nginx {
    _process: Process,
    pub root: PathBuf,
}

impl Nginx {
    /// `options` go behind its port, `locations` into its server block.
    pub fn start(host: &Host, port: u16, options: &str, locations: &str) -> Self {
        let folder = host.path("nginx");
        let root = folder.join("root");
        for part in ["root", "temp"] {
            std::fs::create_dir_all(folder.join(part)).expect("our own folder");
        }
        let shown = folder.display();
        let config = format!(
            "user root; daemon off; worker_processes 1; pid {shown}/pid; error_log stderr;\n\
             events {{ worker_connections 2048; }}\n\
             http {{ access_log off; client_max_body_size 0; default_type application/octet-stream;\n\
             client_body_temp_path {shown}/temp/b; proxy_temp_path {shown}/temp/p; fastcgi_temp_path {shown}/temp/f;\n\
             uwsgi_temp_path {shown}/temp/u; scgi_temp_path {shown}/temp/s;\n\
             server {{ listen 127.0.0.1:{port} {options}; root {shown}/root; {locations} }} }}\n"
        );
        std::fs::write(folder.join("nginx.conf"), config).expect("our own folder");
        let process = host.start("nginx", Command::new("nginx").arg("-c").arg(folder.join("nginx.conf")));
        listens(host, port);
        Self { _process: process, root }
    }
}

/// Waits until something listens on a host's loopback.
pub fn listens(host: &Host, port: u16) {
    wait_until(&format!("a listener on port {port} of {}", host.name()), Duration::from_secs(10), || {
        host.namespace().inside(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
    });
}
