//! HTTP by the book: nginx at the far end, curl at the near one, the gateway's HTTPS port or a plain TCP service between.

use std::process::Command;
use std::time::Duration;

use e2e::curl::{Response, curl};
use e2e::services::Nginx;
use e2e::wait::wait_until;
use e2e::{Gateway, Host, Process, World, programs};
use serde_json::json;

const LOCATIONS: &str = r#"
    dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on;
    location = /empty { return 204; }
    location = /method { return 200 "$request_method"; }
    location = /headers { return 200 "prefix=$http_x_forwarded_prefix for=$http_x_forwarded_for proto=$http_x_forwarded_proto host=$host secret=[$http_x_secret] te=[$http_te] upgrade=[$http_upgrade]\n"; }
    location = /trailer { add_header Trailer X-Checksum; add_trailer X-Checksum abc123 always; gzip off; ssi on; ssi_types *; }
    location = /moved { return 302 /elsewhere; }
    location = /teapot { return 418 "short and stout"; }
"#;

/// nginx on a node: as its whole HTTP side over HTTPS, and as a TCP service on port 8080 of the gateway.
struct Site {
    client: Host,
    gateway: Gateway,
    nginx: Nginx,
    _node: Process,
    _host: Host,
    _world: World,
}

impl Site {
    fn new(name: &str) -> Self {
        let world = World::new(name);
        let gateway = world.gateway("g1").serving(8080, "portal", "web").start();
        let (client, host) = (world.host("client"), world.host("web"));
        host.firewall();
        let nginx = Nginx::start(&host, 8000, "", LOCATIONS);
        let mut command = Command::new(programs::plain_node());
        command.arg(gateway.files().config("gateway.json")).args(["web", "127.0.0.1:8000"]);
        let node = host.start("plain-node", &mut command);
        wait_until("the node to be in", Duration::from_secs(15), || node.log().contains("connected"));
        std::fs::write(nginx.root.join("trailer"), "x".repeat(5000)).expect("our own folder");
        Self { client, gateway, nginx, _node: node, _host: host, _world: world }
    }

    /// Each way there is, with curl's arguments for it.
    fn ways(&self) -> [(&'static str, String, &'static [&'static str]); 3] {
        let ip = self.gateway.host().ip();
        [
            ("HTTP/1.1", format!("https://{ip}/@web"), &["--http1.1"]),
            ("HTTP/2", format!("https://{ip}/@web"), &["--http2"]),
            ("TCP", format!("http://{ip}:8080"), &[]),
        ]
    }

    fn curl(&self, way: &(&str, String, &[&str]), path: &str, arguments: &[&str]) -> Response {
        let url = format!("{}{path}", way.1);
        let arguments: Vec<_> = way.2.iter().chain(arguments).copied().chain([url.as_str()]).collect();
        let answer = curl(&self.client, &self.gateway.ca(), &arguments);
        assert_eq!(answer.exit, 0, "{} {arguments:?}: {answer:?}", way.0);
        answer
    }
}

#[test]
fn every_method_arrives_as_it_was_sent() {
    let site = Site::new("methods");
    for way in site.ways() {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "REPORT"] {
            let answer = site.curl(&way, "/method", &["-X", method]);
            assert_eq!((answer.status, answer.text().as_str()), (200, method), "{}", way.0);
        }
        let answer = site.curl(&way, "/method", &["--head"]);
        // --head prints the head in place of a body; what counts is that curl did not wait for more.
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("4")), "{}", way.0);
        let answer = site.curl(&way, "/empty", &[]);
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", way.0);
        assert_eq!(answer.header("content-length"), None, "{}", way.0);
    }
}

#[test]
fn statuses_and_bodies_come_back_as_they_were_given() {
    let site = Site::new("statuses");
    for way in site.ways() {
        let answer = site.curl(&way, "/teapot", &[]);
        assert_eq!((answer.status, answer.text().as_str()), (418, "short and stout"), "{}", way.0);
        assert_eq!(site.curl(&way, "/missing", &[]).status, 404, "{}", way.0);
        assert_eq!(site.curl(&way, "/moved", &[]).status, 302, "{}", way.0);
    }
}

#[test]
fn uploads_with_a_length_in_chunks_and_after_100_continue_are_whole() {
    let site = Site::new("uploads");
    let file = site.client.path("upload");
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&file, &body).expect("our own folder");
    let file = file.display().to_string();
    for (n, way) in site.ways().iter().enumerate() {
        let kinds: [(&str, &[&str]); 3] = [
            ("length", &["-H", "Expect:"]),
            ("continue", &["-H", "Expect: 100-continue"]),
            ("chunked", &["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]),
        ];
        for (kind, arguments) in kinds {
            let path = format!("/up-{n}-{kind}");
            let answer = site.curl(way, &path, &[&["-T", &file], arguments].concat());
            assert_eq!(answer.status, 201, "{} {kind}: {answer:?}", way.0);
            // hyper's HTTP/2 server cannot send a 100; curl waits a second there and goes on.
            if kind == "continue" && way.0 != "HTTP/2" {
                assert!(answer.head.contains(" 100"), "{}: no 100-continue:\n{}", way.0, answer.head);
            }
            let stored = std::fs::read(site.nginx.root.join(&path[1..])).expect("stored");
            assert!(stored == body, "{} {kind}: {} bytes stored", way.0, stored.len());
            let answer = site.curl(way, &path, &[]);
            assert!(answer.body == body, "{} {kind}: {} bytes back", way.0, answer.body.len());
            assert_eq!(site.curl(way, &path, &["-X", "DELETE"]).status, 204);
        }
    }
}

#[test]
fn chunked_answers_keep_their_trailers() {
    let site = Site::new("trailers");
    for way in site.ways() {
        let answer = site.curl(&way, "/trailer", &["-H", "TE: trailers"]);
        assert_eq!((answer.status, answer.body.len()), (200, 5000), "{}: {answer:?}", way.0);
        assert_eq!(answer.header("x-checksum"), Some("abc123"), "{}: {}", way.0, answer.head);
    }
}

#[test]
fn a_service_learns_the_client_and_not_what_was_meant_for_the_gateway() {
    let site = Site::new("forwarded");
    let client = site.client.ip();
    let ways = site.ways();
    for way in &ways[..2] {
        let hop: &[&str] =
            if way.0 == "HTTP/1.1" { &["-H", "Connection: X-Secret", "-H", "X-Secret: 1"] } else { &[] };
        let forged = [
            "-H",
            "X-Forwarded-For: 6.6.6.6",
            "-H",
            "X-Forwarded-Proto: gopher",
            "-H",
            "X-Forwarded-Prefix: /evil",
        ];
        let said = site.curl(way, "/headers", &[hop, &forged].concat()).text();
        assert!(said.contains("prefix=/@web "), "{}: {said}", way.0);
        assert!(said.contains(&format!("for={client} ")), "{}: {said}", way.0);
        assert!(said.contains("proto=https "), "{}: {said}", way.0);
        assert!(said.contains(&format!("host={}", site.gateway.host().ip())), "{}: {said}", way.0);
        assert!(said.contains("secret=[] "), "{}: a hop-by-hop header went on: {said}", way.0);
    }
}

#[test]
fn a_large_download_and_a_hundred_at_once_are_whole() {
    let site = Site::new("downloads");
    let body: Vec<u8> = (0..50_000_000_u32).map(|n| (n % 253) as u8).collect();
    std::fs::write(site.nginx.root.join("large"), &body).expect("room");
    std::fs::write(site.nginx.root.join("small"), &body[..100_000]).expect("room");
    for way in site.ways() {
        assert!(site.curl(&way, "/large", &[]).body == body, "{}", way.0);
        let urls = format!("{}/small?[1-100]", way.1);
        let arguments: Vec<_> = way.2.iter().copied().chain(["--parallel", "--fail", &urls]).collect();
        let answer = curl(&site.client, &site.gateway.ca(), &arguments);
        assert_eq!((answer.exit, answer.body.len()), (0, 10_000_000), "{}: {}", way.0, answer.said);
    }
}

#[test]
fn an_answer_of_the_gateway_itself_says_what_is_wrong() {
    let site = Site::new("own-answers");
    let url = format!("https://{}/@nobody/x", site.gateway.host().ip());
    let ca = site.gateway.ca();
    let page = curl(&site.client, &ca, &["-H", "Accept: text/html", &url]);
    assert_eq!(page.status, 404, "{page:?}");
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{page:?}");
    assert!(page.text().contains("nobody"), "{page:?}");
    let problem = curl(&site.client, &ca, &["-H", "Accept: application/json", &url]);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"), "{problem:?}");
    let problem: serde_json::Value = serde_json::from_slice(&problem.body).expect("JSON");
    assert_eq!(problem["status"], json!(404));
    let request =
        problem.as_object().into_iter().flatten().find(|(key, _)| key.to_lowercase().contains("request"));
    let (_, request) = request.unwrap_or_else(|| panic!("no request id in {problem:#}"));
    let id = request.as_str().expect("a string");
    wait_until("the request id in the log", Duration::from_secs(10), || {
        site.gateway.process.log().contains(id)
    });
}
