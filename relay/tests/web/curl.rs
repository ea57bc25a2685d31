//! curl as the client: what HTTP promises, over HTTP/1.1 and HTTP/2.

use std::process::Stdio;

use tokio::process::Command;

use crate::stage::Stage;

/// Runs curl with `args` on `path`; status, headers and body as it prints them.
async fn curl(stage: &Stage, version: &str, args: &[&str], path: &str) -> String {
    let ca = stage.folder.path().join("first.pem");
    let url = format!("https://localhost:{}{path}", stage.address.port());
    let mut command = Command::new("curl");
    command
        .args(["-sS", "-i", "--path-as-is", "-m", "60", "-4", version, "--cacert"])
        .arg(ca)
        .args(args)
        .arg(url);
    let output = command.stdin(Stdio::null()).output().await.expect("curl runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?} {path}: {errors}");
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

const VERSIONS: [&str; 2] = ["--http1.1", "--http2"];

#[tokio::test]
async fn every_method_arrives_and_its_body_comes_back() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    for version in VERSIONS {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "X-OWN"] {
            let args = ["-X", method, "--data-binary", "some body"];
            let answer = curl(&stage, version, &args, "/echo?q=%2f").await;
            assert!(answer.contains(" 200") && answer.ends_with("some body"), "{version} {method}: {answer}");
            assert_eq!(stage.seen(), [format!("a {method} /echo?q=%2f")], "{version}");
        }
        let answer = curl(&stage, version, &["-X", "TRACE"], "/").await;
        assert!(answer.contains(" 405") && answer.contains("FX-1213"), "{answer}");
        assert_eq!(stage.seen().len(), 0);
    }
}

#[tokio::test]
async fn head_and_204_have_no_body() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    for version in VERSIONS {
        let answer = curl(&stage, version, &["-I"], "/").await;
        assert!(answer.contains(" 200") && answer.contains("content-length: 1\n"), "{version}: {answer}");
        let answer = curl(&stage, version, &["-I"], "/@nobody/").await;
        assert!(answer.contains(" 404") && answer.ends_with("\n\n"), "{version}: {answer}");
        let answer = curl(&stage, version, &[], "/empty").await;
        assert!(answer.contains(" 204") && answer.ends_with("\n\n"), "{version}: {answer}");
    }
}

#[tokio::test]
async fn bodies_stream_both_ways_and_keep_every_byte() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let path = stage.folder.path().join("body");
    let body: Vec<u8> = (0..30_000_000u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(&path, &body).unwrap();
    for version in VERSIONS {
        for framing in ["X-Nothing: 1", "Transfer-Encoding: chunked", "Expect: 100-continue"] {
            let back = stage.folder.path().join("back");
            let (data, back_arg) = (format!("@{}", path.display()), back.display().to_string());
            let args = ["-X", "PUT", "-H", framing, "--data-binary", &data, "-o", &back_arg, "--no-include"];
            curl(&stage, version, &args, "/echo").await;
            assert!(std::fs::read(&back).unwrap() == body, "{version} {framing}");
        }
    }
}

#[tokio::test]
async fn a_body_nobody_wants_is_not_sent() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let path = stage.folder.path().join("body");
    std::fs::write(&path, vec![0; 4 << 20]).unwrap();
    let args = ["-H", "Expect: 100-continue", "-T", path.to_str().unwrap(), "-w", "sent %{size_upload}"];
    let answer = curl(&stage, "--http1.1", &args, "/refuse-body").await;
    assert!(answer.contains(" 413") && answer.ends_with("sent 0"), "{answer}");
    assert!(!answer.contains("100 Continue"), "{answer}");
}

#[tokio::test]
async fn the_server_learns_who_asked_and_no_claims() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let args = [
        "-H",
        "X-Forwarded-For: 6.6.6.6",
        "-H",
        "X-Forwarded-Host: evil",
        "-H",
        "Forwarded: for=6.6.6.6",
        "-H",
        "X-Real-IP: 6.6.6.6",
        "-H",
        "X-Forwarded-Prefix: /evil",
        "-H",
        "X-Request-Id: mine",
        "-H",
        "Connection: keep-alive, x-secret, cookie",
        "-H",
        "X-Secret: 1",
        "-H",
        "Cookie: a=1",
        "-H",
        "Keep-Alive: 5",
        "-H",
        "Proxy-Connection: x",
        "-H",
        "TE: gzip, trailers",
        "-H",
        "X-Stays: 1",
    ];
    let answer = curl(&stage, "--http1.1", &args, "/@a/headers").await;
    let body = answer.split("\n\n").nth(1).unwrap();
    let port = stage.address.port();
    for line in [
        &format!("host: localhost:{port}"),
        &format!("x-forwarded-host: localhost:{port}"),
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: https",
        "x-forwarded-prefix: /@a",
        "via: 1.1 fastx-gateway",
        "te: trailers",
        "cookie: a=1",
        "x-stays: 1",
    ] {
        assert!(body.lines().any(|seen| seen == line), "{line} is not in\n{body}");
    }
    for word in ["6.6.6.6", "evil", "x-secret", "mine", "keep-alive", "proxy-connection", "gzip"] {
        assert!(!body.contains(word), "{word} is in\n{body}");
    }
    let id = body.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
    assert!(answer.contains(&format!("x-request-id: {id}\n")), "{answer}");
    assert!(body.contains("forwarded: for=\"127.0.0.1:"), "{body}");
}

#[tokio::test]
async fn headers_of_one_hop_stay_behind_on_the_way_back() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    for version in VERSIONS {
        let answer = curl(&stage, version, &[], "/hop").await;
        assert!(!answer.contains("x-mine") && !answer.contains("keep-alive"), "{answer}");
        let all = ["x-stays: 1", "set-cookie: a=1", "set-cookie: b=2", "via: 1.1 fastx-gateway"];
        assert!(all.iter().all(|line| answer.contains(line)), "{answer}");
    }
}

#[tokio::test]
async fn own_answers_are_pages_for_people_and_problems_for_programs() {
    let stage = Stage::new().await;
    for version in VERSIONS {
        let page = curl(&stage, version, &["-H", "Accept: text/html,*/*"], "/").await;
        assert!(page.contains(" 503") && page.contains("retry-after: 30"), "{page}");
        assert!(page.contains("content-type: text/html") && page.contains("<h1>No server</h1>"), "{page}");
        assert!(page.contains("default-src 'none'") && page.contains("FX-1207"), "{page}");
        let problem = curl(&stage, version, &[], "/@nobody/").await;
        assert!(problem.contains(" 404") && problem.contains("application/problem+json"), "{problem}");
        let body: serde_json::Value = serde_json::from_str(problem.split("\n\n").nth(1).unwrap()).unwrap();
        assert_eq!((body["code"].as_str(), body["status"].as_u64()), (Some("FX-1203"), Some(404)));
        assert!(problem.contains(&format!("x-request-id: {}", body["request"].as_str().unwrap())));
    }
}
