//! Certificates from an ACME authority: Debian's pebble, which checks over TLS-ALPN-01 for real.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use relay::settings::Acme;
use relay::web::acme::Renewal;
use relay::web::certificates::Certificates;

use crate::stage::{Stage, certificate, handshake};

/// Killed when dropped.
struct Pebble(Child);

impl Drop for Pebble {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts pebble; it checks domains on port `tls`. The URL of its directory.
async fn pebble(folder: &Path, tls: u16) -> (Pebble, String) {
    let (_, cert, key) = certificate(folder, "pebble");
    let (api, management) = (free_port(), free_port());
    let config = serde_json::json!({ "pebble": {
        "listenAddress": format!("127.0.0.1:{api}"),
        "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": cert, "privateKey": key, "httpPort": 1, "tlsPort": tls, "ocspResponderURL": "",
        "externalAccountBindingRequired": false, "retryAfter": {"authz": 1, "order": 1}
    }});
    let path = folder.join("pebble.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let log = std::fs::File::create(folder.join("pebble.log")).unwrap();
    let child = Command::new("pebble")
        .arg("-config")
        .arg(path)
        // Without it pebble waits up to 15 s before it checks, and refuses 5 % of good nonces.
        .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "5")])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .expect("pebble is installed");
    let pebble = Pebble(child);
    let address: SocketAddr = format!("127.0.0.1:{api}").parse().unwrap();
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return (pebble, format!("https://localhost:{api}/dir"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{}", std::fs::read_to_string(folder.join("pebble.log")).unwrap());
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Waits until the status is what is wanted, and says what it was if it never is.
async fn wait(certificates: &Certificates, wanted: impl Fn(&serde_json::Value) -> bool) {
    let status = || serde_json::to_value(certificates.status()).unwrap();
    for _ in 0..1200 {
        if wanted(&status()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", status());
}

#[tokio::test]
async fn a_certificate_is_got_kept_and_taken_up_again() {
    let stage = Stage::new().await;
    let folder = stage.folder.path();
    let (_pebble, directory) = pebble(folder, stage.address.port()).await;
    let acme = |domain: &str| Acme {
        domains: vec![domain.into()],
        email: Some("admin@example.org".into()),
        directory: Some(directory.clone()),
        ca_file: Some(folder.join("pebble.pem")),
    };
    let local = folder.join("acme");
    let renewal = Renewal::new(acme("localhost"), local.clone());
    let keeping = tokio::spawn(renewal.keep(stage.certificates.clone()));
    wait(&stage.certificates, |status| status["names"] == serde_json::json!(["localhost"])).await;
    keeping.abort();
    assert_eq!([mode(&local.join("account.json")), mode(&local.join("certificate.pem"))], [0o600; 2]);
    let socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let refused = handshake(socket, &stage.pem, &[]).await.unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "another certificate is shown now: {refused}");
    // Another start: the saved certificate is shown at once, and the authority is not asked.
    let saved = std::fs::read(local.join("certificate.pem")).unwrap();
    let again = Stage::new().await;
    let keeping =
        tokio::spawn(Renewal::new(acme("localhost"), local.clone()).keep(again.certificates.clone()));
    wait(&again.certificates, |status| status["names"] == serde_json::json!(["localhost"])).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    keeping.abort();
    assert!(std::fs::read(local.join("certificate.pem")).unwrap() == saved);
}

/// Writes what an earlier run has left: a certificate of 600 s, of which two thirds are over in 6 to 26 s. Its PEM.
fn near_its_end(local: &Path) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + (now - Duration::from_secs(394));
    params.not_after = params.not_before + Duration::from_secs(600);
    let pem = params.self_signed(&key).unwrap().pem();
    std::fs::create_dir_all(local).unwrap();
    std::fs::write(local.join("certificate.pem"), format!("{pem}\n{}", key.serialize_pem())).unwrap();
    std::fs::set_permissions(local.join("certificate.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
    pem
}

async fn shows(stage: &Stage, pem: &str) -> bool {
    let socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    handshake(socket, pem, &[]).await.is_ok()
}

#[tokio::test]
async fn a_certificate_near_its_end_is_renewed_while_the_gateway_runs() {
    let stage = Stage::new().await;
    let folder = stage.folder.path();
    let (_pebble, directory) = pebble(folder, stage.address.port()).await;
    let ca_file = Some(folder.join("pebble.pem"));
    let acme = Acme { domains: vec!["localhost".into()], email: None, directory: Some(directory), ca_file };
    let local = folder.join("acme");
    let old = near_its_end(&local);
    let keeping = tokio::spawn(Renewal::new(acme, local).keep(stage.certificates.clone()));
    wait(&stage.certificates, |status| status["names"] == serde_json::json!(["localhost"])).await;
    let end = stage.certificates.status().facts.not_after;
    assert!(shows(&stage, &old).await, "it serves until there is a newer one");
    wait(&stage.certificates, |status| status["notAfter"] != serde_json::json!(end)).await;
    keeping.abort();
    assert!(stage.certificates.status().facts.not_after > end);
    assert!(!shows(&stage, &old).await);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_renewed_is_kept() {
    let stage = Stage::new().await;
    let folder = stage.folder.path();
    // Nobody answers at the authority's address.
    let directory = Some(format!("https://localhost:{}/dir", free_port()));
    let acme = Acme { domains: vec!["localhost".into()], email: None, directory, ca_file: None };
    let local = folder.join("acme");
    let old = near_its_end(&local);
    let keeping = tokio::spawn(Renewal::new(acme, local).keep(stage.certificates.clone()));
    wait(&stage.certificates, |status| status["problem"]["reason"].is_string()).await;
    assert_eq!(stage.certificates.status().facts.names, ["localhost"]);
    assert!(shows(&stage, &old).await);
    keeping.abort();
}

#[tokio::test]
async fn a_failure_is_told_and_the_old_certificate_kept() {
    let stage = Stage::new().await;
    let folder = stage.folder.path();
    // Pebble checks on a port where nobody listens.
    let (_pebble, directory) = pebble(folder, free_port()).await;
    let ca_file = Some(folder.join("pebble.pem"));
    let acme = Acme { domains: vec!["localhost".into()], email: None, directory: Some(directory), ca_file };
    let certificates: Arc<Certificates> = stage.certificates.clone();
    let keeping = tokio::spawn(Renewal::new(acme, folder.join("acme")).keep(certificates.clone()));
    wait(&certificates, |status| {
        status["problem"]["reason"].as_str().is_some_and(|why| why.contains("tls-alpn-01"))
    })
    .await;
    keeping.abort();
    let socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    handshake(socket, &stage.pem, &[]).await.expect("the first certificate still");
}
