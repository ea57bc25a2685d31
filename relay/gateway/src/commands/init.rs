//! `fastx-gateway init`: the files of a new gateway.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, bail};
use config::{Dirs, ListenAddr, Secrecy};
use relay::keys::{TUNNEL_CERTIFICATE, TUNNEL_KEY};
use relay::settings::{self, Settings};
use serde_json::json;
use tunnel::{Secret, ServerIdentity};

use crate::arguments::Init;

/// What a node needs to find and believe this gateway; dropped into the node's configuration folder.
const INVITATION: &str = "gateway.json";

pub(crate) fn init(dirs: &Dirs, wanted: &Init) -> anyhow::Result<()> {
    config::check_host(&wanted.host).context("--host")?;
    let files = [settings::FILE, TUNNEL_CERTIFICATE, TUNNEL_KEY, INVITATION].map(|file| dirs.config(file));
    let there: Vec<_> = files.iter().filter(|path| path.exists()).collect();
    if !there.is_empty() && !wanted.force {
        if is_same(dirs, wanted) && there.len() == files.len() {
            println!("{} is there already, for {}; nothing to do.", files[0].display(), wanted.host);
            return Ok(());
        }
        bail!(
            "{} exists; change it by hand, or write everything anew with --force (every node then needs the new {})",
            there[0].display(),
            INVITATION
        );
    }
    let token = Secret::random();
    let names = certificate_names(&wanted.host);
    let (certificate, key) = ServerIdentity::self_signed(names).context("cannot make a certificate")?;
    let [server_file, certificate_file, key_file, invitation_file] = &files;
    let settings = settings(wanted, &token);
    let invitation = json!({
        "host": wanted.host,
        "port": wanted.port,
        "ca": certificate,
        "token": token.expose(),
        "namespace": wanted.namespace,
    });
    // The settings come last: with them the gateway starts, so everything else is there by then.
    config::write_bytes(key_file, key.as_bytes(), Secrecy::OwnerOnly)?;
    config::write_bytes(certificate_file, certificate.as_bytes(), Secrecy::Public)?;
    config::write_json(invitation_file, &invitation, Secrecy::OwnerOnly)?;
    config::write_json(server_file, &settings, Secrecy::OwnerOnly)?;
    print_next_steps(dirs, wanted, server_file, invitation_file);
    Ok(())
}

/// Whether the files there are those of an earlier `init` with the same wishes.
fn is_same(dirs: &Dirs, wanted: &Init) -> bool {
    Settings::read(dirs).is_ok_and(|there| {
        there.host == wanted.host && there.listen == listen(wanted) && there.namespace == wanted.namespace
    })
}

fn listen(wanted: &Init) -> ListenAddr {
    let ip = wanted.listen.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    ListenAddr(SocketAddr::new(ip, wanted.port))
}

fn settings(wanted: &Init, token: &Secret) -> Settings {
    Settings {
        listen: listen(wanted),
        host: wanted.host.clone(),
        namespace: wanted.namespace.clone(),
        token: token.clone(),
        certificate: None,
        key: None,
        acme: None,
        services: Vec::new(),
        proxy_protocol_from: Vec::new(),
        trusted_proxies: Vec::new(),
        limits: settings::Limits::default(),
        metrics: None,
        drain: settings::DEFAULT_DRAIN,
    }
}

/// Also for who works on the machine itself.
fn certificate_names(host: &str) -> Vec<String> {
    let mut names = vec![host.to_owned()];
    names
        .extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().filter(|name| name != host));
    names
}

fn print_next_steps(dirs: &Dirs, wanted: &Init, server: &Path, invitation: &Path) {
    let folder = dirs.config_dir.display();
    println!(
        "Wrote {server} and the keys beside it.\n\n\
         Next:\n  \
         1. fastx-gateway run --config-dir {folder} --local-dir {local}\n     \
         (TCP and UDP port {port} must be open to people and nodes)\n  \
         2. copy {invitation} to /etc/fastx/ on each node, mode 0600 (it holds the join token), and restart the node\n  \
         3. fastx-gateway nodes --local-dir {local}\n\n\
         People open https://{host}:{port}/. Browsers warn about the self-signed certificate until `certificate` and\n\
         `key`, or `acme`, are set in {server}.",
        server = server.display(),
        local = dirs.local_dir.display(),
        port = wanted.port,
        invitation = invitation.display(),
        host = wanted.host,
    );
}
