//! A portal whose `logins.json` the test writes, and a client of it.

use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use node::session::Sessions;
use portal::{Logins, Portal};
use serde_json::{Value, json};
use tunnel::identity::ServerId;

pub(crate) struct Server {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) portal: Portal,
    pub(crate) sessions: Sessions,
    asked: AtomicU8,
}

impl Server {
    pub(crate) fn new(logins: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("logins.json"), logins.to_string()).unwrap();
        let logins = Logins::open(folder.path(), env!("CARGO_BIN_EXE_fastx").into()).unwrap();
        let sessions = Sessions::open(folder.path(), "n1").unwrap();
        let id = ServerId::new("n1").unwrap();
        let portal = Portal::with_logins(id, folder.path(), sessions.clone(), logins).unwrap();
        Self { folder, portal, sessions, asked: AtomicU8::new(0) }
    }

    /// Each request comes from another address: what is slowed down is not this test's matter.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let from = format!("192.0.2.{}:5000", self.asked.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
        let portal = self.portal.clone();
        tokio::spawn(async move { portal.serve(theirs, Some(from)).await });
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    pub(crate) async fn ways(&self) -> Value {
        let request = Request::get("/api/login").body(Full::default()).unwrap();
        serde_json::from_slice(self.send(request).await.body()).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (Response<Bytes>, Value) {
        let request = Request::post(path).header("host", "fx.example");
        let answer = self.send(request.body(Full::from(body.to_string())).unwrap()).await;
        let said: Value = serde_json::from_slice(answer.body()).unwrap();
        (answer, said)
    }

    pub(crate) async fn sign_in(&self, way: &str, name: &str, password: &str) -> (Response<Bytes>, Value) {
        self.post("/api/login", json!({ "way": way, "username": name, "password": password })).await
    }

    /// Asserts that there is this one question, answers it, and gives what comes of it.
    pub(crate) async fn answer(
        &self,
        question: &Value,
        expected: &str,
        answer: &str,
    ) -> (Response<Bytes>, Value) {
        let asked = &question["result"];
        assert_eq!(asked["state"], "keyboard-interactive", "{question}");
        assert!(asked["prompts"][0]["text"].as_str().unwrap().contains(expected), "{question}");
        assert_eq!(asked["prompts"].as_array().unwrap().len(), 1, "{question}");
        let body = json!({ "conversation": asked["conversation"], "answers": [answer] });
        self.post("/api/login/answer", body).await
    }

    pub(crate) async fn get(&self, path: &str, answer: &Response<Bytes>) -> Value {
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
        let request = Request::get(path).header("host", "fx.example").header("cookie", cookie);
        serde_json::from_slice(self.send(request.body(Full::default()).unwrap()).await.body()).unwrap()
    }
}
