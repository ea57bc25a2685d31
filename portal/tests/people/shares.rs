//! Guests who come by a link: what reaches the display, and when they are sent away.

use node::session::Who;
use tokio_tungstenite::tungstenite::Message;

use super::*;

/// Somebody who has come by a link, with the bytes that are not read yet.
struct Came {
    viewer: Viewer,
    heard: Vec<u8>,
}

async fn by_link(server: &Server, token: &str) -> Result<Viewer, u16> {
    let mut request = "ws://fx.example/api/share/socket".into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://fx.example".parse().unwrap());
    let protocols = format!("binary, share.{token}");
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    let viewer = tokio_tungstenite::client_async(request, stream(server, "192.0.2.9")).await;
    viewer.map(|(viewer, _)| viewer).map_err(|error| match error {
        tokio_tungstenite::tungstenite::Error::Http(answer) => answer.status().as_u16(),
        other => panic!("{other}"),
    })
}

impl Came {
    /// Greets the display.
    async fn greeted(server: &Server, token: &str) -> Self {
        let mut came = Self { viewer: by_link(server, token).await.unwrap(), heard: Vec::new() };
        assert_eq!(came.read(12).await, b"RFB 003.008\n");
        came.send(b"RFB 003.008\n").await;
        let types = came.read(1).await[0];
        came.read(types.into()).await;
        came.send(&[1]).await;
        came.read(4).await;
        came.send(&[1]).await;
        let name = came.read(24).await[20..].try_into().unwrap();
        came.read(u32::from_be_bytes(name) as usize).await;
        came
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        while self.heard.len() < length {
            let next = tokio::time::timeout(PATIENCE, self.viewer.next()).await.expect("it says nothing");
            if let Message::Binary(bytes) = next.unwrap().unwrap() {
                self.heard.extend_from_slice(&bytes);
            }
        }
        self.heard.drain(..length).collect()
    }

    async fn send(&mut self, bytes: &[u8]) {
        use futures_util::SinkExt;
        self.viewer.send(Message::Binary(bytes.to_vec().into())).await.unwrap();
    }

    /// Asks for another size of the screen, and then for a pixel; returns when that is answered.
    async fn resize(&mut self, width: u16, height: u16) {
        let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
        let size = [&[251, 0][..], &width, &height, &[1, 0], &[0; 8], &width, &height, &[0; 4]].concat();
        // Raw, and displays of another size.
        let encodings = [2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xfe, 0xcc];
        self.send(&[&encodings[..], &size, &[3, 0, 0, 0, 0, 0, 0, 1, 0, 1]].concat()).await;
        assert_eq!(self.read(1).await, [0]);
    }
}

/// The size that the display tells who comes now.
async fn size(server: &Server, session: &Session) -> (u16, u16) {
    let mut socket = server.sessions.view(&Who::Administrator, &session.id).await.unwrap().socket;
    socket.read_exact(&mut [0; 12]).await.unwrap();
    socket.write_all(b"RFB 003.008\n").await.unwrap();
    let types = socket.read_u8().await.unwrap();
    socket.read_exact(&mut vec![0; types.into()]).await.unwrap();
    socket.write_all(&[1]).await.unwrap();
    socket.read_u32().await.unwrap();
    socket.write_all(&[1]).await.unwrap();
    (socket.read_u16().await.unwrap(), socket.read_u16().await.unwrap())
}

fn result(answer: &Response<Bytes>) -> Value {
    let said: Value = serde_json::from_slice(answer.body()).unwrap();
    said["result"].clone()
}

async fn shared(server: &Server, cookie: &str, path: &str, mode: &str, expires: u64) -> (String, String) {
    let offer = json!({ "mode": mode, "expires": expires }).to_string();
    let answer = ask(server, cookie, "POST", &format!("{path}/shares"), &offer).await;
    assert_eq!(answer.status(), 201, "{:?}", answer.body());
    let made = result(&answer);
    let (page, token) = made["url"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(page, "/@n1/share");
    (made["id"].as_str().unwrap().to_owned(), token.to_owned())
}

async fn about(server: &Server, token: &str) -> Response<Bytes> {
    ask(server, "", "POST", "/api/share", &json!({ "token": token }).to_string()).await
}

async fn sent_away(viewer: Viewer) {
    assert_eq!(tokio::time::timeout(PATIENCE, closed(viewer)).await.expect("it stays open"), 4403);
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_who_may_work_does() {
    let server = with_people();
    let session = hers(&server).await;
    let path = format!("/api/sessions/{}", session.id);
    let alice = cookie(&server, "alice").await;
    let (_, view) = shared(&server, &alice, &path, "view", 3600).await;
    let (_, control) = shared(&server, &alice, &path, "control", 3600).await;
    let said = result(&about(&server, &view).await);
    assert_eq!(
        (&said["name"], &said["owner"], &said["mode"]),
        (&json!("hers"), &json!("alice"), &json!("view"))
    );

    let before = size(&server, &session).await;
    let mut looks = Came::greeted(&server, &view).await;
    looks.send(&[4, 1, 0, 0, 0, 0, 0, 65]).await;
    looks.resize(640, 480).await;
    assert_eq!(size(&server, &session).await, before, "what asks for nothing but pictures goes on");
    let mut works = Came::greeted(&server, &control).await;
    works.resize(640, 480).await;
    assert_eq!(size(&server, &session).await, (640, 480));
    let found = server.sessions.find(&Who::Administrator, &session.id).unwrap();
    assert_eq!(found.last_input, None, "the key did not count");

    let listed = result(&ask(&server, &alice, "GET", &format!("{path}/shares"), "").await);
    let of = |at: usize| (listed[at]["mode"].clone(), listed[at]["connected"].clone());
    assert_eq!([of(0), of(1)], [(json!("view"), json!(1)), (json!("control"), json!(1))]);
    assert!(!listed.to_string().contains(&view), "nobody reads a token twice");
}

#[tokio::test]
async fn links_end_by_their_owner_by_time_and_with_the_visit_and_nobody_else_has_any() {
    let server = with_people();
    let session = hers(&server).await;
    let path = format!("/api/sessions/{}", session.id);
    let [alice, again, bob, frank] = ["alice", "alice", "bob", "frank"];
    let (alice, again) = (cookie(&server, alice).await, cookie(&server, again).await);
    let (bob, frank) = (cookie(&server, bob).await, cookie(&server, frank).await);
    let (share, token) = shared(&server, &alice, &path, "control", 3600).await;
    for other in [&bob, &frank] {
        for (method, rest, body) in [
            ("POST", "/shares".to_owned(), r#"{ "mode": "view", "expires": 60 }"#),
            ("GET", "/shares".to_owned(), ""),
            ("DELETE", format!("/shares/{share}"), ""),
        ] {
            let answer = ask(&server, other, method, &format!("{path}{rest}"), body).await;
            assert_eq!(code(&answer), (404, "no-such-session".into()), "{method}");
        }
    }
    for body in [r#"{ "mode": "view", "expires": 0 }"#, r#"{ "mode": "view", "expires": 604801 }"#, "{}"] {
        let answer = ask(&server, &alice, "POST", &format!("{path}/shares"), body).await;
        assert_eq!(code(&answer), (400, "malformed".into()), "{body}");
    }
    let last = if token.ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{last}", &token[..token.len() - 1]);
    for wrong in ["", "x.y.z", &forged, &token[..token.len() - 1], &format!("{token}0")] {
        assert_eq!(code(&about(&server, wrong).await), (404, "no-such-share".into()), "{wrong}");
        assert_eq!(by_link(&server, wrong).await.map_or_else(|status| status, |_| 101), 404, "{wrong}");
    }

    let viewer = by_link(&server, &token).await.unwrap();
    let ended = ask(&server, &again, "DELETE", &format!("{path}/shares/{share}"), "").await;
    assert_eq!(ended.status(), 200);
    sent_away(viewer).await;
    assert_eq!(about(&server, &token).await.status(), 404);

    let (_, token) = shared(&server, &alice, &path, "view", 3).await;
    // On a slow machine it is over before they come.
    if let Ok(viewer) = by_link(&server, &token).await {
        sent_away(viewer).await;
    }
    assert_eq!(about(&server, &token).await.status(), 404);

    let (_, token) = shared(&server, &alice, &path, "view", 3600).await;
    let (_, other) = shared(&server, &again, &path, "view", 3600).await;
    let (viewer, _stays) = (by_link(&server, &token).await.unwrap(), by_link(&server, &other).await.unwrap());
    assert_eq!(ask(&server, &alice, "POST", "/api/logout", "").await.status(), 200);
    sent_away(viewer).await;
    assert_eq!(
        (about(&server, &token).await.status().as_u16(), about(&server, &other).await.status().as_u16()),
        (404, 200)
    );
}
