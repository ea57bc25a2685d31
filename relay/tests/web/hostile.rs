//! Requests that mean harm: two readings of one message, too much, too slow, too many.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use relay::settings::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::{ask, rest, statuses};
use crate::stage::{Stage, handshake};

const NEXT: &str = "GET /smuggled HTTP/1.1\r\nHost: gw\r\n\r\n";

#[tokio::test]
async fn no_message_is_read_in_two_ways() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    // Each is refused before a node sees it, and what follows on the connection is not read.
    let refused = [
        (
            "length and chunked",
            "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked and length",
            "POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "one length twice",
            "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        ),
        ("empty length", "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length:\r\n\r\n"),
        ("LF alone in the first line", "GET / HTTP/1.1\nHost: gw\r\n\r\n"),
        ("LF alone behind a header", "GET / HTTP/1.1\r\nHost: gw\nX: y\r\n\r\n"),
        ("LF alone at the end", "GET / HTTP/1.1\r\nHost: gw\r\n\n"),
        ("LF alone in front", "\nGET / HTTP/1.1\r\nHost: gw\r\n\r\n"),
        ("only LF", "GET / HTTP/1.1\nHost: gw\n\n"),
        ("folded first header", "GET / HTTP/1.1\r\n X: a\r\nHost: gw\r\n\r\n"),
        ("two lengths", "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 3, 4\r\n\r\nabc"),
        ("a signed length", "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: +3\r\n\r\nabc"),
        ("a negative length", "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: -1\r\n\r\nabc"),
        ("a length in hex", "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 0x3\r\n\r\nabc"),
        (
            "a length over 64 bits",
            "POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 18446744073709551617\r\n\r\na",
        ),
        ("unknown coding", "POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (
            "chunked not last",
            "POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ),
        ("identity", "POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: identity\r\n\r\n"),
        ("vertical tab", "POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
        ("chunked in 1.0", "POST / HTTP/1.0\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (
            "space before the colon",
            "POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "folded line",
            "POST / HTTP/1.1\r\nHost: gw\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("NUL in a value", "GET / HTTP/1.1\r\nHost: gw\r\nX: a\0b\r\n\r\n"),
        ("bare CR in a value", "GET / HTTP/1.1\r\nHost: gw\r\nX: a\rContent-Length: 3\r\n\r\n"),
        ("no name", "GET / HTTP/1.1\r\nHost: gw\r\n: x\r\n\r\n"),
        ("space in the target", "GET /a b HTTP/1.1\r\nHost: gw\r\n\r\n"),
        ("unknown version", "GET / HTTP/1.9\r\nHost: gw\r\n\r\n"),
        ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("no Host", "GET / HTTP/1.1\r\n\r\n"),
        ("two Hosts", "GET / HTTP/1.1\r\nHost: gw\r\nHost: gw\r\n\r\n"),
        ("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        ("user in Host", "GET / HTTP/1.1\r\nHost: user@gw\r\n\r\n"),
        ("path in Host", "GET / HTTP/1.1\r\nHost: gw/@b\r\n\r\n"),
        ("query in Host", "GET / HTTP/1.1\r\nHost: gw?x\r\n\r\n"),
        ("fragment in Host", "GET / HTTP/1.1\r\nHost: gw#x\r\n\r\n"),
        ("space in Host", "GET / HTTP/1.1\r\nHost: gw evil\r\n\r\n"),
        ("list in Host", "GET / HTTP/1.1\r\nHost: gw, evil\r\n\r\n"),
        ("Host against target", "GET http://other/ HTTP/1.1\r\nHost: gw\r\n\r\n"),
    ];
    for (what, request) in refused {
        let answer = ask(&stage, format!("{request}{NEXT}").as_bytes()).await;
        let statuses = statuses(&answer);
        assert_eq!(statuses, ["400"], "{what}: {answer}");
        assert!(answer.contains("FX-1201") && answer.contains("x-request-id: "), "{what}: {answer}");
        assert_eq!(stage.seen(), [""; 0], "{what}: {answer}");
    }
    let connect = ask(&stage, b"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n").await;
    assert_eq!(statuses(&connect), ["405"]);
}

#[tokio::test]
async fn a_bad_request_behind_a_good_one_takes_nothing_from_it() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let good = [
        "POST /echo HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ];
    let bad = "HEAD / HTTP/1.1\r\nHost: gw\r\nAccept: text/html\r\nContent-Length: x\r\n\r\n";
    for good in good {
        let answer = ask(&stage, format!("{good}{good}{bad}{NEXT}").as_bytes()).await;
        assert_eq!(statuses(&answer), ["200", "200", "400"], "{answer}");
        assert_eq!(stage.seen(), ["a POST /echo"; 2]);
        let refusal = answer.rsplit_once("HTTP/1.1 400").unwrap().1;
        assert!(refusal.contains("text/html") && refusal.ends_with("\r\n\r\n"), "no body: {refusal}");
    }
}

#[tokio::test]
async fn malformed_chunks_break_the_request_off() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    for chunks in [
        "3\r\nabcX\r\n0\r\n\r\n",
        "g\r\n",
        "-1\r\n",
        "0x3\r\nabc\r\n",
        "fffffffffffffffff\r\n",
        "3\nabc\r\n0\r\n\r\n",
    ] {
        let request =
            format!("POST /echo HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{NEXT}");
        let answer = ask(&stage, request.as_bytes()).await;
        assert!(!stage.seen().iter().any(|line| line.contains("smuggled")), "{chunks:?}: {answer}");
    }
}

#[tokio::test]
async fn heads_have_a_size() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let line = format!("GET /{} HTTP/1.1\r\nHost: gw\r\n\r\n", "a".repeat(70_000));
    let answer = ask(&stage, line.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 414") && answer.contains("FX-1214"), "{answer}");
    let value = format!("GET / HTTP/1.1\r\nHost: gw\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    let answer = ask(&stage, value.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("FX-1215"), "{answer}");
    let many = format!("GET / HTTP/1.1\r\nHost: gw\r\n{}\r\n", "X: 1\r\n".repeat(101));
    let answer = ask(&stage, many.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("FX-1215"), "{answer}");
    assert_eq!(stage.seen().len(), 0);
    let good = format!("GET /{} HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n", "a".repeat(8192));
    assert_eq!(statuses(&ask(&stage, good.as_bytes()).await), ["200"]);
}

#[tokio::test]
async fn slow_heads_and_silent_connections_end_after_ten_seconds() {
    let stage = Stage::new().await;
    let began = Instant::now();
    let mut plain = TcpStream::connect(stage.address).await.unwrap();
    let mut silent = stage.connect(&["http/1.1"]).await;
    let mut silent2 = stage.connect(&["h2"]).await;
    let mut slow = stage.connect(&["http/1.1"]).await;
    let dribble = async {
        for byte in b"GET / HTTP/1.1\r\nHost: gw\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaa" {
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        began.elapsed()
    };
    let mut buffer = Vec::new();
    let (mut h1, mut h2) = (Vec::new(), Vec::new());
    let (dribbled, _, _, _) = tokio::join!(
        dribble,
        plain.read_to_end(&mut buffer),
        silent.read_to_end(&mut h1),
        silent2.read_to_end(&mut h2)
    );
    let (took, least) = (began.elapsed(), Duration::from_secs(9));
    assert!(
        took > least && took < Duration::from_secs(14) && dribbled < Duration::from_secs(14),
        "{took:?} {dribbled:?}"
    );
}

#[tokio::test]
async fn a_slow_body_is_answered_with_408() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let mut stream = stage.connect(&["http/1.1"]).await;
    let head = "POST /trailers HTTP/1.1\r\nHost: gw\r\nContent-Length: 100000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let feeding = tokio::spawn(async move {
        while writer.write_all(&[0; 100]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let began = Instant::now();
    let mut all = vec![0; 16_384];
    let count = tokio::time::timeout(Duration::from_secs(15), reader.read(&mut all)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&all[..count]);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("FX-1211"), "{answer}");
    assert!(began.elapsed() > Duration::from_secs(9));
    feeding.abort();
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_is_told() {
    let mut stage = Stage::with(Limits { connections_per_address: 2, ..Limits::default() }, &[]).await;
    stage.node("a").await;
    let held = [stage.connect(&["http/1.1"]).await, stage.connect(&["http/1.1"]).await];
    let request = b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n";
    let answer = ask(&stage, request).await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("FX-1212"), "{answer}");
    drop(held);
    stage.settle().await;
    assert_eq!(statuses(&ask(&stage, request).await), ["200"]);
    let one = NonZeroU32::new(1).unwrap();
    let stage = Stage::with(Limits { new_per_second: one, new_burst: one, ..Limits::default() }, &[]).await;
    let _first = stage.connect(&["http/1.1"]).await;
    let second = TcpStream::connect(stage.address).await.unwrap();
    assert!(handshake(second, &stage.pem, &[]).await.is_err(), "closed before TLS");
}

#[tokio::test]
async fn plain_http_is_told_to_use_https() {
    let stage = Stage::new().await;
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
}

#[tokio::test]
async fn a_proxy_header_is_believed_only_from_balancers() {
    let v1 = b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n".to_vec();
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([198, 51, 100, 7, 192, 0, 2, 1, 0x12, 0x67, 1, 0xbb]);
    let request = b"GET /headers HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n";
    let mut stage = Stage::with(Limits::default(), &["127.0.0.0/8"]).await;
    stage.node("a").await;
    for header in [v1.clone(), v2] {
        let mut socket = TcpStream::connect(stage.address).await.unwrap();
        socket.write_all(&header).await.unwrap();
        let mut stream = handshake(socket, &stage.pem, &[]).await.unwrap();
        stream.write_all(request).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(
            answer.contains("x-forwarded-for: 198.51.100.7") && answer.contains("198.51.100.7:4711"),
            "{answer}"
        );
    }
    for bad in
        [&b"PROXY TCP4 x y z\r\n"[..], b"GARBAGE GARBAGE", &[b'P'; 200], b"\x16\x03\x01\0\0\0\0\0\0\0\0\0"]
    {
        let mut socket = TcpStream::connect(stage.address).await.unwrap();
        socket.write_all(bad).await.unwrap();
        assert_eq!(rest(&mut socket).await, "");
    }
    let stranger = Stage::new().await;
    let mut socket = TcpStream::connect(stranger.address).await.unwrap();
    socket.write_all(&v1).await.unwrap();
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "nobody asked it to speak PROXY: {answer}");
}
