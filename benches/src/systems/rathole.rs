//! rathole: one TCP connection per client connection, plaintext or Noise.

use std::fs;

use anyhow::{Context as _, Result};

use super::{Bench, Kind, System};
use crate::child::{Guarded, run};
use crate::programs::Programs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rathole {
    Plain,
    Noise,
}

impl System for Rathole {
    fn name(&self) -> &'static str {
        match self {
            Self::Plain => "rathole",
            Self::Noise => "rathole-noise",
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Plain => "rathole",
            Self::Noise => "rathole Noise",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Plain => Kind::PlainPeer,
            Self::Noise => Kind::EncryptedPeer,
        }
    }

    fn on_veth(&self) -> bool {
        *self == Self::Noise
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        programs.version("rathole", &["--version"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let program = bench.programs.find("rathole")?;
        let rendezvous = bench.rendezvous()?;
        let (server_transport, client_transport) = self.transports(bench)?;
        let server = format!(
            "[server]\nbind_addr = \"{rendezvous}\"\ndefault_token = \"bench\"\n{server_transport}\n\
             [server.services.bench]\nbind_addr = \"{}\"\n",
            bench.entry
        );
        let client = format!(
            "[client]\nremote_addr = \"{rendezvous}\"\ndefault_token = \"bench\"\n{client_transport}\n\
             [client.services.bench]\nlocal_addr = \"{}\"\n",
            bench.service
        );
        let sides = [("server", server, &bench.place.outside), ("client", client, &bench.place.inside)];
        sides
            .into_iter()
            .map(|(role, text, side)| {
                let file = bench.dir.join(format!("rathole-{role}.toml"));
                fs::write(&file, text)?;
                let mut command = side.command(program);
                command.arg(format!("--{role}")).arg(&file);
                Guarded::spawn(&mut command, &format!("rathole-{role}"), bench.dir)
            })
            .collect()
    }
}

impl Rathole {
    /// The `[transport]` tables of server and client.
    fn transports(self, bench: &Bench<'_>) -> Result<(String, String)> {
        if self == Self::Plain {
            return Ok(Default::default());
        }
        let mut genkey = bench.place.outside.command(bench.programs.find("rathole")?);
        let output = run(genkey.arg("--genkey"), "rathole-genkey", bench.dir, bench.patience())?;
        // "Private Key:\nXXX\n\nPublic Key:\nYYY"
        let key = |title: &str| {
            let after = output.split_once(title)?.1;
            after.split_whitespace().find(|word| word.len() > 40)
        };
        let private = key("Private Key").context("rathole --genkey printed no private key")?;
        let public = key("Public Key").context("rathole --genkey printed no public key")?;
        let table = |role: &str, key: String| {
            format!("[{role}.transport]\ntype = \"noise\"\n[{role}.transport.noise]\n{key}\n")
        };
        Ok((
            table("server", format!("local_private_key = \"{private}\"")),
            table("client", format!("remote_public_key = \"{public}\"")),
        ))
    }
}
