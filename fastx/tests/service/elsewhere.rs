//! A person who is signed in at one server starts a session on another, sees it, and ends it from there.

use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use cluster::session::Session;
use cluster::settings::Settings;
use cluster::{ControlPlane, Name, Role};
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use node::session::{Elsewhere, SessionError, Sessions, Wanted, Who};
use portal::Portal;
use portal::people::{People, Role as As};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tunnel::identity::{Secret, ServerId};

use super::machine::User;
use super::members::member;
use super::running::{PATIENCE, Server};
use super::servers::nats::{self, NatsServer};

const PASSWORD: &str = "correct horse battery";

/// A server of the cluster, but for the tunnel to its portal.
struct Place {
    server: Server,
    sessions: Sessions,
    portal: Portal,
    _elsewhere: Elsewhere,
}

impl Place {
    async fn new(nats: &NatsServer, id: &str, local_settings: Value) -> Self {
        let server = member(nats, id);
        let local = server.local("");
        for path in [server.folder.path(), &local] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
        }
        let record =
            |values| json!({ "revision": null, "record": { "version": 1, "values": values, "history": [] } });
        let kept = json!({ "global": record(json!({})), "local": record(local_settings) });
        config::write_json(&server.local("settings.json"), &kept, config::Secrecy::OwnerOnly).unwrap();
        let broker = cluster::broker::read(&server.config("broker.json")).unwrap().unwrap();
        let plane = ControlPlane::connect(Name::new(id).unwrap(), Role::Member, &broker).await.unwrap();
        let settings = Settings::start(&plane, server.local("settings.json"));
        let sessions = Sessions::open(&local, id).unwrap();
        let elsewhere = Elsewhere::start(&plane, &settings, &sessions);
        let portal = Portal::new(ServerId::new(id).unwrap(), &local, sessions.clone()).unwrap();
        Self { server, sessions, portal, _elsewhere: elsewhere }
    }

    fn knows(&self, name: &str, account: &str) {
        let mut people = People::read(&self.server.local("")).unwrap();
        people.put(name, &Secret::new(PASSWORD), As::User, account).unwrap();
        people.write(&self.server.local("")).unwrap();
    }

    async fn send(&self, request: http::request::Builder, body: Value) -> (u16, Value, String) {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (portal, client) = (self.portal.clone(), "192.0.2.7:5000".parse().unwrap());
        tokio::spawn(async move { portal.serve(theirs, Some(client)).await });
        let (mut sender, way) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(way);
        let request = request.header("host", "fx.example").header("origin", "https://fx.example");
        let request = request.body(Full::<Bytes>::from(body.to_string())).unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let cookie = parts.headers.get(header::SET_COOKIE).map_or("", |set| set.to_str().unwrap());
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap_or_default();
        (parts.status.as_u16(), body, cookie)
    }

    async fn cookie_of(&self, name: &str) -> String {
        let (status, said, cookie) =
            self.send(Request::post("/api/login"), json!({ "username": name, "password": PASSWORD })).await;
        assert_eq!(status, 200, "{said}");
        cookie
    }

    /// Starts `xterm` on `server` for who has the cookie.
    async fn start(&self, cookie: &str, server: &str) -> (u16, Value) {
        let wanted = json!({ "command": "exec xterm -e cat", "server": server });
        let (status, said, _) =
            self.send(Request::post("/api/sessions").header("cookie", cookie), wanted).await;
        (status, said)
    }

    async fn ticket(&self, cookie: &str, id: &str) -> (u16, Value) {
        let request = Request::post(format!("/api/sessions/{id}/ticket")).header("cookie", cookie);
        let (status, said, _) = self.send(request, Value::Null).await;
        (status, said)
    }

    /// What comes on a WebSocket that somebody opens with a ticket, as its bytes.
    async fn open(&self, id: &str, ticket: &str) -> Result<impl tokio::io::AsyncRead + Unpin, u16> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let portal = self.portal.clone();
        tokio::spawn(async move { portal.serve(theirs, None).await });
        let (mut sender, way) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(way.with_upgrades());
        let request = Request::get(format!("/api/sessions/{id}/ticket/socket")).header("host", "fx.example");
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13");
        let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let request = request.header("sec-websocket-protocol", format!("binary, ticket.{ticket}"));
        let answer = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        match answer.status().as_u16() {
            101 => Ok(TokioIo::new(hyper::upgrade::on(answer).await.unwrap())),
            other => Err(other),
        }
    }

    async fn end(&self, cookie: &str, id: &str) -> (u16, Value) {
        let request = Request::delete(format!("/api/sessions/{id}")).header("cookie", cookie);
        let (status, said, _) = self.send(request, Value::Null).await;
        (status, said)
    }

    /// Until the sessions that are known here are as wanted.
    async fn until(&self, what: &str, is_so: impl Fn(&[Session]) -> bool) {
        let mut changes = self.sessions.changes();
        let so = async {
            while !is_so(&self.sessions.everywhere(&Who::Administrator)) {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, so).await.unwrap_or_else(|_| panic!("never so: {what}"));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let sessions = self.sessions.clone();
        let stop = async move {
            for session in sessions.list(&Who::Administrator) {
                let _gone = sessions.terminate(&Who::Administrator, &session.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_starts_on_another_server_as_whose_it_is_and_ends_from_here() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let (user, other) = (User::new(PASSWORD, None), User::new(PASSWORD, None));
    let one = Place::new(&nats, "one", json!({})).await;
    let two = Place::new(&nats, "two", json!({})).await;
    let _shut = Place::new(&nats, "shut", json!({ "startsFromOthers": false })).await;
    one.knows("alice", user.name());
    one.knows("bob", other.name());
    one.knows("service", "root");
    let (alice, bob, service) =
        (one.cookie_of("alice").await, one.cookie_of("bob").await, one.cookie_of("service").await);

    // The broker may be reached a moment after the start.
    let began = std::time::Instant::now();
    let session = loop {
        let (status, said) = one.start(&alice, "two").await;
        if status == 201 {
            break said["result"].clone();
        }
        assert!(began.elapsed() < PATIENCE, "{said}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    let id = session["id"].as_str().unwrap();
    assert_eq!(
        [&session["serverId"], &session["login"], &session["user"]],
        [&json!("two"), &json!("alice"), &json!(user.name())]
    );
    assert_eq!(two.sessions.list(&Who::Login("alice".into())).len(), 1);
    one.until("it is in the list of the server she is at", |all| all.iter().any(|one| one.id.as_str() == id))
        .await;

    for (cookie, server, status, says) in [
        (&alice, "nowhere", 422, "nobody serves this"),
        (&alice, "no name", 400, "is no name"),
        (&alice, "shut", 422, "signed in at other servers"),
        (&service, "two", 422, "sessions cannot run as `root` here"),
    ] {
        let (got, said) = one.start(cookie, server).await;
        let message = said["error"]["message"].as_str().unwrap_or_default();
        assert!(got == status && message.contains(says), "{server}: {got} {said}");
    }
    opens(&one, &two, id, [&alice, &bob]).await;
    assert_eq!(one.end(&bob, id).await.0, 404, "for him there is none");
    assert_eq!(two.sessions.count(), 1);
    let alice = one.cookie_of("alice").await;
    assert_eq!(one.end(&alice, id).await.0, 200);
    two.until("it has ended", |all| all.iter().all(|one| one.ended.is_some())).await;

    two.sessions.admit(false);
    let wanted =
        Wanted { server_id: Some("two".into()), user: Some(user.name().into()), ..Wanted::default() };
    let refused = one.sessions.start(wanted.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("takes no new sessions"), "{refused}");
    drop(two);
    let gone = one.sessions.start(wanted).await.unwrap_err();
    assert!(matches!(gone, SessionError::Unanswered { .. }), "{gone}");
}

/// Alice, who is signed in at `one` only, looks at her session on `two` until she signs out.
async fn opens(one: &Place, two: &Place, id: &str, [alice, bob]: [&str; 2]) {
    assert_eq!(one.ticket(bob, id).await.0, 404, "for him there is none");
    let (status, said) = one.ticket(alice, id).await;
    assert_eq!(status, 200, "{said}");
    let (made, ticket) = (&said["result"], said["result"]["ticket"].as_str().unwrap());
    assert_eq!(made["server"], "two");
    assert_eq!(made["ways"][0]["url"], json!(format!("/@two/api/sessions/{id}/ticket/socket")));
    assert_eq!(one.open(id, ticket).await.err(), Some(404), "it counts at the session's server only");
    let mut looks = two.open(id, ticket).await.unwrap();
    assert_eq!(two.open(id, ticket).await.err(), Some(404), "twice");
    let mut began = [0; 14];
    looks.read_exact(&mut began).await.unwrap();
    // A ping may come first.
    assert!(began.ends_with(b"RFB 003.008\n") || began.starts_with(&[0x89]), "{began:?}");

    let request = Request::post("/api/logout").header("cookie", alice);
    assert_eq!(one.send(request, Value::Null).await.0, 200);
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, looks.read_to_end(&mut rest)).await;
    drop(read.expect("it stays open after she has signed out"));
    let reason = b"you are signed out";
    assert!(rest.windows(reason.len()).any(|words| words == reason), "{rest:?}");
}
