//! `ssh -R` to an sshd of its own: one TCP connection, AES-128-GCM, all client connections as channels in it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Bench, Kind, System};
use crate::child::{Guarded, run};
use crate::programs::Programs;

const CIPHER: &str = "aes128-gcm@openssh.com";

#[derive(Debug)]
pub(super) struct Ssh;

impl System for Ssh {
    fn name(&self) -> &'static str {
        "ssh"
    }

    fn label(&self) -> &'static str {
        "ssh -R"
    }

    fn kind(&self) -> Kind {
        Kind::EncryptedPeer
    }

    fn on_veth(&self) -> bool {
        true
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        programs.find("sshd")?;
        programs.version("ssh", &["-V"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let rendezvous = bench.rendezvous()?;
        let (host_key, user_key) = (bench.dir.join("host_key"), bench.dir.join("user_key"));
        for key in [&host_key, &user_key] {
            let mut command = bench.place.outside.command(bench.programs.find("ssh-keygen")?);
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key);
            run(&mut command, "ssh-keygen", bench.dir, bench.patience())?;
        }
        let config = bench.dir.join("sshd_config");
        fs::write(&config, server_config(&rendezvous.to_string(), &host_key, &user_key))?;
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").context("sshd's privilege separation folder")?;
        }
        let mut server = bench.place.outside.command(bench.programs.find("sshd")?);
        server.args(["-D", "-e", "-f"]).arg(&config);
        let mut server = Guarded::spawn(&mut server, "sshd", bench.dir)?;
        server.await_output("Server listening", bench.patience())?;
        let mut client = bench.place.inside.command(bench.programs.find("ssh")?);
        client.args(["-N", "-F", "none", "-c", CIPHER, "-p", &rendezvous.port().to_string()]);
        for option in [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "ExitOnForwardFailure=yes",
            "BatchMode=yes",
        ] {
            client.args(["-o", option]);
        }
        client.arg("-i").arg(&user_key).args(["-R", &format!("{}:{}", bench.entry, bench.service)]);
        client.arg(rendezvous.ip().to_string());
        Ok(vec![server, Guarded::spawn(&mut client, "ssh", bench.dir)?])
    }
}

fn server_config(listen: &str, host_key: &Path, user_key: &Path) -> String {
    format!(
        "ListenAddress {listen}\nHostKey {}\nAuthorizedKeysFile {}.pub\nStrictModes no\nPidFile none\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
         AllowTcpForwarding yes\nGatewayPorts clientspecified\nUseDNS no\n",
        host_key.display(),
        user_key.display()
    )
}
