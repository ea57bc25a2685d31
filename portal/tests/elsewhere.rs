//! Chromium at one server of a cluster, and a session on another: what a gateway is to both of them is in this process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "other tests use all of it")]
mod way;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use cluster::settings::Settings;
use cluster::transporter::{InProcess, Transporter};
use cluster::{ControlPlane, Name, Role};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use node::session::{Elsewhere, Sessions, Wanted, Who};
use portal::Portal;
use portal::people::{People, Role as As};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tunnel::identity::{Secret, ServerId};

const ROOT: Who = Who::Administrator;

struct Place {
    folder: tempfile::TempDir,
    sessions: Sessions,
    portal: Portal,
    _elsewhere: Elsewhere,
}

impl Place {
    fn new(id: &str, bus: &Arc<dyn Transporter>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let namespace = Name::new("test").unwrap();
        let plane = ControlPlane::over(Name::new(id).unwrap(), Role::Member, namespace, Arc::clone(bus));
        let settings = Settings::start(&plane, folder.path().join("settings.json"));
        let sessions = Sessions::open(folder.path(), id).unwrap();
        let elsewhere = Elsewhere::start(&plane, &settings, &sessions);
        let portal = Portal::new(ServerId::new(id).unwrap(), folder.path(), sessions.clone()).unwrap();
        Self { folder, sessions, portal, _elsewhere: elsewhere }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let sessions = self.sessions.clone();
        let stop = async move {
            for session in sessions.list(&ROOT) {
                let _gone = sessions.terminate(&ROOT, &session.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}

/// Hands a request on to the first portal, or to the second if its path begins with `/@two`.
async fn route(
    mut request: Request<Incoming>,
    [one, two]: [Portal; 2],
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, hyper::Error> {
    let path = request.uri().path_and_query().unwrap().as_str().to_owned();
    let portal = match path.strip_prefix("/@two") {
        Some(rest) => {
            *request.uri_mut() = rest.parse().unwrap();
            two
        }
        None => one,
    };
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move { portal.serve(theirs, None).await });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await?;
    tokio::spawn(connection.with_upgrades());
    let upgraded = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let mut answer = sender.send_request(request).await?;
    if let (Some(client), StatusCode::SWITCHING_PROTOCOLS) = (upgraded, answer.status()) {
        let server = hyper::upgrade::on(&mut answer);
        tokio::spawn(async move {
            let (Ok(client), Ok(server)) = tokio::join!(client, server) else { return };
            let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
            let _either_ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
    Ok(answer.map(BodyExt::boxed))
}

async fn gateway(listener: TcpListener, portals: [Portal; 2]) {
    let (tls, mut connections) = (way::tls(), JoinSet::new());
    while let Ok((tcp, _)) = listener.accept().await {
        let (tls, portals) = (tls.clone(), portals.clone());
        connections.spawn(async move {
            let Ok(io) = tls.accept(tcp).await else { return };
            let service = service_fn(move |request| route(request, portals.clone()));
            let connection = hyper::server::conn::http1::Builder::new();
            let _ended = connection.serve_connection(TokioIo::new(io), service).with_upgrades().await;
        });
        while connections.try_join_next().is_some() {}
    }
}

#[tokio::test]
async fn a_session_on_another_server_is_looked_at_without_signing_in_there() {
    let bus: Arc<dyn Transporter> = Arc::new(InProcess::new());
    let (one, two) = (Place::new("one", &bus), Place::new("two", &bus));
    let mut people = People::default();
    people.put("alice", &Secret::new("correct horse"), As::User, "fx-no-alice").unwrap();
    people.write(one.folder.path()).unwrap();
    let command = format!("{} -e /bin/sh", Wanted::terminal("").command);
    let hers = Wanted { login: Some("alice".into()), ..Wanted::program("hers", command) };
    two.sessions.start(hers).await.unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let mut tasks = JoinSet::new();
    tasks.spawn(gateway(listener, [one.portal.clone(), two.portal.clone()]));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/browser");
    let shots = std::env::var_os("FX_SHOTS").map_or_else(|| one.folder.path().to_owned(), PathBuf::from);
    let mut script = tokio::process::Command::new("node");
    script.arg(folder.join("elsewhere.mjs")).args(["--url", &url, "--person", "alice:correct horse"]);
    script.args(["--server", "two", "--typed"]).arg(two.folder.path().join("typed"));
    let output = script.arg("--shots").arg(shots).kill_on_drop(true).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    assert!(output.status.success(), "{report:#}");
    assert_eq!(report["errors"], Value::Array(Vec::new()), "{report:#}");
}
